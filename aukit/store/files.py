"""Files that are never half-written, and stages whose results are found again by what made them.

A stage's result is a folder under a key of (stage, components, versions, options, inputs, seed).
It is written aside and renamed, so a folder that exists is complete. While it is being made, the
folder aside survives a kill: a stage that works in shards or checkpoints continues inside it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from aukit.errors import DataError, StorageError


@contextlib.contextmanager
def write_aside(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield aside
        os.replace(aside, path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step."""
    with write_aside(path) as aside:
        aside.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file in one step."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def write_table(path: Path, table: pa.Table, row_group: int = 256) -> None:
    """Write a Parquet file in one step, in row groups of a few MB."""
    with write_aside(path) as aside:
        pq.write_table(table, aside, row_group_size=row_group, compression="zstd")


def read_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Read a Parquet file.

    Raises:
        DataError: it is missing or damaged.
    """
    try:
        return pq.ParquetFile(path).read(columns=columns)
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist") from error
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} is not a readable Parquet file: {error}") from error


def digest(document: Any) -> str:
    """A short stable hash of JSON values."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def ensure_writable(folder: Path) -> None:
    """Create a folder and prove that files can be written there.

    Raises:
        StorageError: they cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with write_aside(folder / ".writable") as aside:
            aside.write_bytes(b"")
        (folder / ".writable").unlink()
    except OSError as error:
        raise StorageError(
            f"cannot write to {folder}: {error.strerror}", "choose another folder with -o"
        ) from error
