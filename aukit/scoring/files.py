"""Reads text and number columns of CSV and Parquet files."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from pyarrow import compute as pc

from aukit.errors import DataError

_HEADER = 1 << 20  # characters; a longer first line is not a header
_BLOCK = 1 << 24  # bytes parsed at a time; no row may be longer
_SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_NULLS = ["", "NaN", "nan", "NAN", "NA", "null", "None", "-nan", "-nan(ind)"]
_NO_NUMBER = r"^(-?nan(\(ind\))?|#?n/?a|null|none|-?1\.#(qnan|snan|ind)0*|)$"
_NO_NAME = r"^(nan|)$"
_FRACTION = 1e-9


@dataclass(frozen=True)
class Form:
    """The format of a CSV file.

    Attributes:
        names: column names, without surrounding spaces.
        delimiter: field delimiter.
        skip: lines before the first row.
    """

    names: tuple[str, ...]
    delimiter: str
    skip: int


def column_names(file: Path) -> tuple[str, ...]:
    """The names of a file's columns, without surrounding spaces.

    Raises:
        DataError: it cannot be read.
    """
    if is_parquet(file):
        return tuple(name.strip() for name in parquet_schema(file).names)
    return _form(file).names


def is_parquet(file: Path) -> bool:
    """Whether a file is read as Parquet."""
    return file.suffix.lower() == ".parquet"


def parquet_schema(file: Path) -> pa.Schema:
    """The schema of a Parquet file.

    Raises:
        DataError: it cannot be read.
    """
    return _parquet(file).schema_arrow


def read_columns(file: Path, texts: Sequence[str], numbers: Sequence[str]) -> pa.Table:
    """Some columns of a file.

    Args:
        file: CSV or Parquet.
        texts: columns to read as text, stripped, null if empty.
        numbers: columns to read as float64, null if empty.

    Raises:
        DataError: the file is damaged, or a column has another type.
    """
    wanted = list(dict.fromkeys([*texts, *numbers]))
    raw = _read_parquet(file, wanted) if is_parquet(file) else _read_csv(file, texts, numbers)
    return typed_columns(raw, str(file), texts, numbers)


def typed_columns(
    raw: pa.Table, where: str, texts: Sequence[str], numbers: Sequence[str], comma: bool = False
) -> pa.Table:
    """Convert columns to text and numbers, as for `read_columns`.

    Args:
        raw: the table.
        where: name for error messages.
        texts, numbers: columns.
        comma: whether a comma may stand for the decimal point.
    """
    columns = {name: as_text(raw.column(name), where, name) for name in texts}
    columns |= {name: as_number(raw.column(name), where, name, comma) for name in numbers}
    return pa.table(columns) if columns else raw.select([])


def as_text(column: pa.ChunkedArray, where: str, name: str) -> pa.ChunkedArray:
    """Convert a column to text; whole numbers stored as floats lose their `.0`."""
    column = _plain(column)
    if pa.types.is_floating(column.type):
        whole = pc.all(pc.equal(column, pc.floor(column))).as_py() is not False
        column = column.cast(pa.int64(), safe=False) if whole else column
    try:
        text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    except pa.ArrowException as error:
        raise DataError(
            f"column '{name}' of {where} holds {column.type} values, not text or numbers"
        ) from error
    missing = pc.match_substring_regex(text, _NO_NAME, ignore_case=True)
    return pc.if_else(missing, pa.scalar(None, pa.string()), text)


def as_number(
    column: pa.ChunkedArray, where: str, name: str, comma: bool = False
) -> pa.ChunkedArray:
    """Convert a column to numbers, parsing text if necessary."""
    column = _plain(column)
    try:
        if not _is_text(column.type):
            return column.cast(pa.float64())
    except pa.ArrowException as error:
        raise DataError(
            f"column '{name}' of {where} holds {column.type} values, not numbers"
        ) from error
    text = pc.utf8_lower(pc.utf8_trim_whitespace(column.cast(pa.string())))
    missing = pc.match_substring_regex(text, _NO_NUMBER)
    text = pc.if_else(missing, pa.scalar(None, pa.string()), text)
    try:
        return (pc.replace_substring(text, ",", ".") if comma else text).cast(pa.float64())
    except pa.ArrowException as error:
        row, value = _first_odd(text, comma)
        what = f"'{value[:40]}' in row {row + 1}"
        raise DataError(
            f"column '{name}' of {where} has values that are not numbers: {what}",
            "use points for decimals, not commas" if "," in value else None,
        ) from error


def whole_numbers(texts: pa.ChunkedArray, where: str, name: str) -> pa.ChunkedArray | None:
    """Frame numbers (`12` or `12.0`) as int64; None if the column holds other names.

    Raises:
        DataError: a number has a fraction.
    """
    try:
        return texts.cast(pa.int64())
    except pa.ArrowException:
        pass
    try:
        values = texts.cast(pa.float64())
    except pa.ArrowException:
        return None
    odd = np.abs(values.to_numpy() - np.round(values.to_numpy())) > _FRACTION
    if odd.any():
        row = int(odd.argmax())
        raise DataError(
            f"{name} is {texts[row].as_py()} in row {row + 1} of {where}, not a whole number",
            "a frame has a number or a name; is this a time?",
        )
    return pc.round(values).cast(pa.int64(), safe=False)


def _first_odd(text: pa.ChunkedArray, comma: bool) -> tuple[int, str]:
    for row, value in enumerate(text.to_pylist()):
        try:
            float((value or "0").replace(",", ".") if comma else value or "0")
        except ValueError:
            return row, value
    return 0, str(text[0].as_py())


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or _is_view(kind))


def _is_view(kind: pa.DataType) -> bool:
    return str(kind) == "string_view"


def _parquet(file: Path) -> pq.ParquetFile:
    try:
        # Opened here, since Arrow does not accept paths that are not UTF-8.
        return pq.ParquetFile(file.open("rb"), page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(file, error) from error


def _damaged(file: Path, error: Exception) -> DataError:
    return DataError(f"{file} is not a readable Parquet file: {_line(error)}")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _read_parquet(file: Path, wanted: Sequence[str]) -> pa.Table:
    parquet = _parquet(file)
    stored = {name.strip(): name for name in parquet.schema_arrow.names}
    try:
        table = parquet.read(columns=[stored[name] for name in wanted])
    except (pa.ArrowException, OSError) as error:
        raise _damaged(file, error) from error
    return table.select([stored[name] for name in wanted]).rename_columns(list(wanted))


def _form(file: Path) -> Form:
    try:
        with file.open(encoding="utf-8-sig") as text:
            lines = [text.readline(_HEADER) for _ in range(2)]
    except UnicodeDecodeError as error:
        raise DataError(
            f"{file} is neither Parquet nor CSV text: {error.reason}",
            "save it as CSV in UTF-8, e.g. by exporting from a spreadsheet program",
        ) from error
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}") from error
    said = _SEPARATOR.fullmatch(lines[0].rstrip("\n"))
    header = lines[1] if said else lines[0]
    if not header.strip():
        raise DataError(f"{file} is empty" if not header else f"{file} begins with an empty line")
    delimiter = said[1] if said else max((",", ";", "\t"), key=header.count)
    if len(header) >= _HEADER or not delimiter.isascii():
        raise DataError(f"{file} has no header of column names: is it a table?")
    try:
        names = next(csv.reader([header], delimiter=delimiter))
    except csv.Error as error:
        raise DataError(f"the header of {file} cannot be read: {error}") from error
    return Form(tuple(name.strip() for name in names), delimiter, 2 if said else 1)


def _read_csv(file: Path, texts: Sequence[str], numbers: Sequence[str]) -> pa.Table:
    form = _form(file)
    try:
        # Most tables hold only numbers; reading those directly is ten times faster.
        return _parsed(file, form, texts, numbers, pa.float64())
    except pa.ArrowException:
        raw = _parsed_as_text(file, form, texts, numbers)
    # With semicolons and tabs, commas may be decimal.
    return typed_columns(raw, str(file), texts, numbers, comma=form.delimiter != ",")


def _parsed_as_text(
    file: Path, form: Form, texts: Sequence[str], numbers: Sequence[str]
) -> pa.Table:
    try:
        return _parsed(file, form, texts, numbers, pa.string())
    except pa.ArrowException as error:
        raise DataError(f"{file} is not a readable CSV file: {_line(error)}") from error


def _parsed(
    file: Path, form: Form, texts: Sequence[str], numbers: Sequence[str], number: pa.DataType
) -> pa.Table:
    types = {**dict.fromkeys(numbers, number), **dict.fromkeys(texts, pa.string())}
    options = pyarrow.csv.ConvertOptions(
        include_columns=list(types),
        column_types=types,
        null_values=_NULLS if number == pa.float64() else [""],
        strings_can_be_null=False,
    )
    with file.open("rb") as source:
        return pyarrow.csv.read_csv(
            source,
            read_options=pyarrow.csv.ReadOptions(
                column_names=form.names, skip_rows=form.skip, block_size=_BLOCK
            ),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=form.delimiter, newlines_in_values=True
            ),
            convert_options=options,
        )
