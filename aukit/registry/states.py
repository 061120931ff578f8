"""The state of files named by options, so that changed files are noticed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from aukit.contracts.weights import Weights
from aukit.registry.weights import location
from aukit.store.files import digest

State = list[int] | str | None
"""Size and time of a file, a digest of these for many files, or None if there is no file."""


def state_of(text: str, known: Mapping[str, Weights]) -> State:
    """The state of what an option names: a file, a folder tree, or weights by name."""
    if text in ("", "none"):
        return None
    path = Path(os.path.expanduser(text))
    if text in known and not path.exists():
        path = location(known[text])
    return state_of_path(path)


def state_of_path(path: Path) -> State:
    """The state of a file or a folder tree; links to folders are not followed."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    if path.is_dir():
        return state_of_files(_below(path))
    return [status.st_size, status.st_mtime_ns]


def state_of_files(paths: Iterable[Path]) -> str:
    """One digest of the names, sizes and times of many files; missing files are included as
    missing."""
    return digest(sorted([path.as_posix(), _one(path)] for path in paths))


def _one(path: Path) -> list[int]:
    try:
        status = path.stat()
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]


def _below(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        yield from (Path(place, name) for name in names)
