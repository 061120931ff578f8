"""Writes event files for TensorBoard where the environment variable AUKIT_TENSORBOARD is set.

| value | event files |
|---|---|
| unset, empty, `0` | none |
| `1` | in the folder `tensorboard` of the run |
| a folder | in that folder, below the name of the run |
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aukit.hooks import hookimpl
from aukit.runs.watch import ON, Watch, Writer, defined_scores

if TYPE_CHECKING:
    from aukit.contracts.observed import ObservedRun

VARIABLE = "AUKIT_TENSORBOARD"
FOLDER = "tensorboard"


def _open(run: ObservedRun, wanted: str) -> Writer:
    from aukit_tensorboard.board import Board

    return Board(run.folder / FOLDER if wanted == ON else Path(wanted) / run.folder.name)


_watch = Watch(VARIABLE, "tensorboard", "tensorboard", _open)


@hookimpl
def aukit_run_started(run: ObservedRun) -> None:
    """Open what is written of the run, if it is wanted.

    Raises:
        PluginError: it is, and tensorboard is not installed; before anything is computed.
    """
    _watch.start(run)


@hookimpl
def aukit_scalars(run: ObservedRun, stage: str, step: int, values: Mapping[str, float]) -> None:
    """Write the numbers of a fit."""
    for writer in _watch.of(run):
        writer.scalars(stage, step, values)


@hookimpl
def aukit_stage_finished(run: ObservedRun, stage: str, result: Path) -> None:
    """Write the pictures that a fit has left."""
    for writer in _watch.of(run):
        writer.pictures(stage, result)


@hookimpl
def aukit_stage_failed(run: ObservedRun) -> None:
    """Write what is left; the run may be continued by another process."""
    _watch.end(run, failed=True)


@hookimpl
def aukit_run_finished(run: ObservedRun, outcome: Mapping[str, Any]) -> None:
    """Write the scores, and end."""
    for writer in _watch.of(run):
        writer.scores(defined_scores(outcome))
    _watch.end(run)
