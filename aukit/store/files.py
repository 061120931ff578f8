"""Files that are never half-written: each is written aside and renamed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from aukit.errors import DataError, StorageError
from aukit.machine.alive import is_alive

LONGEST_NAME = 255


@contextlib.contextmanager
def write_aside(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that replaces it if the block succeeds.

    Raises:
        StorageError: `path` is a device, a pipe or a link, which a file would replace.
    """
    if path.is_symlink() or (path.exists() and not (path.is_file() or path.is_dir())):
        raise StorageError(
            f"{path} is not a regular file and would be replaced", "give the name of a file"
        )
    aside = path.with_name(f"{_mark(path.name)}.{os.getpid()}.partial")
    try:
        yield aside
        os.replace(aside, path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def remove_left(folder: Path, names: Collection[str] | None = None) -> None:
    """Remove temporary files left by killed processes of this machine.

    Args:
        folder: folder of the files.
        names: names of the files they were for; None for all, in a folder of aukit's own.
    """
    marks = None if names is None else {_mark(name) for name in names}
    for left in folder.glob(".*.partial"):
        mark, _, number = left.name.removesuffix(".partial").rpartition(".")
        known = left.is_file() and (marks is None or mark in marks)
        if (
            known
            and number.isdecimal()
            and int(number) != os.getpid()
            and not is_alive(int(number))
        ):
            left.unlink(missing_ok=True)


def _mark(name: str) -> str:
    """Prefix of a temporary file's name. It depends on the machine, since processes of other
    machines cannot be checked. It does not contain the name, which may have the maximum length."""
    return f".{digest([name, platform.node()])}"


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with write_aside(path) as aside:
        # File names that are not UTF-8 are kept, as JSON escapes.
        aside.write_text(text, encoding="utf-8", errors="backslashreplace")


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file atomically."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def read_document(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        DataError: the file is missing or damaged, or not a JSON object.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist") from error
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} is damaged: {error}") from error
    if not isinstance(found, dict):
        raise DataError(f"{path} is damaged: it is not a JSON object")
    return found


def read_object(path: Path) -> dict[str, Any] | None:
    """The JSON object in a file; None if the file is missing or not a JSON object."""
    try:
        return read_document(path)
    except DataError:
        return None


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The JSON objects in the lines of a file; a truncated line is skipped."""
    try:
        texts = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    lines = []
    for text in texts:
        with contextlib.suppress(ValueError, RecursionError):
            lines.append(json.loads(text))
    return [line for line in lines if isinstance(line, dict)]


def write_table(
    path: Path, table: pa.Table, row_group: int = 256, plain: Collection[str] = ()
) -> None:
    """Write a Parquet file in one step, in row groups of a few MB.

    Args:
        path: of the file.
        table: its content.
        row_group: most rows of a row group.
        plain: columns of compressed pictures, which are not compressed again.

    Raises:
        StorageError: the path is not UTF-8, which pyarrow cannot write to.
    """
    packed = [_leaf(field) for field in table.schema if field.name not in plain]
    codecs = {**dict.fromkeys(packed, "zstd"), **dict.fromkeys(plain, "none")}
    with write_aside(path) as aside:
        try:
            pq.write_table(
                table,
                aside,
                row_group_size=row_group,
                compression=codecs,
                use_dictionary=packed,
                write_statistics=packed,
            )
        except UnicodeEncodeError as error:
            raise StorageError(
                f"tables cannot be written to {path}: the path is not UTF-8",
                "choose another folder with -o",
            ) from error


def _leaf(field: pa.Field) -> str:
    """What Parquet calls a column: one of lists after their elements."""
    return f"{field.name}.list.element" if pa.types.is_nested(field.type) else str(field.name)


def open_parquet(path: Path) -> pq.ParquetFile:
    """A Parquet file whose parts are read when they are asked for, inside `readable`."""
    # By path, not by file object: pyarrow aborts at exit otherwise (apache/arrow #34314).
    return pq.ParquetFile(path, memory_map=True)


def read_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Read a Parquet file.

    Raises:
        DataError: it is missing or damaged.
    """
    with readable(path):
        return pq.ParquetFile(path).read(columns=columns)


def read_schema(path: Path) -> pa.Schema:
    """The schema of a Parquet file.

    Raises:
        DataError: it is missing or damaged.
    """
    with readable(path):
        return pq.read_schema(path)


def read_batches(path: Path, rows: int) -> Iterator[pa.RecordBatch]:
    """Read a Parquet file in batches of at most `rows` rows.

    Raises:
        DataError: it is missing or damaged.
    """
    with readable(path):
        yield from pq.ParquetFile(path).iter_batches(batch_size=rows)


@contextlib.contextmanager
def readable(path: Path) -> Iterator[None]:
    """A block that reads a Parquet file.

    Raises:
        DataError: the file is missing or damaged.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist") from error
    except (pa.ArrowException, OSError, UnicodeEncodeError) as error:
        raise DataError(f"{path} is not a readable Parquet file: {error}") from error


def file_name(stem: str, end: str) -> str:
    """`stem + end`, with the stem cut so that the name has at most 255 bytes of UTF-8."""
    room = LONGEST_NAME - len(os.fsencode(end))
    return os.fsencode(stem)[:room].decode(errors="ignore") + end


def digest(document: Any) -> str:
    """A short stable hash of a JSON value."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_digest(path: Path) -> str:
    """The SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def ensure_writable(folder: Path) -> None:
    """Create a folder and verify that files can be written there.

    Raises:
        StorageError: they cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b".")
    except OSError as error:
        raise StorageError(
            f"cannot write to {folder}: {error.strerror}", "choose another folder with -o"
        ) from error
