"""Tells MLflow of runs where the environment variable AUKIT_MLFLOW is set.

| value | runs are written |
|---|---|
| unset, empty, `0` | nowhere |
| `1` | to MLflow's own `MLFLOW_TRACKING_URI`; without it, to the folder `mlruns` beside the run |
| an address or a folder | there |

Only what is named is contacted.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aukit.hooks import hookimpl
from aukit.runs.watch import ON, Watch, Writer, defined_scores

if TYPE_CHECKING:
    from aukit.contracts.observed import ObservedRun

VARIABLE = "AUKIT_MLFLOW"


def _open(run: ObservedRun, wanted: str) -> Writer:
    from aukit_mlflow.tracked import TrackedRun

    return TrackedRun(run, None if wanted == ON else wanted)


_watch = Watch(VARIABLE, "mlflow", "mlflow", _open)


@hookimpl
def aukit_run_started(run: ObservedRun) -> None:
    """Open what is written of the run, if it is wanted.

    Raises:
        PluginError: it is, and mlflow is not installed; before anything is computed.
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
