"""A whole run, top to bottom: register, plan, synthesize, fit, predict, score, report.

Every result is stored under a key made of all that determines it. A killed run therefore continues
from its finished stages, and runs of a comparison share the stages they have in common.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aukit.config.run import RunConfig
from aukit.config.values import DEFAULT
from aukit.config.weights import check_weights
from aukit.data.records import TRAIN, VALID
from aukit.errors import AukitError, ConfigError
from aukit.machine.devices import resolve_device
from aukit.pipeline import steps
from aukit.pipeline.role_faces import RoleFaces
from aukit.pipeline.runner import Explained, Runner
from aukit.pipeline.score_card import score_card
from aukit.pipeline.scoring import scored
from aukit.pipeline.stages.fit_synth import FitSynth
from aukit.pipeline.stages.show_views import refuse_views
from aukit.pipeline.together import announce, refuse_second_run, refuse_unequal_shares
from aukit.pipeline.work import Work
from aukit.progress import Progress, Silent
from aukit.registry.loading import Registry, default_registry, resolve_weights
from aukit.runs.folder import Run
from aukit.score_card.published import read_published
from aukit.store.stages import Stages


@dataclass(frozen=True)
class Outcome:
    """The outcome of a run.

    Attributes:
        folder: the run folder.
        report: `report.html` in it.
        scores: `scores.json` as a dictionary; empty without an estimator.
        card: `score_card.json` as a dictionary; None without a synthesizer.
        dropped: reason -> number of frames that were dropped, over all roles.
        left_out: AUs that only some of the datasets code.
        seconds: wall time of this process.
        explained: why each stage was computed or reused.
    """

    folder: Path
    report: Path
    scores: Mapping[str, Any]
    card: Mapping[str, Any] | None
    dropped: Mapping[str, int]
    left_out: tuple[str, ...]
    seconds: float
    explained: Sequence[Explained]


def execute(
    config: RunConfig,
    output: Path = Path("runs"),
    registry: Registry | None = None,
    progress: Progress | None = None,
    name: str | None = None,
    redo: Collection[str] = (),
) -> Outcome:
    """Run a configuration, or continue it where it was interrupted.

    Args:
        config: from `aukit.config.resolve.resolve`.
        output: folder of run folders; stage results are shared below it.
        registry: its plugins observe the run; this process's own registry if None.
        progress: shows progress; silent if None.
        name: name of the run folder below `output`; if None, a number and the components.
        redo: names of stages to recompute, with all that follow, even if stored.

    Returns:
        the scores and where the results are.

    Raises:
        AukitError: the run failed; the message says what, where and what to do. Finished stages are
            kept.
    """
    started = time.perf_counter()
    with begun(config, output, registry, progress, name=name, redo=redo) as runner:
        faces = steps.registered(runner)
        plan, reference = steps.planned(runner, faces)
        synth = steps.fitted_synthesizer(runner, faces)
        shown = steps.synthesized(runner, faces, plan, synth)
        normalizer = steps.fitted_normalizer(runner, faces, synthetic=shown is not None)
        judge = steps.fitted_judge(runner, faces, reference)
        estimator = steps.fitted_estimator(runner, faces, plan, shown, normalizer)
        card = score_card(runner, synth, judge)
        scores: Mapping[str, Any] = {}
        if estimator is not None:
            steps.measured_yardstick(runner, faces, reference or plan)
            steps.predicted(runner, faces, estimator, normalizer)
            scores = scored(runner)
        steps.reported(runner, scores, card)
    run = runner.run
    outcome = Outcome(
        folder=run.folder,
        report=run.folder / "report.html",
        scores=scores,
        card=card,
        dropped=steps.dropped(run.results),
        left_out=run.results.left_out,
        seconds=round(time.perf_counter() - started, 1),
        explained=runner.explained,
    )
    run.finish({"scores": scores, "seconds": outcome.seconds})
    return outcome


def fit_synthesizer_alone(
    config: RunConfig,
    output: Path = Path("runs"),
    registry: Registry | None = None,
    progress: Progress | None = None,
) -> Path:
    """Fit the synthesizer of a configuration and nothing else.

    A later run of the same configuration with the same `output` reuses the results.


    Args:
        config, output, registry, progress: as in `execute`.

    Returns:
        a run folder without scores; `aukit.api.load` and `aukit edit` accept it like any other.

    Raises:
        AukitError: the run failed; the message says what, where and what to do. Finished stages are
            kept.
    """
    if config.components["synth"] is None:
        raise ConfigError("no synthesizer is chosen", "add --synth NAME; see `aukit plugins synth`")
    with begun(config, output, registry, progress, only=FitSynth.name) as runner:
        roles = RoleFaces(runner)
        valid = roles.find("valid", "train", VALID)
        steps.fit_synth(runner, roles.need("synth-fit", "synth-fit", TRAIN), valid, roles.aus)
    runner.run.finish({})
    return runner.run.folder


@contextlib.contextmanager
def begun(
    config: RunConfig,
    output: Path,
    registry: Registry | None,
    progress: Progress | None,
    only: str | None = None,
    name: str | None = None,
    redo: Collection[str] = (),
) -> Iterator[Runner]:
    """Start or continue a run; mark it as failed if the block raises.

    Raises:
        ConfigError: this process of torchrun should join a run instead.
    """
    refuse_second_run()
    device = check_ready(config, whole=only is None)
    wall, cpu = time.perf_counter(), processor_seconds()
    run = Run.begin(output, config, registry or default_registry(), only, name)
    workers = config.need("executor")
    work = Work(device, resolve_weights, progress or Silent(), workers, run.scalars)
    try:
        yield Runner(run, Stages(run.store), work, redo)
        announce(config, None)
    except (AukitError, OSError) as error:
        with contextlib.suppress(OSError):  # on a full disk the state cannot be written either
            run.fail(str(error))
        raise
    finally:
        with contextlib.suppress(OSError):
            seconds = time.perf_counter() - wall, processor_seconds() - cpu
            run.add_cost(*seconds, device)


def check_ready(config: RunConfig, whole: bool = True) -> str:
    """Check, before anything is computed, for what would fail later.

    Args:
        config: configuration of the run.
        whole: whether this is a whole run, not the fit of a synthesizer alone.

    Returns:
        the device to use.

    Raises:
        ConfigError: there is no such device, the aligner cannot show the views, published numbers
            cannot be read, or processes of torchrun cannot share a batch.
        PluginError: a required package is missing, or an import fails.
        MissingWeights: a component lacks its weights.
    """
    refuse_unequal_shares(config, ("synth", "estimator") if whole else ("synth",))
    device = resolve_device(config.options.device)
    import_all(config)
    if config.options.card_published is not None:
        read_published(Path(config.options.card_published))
    if whole and config.options.shown_views:
        refuse_views(config, Work(device, resolve_weights, Silent(), config.need("executor")))
    return device


def processor_seconds() -> float:
    """Processor seconds of this process and its finished children."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def import_all(config: RunConfig) -> None:
    """Import every chosen component, so that a missing package fails now, not after hours.

    Raises:
        PluginError: a required package is missing, or an import fails.
    """
    chosen = [choice for choice in config.components.values() if choice is not None]
    for role in config.roles.values():
        chosen += [c for c in (role.data, role.landmarker, role.aligner) if c is not None]
    # Judges that were not chosen by name may be skipped later.
    chosen += [choice for choice in config.judges.choices if choice.chosen_by != DEFAULT]
    for choice in chosen:
        choice.component.load()
        check_weights(choice, resolve_weights)
