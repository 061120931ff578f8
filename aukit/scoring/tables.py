"""One side of an evaluation, read from CSV or Parquet files of any origin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aukit import au
from aukit.data.kinds import OCCURRENCE, au_kinds
from aukit.errors import DataError
from aukit.scoring.columns import Layout, recognise
from aukit.scoring.files import (
    column_names,
    is_parquet,
    parquet_schema,
    read_columns,
    whole_numbers,
)
from aukit.scoring.found import table_files

Scale = Literal["auto", "0-5", "0-1"]
Estimate = Literal["auto", "intensity", "presence"]

NOT_CODED = (9.0, -1.0, 999.0)
"""Codes that corpora use for frames that were not coded, besides NaN and empty cells."""

SHOWN = 8
"""Most columns listed in an error."""

FILE = "file"
"""Column added to tables of a folder: the file name without its suffix."""


@dataclass(frozen=True)
class Side:
    """A table of AUs.

    Attributes:
        path: where it was read from.
        origin: program that writes such tables.
        keys: N rows of keys that identify frames (names in `columns.KEYS`).
        values: AU -> (N,) float64; NaN if not coded or not estimated.
        presence: the AUs whose values are presence in 0..1, not intensities in 0..5.
        left_out: AUs that the file has only in a kind that was not requested.
        notes: notes on how values were treated.
    """

    path: Path
    origin: str
    keys: pa.Table
    values: Mapping[str, NDArray[np.float64]]
    presence: frozenset[str]
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return int(self.keys.num_rows)


def read_truth(path: Path, scale: Scale = "auto", person: str | None = None) -> Side:
    """Read the truth: intensities 0..5, or presence 0 and 1; 9, -1, 999 and NaN mean not coded.

    Args:
        path: a file, or a folder of files.
        scale: scale of columns whose name does not define it; `auto` decides by the values.
        person: column with the person; None: `subject` or a similar name, if there is one.

    Raises:
        DataError: the file does not exist, has no AUs, or has values on no known scale.
    """
    table, layout, left_out = _read(path, person, truth=True)
    columns = {**layout.presence, **layout.intensity, **layout.unknown}
    values = {name: _numbers(table, column) for name, column in sorted(columns.items())}
    for name, column in values.items():
        values[name] = np.where(np.isin(column, NOT_CODED), np.nan, column)
    if all(np.isnan(column).all() for column in values.values()):
        raise DataError(f"no frame of {path} is coded: there are no numbers in {', '.join(values)}")
    presence = _known_as_presence(path, layout, values, scale)
    for name, column in values.items():
        _check_range(path, name, column, name in presence)
    keys = _keys(path, table, layout)
    return Side(path, layout.origin, keys, values, presence, notes=tuple(left_out))


def read_predictions(
    path: Path,
    estimate: Estimate = "auto",
    scale: Scale = "auto",
    person: str | None = None,
    clip: bool = False,
) -> Side:
    """Read estimates of AUs.

    Args:
        path: a file, or a folder of files.
        estimate: `intensity` or `presence`, if a program writes both; `auto`: intensity.
        scale: scale of columns whose name does not define it; `auto` decides by the values.
        person: as for `read_truth`.
        clip: clip intensities to 0..5.

    Raises:
        DataError: as for `read_truth`, or there are no estimates of the requested kind.
    """
    table, layout, notes = _read(path, person, truth=False)
    chosen, presence = _chosen(path, table, layout, estimate, scale)
    values = {name: _numbers(table, column) for name, column in sorted(chosen.items())}
    if "success" in layout.keys and (lost := _numbers(table, layout.keys["success"]) == 0).any():
        notes.append(f"{int(lost.sum())} rows of {path.name} report that no face was found")
        values = {name: np.where(lost, np.nan, column) for name, column in values.items()}
    if clip and not presence:
        outside = sum(int(((v < 0) | (v > au.MAX_LEVEL)).sum()) for v in values.values())
        notes += [f"{outside} estimates of {path.name} were clipped to 0..5"] if outside else []
        values = {name: np.clip(column, 0, au.MAX_LEVEL) for name, column in values.items()}
    empty = [name for name, column in values.items() if np.isnan(column).all()]
    if empty:
        notes.append(f"{path.name} has no single estimate of {', '.join(empty)}")
    values = {name: column for name, column in values.items() if name not in empty}
    for name, column in values.items():
        _check_range(path, name, column, presence)
    other = sorted({*layout.intensity, *layout.presence, *layout.unknown} - set(chosen))
    keys = _keys(path, table, layout)
    units = frozenset(values) if presence else frozenset[str]()
    return Side(path, layout.origin, keys, values, units, tuple(other), tuple(notes))


def _chosen(
    path: Path, table: pa.Table, layout: Layout, estimate: Estimate, scale: Scale
) -> tuple[Mapping[str, str], bool]:
    """AU -> column to score, and whether these are presence."""
    if layout.unknown:
        values = {name: _numbers(table, column) for name, column in layout.unknown.items()}
        presence = _is_presence(path, values, scale, "--scale")
        return layout.unknown, presence
    wanted = estimate if estimate != "auto" else "intensity" if layout.intensity else "presence"
    chosen = layout.intensity if wanted == "intensity" else layout.presence
    if not chosen:
        other = "presence" if wanted == "intensity" else "intensity"
        raise DataError(
            f"{path} has no {wanted} of any AU (it looks like a table of {layout.origin})",
            f"score its {other}: --estimate {other}",
        )
    return chosen, wanted == "presence"


def _known_as_presence(
    path: Path, layout: Layout, values: Mapping[str, NDArray[np.float64]], scale: Scale
) -> frozenset[str]:
    """The AUs of a truth that are coded only as present or absent."""
    if scale == "0-5":
        return frozenset()
    known = frozenset(layout.presence.keys() - layout.intensity.keys())
    if not layout.unknown or not _is_presence(path, values, scale, "--truth-scale"):
        return known
    return known | layout.unknown.keys()


def _is_presence(
    path: Path,
    values: Mapping[str, NDArray[np.float64]],
    scale: Scale,
    option: str,
) -> bool:
    if scale != "auto":
        return scale == "0-1"
    if any((column > 1).any() for column in values.values()):
        return False
    raise DataError(
        f"no AU in {path} is above 1: these may be presence, probabilities, or weak intensities",
        f"choose with {option} 0-1 or {option} 0-5",
    )


def _check_range(path: Path, name: str, column: NDArray[np.float64], presence: bool) -> None:
    top = 1 if presence else au.MAX_LEVEL
    wrong = np.flatnonzero((column < 0) | (column > top))
    if len(wrong):
        what = "presence in 0..1" if presence else "an intensity in 0..5"
        more = f"; {len(wrong)} rows have this problem" if len(wrong) > 1 else ""
        raise DataError(
            f"{name} is {column[wrong[0]]:g} in row {wrong[0] + 1} of {path}, not {what}{more}",
            "rescale the values; --clip clips estimates to the scale",
        )


def _read(path: Path, person: str | None, truth: bool) -> tuple[pa.Table, Layout, list[str]]:
    """The relevant columns of all files, their layout, and notes on what was left out."""
    files, left_out = table_files(path)
    tables = []
    layout: Layout | None = None
    for file in files:
        names = column_names(file)
        found = _layout(file, [*names, FILE] if path.is_dir() else names, truth)
        if person is not None:
            found = _with_person(file, names, found, person, truth)
        if not found.au_columns:
            more = ", ..." if len(names) > SHOWN else ""
            raise DataError(
                f"{file} has no column of an AU (columns: {', '.join(names[:SHOWN])}{more})",
                "columns are called AU01, AU1, au_1, AU01_r, AU01_c or au_1_intensity; separate "
                "them by "
                "commas, semicolons or tabs",
            )
        if layout is not None and found != layout:
            raise DataError(f"{file} has other columns than {files[0]}", "evaluate them separately")
        layout = found
        tables.append(_rows(file, names, found))
    assert layout is not None
    table = pa.concat_tables(tables)
    if table.num_rows == 0:
        raise DataError(f"{path} has no rows")
    return table, layout, left_out


def _rows(file: Path, names: Sequence[str], layout: Layout) -> pa.Table:
    here = [name for name in layout.texts if name in names]
    table = read_columns(file, here, layout.numbers)
    if FILE in layout.texts and FILE not in names:
        table = table.append_column(FILE, pa.array([file.stem] * table.num_rows, pa.string()))
    return table


def _layout(file: Path, names: Sequence[str], truth: bool) -> Layout:
    try:
        layout = recognise(names, truth)
    except DataError as error:
        raise DataError(f"{file}: {error.message}", error.hint) from error
    if not is_parquet(file):
        return layout
    kinds = au_kinds(parquet_schema(file))
    return layout.with_occurrences([name for name, kind in kinds.items() if kind == OCCURRENCE])


def _with_person(
    file: Path, names: Sequence[str], layout: Layout, person: str, truth: bool
) -> Layout:
    if person in (*names, FILE):
        return replace(layout, keys={**layout.keys, "subject": person})
    if truth:
        known = ", ".join(names)
        raise DataError(f"{file} has no column '{person}' with the person", f"it has: {known}")
    return layout


def _numbers(table: pa.Table, column: str) -> NDArray[np.float64]:
    return np.array(table.column(column).to_numpy(), np.float64)


def _keys(path: Path, table: pa.Table, layout: Layout) -> pa.Table:
    names = [name for name in layout.keys if name != "success"]
    columns = {name: table.column(layout.keys[name]) for name in names}
    if "frame" in columns:
        numbers = whole_numbers(columns["frame"], str(path), layout.keys["frame"])
        columns["frame"] = columns["frame"] if numbers is None else numbers
    return pa.table({"row": pa.array(range(table.num_rows)), **columns})
