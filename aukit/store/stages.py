"""Results that are found again by what made them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from aukit.store.files import digest, write_json

STAGE_FILE = "stage.json"


FORMAT = 1
"""Counts changes of what stages store; part of every key."""


class Stages:
    """Stage results under one folder, shared by all runs there.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def key(self, name: str, document: Mapping[str, Any]) -> str:
        """The key of a stage: its name and a hash of everything that determines its result."""
        return f"{name}-{digest({'format': FORMAT, 'stage': name, **document})}"

    def finished(self, key: str) -> Path | None:
        """The folder of a finished stage, or None."""
        folder = self.root / key
        return folder if (folder / STAGE_FILE).is_file() else None

    def run(
        self, name: str, document: Mapping[str, Any], compute: Callable[[Path], None]
    ) -> tuple[Path, bool]:
        """The result of a stage, computed unless it is there.

        Args:
            name: stage name, e.g. `align`.
            document: everything that determines the result, as JSON values.
            compute: fills the folder that it is given; what an earlier, interrupted attempt left
                there may be used.

        Returns:
            the folder, and whether it was computed now.
        """
        key = self.key(name, document)
        if (found := self.finished(key)) is not None:
            return found, False
        self.root.mkdir(parents=True, exist_ok=True)
        # Two runs that share a stage compute it once; the lock dies with its process.
        with FileLock(self.root / f".{key}.lock"):
            if (found := self.finished(key)) is not None:
                return found, False
            partial = self.root / f".{key}.partial"
            partial.mkdir(exist_ok=True)
            started = time.perf_counter()
            compute(partial)
            seconds = round(time.perf_counter() - started, 3)
            write_json(partial / STAGE_FILE, {**document, "stage": name, "seconds": seconds})
            os.replace(partial, self.root / key)
        return self.root / key, True
