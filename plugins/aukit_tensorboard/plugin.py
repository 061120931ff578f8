"""Writes event files for TensorBoard where the environment variable AUKIT_TENSORBOARD is set.

| value | event files |
|---|---|
| unset, empty, `0` | none |
| `1` | in the folder `tensorboard` of the run |
| a folder | in that folder, below the name of the run |

Watching changes nothing of a run, so it is no option of it: the run has the same key, and its
stages are found again, whether somebody watched or not.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aukit.errors import PluginError
from aukit.hooks import hookimpl

if TYPE_CHECKING:
    from aukit.contracts.observed import ObservedRun
    from aukit_tensorboard.board import Board

VARIABLE = "AUKIT_TENSORBOARD"
OFF, IN_RUN = ("", "0"), "1"
FOLDER = "tensorboard"

_boards: dict[Path, Board] = {}


@hookimpl
def aukit_run_started(run: ObservedRun) -> None:
    """Open the run's event files, if they are wanted.

    Raises:
        PluginError: they are, and tensorboard is not installed; before anything is computed.
    """
    wanted = os.environ.get(VARIABLE, "").strip()
    if wanted in OFF:
        return
    if importlib.util.find_spec("tensorboard") is None:
        raise PluginError(
            f"{VARIABLE} is set, and tensorboard is not installed",
            f"pip install 'aukit-facs[tensorboard]', or unset {VARIABLE}",
        )
    from aukit_tensorboard.board import Board

    place = run.folder / FOLDER if wanted == IN_RUN else Path(wanted) / run.folder.name
    _boards[run.folder] = Board(place)


@hookimpl
def aukit_scalars(run: ObservedRun, stage: str, step: int, values: Mapping[str, float]) -> None:
    """Write the numbers of a fit."""
    if run.folder in _boards:
        _boards[run.folder].scalars(stage, step, values)


@hookimpl
def aukit_stage_finished(run: ObservedRun, stage: str, result: Path) -> None:
    """Write the pictures that a fit has left."""
    if run.folder in _boards:
        _boards[run.folder].pictures(stage, result)


@hookimpl
def aukit_stage_failed(run: ObservedRun) -> None:
    """Close the files; the run may be continued by another process."""
    board = _boards.pop(run.folder, None)
    if board is not None:
        board.close()


@hookimpl
def aukit_run_finished(run: ObservedRun, outcome: Mapping[str, Any]) -> None:
    """Write the scores and close the files."""
    board = _boards.pop(run.folder, None)
    if board is not None:
        board.scores(outcome.get("scores", {}))
        board.close()
