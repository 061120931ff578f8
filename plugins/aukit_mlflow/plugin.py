"""Logs runs to MLflow if the environment variable AUKIT_MLFLOW is set.

| value | runs are logged |
|---|---|
| unset, empty, `0` | nowhere |
| `1` | to MLflow's own `MLFLOW_TRACKING_URI`; without it, to the folder `mlruns` beside the run |
| an address or a folder | there |

Nothing else is contacted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aukit.runs.watch import ON, Watch, Writer

if TYPE_CHECKING:
    from aukit.contracts.observed import ObservedRun

VARIABLE = "AUKIT_MLFLOW"


def _open(run: ObservedRun, wanted: str) -> Writer:
    from aukit_mlflow.tracked import TrackedRun

    return TrackedRun(run, None if wanted == ON else wanted)


_watch = Watch(VARIABLE, "mlflow", "mlflow", _open)

aukit_run_started = _watch.run_started
aukit_scalars = _watch.scalars
aukit_stage_finished = _watch.stage_finished
aukit_stage_failed = _watch.stage_failed
aukit_run_finished = _watch.run_finished
