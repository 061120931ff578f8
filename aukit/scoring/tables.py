"""One side of an evaluation, read from CSV or Parquet files of any origin."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from aukit import au
from aukit.errors import DataError
from aukit.scoring.columns import Layout, recognise

Scale = Literal["auto", "0-5", "0-1"]
Estimate = Literal["auto", "intensity", "presence"]

NOT_CODED = (9.0, -1.0, 999.0)
"""Codes that corpora use for a frame that was not coded, besides NaN and nothing at all."""

SUFFIXES = (".csv", ".tsv", ".txt", ".parquet")
SHOWN = 8
"""Columns that an error lists."""

FILE = "file"
"""Column that a folder's tables get: the name of the file without its suffix."""

_NULLS = ["", "NaN", "nan", "NAN", "NA", "null", "None", "-nan", "-nan(ind)"]


@dataclass(frozen=True)
class Side:
    """A table of AUs.

    Attributes:
        path: where it was read.
        origin: who writes such tables.
        keys: N rows of what tells frames apart (names of `columns.KEYS`).
        values: AU -> (N,) float64; NaN: not coded, or no estimate.
        presence: whether the values are presence in 0..1, not intensities in 0..5.
        left_out: AUs that the file holds in a form that was not asked for.
        notes: what was done with the values and should be known.
    """

    path: Path
    origin: str
    keys: pa.Table
    values: Mapping[str, NDArray[np.float64]]
    presence: bool
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return int(self.keys.num_rows)


def read_truth(path: Path, scale: Scale = "auto", person: str | None = None) -> Side:
    """The truth: intensities 0..5, or presence 0 and 1; 9, -1, 999 and NaN mean not coded.

    Args:
        path: a file, or a folder of files.
        scale: of columns whose name does not tell it; `auto` goes by the values.
        person: column that names the person; None: `subject` or the like, if there is one.

    Raises:
        DataError: no such file, no AU in it, or values that are on no known scale.
    """
    table, layout = _read(path, person, truth=True)
    columns = {**layout.presence, **layout.intensity, **layout.unknown}
    values = {name: _numbers(path, table, column) for name, column in sorted(columns.items())}
    for name, column in values.items():
        values[name] = np.where(np.isin(column, NOT_CODED), np.nan, column)
    if all(np.isnan(column).all() for column in values.values()):
        raise DataError(f"no frame of {path} is coded: no number in {', '.join(values)}")
    presence = not layout.intensity and _is_presence(path, layout, values, scale, "--truth-scale")
    for name, column in values.items():
        _check_range(path, name, column, presence)
    return Side(path, layout.origin, _keys(table, layout), values, presence)


def read_predictions(
    path: Path,
    estimate: Estimate = "auto",
    scale: Scale = "auto",
    person: str | None = None,
    clip: bool = False,
) -> Side:
    """Estimates of AUs.

    Args:
        path: a file, or a folder of files.
        estimate: `intensity` or `presence`, where a program writes both; `auto`: intensity.
        scale: of columns whose name does not tell it; `auto` goes by the values.
        person: as in `read_truth`.
        clip: take intensities outside 0..5 for the nearer end.

    Raises:
        DataError: as `read_truth`; estimates of the kind that was asked for are not there.
    """
    table, layout = _read(path, person, truth=False)
    chosen, presence = _chosen(path, table, layout, estimate, scale)
    values = {name: _numbers(path, table, column) for name, column in sorted(chosen.items())}
    notes = []
    if (
        "success" in layout.keys
        and (lost := _numbers(path, table, layout.keys["success"]) == 0).any()
    ):
        notes.append(f"{int(lost.sum())} rows of {path.name} say that no face was found")
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
    keys = _keys(table, layout)
    return Side(path, layout.origin, keys, values, presence, tuple(other), tuple(notes))


def _chosen(
    path: Path, table: pa.Table, layout: Layout, estimate: Estimate, scale: Scale
) -> tuple[Mapping[str, str], bool]:
    """AU -> column of what is scored, and whether that is presence."""
    if layout.unknown:
        values = {name: _numbers(path, table, column) for name, column in layout.unknown.items()}
        presence = _is_presence(path, layout, values, scale, "--scale")
        return layout.unknown, presence
    wanted = estimate if estimate != "auto" else "intensity" if layout.intensity else "presence"
    chosen = layout.intensity if wanted == "intensity" else layout.presence
    if not chosen:
        other = "presence" if wanted == "intensity" else "intensity"
        raise DataError(
            f"{path} holds no {wanted} of any AU (it looks like a table of {layout.origin})",
            f"score its {other}: --estimate {other}",
        )
    return chosen, wanted == "presence"


def _is_presence(
    path: Path,
    layout: Layout,
    values: Mapping[str, NDArray[np.float64]],
    scale: Scale,
    option: str,
) -> bool:
    if scale != "auto":
        return scale == "0-1"
    if not layout.unknown:
        return bool(layout.presence)
    if any((column > 1).any() for column in values.values()):
        return False
    raise DataError(
        f"no AU in {path} is above 1: presence (or its probability), or weak intensities?",
        f"say which: {option} 0-1 or {option} 0-5",
    )


def _check_range(path: Path, name: str, column: NDArray[np.float64], presence: bool) -> None:
    top = 1 if presence else au.MAX_LEVEL
    wrong = np.flatnonzero((column < 0) | (column > top))
    if len(wrong):
        what = "presence in 0..1" if presence else "an intensity in 0..5"
        more = f"; {len(wrong)} rows are like that" if len(wrong) > 1 else ""
        raise DataError(
            f"{name} is {column[wrong[0]]:g} in row {wrong[0] + 1} of {path}, not {what}{more}",
            "bring the values to that scale; --clip takes estimates just outside for its ends",
        )


def _read(path: Path, person: str | None, truth: bool) -> tuple[pa.Table, Layout]:
    files = _files(path)
    tables = []
    layout: Layout | None = None
    for file in files:
        names = _names(file)
        found = _layout(file, [*names, FILE] if path.is_dir() else names, truth)
        if person is not None:
            found = _with_person(file, names, found, person, truth)
        if not found.au_columns:
            more = ", ..." if len(names) > SHOWN else ""
            raise DataError(
                f"{file} has no column of an AU (columns: {', '.join(names[:SHOWN])}{more})",
                "columns are called AU01, AU1, au_1, AU01_r, AU01_c or au_1_intensity; commas, "
                "semicolons or tabs part them",
            )
        if layout is not None and found != layout:
            raise DataError(f"{file} has other columns than {files[0]}", "evaluate them apart")
        layout = found
        wanted = [*dict.fromkeys([*found.keys.values(), *found.au_columns])]
        tables.append(_rows(file, names, wanted, path.is_dir()))
    assert layout is not None
    table = pa.concat_tables(tables, promote_options="permissive")
    if table.num_rows == 0:
        raise DataError(f"{path} holds no rows")
    return table, layout


def _layout(file: Path, names: Sequence[str], truth: bool) -> Layout:
    try:
        return recognise(names, truth)
    except DataError as error:
        raise DataError(f"{file}: {error.message}", error.hint) from error


def _with_person(
    file: Path, names: Sequence[str], layout: Layout, person: str, truth: bool
) -> Layout:
    column = {name.strip(): name for name in [*names, FILE]}.get(person)
    if column is not None:
        return replace(layout, keys={**layout.keys, "subject": column})
    if truth:
        known = ", ".join(name.strip() for name in names)
        raise DataError(f"{file} has no column '{person}' to tell people apart", f"it has: {known}")
    return layout


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted(f for f in path.iterdir() if f.suffix.lower() in SUFFIXES)
        if not files:
            raise DataError(f"folder {path} holds no CSV or Parquet file")
        return files
    if not path.is_file():
        raise DataError(f"{path} does not exist")
    return [path]


def _names(file: Path) -> list[str]:
    if file.suffix.lower() == ".parquet":
        return list(_parquet(file).schema_arrow.names)
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            names = next(csv.reader(text, delimiter=_delimiter(file)), [])
    except UnicodeDecodeError as error:
        raise DataError(
            f"{file} is neither Parquet nor CSV text: {error.reason}",
            "save it as CSV in UTF-8; a spreadsheet program exports its own files so",
        ) from error
    if not names:
        raise DataError(f"{file} is empty")
    return names


def _parquet(file: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(file)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{file} is not a readable Parquet file: {error}") from error


def _delimiter(file: Path) -> str:
    with file.open(encoding="utf-8-sig", errors="replace") as text:
        header = text.readline()
    return max((",", ";", "\t"), key=header.count)


def _rows(file: Path, names: Sequence[str], wanted: Sequence[str], add_file: bool) -> pa.Table:
    here = [name for name in wanted if not (add_file and name == FILE and name not in names)]
    if file.suffix.lower() == ".parquet":
        table = _parquet(file).read(columns=here)
    else:
        table = _csv_rows(file, names, here)
    if add_file and FILE in wanted and FILE not in names:
        table = table.append_column(FILE, pa.array([file.stem] * table.num_rows))
    return table


def _csv_rows(file: Path, names: Sequence[str], wanted: Sequence[str]) -> pa.Table:
    try:
        return pyarrow.csv.read_csv(
            file,
            read_options=pyarrow.csv.ReadOptions(column_names=names, skip_rows=1),
            parse_options=pyarrow.csv.ParseOptions(delimiter=_delimiter(file)),
            convert_options=pyarrow.csv.ConvertOptions(
                include_columns=list(wanted), null_values=_NULLS, strings_can_be_null=True
            ),
        )
    except pa.ArrowException as error:
        raise DataError(f"{file} is not a readable CSV file: {error}") from error


def _numbers(path: Path, table: pa.Table, column: str) -> NDArray[np.float64]:
    try:
        found = table.column(column).cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowException as error:
        raise DataError(
            f"column '{column.strip()}' of {path} holds more than numbers: {error}",
            "decimals have points, not commas",
        ) from error
    return np.array(found, np.float64)


def _keys(table: pa.Table, layout: Layout) -> pa.Table:
    names = [name for name in layout.keys if name != "success"]
    columns = [table.column(layout.keys[name]) for name in names]
    # A frame's number may be written 12 or 12.0.
    columns = [
        c.cast(pa.int64(), safe=False) if n == "frame" and pa.types.is_floating(c.type) else c
        for n, c in zip(names, columns, strict=True)
    ]
    return pa.table([pa.array(range(table.num_rows)), *columns], names=["row", *names])
