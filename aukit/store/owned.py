"""What aukit made in a folder of somebody's, so that it deletes and replaces nothing else.

The hidden folder `.aukit` beside the results lists them, each with its size and the time of its
last change. A file that is not on the list, or was changed since, is somebody's: a command that
would have to replace it is refused. Every command that writes where its user says goes through
here; run folders and the stage store have marks of their own (`state.json`, `stage.json`).
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
ABOUT = "aukit made these files (size, time of change in ns), and may replace and delete them"
HINT = "choose another -o, or move it away"

Stamp = list[int] | None
"""Size and time of the last change; None while a command is writing the file."""


class Output:
    """A folder that a command writes into.

    Args:
        folder: need not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._list = folder / MARK / "made.json"

    @contextlib.contextmanager
    def alone(self, command: str) -> Iterator[Path]:
        """A folder to work in, which is gone when the block ends well and kept otherwise.

        Args:
            command: only one process at a time runs it here.

        Raises:
            StorageError: another process does, or nothing can be written here.
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
        """Whether a command was interrupted here, and has not ended well since."""
        return (self.folder / MARK / command).is_dir()

    def made(self) -> dict[str, Stamp]:
        """Names of the files here that aukit made, as POSIX paths below the folder."""
        files = (read_object(self._list) or {}).get("files")
        return files if isinstance(files, dict) else {}

    def refuse_foreign(self, names: Iterable[str]) -> None:
        """Refuse to write files that are there already and are somebody's.

        Raises:
            ConfigError: naming the first.
        """
        made = self.made()
        for name in names:
            if not self._is_ours(name, made):
                raise ConfigError(
                    f"{self.folder / name} is there already, and aukit did not make it, or it was "
                    "changed since",
                    HINT,
                )

    def refuse_foreign_folder(self, name: str) -> None:
        """Refuse to fill a folder that holds something, and nothing that aukit made.

        Raises:
            ConfigError: it does, or it is a file.
        """
        folder = self.folder / name
        ours = any(other.startswith(f"{name}/") for other in self.made())
        if os.path.lexists(folder) and not (folder.is_dir() and (ours or not any_entry(folder))):
            raise ConfigError(f"{folder} is there already, and aukit did not make it", HINT)

    @contextlib.contextmanager
    def writing(self, names: Iterable[str]) -> Iterator[None]:
        """A block that writes files, which from then on are aukit's.

        Raises:
            ConfigError: one of them is somebody's.
            StorageError: nothing can be written here.
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
        """Delete those of some files that are still as aukit made them."""
        with self._lock():
            made = self.made()
            for name in names:
                if name in made and self._is_ours(name, made):
                    (self.folder / name).unlink(missing_ok=True)
                made.pop(name, None)
            self._write(made)

    def _is_ours(self, name: str, made: dict[str, Stamp]) -> bool:
        """Whether a file may be written: it is not there, or it is as aukit made it."""
        if not os.path.lexists(self.folder / name):
            return True
        if name not in made or (found := self._stamp(name)) is None:
            return False
        return made[name] in (None, found)

    def _stamp(self, name: str) -> Stamp:
        """None where there is no plain file: a link, a folder or a device is never ours."""
        try:
            status = (self.folder / name).lstat()
        except OSError:
            return None
        return [status.st_size, status.st_mtime_ns] if stat.S_ISREG(status.st_mode) else None

    def _prepare(self) -> None:
        mark = self.folder / MARK
        ensure_writable(self.folder)
        if mark.is_symlink() or not (mark.is_dir() or not os.path.lexists(mark)):
            raise ConfigError(f"{mark} is not the folder in which aukit lists its files", HINT)
        mark.mkdir(exist_ok=True)

    def _lock(self) -> FileLock:
        return FileLock(self._list.with_name("lock"))

    def _write(self, made: dict[str, Stamp]) -> None:
        write_json(self._list, {"about": ABOUT, "files": made})


def refuse_foreign(path: Path, inputs: Iterable[Path] = ()) -> None:
    """Refuse to write a file that is there already and is somebody's, or is read.

    Args:
        path: what is to be written.
        inputs: files and folders that the command reads.

    Raises:
        ConfigError: saying which.
    """
    for each in inputs:
        if os.path.lexists(path) and _lies_in(path, each):
            raise ConfigError(f"{path} is read, and would be overwritten", "choose another -o")
    Output(path.parent).refuse_foreign([path.name])


def writing(path: Path) -> contextlib.AbstractContextManager[None]:
    """A block that writes one file, which from then on is aukit's (`Output.writing`)."""
    return Output(path.parent).writing([path.name])


@contextlib.contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A folder that is filled aside and takes its place when the block ends well.

    Raises:
        ConfigError: something is there already.
        StorageError: nothing can be written there.
    """
    if os.path.lexists(folder) and not (folder.is_dir() and not any_entry(folder)):
        raise ConfigError(f"{folder} is there already: nothing is overwritten", HINT)
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
    """Whether a folder holds anything."""
    return next(folder.iterdir(), None) is not None


def remember(path: Path, document: dict[str, Any], what: str) -> None:
    """Note in a file what its folder is being filled with; the same command may go on there.

    Args:
        path: of the note.
        document: JSON values.
        what: what the folder gets, in words.

    Raises:
        ConfigError: the folder holds the same of something else, or what aukit did not make.
        StorageError: nothing can be written there.
    """
    folder = path.parent
    known = read_object(path)
    if known is None and folder.is_dir() and any_entry(folder):
        raise ConfigError(f"{folder} holds what aukit did not make", "choose an empty folder")
    if known is not None and known != json.loads(json.dumps(document)):
        raise ConfigError(f"{folder} holds {what} of other settings", "choose another folder")
    ensure_writable(folder)
    write_json(path, document)
