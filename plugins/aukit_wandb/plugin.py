"""Logs runs to Weights & Biases if the environment variable AUKIT_WANDB is set.

| value | runs are logged |
|---|---|
| unset, empty, `0` | nowhere |
| `1` | to the project `WANDB_PROJECT`; without it, to `aukit` |
| a name | to the project of that name |

With `WANDB_MODE=offline`, Weights & Biases' own switch, they are only written to the run's folder
`wandb`, and nothing is contacted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aukit.runs.watch import ON, Watch, Writer

if TYPE_CHECKING:
    from aukit.contracts.observed import ObservedRun

VARIABLE = "AUKIT_WANDB"


def _open(run: ObservedRun, wanted: str) -> Writer:
    from aukit_wandb.tracked import TrackedRun

    return TrackedRun(run, None if wanted == ON else wanted)


_watch = Watch(VARIABLE, "wandb", "wandb", _open)

aukit_run_started = _watch.run_started
aukit_scalars = _watch.scalars
aukit_stage_finished = _watch.stage_finished
aukit_stage_failed = _watch.stage_failed
aukit_run_finished = _watch.run_finished
