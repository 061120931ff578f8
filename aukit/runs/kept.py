"""Keeps stage results in the run folder, so that it can be moved and outlives the store.

Results are hard links where the file system has them: these cost no space and survive the deletion
of the store. Elsewhere results are copied, except stored faces, which stay only in the store.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from aukit.store.stages import STAGE_FILE, Result

FOLDER = "results"
WORKING_FILES = ("checkpoint.safetensors",)
"""Files needed only to continue an interrupted fit."""


def keep(result: Result, run: Path) -> Result:
    """Link or copy a result into a run folder.

    Returns:
        the result at its place in the run folder, or in the store if it stays there.
    """
    place = run / FOLDER / result.key
    if _same(place / STAGE_FILE, result.folder / STAGE_FILE):
        return Result(result.key, place)
    aside = place.with_name(f".{result.key}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    aside.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copytree(result.folder, aside, ignore=_left, copy_function=os.link)
    except (OSError, shutil.Error):  # no hard links, or another file system
        shutil.rmtree(aside, ignore_errors=True)
        if any(result.folder.glob("part-*.parquet")):
            return result
        shutil.copytree(result.folder, aside, ignore=_left)
    shutil.rmtree(place, ignore_errors=True)
    os.replace(aside, place)
    return Result(result.key, place)


def prune(run: Path, results: Iterable[Result]) -> None:
    """Remove results from a run folder that the run has replaced."""
    wanted = {result.key for result in results}
    for place in (run / FOLDER).glob(f"*/{STAGE_FILE}"):
        if place.parent.name not in wanted:
            shutil.rmtree(place.parent)


def _left(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name in WORKING_FILES]


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other) or one.read_bytes() == other.read_bytes()
    except OSError:
        return False
