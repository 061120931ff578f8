"""Writes event files for TensorBoard if the environment variable AUKIT_TENSORBOARD is set.

| value | event files |
|---|---|
| unset, empty, `0` | none |
| `1` | in the folder `tensorboard` of the run |
| a folder | in that folder, below the name of the run |
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aukit.runs.watch import ON, Watch, Writer

if TYPE_CHECKING:
    from aukit.contracts.observed import ObservedRun

VARIABLE = "AUKIT_TENSORBOARD"
FOLDER = "tensorboard"


def _open(run: ObservedRun, wanted: str) -> Writer:
    from aukit_tensorboard.board import Board

    return Board(run.folder / FOLDER if wanted == ON else Path(wanted) / run.folder.name)


_watch = Watch(VARIABLE, "tensorboard", "tensorboard", _open)

aukit_run_started = _watch.run_started
aukit_scalars = _watch.scalars
aukit_stage_finished = _watch.stage_finished
aukit_stage_failed = _watch.stage_failed
aukit_run_finished = _watch.run_finished
