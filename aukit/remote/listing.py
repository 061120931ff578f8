"""What stores say about their files; each folder is listed once per command.

A store answers one request in some ten milliseconds, and lists a thousand files in one. Files are
therefore looked up in the list of their folder, except for the first few of a folder.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from aukit.remote.store import ask

FEW = 2
"""Files of a folder that are looked up one by one, since a folder may hold a million others."""

_TAGS = (
    *("ETag", "etag", "md5Hash", "content_md5", "checksum"),
    *("mtime", "LastModified", "last_modified", "modified", "created"),
)
"""What changes with the content, under the names of several stores; the best first."""


class Entry(NamedTuple):
    """A file or folder.

    Attributes:
        is_folder: whether it is a folder.
        size: bytes.
        tag: ETag or checksum, else the time of the last change.
    """

    is_folder: bool
    size: int
    tag: str


_listed: dict[str, dict[str, Entry]] = {}
_trees: set[str] = set()
_looked_up: Counter[str] = Counter()


def forget() -> None:
    """Forget all lists, so that changes of files are noticed."""
    _listed.clear()
    _trees.clear()
    _looked_up.clear()


def entries(url: str) -> Mapping[str, Entry]:
    """Name -> entry of everything in a folder.

    Raises:
        FileNotFoundError, ConfigError, StoreError: as `ask`.
    """
    if url not in _listed:
        _listed[url] = ask(url, _list)
    return _listed[url]


def tree(url: str) -> list[tuple[str, Entry]]:
    """URL and entry of every file below a folder, at any depth; none if the folder is missing."""
    if url not in _trees:
        _listed[url] = {}
        for path, entry in ask(url, _find).items():
            folder, *inner = url, *path.split("/")
            for name in inner[:-1]:
                _listed.setdefault(folder, {})[name] = Entry(True, 0, "")
                folder = f"{folder}/{name}"
            _listed.setdefault(folder, {})[inner[-1]] = entry
        _trees.add(url)
    return _walk(url)


def _walk(url: str) -> list[tuple[str, Entry]]:
    found = []
    for name, entry in sorted(_listed[url].items()):
        place = f"{url}/{name}"
        found += _walk(place) if entry.is_folder else [(place, entry)]
    return found


def entry(url: str) -> Entry:
    """The entry of a file or folder.

    Raises:
        FileNotFoundError, ConfigError, StoreError: as `ask`.
    """
    folder, _, name = url.rpartition("/")
    if folder not in _listed:
        _looked_up[folder] += 1
        if _looked_up[folder] <= FEW or not _can_be_listed(folder):
            return _entry(ask(url, lambda system, path: system.info(path)))
    if (found := entries(folder).get(name)) is None:
        raise FileNotFoundError(errno.ENOENT, "no such file or folder", url)
    return found


def _can_be_listed(folder: str) -> bool:
    """Not the list of all buckets, and not web servers, whose pages list nothing."""
    return "://" in folder and not folder.startswith(("http:", "https:"))


def _list(system: Any, path: str) -> dict[str, Entry]:
    found = system.ls(path, detail=True)
    system.invalidate_cache()  # it is kept here, in a tenth of the memory
    own = path.rstrip("/")
    names = ((info["name"].rstrip("/"), info) for info in found)
    return {name.rpartition("/")[2]: _entry(info) for name, info in names if name != own}


def _find(system: Any, path: str) -> dict[str, Entry]:
    found = system.find(path, detail=True)
    system.invalidate_cache()
    start = len(path.rstrip("/")) + 1
    # Some programs store an empty file that ends in a slash in place of a folder.
    return {
        name[start:]: _entry(info)
        for name, info in found.items()
        if len(name) > start and not name.endswith("/")
    }


def _entry(info: Mapping[str, Any]) -> Entry:
    tag = next((info[name] for name in _TAGS if info.get(name)), "")
    return Entry(info["type"] == "directory", int(info.get("size") or 0), str(tag).strip('"'))
