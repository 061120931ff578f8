"""Paths of files in stores, which readers use like paths of this machine."""

from __future__ import annotations

import io
import os
import re
import stat
from collections.abc import Generator
from pathlib import Path, PosixPath
from typing import IO, Any

from aukit.errors import StoreError
from aukit.remote import listing
from aukit.remote.store import ask, is_url

_ONE_SLASH = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*):/(?!/)")


class RemotePath(PosixPath):
    """A file or folder in an object store or on another server: `s3://bucket/folder/file`.

    It has the methods of `pathlib.Path` that read, except for `glob`. Contents are transferred
    whole. Functions that open a path of this machine by themselves refuse it; give them
    `path.open("rb")`, or a copy (`aukit.remote.copy.local`).

    All methods that read raise `FileNotFoundError`, `ConfigError` and `StoreError` as
    `aukit.remote.store.ask` does.
    """

    def __str__(self) -> str:
        return _ONE_SLASH.sub(r"\1://", super().__str__())

    def __fspath__(self) -> str:
        raise StoreError(
            f"{self} is not a file of this machine",
            "a reader opens it with path.open('rb'), or copies it with aukit.remote.copy.local",
        )

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Type and size."""
        found = listing.entry(str(self))
        kind = stat.S_IFDIR if found.is_folder else stat.S_IFREG
        return os.stat_result((kind, 0, 0, 0, 0, 0, found.size, 0, 0, 0))

    def exists(self, **_: Any) -> bool:
        """Whether there is a file or folder."""
        return self._entry() is not None

    def is_dir(self, **_: Any) -> bool:
        """Whether it is a folder."""
        found = self._entry()
        return found is not None and found.is_folder

    def is_file(self, **_: Any) -> bool:
        """Whether it is a file."""
        found = self._entry()
        return found is not None and not found.is_folder

    def _entry(self) -> listing.Entry | None:
        try:
            return listing.entry(str(self))
        except FileNotFoundError:
            return None

    def iterdir(self) -> Generator[RemotePath, None, None]:
        """Everything in the folder."""
        yield from (self / name for name in listing.entries(str(self)))

    def rglob(self, pattern: str, **_: Any) -> Generator[RemotePath, None, None]:
        """The files below the folder whose names match a pattern."""
        paths = (RemotePath(url) for url, _ in listing.tree(str(self)))
        yield from (path for path in paths if path.match(pattern))

    def open(  # type: ignore[override]  # the many overloads of `open` have one answer here
        self, mode: str = "r", *arguments: Any, **options: Any
    ) -> IO[Any]:
        """The content, transferred whole."""
        if set(mode) - set("rbt"):
            raise StoreError(f"{self} can only be read")
        content = io.BytesIO(ask(str(self), lambda system, path: system.cat_file(path)))
        if "b" in mode:
            return content
        return io.TextIOWrapper(content, *arguments[1:], **_without_buffering(options))

    def absolute(self) -> RemotePath:
        """Itself."""
        return self

    def resolve(self, strict: bool = False) -> RemotePath:
        """Itself."""
        return self


def _without_buffering(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name != "buffering"}


def place_of(text: str) -> Path:
    """The path that a text names: a `RemotePath` for a URL, else a path of this machine.

    Nothing is contacted. `file:///data/photos` is `/data/photos`.
    """
    if text.startswith("file://"):
        return Path(text.removeprefix("file://"))
    return RemotePath(text) if is_url(text) else Path(text)


def state_of(path: Path) -> list[int | str]:
    """What changes with the content of a file: its size, and the time of its last change or, in a
    store, its ETag or checksum.

    Raises:
        OSError: there is no such file.
    """
    if isinstance(path, RemotePath):
        found = listing.entry(str(path))
        return [found.size, found.tag]
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]
