"""Records what aukit made in a user's folder, so that it deletes and replaces nothing else.

The hidden folder `.aukit` beside the results lists the files, with size and modification time. A
file that is not listed, or has changed since, belongs to the user: a command that would have to
replace it is refused. Every command that writes to a place chosen by the user does so through this
module; run folders and the stage store have their own marks (`state.json`, `stage.json`).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from aukit.errors import ConfigError, StorageError
from aukit.store.files import ensure_writable, read_object, remove_left, write_json

MARK = ".aukit"
ABOUT = "files made by aukit (size, modification time in ns), which it may replace and delete"
HINT = "choose another -o, or move it away"

Stamp = list[int] | None
"""Size and modification time; None while a command is writing the file."""


class Output:
    """An output folder of a command.

    Args:
        folder: the folder; it need not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._list = folder / MARK / "made.json"

    @contextlib.contextmanager
    def alone(self, command: str) -> Iterator[Path]:
        """A working folder, deleted if the block succeeds and kept otherwise.

        Args:
            command: name of the command; only one process at a time may run it here.

        Raises:
            StorageError: another process is running it, or the folder cannot be written.
        """
        self._prepare()
        work = self.folder / MARK / command
        try:
            with FileLock(work.with_suffix(".lock"), timeout=0):
                work.mkdir(exist_ok=True)
                yield work
                shutil.rmtree(work)
        except Timeout as error:
            raise StorageError(
                f"another `aukit {command}` is writing to {self.folder}",
                "wait until it has ended, or choose another -o",
            ) from error

    def unfinished(self, command: str) -> bool:
        """Whether the command was interrupted here and has not finished since."""
        return (self.folder / MARK / command).is_dir()

    def made(self) -> dict[str, Stamp]:
        """The files that aukit made here, as POSIX paths relative to the folder."""
        files = (read_object(self._list) or {}).get("files")
        return files if isinstance(files, dict) else {}

    def unchanged(self) -> list[str]:
        """The files that are still as aukit made them, sorted."""
        return sorted(n for n, stamp in self.made().items() if stamp and self._stamp(n) == stamp)

    def refuse_foreign(self, names: Iterable[str]) -> None:
        """Refuse to overwrite files that aukit did not make.

        Raises:
            ConfigError: there is such a file; the message names the first.
        """
        made = self.made()
        for name in names:
            if not self._is_ours(name, made):
                raise ConfigError(
                    f"{self.folder / name} exists, and aukit did not make it or it was changed "
                    "since",
                    HINT,
                )

    def refuse_foreign_folder(self, name: str) -> None:
        """Refuse to fill a non-empty folder in which aukit made nothing.

        Raises:
            ConfigError: it is such a folder, or a file.
        """
        folder = self.folder / name
        ours = any(other.startswith(f"{name}/") for other in self.made())
        if os.path.lexists(folder) and not (folder.is_dir() and (ours or not any_entry(folder))):
            raise ConfigError(f"{folder} exists, and aukit did not make it", HINT)

    @contextlib.contextmanager
    def writing(self, names: Iterable[str]) -> Iterator[None]:
        """Register the files written in the block as made by aukit.

        Raises:
            ConfigError: one of them exists and is not aukit's.
            StorageError: the folder cannot be written.
        """
        wanted = list(names)
        self._prepare()
        with self._lock():
            self.refuse_foreign(wanted)
            for folder in {(self.folder / name).parent for name in wanted}:
                remove_left(folder, {Path(name).name for name in wanted})
            self._write({**self.made(), **dict.fromkeys(wanted)})
        try:
            yield
        finally:
            with self._lock():
                stamps = {name: self._stamp(name) for name in wanted}
                others = {k: v for k, v in self.made().items() if k not in stamps}
                self._write({**others, **{k: v for k, v in stamps.items() if v is not None}})

    def remove(self, names: Iterable[str]) -> None:
        """Delete the given files that are unchanged since aukit made them."""
        with self._lock():
            made = self.made()
            for name in names:
                if name in made and self._is_ours(name, made):
                    (self.folder / name).unlink(missing_ok=True)
                made.pop(name, None)
            self._write(made)

    def _is_ours(self, name: str, made: dict[str, Stamp]) -> bool:
        """Whether a file may be written: it is missing, or unchanged since aukit made it."""
        if not os.path.lexists(self.folder / name):
            return True
        if name not in made or (found := self._stamp(name)) is None:
            return False
        return made[name] in (None, found)

    def _stamp(self, name: str) -> Stamp:
        """Size and time of a regular file; None for links, folders and devices, which are never
        ours."""
        try:
            status = (self.folder / name).lstat()
        except OSError:
            return None
        return [status.st_size, status.st_mtime_ns] if stat.S_ISREG(status.st_mode) else None

    def _prepare(self) -> None:
        mark = self.folder / MARK
        ensure_writable(self.folder)
        if mark.is_symlink() or not (mark.is_dir() or not os.path.lexists(mark)):
            raise ConfigError(f"{mark} is not aukit's folder for its list of files", HINT)
        mark.mkdir(exist_ok=True)

    def _lock(self) -> FileLock:
        return FileLock(self._list.with_name("lock"))

    def _write(self, made: dict[str, Stamp]) -> None:
        write_json(self._list, {"about": ABOUT, "files": made})


def refuse_foreign(path: Path, inputs: Iterable[Path] = ()) -> None:
    """Refuse to overwrite a file that aukit did not make, or that is an input.

    Args:
        path: file to write.
        inputs: files and folders that the command reads.

    Raises:
        ConfigError: the message says which is the case.
    """
    for each in inputs:
        if os.path.lexists(path) and _lies_in(path, each):
            raise ConfigError(f"{path} is an input and would be overwritten", "choose another -o")
    Output(path.parent).refuse_foreign([path.name])


def writing(path: Path) -> contextlib.AbstractContextManager[None]:
    """Register one file written in the block as made by aukit (`Output.writing`)."""
    return Output(path.parent).writing([path.name])


@contextlib.contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder that becomes `folder` if the block succeeds.

    Raises:
        ConfigError: `folder` exists already.
        StorageError: nothing can be written there.
    """
    if os.path.lexists(folder) and not (folder.is_dir() and not any_entry(folder)):
        raise ConfigError(f"{folder} exists already and is not overwritten", HINT)
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    ensure_writable(aside)
    try:
        yield aside
        if folder.is_dir():
            folder.rmdir()
        aside.rename(folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def _lies_in(path: Path, other: Path) -> bool:
    return path.resolve().is_relative_to(other.resolve())


def any_entry(folder: Path) -> bool:
    """Whether a folder is not empty."""
    return next(folder.iterdir(), None) is not None


def remember(path: Path, document: dict[str, Any], what: str) -> None:
    """Record in a file what its folder is filled with, so that the same command can continue.

    Args:
        path: path of the file.
        document: JSON object.
        what: what the folder receives, as a phrase.

    Raises:
        ConfigError: the folder was filled with other settings, or not by aukit.
        StorageError: nothing can be written there.
    """
    folder = path.parent
    known = read_object(path)
    if known is None and folder.is_dir() and any_entry(folder):
        raise ConfigError(f"{folder} holds files that aukit did not make", "choose an empty folder")
    if known is not None and known != json.loads(json.dumps(document)):
        raise ConfigError(f"{folder} holds {what} with other settings", "choose another folder")
    ensure_writable(folder)
    write_json(path, document)
