"""The runs below a folder, and stored stage results that no run needs."""

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
"""State of a run that claims to be running but whose process is gone."""


@dataclass(frozen=True)
class Listed:
    """A run on disk.

    Attributes:
        folder: folder of the run.
        state: `running`, `interrupted`, `finished` or `failed`.
        scores: score name -> mean over the AUs; empty if it has none yet.
        bytes: upper bound of what deleting its folder and then cleaning would free.
        time: time of its last change, in seconds since 1970.
        error: why it failed; empty if it did not.
    """

    folder: Path
    state: str
    scores: dict[str, float | None]
    bytes: int
    time: float
    error: str | None


def list_runs(output: Path) -> list[Listed]:
    """The runs below a folder, including those of comparisons, sorted by name.

    Raises:
        ConfigError: the folder does not exist.
    """
    if not output.is_dir():
        raise ConfigError(f"no folder {output}", "give the folder of runs with -o")
    return [_listed(folder) for folder in sorted(_folders(output))]


def _folders(output: Path) -> Iterator[Path]:
    """Run folders at any depth, since comparisons and names with slashes nest them."""
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
    """Total bytes of files; files with several links are counted once.

    Args:
        places: files, or folders with everything below them.
        without: inodes to leave out.
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
    """Stored data that no run needs.

    Attributes:
        places: folders and files of the store.
        bytes: what deleting them frees; files that a run also links to are not counted.
        models: fitted models that no run needs; they are kept.
    """

    places: tuple[Path, ...]
    bytes: int
    models: tuple[Path, ...]


def find_waste(output: Path) -> Waste:
    """Find stored data that no run in a folder of runs needs.

    This covers results that no run refers to, checkpoints of finished fits and, if no run is
    unfinished, partial results. Only folders with aukit's own mark are examined. Fitted models
    are kept, since they take longest to make.

    Raises:
        ConfigError: the folder does not exist, or a run is active there.
    """
    runs = list_runs(output)
    if working := [run.folder.name for run in runs if run.state == RUNNING]:
        raise ConfigError(f"run {working[0]} is active in {output}", "wait until it has ended")
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
    """Delete the data that no run needs."""
    for place in waste.places:
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)


def document(run: Listed) -> dict[str, Any]:
    """A run as a JSON object."""
    return {
        "run": str(run.folder),
        "state": run.state,
        "scores": run.scores,
        "bytes": run.bytes,
        "changed": run.time,
        "error": run.error,
    }
