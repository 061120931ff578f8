"""A whole run: align, plan, synthesize, fit, predict, score, report.

Every stage is stored under what determines it, so a run that was killed continues from the stages
that are finished, and comparisons share what they have in common.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aukit.config.run import RunConfig
from aukit.config.values import DEFAULT
from aukit.contracts.context import Context
from aukit.errors import AukitError, ConfigError
from aukit.machine.devices import resolve_device
from aukit.pipeline.fit import FitStages
from aukit.pipeline.prepare import PrepareStages
from aukit.pipeline.score import ScoreStages
from aukit.pipeline.stages.fit_synth import FIT_SYNTH, fit_synthesizer
from aukit.pipeline.work import Work
from aukit.progress import Progress, Silent
from aukit.registry.loading import Registry, default_registry, resolve_weights
from aukit.runs.folder import Run
from aukit.runs.names import STAGES
from aukit.store.stages import Stages


@dataclass(frozen=True)
class Outcome:
    """What a run leaves.

    Attributes:
        folder: the run folder.
        report: `report.html` in it.
        scores: `scores.json` as a dictionary.
        card: `score_card.json` as a dictionary; None without a synthesizer.
        dropped: reason -> number of frames that were dropped, over all roles.
        left_out: AUs that only some of the data code.
        seconds: wall time of this process.
    """

    folder: Path
    report: Path
    scores: Mapping[str, Any]
    card: Mapping[str, Any] | None
    dropped: Mapping[str, int]
    left_out: tuple[str, ...]
    seconds: float


def execute(
    config: RunConfig,
    output: Path = Path("runs"),
    registry: Registry | None = None,
    progress: Progress | None = None,
    name: str | None = None,
) -> Outcome:
    """Run a configuration, or continue it where it was interrupted.

    Args:
        config: from `aukit.config.resolve.resolve`.
        output: folder of run folders; stage results are shared below it.
        registry: told of what happens; the one of this process if None.
        progress: shows how far it is; silent if None.
        name: of the run folder, below `output`; numbered and made of the components if None.

    Returns:
        where everything is, and the scores.

    Raises:
        AukitError: with one line of what, where, and what to do; finished stages are kept.
    """
    started = time.perf_counter()
    with _work(config, output, registry, progress, name=name) as work:
        prepared = PrepareStages(work).run()
        fitted = FitStages(work, prepared).run()
        scores, card, dropped = ScoreStages(work, prepared, fitted).run()
    run = work.run
    outcome = Outcome(
        folder=run.folder,
        report=run.folder / "report.html",
        scores=scores,
        card=card,
        dropped=dropped,
        left_out=prepared.left_out,
        seconds=round(time.perf_counter() - started, 1),
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

    A later run of the same configuration with the same `output` finds what was computed here.

    Args:
        config, output, registry, progress: as in `execute`.

    Returns:
        a run folder that holds no scores; `aukit.api.load` and `aukit edit` take it like any other.

    Raises:
        AukitError: with one line of what, where, and what to do; finished stages are kept.
    """
    if config.components["synth"] is None:
        raise ConfigError("no synthesizer is chosen", "add --synth NAME; see `aukit plugins synth`")
    with _work(config, output, registry, progress, only=FIT_SYNTH) as work:
        fit_synthesizer(work, PrepareStages(work).synth_faces())
    work.run.finish({})
    return work.run.folder


@contextlib.contextmanager
def _work(
    config: RunConfig,
    output: Path,
    registry: Registry | None,
    progress: Progress | None,
    only: str | None = None,
    name: str | None = None,
) -> Iterator[Work]:
    """A run that is begun, or continued; marked as failed if the block does not end well."""
    device = resolve_device(config.options.device)
    import_all(config)
    wall, cpu = time.perf_counter(), processor_seconds()
    run = Run.begin(output, config, registry or default_registry(), only, name)
    context = Context(device, config.options.seed, resolve_weights)
    try:
        yield Work(run, config, Stages(output / STAGES), context, progress or Silent())
    except (AukitError, OSError) as error:
        with contextlib.suppress(OSError):  # a full disk cannot take the note either
            run.fail(str(error))
        raise
    finally:
        with contextlib.suppress(OSError):
            seconds = time.perf_counter() - wall, processor_seconds() - cpu
            run.add_cost(*seconds, device)


def processor_seconds() -> float:
    """Seconds that processors have spent on this process and on its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def import_all(config: RunConfig) -> None:
    """Import every chosen component, so that a run does not fail after hours for want of one.

    Raises:
        PluginError: a required package is missing, or an import fails.
    """
    chosen = [choice for choice in config.components.values() if choice is not None]
    for role in config.roles.values():
        chosen += [c for c in (role.data, role.landmarker, role.aligner) if c is not None]
    # Judges that nobody asked for by name may be left out later.
    chosen += [choice for choice in config.judges.choices if choice.chosen_by != DEFAULT]
    for choice in chosen:
        choice.component.load()
