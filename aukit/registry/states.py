"""The state of files named by options, so that changed files are noticed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from aukit.contracts.weights import Weights
from aukit.registry.weights import location
from aukit.remote import path as remote
from aukit.remote.path import RemotePath, place_of
from aukit.store.files import digest

State = list[int | str] | str | None
"""State of a file (`remote.state_of`), a digest for many files, or None if there is no file."""


def state_of(text: str, known: Mapping[str, Weights]) -> State:
    """The state of what an option names: a file, a folder tree, or weights by name."""
    if text in ("", "none"):
        return None
    path = place_of(os.path.expanduser(text))
    if text in known and not path.exists():
        path = location(known[text])
    return state_of_path(path)


def state_of_path(path: Path) -> State:
    """The state of a file or a folder tree; links to folders are not followed."""
    try:
        state = remote.state_of(path)
    except (OSError, ValueError):
        return None
    return state_of_files(_below(path)) if path.is_dir() else state


def state_of_files(paths: Iterable[Path]) -> str:
    """One digest of the names and states of many files; missing files are included as missing."""
    return digest(sorted([path.as_posix(), _one(path)] for path in paths))


def _one(path: Path) -> list[int | str]:
    try:
        return remote.state_of(path)
    except OSError:
        return []


def _below(folder: Path) -> Iterator[Path]:
    if isinstance(folder, RemotePath):
        yield from folder.rglob("*")
        return
    for place, _, names in os.walk(folder):
        yield from (Path(place, name) for name in names)
