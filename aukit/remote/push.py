"""Uploads results to a store, over nothing that aukit did not upload itself.

The file `.aukit/made.json` beside the results in the store lists them, with what the store says
about each. Stores have no locks: two uploads to the same place at a time are not noticed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aukit.errors import ConfigError, StoreError
from aukit.remote import listing
from aukit.remote.path import RemotePath
from aukit.remote.store import ask

MARK = ".aukit/made.json"
ABOUT = "files uploaded by aukit (size, ETag, SHA-256), which it may replace"


@dataclass(frozen=True)
class Pushed:
    """What was done.

    Attributes:
        uploaded: names of the files that were uploaded.
        unchanged: names of those that were there already.
    """

    uploaded: tuple[str, ...]
    unchanged: tuple[str, ...]


def push(folder: Path, names: Iterable[str], target: RemotePath) -> Pushed:
    """Upload files of a folder.

    An upload that was interrupted is continued by the next one.

    Args:
        folder: the folder.
        names: its files to upload, as relative POSIX paths.
        target: folder in the store; it need not exist.

    Raises:
        ConfigError: a file there was not uploaded by aukit, or was changed since.
        StoreError: the store refuses access or does not answer.
    """
    there, made = _states(target), _made(target)
    digests = {name: _digest(folder / name) for name in names}
    for name in digests:
        if name in there and not _is_ours(made, name, there[name]):
            raise ConfigError(
                f"{target / name} exists, and aukit did not upload it or it was changed since",
                "choose another place, or move it away",
            )
    unchanged = tuple(
        name for name in digests if name in there and made[name] == [*there[name], digests[name]]
    )
    uploaded = tuple(name for name in digests if name not in unchanged)
    if uploaded:
        _remember(target, {**made, **dict.fromkeys(uploaded)})
        for name in uploaded:
            _upload(folder / name, target / name)
        there = _states(target)
        _remember(target, {**made, **{n: [*there[n], digests[n]] for n in uploaded if n in there}})
    return Pushed(uploaded, unchanged)


def _is_ours(made: dict[str, Any], name: str, state: list[Any]) -> bool:
    """Whether a file may be replaced; one whose upload was interrupted is listed without state."""
    return name in made and (made[name] is None or made[name][:2] == state)


def _states(target: RemotePath) -> dict[str, list[Any]]:
    """Name -> size and tag of every file in the store."""
    listing.forget()
    start = len(str(target)) + 1
    return {url[start:]: [entry.size, entry.tag] for url, entry in listing.tree(str(target))}


def _made(target: RemotePath) -> dict[str, Any]:
    try:
        files = json.loads((target / MARK).read_bytes())["files"]
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{target / MARK} is damaged", "choose another place") from error
    return dict(files)


def _remember(target: RemotePath, files: dict[str, Any]) -> None:
    content = json.dumps({"about": ABOUT, "files": files}, indent=1).encode()
    ask(str(target / MARK), lambda system, path: system.pipe_file(path, content))


def _upload(source: Path, target: RemotePath) -> None:
    ask(str(target), lambda system, path: system.put_file(str(source), path))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
