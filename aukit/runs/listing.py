"""The runs below a folder, and what in the store of their stages no run needs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aukit.errors import ConfigError
from aukit.machine.alive import is_alive
from aukit.runs.folder import RUNNING, STATE, read_state
from aukit.runs.kept import FOLDER, WORKING_FILES
from aukit.runs.names import MODEL, SCORES, STAGES
from aukit.runs.results import read_stages
from aukit.store.files import read_object
from aukit.store.stages import STAGE_FILE

INTERRUPTED = "interrupted"
"""A run that says it is running, and whose process is gone."""


@dataclass(frozen=True)
class Listed:
    """A run on disk.

    Attributes:
        folder: where it is.
        state: `running`, `interrupted`, `finished` or `failed`.
        scores: score name -> mean over the AUs; empty if it has none yet.
        bytes: what deleting its folder and then cleaning would free at most.
        time: of its last change, seconds since 1970.
        error: why it failed.
    """

    folder: Path
    state: str
    scores: dict[str, float | None]
    bytes: int
    time: float
    error: str | None


def list_runs(output: Path) -> list[Listed]:
    """The runs below a folder, those of comparisons too, by name.

    Raises:
        ConfigError: there is no such folder.
    """
    if not output.is_dir():
        raise ConfigError(f"no folder {output}", "name the folder of runs with -o")
    return [_listed(folder) for folder in sorted(_folders(output))]


def _folders(output: Path) -> Iterator[Path]:
    """Run folders, however deep: those of comparisons, and of names with slashes."""
    for place, names, files in os.walk(output):
        if STATE in files:
            names.clear()
            yield Path(place)
        names[:] = [name for name in names if not name.startswith(".")]


def _listed(folder: Path) -> Listed:
    state = read_state(folder)
    name = str(state.get("state", "unknown"))
    if name == RUNNING and not is_alive(state.get("process")):
        name = INTERRUPTED
    error = state.get("error")
    changed = (folder / STATE).stat().st_mtime
    return Listed(folder, name, _scores(folder), _bytes([folder]), changed, error)


def _scores(folder: Path) -> dict[str, float | None]:
    mean = (read_object(folder / SCORES) or {}).get("mean")
    entries = mean if isinstance(mean, dict) else {}
    return {name: e.get("value") for name, e in entries.items() if isinstance(e, dict)}


def _bytes(places: Iterable[Path], without: frozenset[int] = frozenset()) -> int:
    """Bytes of files, each counted once however many links it has.

    Args:
        places: files, or folders with all below them.
        without: inodes that do not count.
    """
    found: dict[int, int] = {}
    for place in places:
        for path in (place, *place.rglob("*")) if place.is_dir() else (place,):
            if path.is_file() and not path.is_symlink():
                status = path.stat()
                found[status.st_ino] = status.st_size
    return sum(size for inode, size in found.items() if inode not in without)


@dataclass(frozen=True)
class Waste:
    """What no run needs.

    Attributes:
        places: folders and files of the store.
        bytes: what deleting them frees: what a run holds by a link of its own is not freed.
        models: fitted models among what no run needs, which are kept.
    """

    places: tuple[Path, ...]
    bytes: int
    models: tuple[Path, ...]


def find_waste(output: Path) -> Waste:
    """What the store of a folder of runs holds that none of them needs.

    Those are results of stages that no run names, what only an interrupted fit needs where the fit
    is finished, and what is half done where every run is finished. Only folders that carry
    aukit's own mark are looked at. Fitted models are kept: they cost the longest to make.

    Raises:
        ConfigError: no such folder, or a run is at work there.
    """
    runs = list_runs(output)
    if working := [run.folder.name for run in runs if run.state == RUNNING]:
        raise ConfigError(f"run {working[0]} is at work in {output}", "wait until it has ended")
    store = output / STAGES
    needed = {result.key for run in runs for result in read_stages(run.folder).values()}
    stored = [path.parent for path in sorted(store.glob(f"[!.]*/{STAGE_FILE}"))]
    unneeded = [folder for folder in stored if folder.name not in needed]
    models = [folder for folder in unneeded if (folder / MODEL).is_dir()]
    places = [folder for folder in unneeded if folder not in models]
    kept = (folder for folder in stored if folder not in places)
    places += [path for folder in kept for name in WORKING_FILES for path in folder.rglob(name)]
    if all(run.state == "finished" for run in runs):
        places += [path for path in sorted(store.glob(".*.partial")) if path.is_dir()]
    return Waste(tuple(places), _freed(places, runs), tuple(models))


def _freed(places: list[Path], runs: list[Listed]) -> int:
    linked = (p for run in runs for p in (run.folder / FOLDER).rglob("*") if p.is_file())
    return _bytes(places, frozenset(path.stat().st_ino for path in linked))


def remove(waste: Waste) -> None:
    """Delete what no run needs."""
    for place in waste.places:
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)


def document(run: Listed) -> dict[str, Any]:
    """A run as JSON values."""
    return {
        "run": str(run.folder),
        "state": run.state,
        "scores": run.scores,
        "bytes": run.bytes,
        "changed": run.time,
        "error": run.error,
    }
