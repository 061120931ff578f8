"""From run files and typed settings to cells and runs; nothing is computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aukit.comparison.axes import flat, split
from aukit.comparison.definition import define
from aukit.comparison.planned import Comparison, plan_comparison
from aukit.comparison.summary import not_shown
from aukit.config.resolve import nest
from aukit.errors import ConfigError
from aukit.registry.loading import Registry
from aukit.runs.folder import FINISHED, named_folder
from aukit.store.files import digest, write_json

REGISTRY = Registry(only=["aukit-facs"])


def planned(
    output: Path, typed: dict[str, str], file: Path | None = None, **overrides: Any
) -> Comparison:
    definition = define(REGISTRY, file, {"preset": "quick", **typed}, **overrides)
    return plan_comparison(REGISTRY, definition, output)


def labels(comparison: Comparison) -> list[str]:
    return [cell.label for cell in comparison.cells]


def written(folder: Path, text: str) -> Path:
    path = folder / "grid.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_value_is_combined_with_every_other(tmp_path: Path) -> None:
    typed = {"aligner": "2d,3d", "synth": "none,ganimation-ids,lacgan"}
    comparison = planned(tmp_path, typed, seeds="3")
    assert labels(comparison) == [
        "2d, none", "2d, ganimation-ids", "2d, lacgan",
        "3d, none", "3d, ganimation-ids", "3d, lacgan",
    ]  # fmt: skip
    assert comparison.cells[1].choices == {"aligner": "2d", "synth": "ganimation-ids"}
    assert [trial.seed for trial in comparison.trials[:3]] == [0, 1, 2]
    assert comparison.trials[4].name == "2d-ganimation-ids-seed1"
    components = comparison.trials[4].config.components
    assert components["aligner"].component.name == "procrustes"  # type: ignore[union-attr]
    assert comparison.trials[4].config.options.seed == 1
    assert comparison.baseline.label == "2d, none"


def test_an_option_is_set_where_the_component_has_it(tmp_path: Path) -> None:
    typed = {"synth": "none,ganimation,ganimation-ids", "synth.l_idt": "0,1", "synth.size": "64"}
    comparison = planned(tmp_path, typed)
    assert labels(comparison) == [
        "none",
        "ganimation, l_idt 0", "ganimation, l_idt 1",
        "ganimation-ids, l_idt 0", "ganimation-ids, l_idt 1",
    ]  # fmt: skip
    assert comparison.cells[0].choices == {"synth": "none"}
    sizes = [t.config.components["synth"] for t in comparison.trials]
    assert [s and s.options.size for s in sizes] == [None, 64, 64, 64, 64]


def test_options_of_roles_are_axes_too(tmp_path: Path) -> None:
    comparison = planned(tmp_path, {"test.data.views": "frontal,fera17"})
    assert labels(comparison) == ["test views frontal", "test views fera17"]
    assert comparison.trials[1].config.roles["test"].data.options.views == "fera17"
    assert comparison.trials[1].config.roles["train"].data.options.views == "frontal"


@pytest.mark.parametrize(
    ("key", "text", "values"),
    [
        ("aligner", "2d, 3d", ("2d", "3d")),
        ("aus", "1,4,12", ("1,4,12",)),
        ("aus", "1,4;12", ("1,4", "12")),
        ("judge", "blendshapes,mobilenet", ("blendshapes,mobilenet",)),
        ("views", "0,0 -20,40", ("0,0 -20,40",)),
        ("views", "none;0,0 -20,40", ("none", "0,0 -20,40")),
        ("test.data.domain", "a,b", ("a", "b")),
        ("synth.l_ids", "0,0.5", ("0", "0.5")),
        ("train.partition", "train", ("train",)),
    ],
)
def test_commas_separate_values_unless_they_belong_to_one(
    key: str, text: str, values: tuple[str, ...]
) -> None:
    assert split(REGISTRY, key, text) == values


def test_nested_settings_become_dotted_ones_and_back() -> None:
    document = {"seed": 1, "test": {"aligner": {"name": "2d", "size": 64}, "partition": "valid"}}
    keys = dict(flat(document))
    assert keys == {
        "seed": 1,
        "test.aligner": "2d",
        "test.aligner.size": 64,
        "test.partition": "valid",
    }
    assert nest(keys) == document


FILE = """
aligner = "3d"

[grid]
title = "A table"
synth = ["none", "ganimation"]
seeds = [0, 7]
baseline = "b, none"

[cells.a]
test.aligner = "2d"

[cells.b]
balancer.per_level = 500

[cells.b.quick]
balancer.per_level = 20

[published."a, none"]
mean = 0.5
"""


def test_a_run_file_names_axes_and_cells(tmp_path: Path) -> None:
    comparison = planned(tmp_path, {}, written(tmp_path, FILE))
    assert labels(comparison) == ["a, none", "a, ganimation", "b, none", "b, ganimation"]
    assert comparison.baseline.label == "b, none"
    assert [trial.seed for trial in comparison.trials[:2]] == [0, 7]
    a, b = comparison.trials[0].config, comparison.trials[4].config
    assert a.roles["test"].aligner.component.name == "procrustes"
    assert a.need("balancer").options.per_level == 150
    assert b.need("balancer").options.per_level == 20  # with the preset quick only
    assert comparison.definition.title == "A table"
    assert comparison.definition.published == {"a, none": {"mean": 0.5}}


def test_published_numbers_that_stand_beside_nothing_are_named(tmp_path: Path) -> None:
    file = written(tmp_path, FILE + "[published.nobody]\nmean = 0.1\n")
    (note,) = not_shown(planned(tmp_path, {}, file), ["icc"])
    assert "of 'nobody' are not shown" in note
    (_, other) = not_shown(planned(tmp_path, {}, file), ["f1", "mae"])
    assert "are for 'icc', which is not one of: f1, mae" in other


def test_what_is_typed_is_stronger_than_the_file(tmp_path: Path) -> None:
    typed = {"synth": "lacgan", "balancer.per_level": "3", "preset": "paper"}
    comparison = planned(tmp_path, typed, written(tmp_path, FILE), seeds="1", baseline="b")
    assert labels(comparison) == ["a", "b"]
    assert {t.config.need("balancer").options.per_level for t in comparison.trials} == {3}
    assert len(comparison.trials) == 2


@pytest.mark.parametrize("chosen", ['synth = "none"', '[cells.real.synth]\nname = "none"'])
def test_a_component_that_a_cell_chooses_stays(tmp_path: Path, chosen: str) -> None:
    text = f'synth = "ganimation"\n[cells.real]\n{chosen}\n[cells.synthetic]'
    file = written(tmp_path, text)
    real, synthetic = planned(tmp_path, {"synth": "lacgan"}, file).trials
    assert real.config.components["synth"] is None
    assert synthetic.config.need("synth").component.name == "lacgan"


def test_what_a_cell_sets_cannot_have_several_values(tmp_path: Path) -> None:
    file = written(tmp_path, '[cells.a]\nsynth = "none"\n[cells.b]')
    with pytest.raises(ConfigError, match="cell a sets synth, which has several values"):
        planned(tmp_path, {"synth": "lacgan,ganimation"}, file)


def test_a_component_that_every_cell_chooses_cannot_be_typed(tmp_path: Path) -> None:
    file = written(tmp_path, '[cells.a]\nsynth = "none"\n[cells.b]\nsynth = "ganimation"')
    with pytest.raises(ConfigError, match="every cell of the file chooses its own synth"):
        planned(tmp_path, {"synth": "lacgan"}, file)


def test_the_folder_is_the_same_for_more_values_and_another_for_other_settings(
    tmp_path: Path,
) -> None:
    first = planned(tmp_path, {"aligner": "2d,3d"}).folder
    assert planned(tmp_path, {"aligner": "2d,3d,facemesh"}, seeds="5").folder == first
    assert planned(tmp_path, {"aligner": "2d,3d", "data.size": "64"}).folder != first
    assert first.name.startswith("compare-aligner-")


def test_a_run_of_another_configuration_is_not_taken_for_finished(tmp_path: Path) -> None:
    comparison = planned(tmp_path, {"aligner": "2d,facemesh"})
    first, second = comparison.trials
    folder = comparison.place(first)
    folder.mkdir(parents=True)
    write_json(folder / "state.json", {"state": FINISHED, "config": digest(first.config.to_json())})
    assert comparison.is_finished(first)
    assert not comparison.is_finished(second)
    other = named_folder(folder, second.config)
    assert other == folder.with_name("2d-seed0-2")


def test_runs_whose_names_a_file_cannot_tell_apart_have_folders_of_their_own(
    tmp_path: Path,
) -> None:
    typed = {"synth": "ganimation", "aligner": "3d", "views": "0,-20;0,20"}
    comparison = planned(tmp_path, typed)
    assert [trial.name for trial in comparison.trials] == [
        "views-0-20-seed0", "views-0-20-seed0-2"
    ]  # fmt: skip


def test_folds_are_runs_of_a_cell(tmp_path: Path) -> None:
    comparison = planned(tmp_path, {"aligner": "2d,3d"}, folds="3")
    assert [trial.fold for trial in comparison.trials[:3]] == ["1/3", "2/3", "3/3"]
    assert comparison.trials[1].name == "2d-seed0-fold2of3"
    assert comparison.trials[1].config.options.fold == "2/3"


def test_leaving_one_out_makes_a_fold_for_each_person(tmp_path: Path) -> None:
    few = {"data.train": "2", "data.valid": "1", "data.test": "1", "data.tasks": "1"}
    comparison = planned(tmp_path, few, folds="loso")
    assert [trial.fold for trial in comparison.trials] == [f"loso:{n}" for n in range(1, 5)]


@pytest.mark.parametrize(
    ("typed", "overrides", "message"),
    [
        ({"aligner": "2d,,3d"}, {}, "a value is empty"),
        ({"aligner": "2d,4d"}, {}, "unknown aligner '4d'"),
        ({"aligner": "2d,procrustes"}, {}, "'2d' and 'procrustes' are the same run"),
        ({"synth": "none,lacgan", "synth.sise": "3"}, {}, "no option 'sise'"),
        ({"aligner.size": "64,big"}, {}, "cell size big: .*'big' is not a whole number"),
        ({"aligner": "2d,3d"}, {"baseline": "4d"}, "the baseline '4d' is not a cell"),
        ({"seed": "3"}, {"seeds": "2"}, "seed is set .*, and seeds are too"),
        ({"seed": "1,2"}, {}, "seed has several values"),
        ({}, {"seeds": "0"}, "has no seeds"),
        ({}, {"seeds": "1,1"}, "or repeats one"),
        ({}, {"seeds": "few"}, "'few' is not a whole number"),
        ({"fold": "1/3"}, {"folds": "3"}, "fold is set, and folds are too"),
        ({}, {"folds": "some"}, "unknown folds 'some'"),
        ({}, {"folds": ""}, "unknown folds ''"),
        ({"normalizer": "none,au0,none"}, {}, "normalizer has the value 'none' twice"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused_in_one_line(
    tmp_path: Path, typed: dict[str, str], overrides: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        planned(tmp_path, typed, **overrides)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[grid]\naligner = []", r"the axis grid\.aligner has no values"),
        ('[grid]\naligner = "2d"', r"grid\.aligner must be a list"),
        ("grid = 3", "grid must be a table"),
        ("[cells]\na = 3", r"cells\.a must be a table"),
        ("quick = 3", "quick must be a table"),
        ("[grid]\nbaseline = 5", r"grid\.baseline must be text, not 5"),
        ("[grid]\nfolds = 0", "0 is not a valid number of folds"),
        ('[grid]\nsynth = ["none"]\n[cells.a]\nsynth = "none"', r"cells\.a sets synth, which"),
        ("[published]\na = 3", r"published\.a must be a table"),
        ('[published.a]\nmean = "high"', r"published\.a\.mean: 'high' is not a number"),
        ("[published.a]\nAU1 = 0.5", r"published\.a has a number for AU1"),
        ('[grid]\nalinger = ["2d", "3d"]', "has no option 'alinger'"),
    ],
)
def test_a_run_file_that_is_no_grid_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        planned(tmp_path, {}, written(tmp_path, text))
