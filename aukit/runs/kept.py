"""What a run folder holds of its stages' results, so that it can be moved and outlive the store.

Results are linked where the file system has hard links: they cost no space, and stay when the store
is deleted. Elsewhere they are copied, but for stored faces, which stay in the store alone.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from aukit.store.stages import STAGE_FILE, Result

FOLDER = "results"
WORKING_FILES = ("checkpoint.safetensors",)
"""Files that only an interrupted fit needs."""


def keep(result: Result, run: Path) -> Result:
    """Give a run folder its own link, or copy, of a result.

    Returns:
        where the run finds the result from now on.
    """
    place = run / FOLDER / result.key
    if _same(place / STAGE_FILE, result.folder / STAGE_FILE):
        return Result(result.key, place)
    aside = place.with_name(f".{result.key}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    aside.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copytree(result.folder, aside, ignore=_left, copy_function=os.link)
    except (OSError, shutil.Error):  # a file system without hard links, or another one
        shutil.rmtree(aside, ignore_errors=True)
        if any(result.folder.glob("part-*.parquet")):
            return result
        shutil.copytree(result.folder, aside, ignore=_left)
    shutil.rmtree(place, ignore_errors=True)
    os.replace(aside, place)
    return Result(result.key, place)


def prune(run: Path, results: Iterable[Result]) -> None:
    """Remove what a run folder holds of results that the run has replaced."""
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
