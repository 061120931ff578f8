"""The store of stage results, addressed by what determines them.

A result is a folder under a key of (stage, components, code, options, inputs, seed). It is written
aside and renamed, so an existing folder is complete. The unfinished folder survives a kill: a
stage that works in shards or checkpoints continues inside it.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from aukit.store.files import digest, read_object, write_json

STAGE_FILE = "stage.json"

FORMAT = 2
"""Version of what stages store; part of every key."""


@dataclass(frozen=True)
class Result:
    """The result of a finished stage.

    Attributes:
        key: key of the result; results with the same key are interchangeable.
        folder: folder of the result.
    """

    key: str
    folder: Path


class Stages:
    """Stage results under one folder, shared by all runs there.

    Args:
        root: folder of the store.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def key(self, name: str, document: Mapping[str, Any]) -> str:
        """The key of a stage: its name and a hash of everything that determines its result."""
        return f"{name}-{digest({'format': FORMAT, 'stage': name, **document})}"

    def finished(self, key: str) -> Result | None:
        """The result of a finished stage, or None."""
        folder = self.root / key
        return Result(key, folder) if (folder / STAGE_FILE).is_file() else None

    def run(
        self,
        name: str,
        document: Mapping[str, Any],
        compute: Callable[[Path], None],
        *,
        again: bool = False,
    ) -> tuple[Result, bool]:
        """The result of a stage, computed unless stored.

        Args:
            name: stage name, e.g. `align`.
            document: everything that determines the result, as JSON values.
            compute: fills the given folder, which may hold usable parts from an interrupted
                attempt.
            again: recompute and replace the result even if stored.

        Returns:
            the result, and whether it was computed now.
        """
        key = self.key(name, document)
        if not again and (found := self.finished(key)) is not None:
            return found, False
        self.root.mkdir(parents=True, exist_ok=True)
        # Two runs that share a stage compute it once; the lock ends with its process.
        with FileLock(self.root / f".{key}.lock"):
            if not again and (found := self.finished(key)) is not None:
                return found, False
            partial = self.root / f".{key}.partial"
            partial.mkdir(exist_ok=True)
            started = time.perf_counter()
            compute(partial)
            seconds = round(time.perf_counter() - started, 3)
            write_json(partial / STAGE_FILE, {**document, "stage": name, "seconds": seconds})
            self._put(partial, self.root / key)
        return Result(key, self.root / key), True

    def _put(self, partial: Path, place: Path) -> None:
        """Move a finished folder to its place, replacing what is there."""
        if not (place / STAGE_FILE).is_file():
            os.replace(partial, place)
            return
        old = place.with_name(f".{place.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        os.replace(place, old)
        os.replace(partial, place)
        shutil.rmtree(old, ignore_errors=True)

    def nearest(self, name: str, document: Mapping[str, Any]) -> tuple[str, ...] | None:
        """What differs between a stage and its nearest stored result.

        Returns:
            dotted names of the values that differ; None if the stage has no stored result.
        """
        wanted = dict(_flat(json.loads(json.dumps(document))))
        others = [differing(wanted, found) for found in self._documents(name)]
        return min(others, key=lambda names: (len(names), names), default=None)

    def _documents(self, name: str) -> Iterator[Mapping[str, Any]]:
        for path in sorted(self.root.glob(f"{name}-*/{STAGE_FILE}")):
            found = read_object(path) or {}
            if found.get("stage") == name:
                yield dict(_flat({k: v for k, v in found.items() if k not in _OWN}))


_OWN = ("stage", "seconds")


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the values in which two flat documents differ."""
    nothing = object()
    names = sorted({*one, *other})
    return tuple(name for name in names if one.get(name, nothing) != other.get(name, nothing))


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """`{"a": {"b": 1}}` as `("a.b", 1)`; lists are values."""
    if isinstance(value, Mapping) and value:
        for key, entry in value.items():
            yield from _flat(entry, f"{path}.{key}" if path else key)
    else:
        yield path, value
