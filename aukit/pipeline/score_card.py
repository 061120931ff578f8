"""The score card of a run: made as a part of it, or regenerated afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aukit.errors import DataError
from aukit.faces.alignment import alignment_of
from aukit.machine.devices import resolve_device
from aukit.pipeline.runner import Runner
from aukit.pipeline.stage import Fitted
from aukit.pipeline.stages.score_card import ScoreCard
from aukit.pipeline.work import Work
from aukit.progress import Progress
from aukit.registry.loading import Registry, resolve_weights
from aukit.runs.folder import Run
from aukit.runs.names import CARD, GRIDS
from aukit.runs.results import Results, open_results, store_of
from aukit.score_card.card import NO_CARD, Card, export_pictures
from aukit.score_card.judges import Seat, plugin_seats
from aukit.score_card.pictures import Recorder
from aukit.score_card.published import read_published
from aukit.store.files import read_document, write_json
from aukit.store.models import differences
from aukit.store.stages import Stages


def score_card(
    runner: Runner,
    synth: Fitted | None,
    judge: Fitted | None,
    count: int | None = None,
    *,
    strict: bool = False,
    whole: bool = False,
    published: Path | None = None,
) -> Card | None:
    """Make the card of a run and store it in the run folder; None without a synthesizer or card.

    Args:
        runner: of the run.
        synth: the synthesizer.
        judge: an estimator that knows real frames only; None in a run without an estimator.
        count: faces for each AU and level; that of the run if None.
        strict: refuse what can only be flagged otherwise.
        whole: ask for the labels of every test face, even if the run does not.
        published: file with detections that stand beside (`aukit.score_card.published`); that of
            the run if None.

    Raises:
        DataError: with `strict`, if a card is impossible.
    """
    results = runner.run.results
    asked = results.config.options.faces_on_card if count is None else count
    if synth is None or asked == 0:
        return None
    if complaint := _other_alignment(results):
        if strict:
            raise DataError(complaint, "a card needs one aligner for all roles")
        return _left(results, {**NO_CARD, "notes": [complaint]})
    seed = results.config.options.seed
    seats, notes = plugin_seats(results.config.judges.choices, runner.work.context(seed))
    stage = _stage(results, synth, judge, seats, asked, strict=strict, whole=whole)
    made = runner.result(stage)
    card = read_document(made.folder / CARD)
    path = published or results.config.options.card_published
    beside = {} if path is None else {"published": read_published(Path(path))}
    return _left(results, {**card, **beside, "notes": [*notes, *card["notes"]]})


def _stage(
    results: Results,
    synth: Fitted,
    judge: Fitted | None,
    seats: list[Seat],
    count: int,
    *,
    strict: bool,
    whole: bool,
) -> ScoreCard:
    role, options = results.config.roles["test"], results.config.options
    return ScoreCard(
        synth=synth,
        judge=judge,
        judges=tuple(seat.choice for seat in seats),
        data=role.data,
        landmarker=role.landmarker,
        aligner=role.aligner,
        faces=results.need("align-test"),
        calibration=results.need("align-train"),
        aus=results.aus,
        count=count,
        draws=options.draws,
        strict=strict,
        seed=options.seed,
        whole=whole or options.card_whole,
        synthesized=results.stages.get("synthesize"),
    )


def _other_alignment(results: Results) -> str:
    """Why a card is impossible, as roles may have their own aligners; empty if it is possible."""
    train, test = (alignment_of(results.need(f"align-{role}").folder) for role in ("train", "test"))
    details = differences(train, test)
    return f"no score card: test faces are aligned differently: {details}" if details else ""


def _left(results: Results, card: Card) -> Card:
    write_json(results.folder / CARD, dict(card))
    return card


def card_anew(
    folder: Path,
    registry: Registry,
    changes: Mapping[str, Any],
    origin: str,
    progress: Progress,
    device: str = "auto",
    count: int | None = None,
    *,
    whole: bool = False,
    published: Path | None = None,
) -> tuple[Card, Path]:
    """Replace the score card of a finished run, with other judges or another size.

    Args:
        folder: folder of the run.
        registry: where its components are looked up.
        changes: nested settings that replace those of the run.
        origin: where the changes come from.
        progress: shows progress.
        device: torch device name, or `auto`.
        count: faces per AU and level; the run's own setting if None.
        whole: synthesize the labels of every test face.
        published: file with published detection scores (`aukit.score_card.published`).

    Returns:
        the card, and the folder of its picture grids.

    Raises:
        ConfigError: this is not a run folder.
        DataError: the run has no synthesizer or judge, or required results are gone.
    """
    runner = _reopened(open_results(folder, registry, changes, origin), registry, progress, device)
    synth, judge = _fitted(runner.run.results)
    card = score_card(runner, synth, judge, count, strict=True, whole=whole, published=published)
    if card is None:
        raise DataError(
            f"run {folder} was made with --card 0", "give the number of faces, e.g. --faces 6"
        )
    return card, runner.run.results.need("score-card").folder / GRIDS


def export(
    folder: Path,
    registry: Registry,
    to: Path,
    progress: Progress,
    device: str = "auto",
    count: int | None = None,
    *,
    whole: bool = False,
) -> int:
    """Write every picture that the judges of a run would see, for other programs to judge.

    Returns:
        number of distinct pictures.

    Raises:
        ConfigError: this is not a run folder.
        DataError: the run can have no card.
    """
    results = open_results(folder, registry)
    runner = _reopened(results, registry, progress, device)
    asked = results.config.options.faces_on_card if count is None else count
    synth, judge = _fitted(results)
    if asked == 0 or _other_alignment(results):
        raise DataError("there are no pictures to judge: this run can have no score card")
    to.mkdir(parents=True, exist_ok=True)
    recorder = Recorder(to)
    stage = _stage(results, synth, judge, [], asked, strict=False, whole=whole)
    return export_pictures(
        stage.sitting(runner.work), Seat("export", recorder, synth.choice), recorder
    )


def _fitted(results: Results) -> tuple[Fitted, Fitted | None]:
    """The synthesizer and the judge of a run; no judge where it has no estimator.

    Raises:
        DataError: it has no synthesizer, or has not fitted its judge.
    """
    choice = results.config.components["synth"]
    if choice is None:
        raise DataError(f"run {results.folder} has no synthesizer", "run with --synth NAME")
    synth = Fitted(choice, results.need("fit-synth"))
    estimator = results.config.components["estimator"]
    if estimator is None:
        return synth, None
    if "fit-judge" not in results.stages:
        raise DataError(
            f"run {results.folder} has fitted no judge: it was made with --card 0 or did not "
            "finish",
            "run it again without --card 0; its other results are reused",
        )
    return synth, Fitted(estimator, results.need("fit-judge"))


def _reopened(results: Results, registry: Registry, progress: Progress, device: str) -> Runner:
    """A runner for additional stages of a finished run."""
    run = Run(results.folder, results.config, registry)
    run.store, run.stages = store_of(results.folder), dict(results.stages)
    workers = results.config.need("executor")
    work = Work(resolve_device(device), resolve_weights, progress, workers, run.scalars)
    return Runner(run, Stages(run.store), work)
