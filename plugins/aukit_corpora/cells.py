"""Reads the cells of a table as text, and their values."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from aukit import au as facs
from aukit.data.codes import Floats
from aukit.data.records import TEST, TRAIN, VALID
from aukit.errors import DataError

PARTITIONS = {
    "train": TRAIN, "training": TRAIN, "valid": VALID, "val": VALID, "validation": VALID,
    "dev": VALID, "test": TEST, "testing": TEST,
}  # fmt: skip
LETTERS = {letter: float(level) for level, letter in enumerate(facs.LEVELS)}
NOTHING = frozenset(["", "na", "n/a", "nan", "null", "none", "?", "."])


def read_cells(path: Path) -> pa.Table:
    """A CSV or Parquet table with every cell as text, so that 007 stays 007.

    Raises:
        DataError: it cannot be read.
    """
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            with path.open("rb") as file:
                found = pa.parquet.ParquetFile(file).read()
            columns = [column.cast(pa.string()) for column in found.columns]
            return pa.table(columns, names=found.column_names)
        return _read_text(path)
    except (pa.ArrowException, OSError, StopIteration) as error:
        reason = str(error).splitlines()[0] if str(error) else "it is empty"
        raise DataError(f"cannot read {path}: {reason}") from error


def _read_text(path: Path) -> pa.Table:
    with path.open("rb") as file:
        heading = file.readline().decode("utf-8-sig", "replace")
        file.seek(0)
        return _parsed(path, heading, file)


def _parsed(path: Path, heading: str, file: BinaryIO) -> pa.Table:
    if not heading.strip():
        raise DataError(f"cannot read {path}: it has no heading")
    divider = max(",;\t", key=heading.count)
    names = next(iter(_split(heading, divider)))
    convert = pa.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
    )
    read = pa.csv.ReadOptions(column_names=names, skip_rows=1)
    return pa.csv.read_csv(file, read, pa.csv.ParseOptions(delimiter=divider), convert)


def _split(heading: str, divider: str) -> Iterator[list[str]]:
    for cells in csv.reader([heading.strip("\r\n")], delimiter=divider):
        yield [cell.strip() for cell in cells]


def codes_of(column: pa.ChunkedArray) -> tuple[Floats, int]:
    """Codes of a text column, and the number of cells without a valid code."""
    unique = column.unique().to_pylist()
    known = {text: _code(text) for text in unique}
    cells = column.to_pylist()
    bad = {text for text in unique if _is_strange(text)}
    found = np.array([known[cell] for cell in cells], np.float32)
    return found, sum(cell in bad for cell in cells)


def _code(text: str | None) -> float:
    cell = (text or "").strip()
    if (letter := LETTERS.get(cell.upper())) is not None:
        return letter
    try:
        return float(cell.replace(",", "."))
    except ValueError:
        return float("nan")


def _is_strange(text: str | None) -> bool:
    cell = (text or "").strip().lower()
    return cell not in NOTHING and bool(np.isnan(_code(cell)))


def whole(cell: str | None) -> int | None:
    """The whole number in a cell, if it is one."""
    found = re.fullmatch(r"(-?\d+)(?:\.0*)?", cell or "")
    return int(found[1]) if found else None


def partition(cell: str | None) -> str | None:
    """The partition named in a cell; unknown names are kept."""
    return None if cell is None else PARTITIONS.get(cell.lower(), cell)
