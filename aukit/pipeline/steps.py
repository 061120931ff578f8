"""The steps of a run, in order: their stages and inputs."""

from __future__ import annotations

import logging
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc

from aukit.config.choice import Choice
from aukit.data.records import ALL, DROPPED, TRAIN, VALID
from aukit.defaults import YARDSTICK
from aukit.errors import DataError
from aukit.faces.stored import read_rows
from aukit.pipeline.house_rules import refuse_shared_people
from aukit.pipeline.role_faces import RoleFaces
from aukit.pipeline.runner import Runner
from aukit.pipeline.stage import Fitted, Stage
from aukit.pipeline.stages.align import Align
from aukit.pipeline.stages.fit_estimator import FitAlone, FitEstimator
from aukit.pipeline.stages.fit_normalizer import FitNormalizer
from aukit.pipeline.stages.fit_synth import FitSynth, Watched
from aukit.pipeline.stages.fold import PeopleOfFold
from aukit.pipeline.stages.index import Index
from aukit.pipeline.stages.plan import Plan
from aukit.pipeline.stages.predict import Predict
from aukit.pipeline.stages.score_card import ScoreCard
from aukit.pipeline.stages.show_views import ShowViews, needed_landmarker
from aukit.pipeline.stages.synthesize import Synthesize
from aukit.pipeline.stages.training_set import synthetic_requests
from aukit.runs.names import FIT_YARDSTICK, PLAN, PREDICT_YARDSTICK
from aukit.runs.results import Results
from aukit.store.files import read_table
from aukit.store.stages import Result

_log = logging.getLogger(__name__)

STAGES: tuple[type[Stage], ...] = (
    Index, Align, PeopleOfFold, Plan, FitSynth, Synthesize, ShowViews, FitNormalizer, FitEstimator,
    ScoreCard, Predict,
)  # fmt: skip
"""The stages of a run, in order."""


@dataclass(frozen=True)
class Faces:
    """The registered faces of a run.

    Attributes:
        aus: AUs to estimate, in FACS order.
        train, valid, test: faces of the roles train and test; `valid` is None without validation
            people.
        synth_fit, synth_paint: faces of the synthesizer's roles; None without a synthesizer.
    """

    aus: tuple[str, ...]
    train: Result
    valid: Result | None
    test: Result
    synth_fit: Result | None = None
    synth_paint: Result | None = None


def registered(runner: Runner) -> Faces:
    """Register the faces of all roles."""
    config, roles = runner.run.config, RoleFaces(runner)
    aus = roles.aus
    roles.require_one_kind()
    partition = config.roles["test"].partition
    train = roles.need("train", "train", TRAIN)
    valid = roles.find("valid", "train", VALID)
    test = roles.need("test", "test", partition)
    fit = paint = None
    if config.components["synth"] is not None:
        roles.require_one_alignment()
        fit = roles.need("synth-fit", "synth-fit", TRAIN)
        paint = roles.need("synth-paint", "synth-paint", TRAIN)
    if roles.division or partition == ALL:
        parts = ((TRAIN, train), (VALID, valid), (partition, test), (TRAIN, fit))
        refuse_shared_people((name, found.folder) for name, found in parts if found is not None)
    return Faces(aus, train, valid, test, fit, paint)


def planned(runner: Runner, faces: Faces) -> tuple[Result, Result | None]:
    """The plan, left in the run folder; and that of a run without a synthesizer for a judge."""
    config, seed = runner.run.config, runner.run.config.options.seed
    paint = faces.synth_paint or faces.train
    views = config.options.planned_views
    plan = runner.result(Plan(config.need("balancer"), faces.train, paint, faces.aus, seed, views))
    shutil.copyfile(plan.folder / PLAN, runner.run.folder / PLAN)
    if config.reference is None:
        return plan, None
    real = Plan(config.reference, faces.train, faces.train, faces.aus, seed)
    return plan, runner.result(real, "plan-real")


def fitted_synthesizer(runner: Runner, faces: Faces) -> Fitted | None:
    """The fitted synthesizer, if the run has one."""
    if faces.synth_fit is None:
        return None
    return fit_synth(runner, faces.synth_fit, faces.valid, faces.aus)


def fit_synth(runner: Runner, faces: Result, valid: Result | None, aus: tuple[str, ...]) -> Fitted:
    """Fit the synthesizer on `faces`, with previews on `valid`."""
    config = runner.run.config
    choice, role = config.need("synth"), config.roles["train"]
    watched = None
    if valid is not None:
        watched = Watched(valid, role.data, role.landmarker, role.aligner)
    return Fitted(choice, runner.result(FitSynth(choice, faces, aus, config.options.seed, watched)))


def synthesized(runner: Runner, faces: Faces, plan: Result, synth: Fitted | None) -> Result | None:
    """The synthetic faces of the plan, in the views the estimator will see."""
    requests = synthetic_requests(read_table(plan.folder / PLAN), faces.aus)
    if requests.num_rows == 0:
        return None
    if synth is None or faces.synth_paint is None:
        raise DataError(
            f"the plan needs {requests.num_rows} synthetic faces, but no synthesizer is chosen",
            "choose one with --synth, or another --balancer",
        )
    options, role = runner.run.config.options, runner.run.config.roles["synth-paint"]
    stage = Synthesize(synth, faces.synth_paint, plan, faces.aus, options.seed)
    painted = runner.result(stage)
    if not options.shown_views:
        return painted
    landmarker = needed_landmarker(role.aligner, role.landmarker)
    views, chosen = options.shown_views, plan if options.per_view else None
    return runner.result(ShowViews(painted, role.aligner, landmarker, views, faces.aus, chosen))


def fitted_normalizer(runner: Runner, faces: Faces, *, synthetic: bool) -> Fitted | None:
    """The fitted normalizer, if the run has one; it sees all people, but no labels of scored
    people."""
    config = runner.run.config
    choice = config.components["normalizer"]
    if choice is None:
        return None
    # A synthetic face's person may occur only among the faces to synthesize from.
    sources = (faces.train, faces.valid, faces.test, faces.synth_paint if synthetic else None)
    seen = tuple(dict.fromkeys(source for source in sources if source is not None))
    return Fitted(
        choice, runner.result(FitNormalizer(choice, seen, faces.aus, config.options.seed))
    )


def fitted_judge(runner: Runner, faces: Faces, reference: Result | None) -> Fitted | None:
    """The judge: the estimator of a run without a synthesizer. Both kinds of run share this
    result."""
    if runner.run.config.options.faces_on_card == 0 or reference is None:
        return None
    choice = runner.run.config.need("estimator")
    return _estimator(runner, choice, faces, reference, (faces.train,), None, "fit-judge")


def fitted_estimator(
    runner: Runner, faces: Faces, plan: Result, shown: Result | None, normalizer: Fitted | None
) -> Fitted | None:
    """The estimator, fitted on what the plan has chosen, if the run has one."""
    if not runner.run.config.estimates:
        return None
    choice = runner.run.config.need("estimator")
    learned = (faces.train, *([] if shown is None else [shown]))
    return _estimator(runner, choice, faces, plan, learned, normalizer, FitEstimator.name)


def measured_yardstick(runner: Runner, faces: Faces, plan: Result) -> Result | None:
    """The yardstick's predictions of the test faces; it is fitted on the real frames of a plan.

    Raises:
        DataError: it is not the default one and cannot estimate these faces.
    """
    choice = runner.run.config.yardstick
    if choice is None:
        return None
    try:
        fitted = _estimator(runner, choice, faces, plan, (faces.train,), None, FIT_YARDSTICK)
        seed = runner.run.config.options.seed
        return runner.result(Predict(fitted, faces.test, None, faces.aus, seed), PREDICT_YARDSTICK)
    except DataError as error:
        if choice.component.name != YARDSTICK:
            raise
        _log.warning(f"no scores of '{choice.component.name}' beside the run's own: {error}")
        return None


def _estimator(
    runner: Runner,
    choice: Choice,
    faces: Faces,
    plan: Result,
    learned: tuple[Result, ...],
    normalizer: Fitted | None,
    label: str,
) -> Fitted:
    seed = runner.run.config.options.seed
    # A refusal of the default yardstick does not end the run, and must not end other processes.
    kind = FitAlone if choice.component.name == YARDSTICK else FitEstimator
    stage = kind(choice, plan, learned, faces.valid, normalizer, faces.aus, seed)
    return Fitted(choice, runner.result(stage, label))


def predicted(runner: Runner, faces: Faces, estimator: Fitted, normalizer: Fitted | None) -> Result:
    """Predictions of the test faces."""
    seed = runner.run.config.options.seed
    return runner.result(Predict(estimator, faces.test, normalizer, faces.aus, seed))


def reported(runner: Runner, scores: Mapping[str, Any], card: Mapping[str, Any] | None) -> None:
    """Write `report.html`."""
    from aukit.pipeline.report.gather import gather
    from aukit.report import write_report

    with runner.work.progress.start("report"):
        data = gather(runner.run.results, scores, card)
        write_report(data, runner.run.folder / "report.html")


def dropped(results: Results) -> dict[str, int]:
    """Reason -> number of dropped frames over all roles; each result is counted once."""
    labels = ("train", "valid", "test", "synth-fit", "synth-paint")
    folders = {results.get(f"align-{label}") for label in labels}
    counts: Counter[str] = Counter()
    for rows in (read_rows(folder) for folder in folders if folder is not None):
        lost = rows.filter(pc.equal(rows.column("status"), DROPPED))
        counts.update(lost.column("reason").to_pylist())
    return dict(counts.most_common())
