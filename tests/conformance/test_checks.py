"""The checks themselves: correct components pass all of them, and each check can fail."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest
import small

from aukit.components import Component
from aukit.testing import (
    CheckFailed,
    CheckSkipped,
    Subject,
    checks_for,
    drawn,
    parametrize_with_checks,
    run_checks,
)
from aukit.testing.heads import turned_heads

CORRECT = [
    *(Subject(small.component(kind, cls)) for kind, cls in small.KINDS.items()),
    Subject(small.component("aligner", "Turner", **small.SOLID), faces=turned_heads),
]

# Check -> the kind, and the component that it must find out.
FINDS_OUT = {
    "check_construction_is_harmless": ("metric", "WritesWhenBuilt CallsHomeWhenBuilt"),
    "check_value_names_and_shapes": ("metric", "ForgetsAScore"),
    "check_frames_can_stream_in_any_order": ("metric", "CountsFrames"),
    "check_masked_entries_are_ignored": ("metric", "LooksUnderTheMask"),
    "check_nothing_is_undefined": ("metric", "UndefinedIsZero"),
    "check_perfect_predictions_score_best": ("metric", "LikesNoise"),
    "check_results_are_in_order": ("executor", "Disordered"),
    "check_first_exception_comes_in_its_place": ("executor", "SwallowsErrors"),
    "check_items_in_flight_are_bounded": ("executor", "TakesEverything"),
    "check_cluster_has_room": ("executor", "HasNoRoom"),
    "check_plan_keeps_the_contract": ("balancer", "InventsFrames"),
    "check_real_rows_have_the_level_they_claim": ("balancer", "ShiftsLevels"),
    "check_synthetic_rows_ask_for_their_level": ("balancer", "AsksForNothing ShiftsLevels"),
    "check_plan_is_a_function_of_labels_and_seed": ("balancer", "Forgetful"),
    "check_row_order_changes_nothing": ("balancer", "AvoidsTheFirstRows"),
    "check_uncoded_frames_change_nothing": ("balancer", "CountsUncoded"),
    "check_index_keeps_the_contract": ("data", "UntranslatedCode DoubledIds"),
    "check_index_is_stable": ("data", "RenamesFrames"),
    "check_frames_come_in_the_order_of_their_rows": ("data", "DropsSilently NoReason"),
    "check_pictures_do_not_depend_on_what_else_is_read": ("data", "DependsOnTheBatch"),
    "check_truth_follows_the_targets": ("data", "IgnoresTheTarget"),
    "check_pictures_without_a_face_give_none": ("landmarker", "SeesFacesEverywhere"),
    "check_faces_keep_the_contract": ("landmarker", "OutsideThePicture BreaksItsScheme"),
    "check_faces_are_found": ("landmarker", "NeverFinds"),
    "check_faces_do_not_depend_on_the_batch": ("landmarker", "FirstPictureOnly"),
    "check_aligned_faces_keep_the_contract": ("aligner", "FloatPictures"),
    "check_transform_carries_landmarks": ("aligner", "WrongTransform"),
    "check_transform_explains_the_picture": ("aligner", "OtherPicture"),
    "check_moved_faces_are_aligned_alike": ("aligner", "NoRotation"),
    "check_missing_face_is_a_reason": ("aligner", "InventsAFace"),
    "check_aligned_faces_do_not_depend_on_the_batch": ("aligner", "MixesTheBatch"),
    "check_unusable_landmarks_are_a_reason": ("aligner", "ChokesOnNothing"),
    "check_valid_pixels_show_the_picture": ("aligner", "AllIsValid"),
    "check_painted_faces_keep_the_contract": ("synth", "PaintsFloats"),
    "check_targets_are_seen": ("synth", "PaintsTheSame"),
    "check_masked_targets_are_ignored": ("synth", "SeesMaskedTargets"),
    "check_seeds_and_faces_decide_alone": ("synth", "SeedsByPosition"),
    "check_saved_synthesizer_is_the_same": ("synth", "SavesNothingUseful Pickles"),
    "check_normalized_faces_keep_the_contract": ("normalizer", "KeepsBytes"),
    "check_unseen_people_can_be_normalized": ("normalizer", "ForgetsTheFirstSource"),
    "check_normalized_faces_do_not_depend_on_the_batch": ("normalizer", "MeanOfTheBatch"),
    "check_saved_normalizer_is_the_same": ("normalizer", "LoadsNothing"),
    "check_predictions_keep_the_contract": ("estimator", "LeavesTheScale"),
    "check_learns_drawn_faces_by_heart": ("estimator", "LearnsNothing"),
    "check_masked_labels_change_nothing": ("estimator", "ReadsMaskedLabels"),
    "check_predictions_do_not_depend_on_the_batch": ("estimator", "NormalizesTheBatch"),
    "check_saved_estimator_is_the_same": ("estimator", "LoadsZeros"),
    "check_calibration_reads_no_labels": ("estimator", "CalibratesOnCodes"),
    "check_judge_says_what_it_measures": ("judge", "JudgesBeauty NamesNoUnit"),
    "check_looks_keep_the_contract": ("judge", "LooksInDoubles"),
    "check_calibrated_looks_stay_on_the_scale": ("judge", "LeavesTheJudgesScale"),
    "check_looks_do_not_depend_on_the_batch": ("judge", "ComparesWithTheBatch"),
    "check_looking_changes_no_picture": ("judge", "Darkens"),
}

SOLID_FINDS_OUT = {
    "check_moved_heads_are_shown_alike": "KeepsItsTilt",
    "check_views_keep_the_contract": "TurnsTheFrontToo",
}


@parametrize_with_checks(CORRECT)
def test_correct_components_pass(subject: Subject, check: Any) -> None:
    check(subject)


def _check(kind: str, name: str) -> Any:
    checks = checks_for(small.component(kind, small.KINDS[kind]))
    return next(check for check in checks if check.__name__ == name)


@pytest.mark.parametrize(
    ("name", "kind", "cls"),
    [(n, kind, cls) for n, (kind, classes) in FINDS_OUT.items() for cls in classes.split()],
)
def test_broken_components_are_found_out(name: str, kind: str, cls: str) -> None:
    pictures = (lambda: drawn.scenes(3)[0]) if kind == "landmarker" else None
    subject = Subject(small.component(kind, cls, "broken"), pictures=pictures)
    with pytest.raises((CheckFailed, KeyError)):
        _check(kind, name)(subject)


@pytest.mark.parametrize("name", SOLID_FINDS_OUT)
def test_broken_3d_aligners_are_found_out(name: str) -> None:
    record = small.component("aligner", SOLID_FINDS_OUT[name], "broken", **small.SOLID)
    check = next(check for check in checks_for(record) if check.__name__ == name)
    with pytest.raises(CheckFailed):
        check(Subject(record, faces=turned_heads))


@dataclass(frozen=True)
class Unhelpful:
    """Options without help."""

    number: int = 1


@dataclass(frozen=True)
class Unwritable:
    """Options that no run file can hold."""

    number: int = field(default=1, metadata={"help": "x"})
    hidden: str = field(default="a", metadata={"help": "x"})

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", self.hidden + "!")


def _metric(**fields: Any) -> Component:
    return small.component("metric", "Metric", **fields)


@pytest.fixture
def heavy() -> Any:
    """A module whose import pulls in torch, and that holds the options of a component."""
    module = ModuleType("small")
    options = dataclasses.make_dataclass("Options", [], frozen=True)
    options.__module__ = module.__name__
    return options


BAD_RECORDS = {
    "no summary": ("check_record", {"summary": " "}),
    "long summary": ("check_record", {"summary": "x" * 73}),
    "no licence": ("check_record", {"licence": ""}),
    "no help": ("check_record", {"config": Unhelpful}),
    "options change": ("check_options_survive_a_run_file", {"config": Unwritable}),
    "bad preset": ("check_presets_can_be_built", {"presets": {"quick": {"count": "many"}}}),
    "not picklable": ("check_options_cross_processes", {"paper": lambda: None}),
}


@pytest.mark.parametrize("case", BAD_RECORDS)
def test_bad_records_are_found_out(case: str) -> None:
    name, fields = BAD_RECORDS[case]
    with pytest.raises(CheckFailed):
        _check("metric", name)(Subject(_metric(**fields)))


def test_heavy_plugin_modules_are_found_out(heavy: Any) -> None:
    with pytest.raises(CheckFailed, match="torch"):
        _check("metric", "check_plugin_module_is_light")(Subject(_metric(config=heavy)))


def test_permissive_options_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    any_kind = sys.modules["aukit.testing.any_kind"]
    monkeypatch.setattr(any_kind, "build", lambda component, layers: (None, {}))
    with pytest.raises(CheckFailed, match="unknown option"):
        _check("metric", "check_unknown_option_is_refused")(Subject(_metric()))


def test_every_check_is_shown_to_fail() -> None:
    shown = {*FINDS_OUT, *SOLID_FINDS_OUT, *(name for name, _ in BAD_RECORDS.values())}
    shown |= {"check_plugin_module_is_light", "check_unknown_option_is_refused"}
    known = {check.__name__ for subject in CORRECT for check in checks_for(subject.component)}
    assert shown == known


def test_outcomes_without_pytest() -> None:
    subject = Subject(small.component("metric", "UndefinedIsZero", "broken"))
    outcomes = {outcome.check: outcome for outcome in run_checks(subject)}
    assert outcomes["check_nothing_is_undefined"].result == "failed"
    assert "not NaN" in outcomes["check_nothing_is_undefined"].reason
    assert outcomes["check_record"].result == "passed"
    known = {"check_nothing_is_undefined": "zero is our habit"}
    again = {outcome.check: outcome for outcome in run_checks(subject, known)}
    assert again["check_nothing_is_undefined"].result == "expected"
    assert again["check_nothing_is_undefined"].reason == "zero is our habit"


def test_missing_packages_skip_and_are_named() -> None:
    subject = Subject(_metric(requires=("no_such_package",)))
    outcomes = list(run_checks(subject))
    assert {outcome.result for outcome in outcomes} == {"skipped"}
    assert "no_such_package" in outcomes[0].reason


def test_planar_checks_are_left_out_for_non_planar_aligners() -> None:
    planar = small.component("aligner", "Aligner")
    other = dataclasses.replace(planar, tags=("non-planar",))
    left_out = {c.__name__ for c in checks_for(planar)} - {c.__name__ for c in checks_for(other)}
    assert "check_transform_carries_landmarks" in left_out


def test_aligners_of_other_landmarks_are_skipped_not_passed() -> None:
    record = small.component("aligner", "Aligner", accepts=("dense-478",))
    with pytest.raises(CheckSkipped, match="dense-478"):
        _check("aligner", "check_transform_carries_landmarks")(Subject(record))


def test_expected_failures_become_strict_xfails() -> None:
    subject = Subject(small.component("metric", "UndefinedIsZero", "broken"))
    mark = parametrize_with_checks(
        [subject], lambda _: {"check_nothing_is_undefined": "known"}
    ).mark
    (marked,) = [p for p in mark.args[1] if p.marks]
    assert "nothing_is_undefined" in marked.id
    assert marked.marks[0].kwargs == {"reason": "known", "strict": True}
