"""The files of a dataset: finding its root and listing files."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from aukit.errors import ConfigError, DataError
from aukit.remote.listing import Entry
from aukit.remote.listing import entries as remote_entries
from aukit.remote.path import RemotePath

Mark = Sequence[str]
"""Alternative names of a file or folder in the root of a corpus."""

_DEPTH, _LOOKED_AT, _REMOTE = 3, 5000, 50
"""Depth below a wrong root at which the right one is searched, and most folders examined, here and
in a store, which takes a hundred times as long."""


def require_root(root: Path | None, corpus: str, marks: Sequence[Mark]) -> Path:
    """The root of a corpus, or an error that suggests the right one.

    Args:
        root: the folder given, or None.
        corpus: name for messages.
        marks: what the root must contain.

    Raises:
        ConfigError: no folder was given.
        DataError: it does not exist or is not the root of the corpus.
    """
    if root is None:
        raise ConfigError(f"{corpus} needs a folder", "give it with --data.root PATH")
    if not root.is_dir():
        raise DataError(f"no such folder: {root}", f"--data.root must be the folder of {corpus}")
    absent = [mark[0] for mark in marks if not holds(root, mark)]
    if not absent:
        return root
    right = nearest(root, lambda place: _is_root(place, marks))
    hint = f"did you mean {right}?" if right else f"the root holds {' and '.join(_names(marks))}"
    raise DataError(f"{root} is not the root of {corpus}: it lacks {' and '.join(absent)}", hint)


def holds(folder: Path, mark: Mark) -> bool:
    """Whether a folder contains one of the names."""
    return any((folder / name).exists() for name in mark)


def first_of(folder: Path, mark: Mark) -> Path:
    """The existing one of several names, else the first."""
    return next((folder / name for name in mark if (folder / name).exists()), folder / mark[0])


def _is_root(folder: Path, marks: Sequence[Mark]) -> bool:
    return all(holds(folder, mark) for mark in marks)


def _names(marks: Sequence[Mark]) -> list[str]:
    return [mark[0] for mark in marks]


def nearest(root: Path, fits: Callable[[Path], bool]) -> Path | None:
    """The nearest folder above or below that fits, within the search limits."""
    return next((place for place in _around(root) if fits(place)), None)


def _around(root: Path) -> Iterator[Path]:
    """The folders above, then those below, nearest first."""
    yield from root.resolve().parents[:_DEPTH]
    level, seen = [root], 0
    most = _REMOTE if isinstance(root, RemotePath) else _LOOKED_AT
    for _ in range(_DEPTH):
        level = [inner for folder in level for inner in folders(folder)]
        for folder in level:
            if (seen := seen + 1) > most:
                return
            yield folder


def folders(folder: Path) -> list[Path]:
    """The folders in a folder, sorted, without hidden ones."""
    return [folder / name for name, is_folder in _entries(folder) if is_folder]


def files(folder: Path, suffixes: Collection[str] | None = None) -> list[Path]:
    """The files in a folder, sorted, without hidden ones, pipes and devices.

    Args:
        folder: the folder; if missing, the result is empty.
        suffixes: lower-case suffixes to keep; None for all.
    """
    return _wanted(folder, _entries(folder), suffixes)


def files_below(folder: Path, suffixes: Collection[str] | None = None) -> Iterator[Path]:
    """The files in a folder tree, sorted within each folder; looping links are followed once."""
    waiting, seen = [folder], set()
    while waiting:
        here = waiting.pop()
        # Stores have no links.
        real = str(here) if isinstance(here, RemotePath) else os.path.realpath(here)
        if real in seen:
            continue
        seen.add(real)
        entries = _entries(here)
        yield from _wanted(here, entries, suffixes)
        waiting += [here / name for name, is_folder in reversed(entries) if is_folder]


def _wanted(
    folder: Path, entries: Sequence[tuple[str, bool]], suffixes: Collection[str] | None
) -> list[Path]:
    return [
        folder / name
        for name, is_folder in entries
        if not is_folder and (suffixes is None or os.path.splitext(name)[1].lower() in suffixes)
    ]


def _entries(folder: Path) -> list[tuple[str, bool]]:
    """Names in a folder, sorted, and whether each is a folder.

    Names are not converted to paths, since a folder may hold a hundred thousand.
    """
    try:
        if isinstance(folder, RemotePath):
            return _shown(remote_entries(str(folder)))
        with os.scandir(folder) as entries:
            found = [(e.name, _kind(e)) for e in entries if not e.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise DataError(f"cannot list {folder}: {error.strerror}") from error
    return sorted((name, kind == "d") for name, kind in found if kind)


def _shown(there: Mapping[str, Entry]) -> list[tuple[str, bool]]:
    return sorted((name, e.is_folder) for name, e in there.items() if not name.startswith("."))


def _kind(entry: os.DirEntry[str]) -> str:
    try:
        return "d" if entry.is_dir() else "f" if entry.is_file() else ""
    except OSError:  # a link to itself
        return ""
