"""Temporary copies of files in stores, for libraries that open files of this machine."""

from __future__ import annotations

import functools
import tempfile
import threading
from pathlib import Path
from typing import Any

from aukit.errors import ConfigError
from aukit.remote.listing import forget, tree
from aukit.remote.path import RemotePath, state_of
from aukit.remote.store import ask


class _Kept(threading.local):
    """The copy that a thread keeps."""

    def __init__(self) -> None:
        self.of: tuple[RemotePath, list[int | str]] | None = None
        self.folder: tempfile.TemporaryDirectory[str] | None = None

    def let_go(self) -> None:
        """Delete the copy."""
        if self.folder is not None:
            self.folder.cleanup()
        self.of = self.folder = None


_kept = _Kept()


def local(path: Path) -> Path:
    """A path with the same content on this machine; one that is already on it is returned as is.

    Of files in stores, each thread keeps one copy, until it asks for another file or its process
    ends. A corpus is thus never copied whole, and all frames of a video are read from one copy.

    Raises:
        FileNotFoundError, ConfigError, StoreError: as `aukit.remote.store.ask`.
        OSError: the temporary folder is full.
    """
    if not isinstance(path, RemotePath):
        return path
    state = state_of(path)
    if _kept.of != (path, state) or _kept.folder is None:
        _kept.let_go()
        _kept.folder = tempfile.TemporaryDirectory(prefix="aukit-copy-")
        place = Path(_kept.folder.name) / f"copy{path.suffix}"
        try:
            ask(str(path), functools.partial(_fetch, place=place, size=int(state[0])))
        except BaseException:
            _kept.let_go()
            raise
        _kept.of = path, state
    return Path(_kept.folder.name) / f"copy{path.suffix}"


@functools.cache
def local_folder(folder: RemotePath) -> Path:
    """A copy of a small folder, such as a model, without hidden files, until the process ends.

    Raises:
        ConfigError: there is none, or a name in it leads out of it.
        StoreError: as `aukit.remote.store.ask`.
    """
    forget()
    start = len(str(folder)) + 1
    found = {url[start:]: entry for url, entry in tree(str(folder)) if url[start] != "."}
    if not found:
        raise ConfigError(f"no such folder: {folder}")
    made = tempfile.TemporaryDirectory(prefix="aukit-copy-")
    _folders.append(made)
    copied = Path(made.name) / folder.name
    for name, entry in found.items():
        if ".." in name.split("/"):
            raise ConfigError(f"{folder}/{name} is not a name of a file")
        place = copied / name
        place.parent.mkdir(parents=True, exist_ok=True)
        ask(f"{folder}/{name}", functools.partial(_fetch, place=place, size=entry.size))
    return copied


_folders: list[tempfile.TemporaryDirectory[str]] = []


def _fetch(system: Any, name: str, place: Path, size: int) -> None:
    """Copy a file; one that arrives in part counts as no answer."""
    system.get_file(name, str(place))
    if size and place.stat().st_size != size:
        raise ConnectionError(f"{place.stat().st_size} of {size} bytes arrived")
