"""The files of a dataset: where its root is, and what lies in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from aukit.errors import ConfigError, DataError

Mark = Sequence[str]
"""Spellings of a file or folder that lies in the root of a corpus; any of them will do."""

_DEPTH, _LOOKED_AT = 3, 5000
"""How far below a wrong root the right one is looked for, and at how many folders at most."""


def require_root(root: Path | None, corpus: str, marks: Sequence[Mark]) -> Path:
    """The root of a corpus, or an error that says where it is instead.

    Args:
        root: the folder that was given, None if none was.
        corpus: name for the message.
        marks: what must lie in it.

    Raises:
        ConfigError: no folder was given.
        DataError: it is not there, or is not the root of that corpus.
    """
    if root is None:
        raise ConfigError(f"{corpus} needs a folder", "say where it is: --data.root PATH")
    if not root.is_dir():
        raise DataError(f"no such folder: {root}", f"--data.root is the folder of {corpus}")
    absent = [mark[0] for mark in marks if not holds(root, mark)]
    if not absent:
        return root
    right = nearest(root, lambda place: _is_root(place, marks))
    hint = f"did you mean {right}?" if right else f"the root holds {' and '.join(_names(marks))}"
    raise DataError(
        f"{root} is not the root of {corpus}: it has no {' and no '.join(absent)}", hint
    )


def holds(folder: Path, mark: Mark) -> bool:
    """Whether a folder has one of some files or folders."""
    return any((folder / name).exists() for name in mark)


def first_of(folder: Path, mark: Mark) -> Path:
    """The one that is there of several spellings, else the first."""
    return next((folder / name for name in mark if (folder / name).exists()), folder / mark[0])


def _is_root(folder: Path, marks: Sequence[Mark]) -> bool:
    return all(holds(folder, mark) for mark in marks)


def _names(marks: Sequence[Mark]) -> list[str]:
    return [mark[0] for mark in marks]


def nearest(root: Path, fits: Callable[[Path], bool]) -> Path | None:
    """The nearest folder above or below one that fits, as far as it is worth looking."""
    return next((place for place in _around(root) if fits(place)), None)


def _around(root: Path) -> Iterator[Path]:
    """The folders above, then those below, nearest first."""
    yield from root.resolve().parents[:_DEPTH]
    level, seen = [root], 0
    for _ in range(_DEPTH):
        level = [inner for folder in level for inner in folders(folder)]
        for folder in level:
            if (seen := seen + 1) > _LOOKED_AT:
                return
            yield folder


def folders(folder: Path) -> list[Path]:
    """The folders in a folder, sorted; hidden ones are left out."""
    return [folder / name for name, is_folder in _entries(folder) if is_folder]


def files(folder: Path, suffixes: Collection[str] | None = None) -> list[Path]:
    """The files in a folder, sorted; hidden ones, pipes and devices are left out.

    Args:
        folder: may be missing: then there are none.
        suffixes: endings in lower case that are wanted; None for all.
    """
    return _wanted(folder, _entries(folder), suffixes)


def files_below(folder: Path, suffixes: Collection[str] | None = None) -> Iterator[Path]:
    """The files in a folder and all below it, sorted in each; links that loop are followed once."""
    waiting, seen = [folder], set()
    while waiting:
        here = waiting.pop()
        if (real := os.path.realpath(here)) in seen:
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

    Names stay text until they are wanted: a folder may hold a hundred thousand.
    """
    try:
        with os.scandir(folder) as entries:
            found = [(e.name, _kind(e)) for e in entries if not e.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise DataError(f"cannot list {folder}: {error.strerror}") from error
    return sorted((name, kind == "d") for name, kind in found if kind)


def _kind(entry: os.DirEntry[str]) -> str:
    try:
        return "d" if entry.is_dir() else "f" if entry.is_file() else ""
    except OSError:  # a link that points to itself
        return ""
