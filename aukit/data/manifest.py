"""Manifests: a record of a dataset's files, to detect later changes."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from aukit.contracts.dataset import KnowsSources
from aukit.errors import DataError
from aukit.store.files import write_json

KIND = "aukit manifest"
HASHED = 1 << 18
"""Files up to this many bytes, such as labels, are identified by content, others by size."""


def describe(dataset: KnowsSources) -> dict[str, list[Any]]:
    """File -> size, and the start of the SHA-256 of small ones; size -1 if missing.

    Names are relative to the folder that all files share, so that a corpus may be moved.
    """
    paths = list(dict.fromkeys(dataset.sources()))
    above = os.path.commonpath([str(path.parent) for path in paths]) if paths else "."
    return {
        Path(os.path.relpath(str(path), above)).as_posix(): _entry(path) for path in sorted(paths)
    }


def _entry(path: Path) -> list[Any]:
    try:
        size = path.stat().st_size
        if size > HASHED:
            return [size]
        return [size, hashlib.sha256(path.read_bytes()).hexdigest()[:16]]
    except OSError:
        return [-1]


def write(path: Path, dataset: KnowsSources) -> None:
    """Write a manifest of a dataset's files."""
    write_json(path, {"kind": KIND, "files": describe(dataset)})


def hold_to(path: Path, dataset: KnowsSources) -> None:
    """Refuse files that differ from a manifest.

    Raises:
        DataError: it is not a manifest, or files were changed, added or removed.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read the manifest {path}: {error}") from error
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise DataError(
            f"{path} is not a manifest", "make one with `aukit data check --write-manifest`"
        )
    then, now = document["files"], describe(dataset)
    changed = sorted(name for name in {*then, *now} if then.get(name) != now.get(name))
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise DataError(
            f"{changed[0]}{more} differ from the manifest {path}"
            if more
            else f"{changed[0]} differs from the manifest {path}",
            "check the data again, and write a new manifest if the change is intended",
        )
