"""The files in a folder that aukit made."""

from __future__ import annotations

from pathlib import Path

from aukit.errors import ConfigError
from aukit.runs.exported import is_exported
from aukit.runs.folder import FINISHED, read_state
from aukit.store.owned import Output


def files_made(folder: Path) -> list[str]:
    """All visible files of a run or an exported model, or what commands wrote to a folder.

    Returns:
        relative POSIX paths, sorted.

    Raises:
        ConfigError: aukit did not make the folder, or the run has not finished.
    """
    if is_exported(folder):
        return _visible(folder)
    if state := read_state(folder).get("state"):
        if state != FINISHED:
            raise ConfigError(f"{folder} has not finished", "repeat its command to continue")
        return _visible(folder)
    if made := Output(folder).unchanged():
        return made
    raise ConfigError(
        f"{folder} is no run, no exported model, and no folder with results of a command"
    )


def _visible(folder: Path) -> list[str]:
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(p.as_posix() for p in paths if not any(n.startswith(".") for n in p.parts))
