"""Any table of pictures or video frames with codes, and lists like EmotioNet's.

A row names a picture, or a video (or a folder of pictures) and a frame in it. Columns are known by
their usual names, else they are named in the options.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from aukit import au as facs
from aukit.contracts.context import Context
from aukit.contracts.dataset import Frames
from aukit.contracts.survey import Finding, Survey
from aukit.data.codes import NOT_CODED, Floats, cleaned
from aukit.data.files import files, files_below
from aukit.data.manifest import hold_to
from aukit.data.people import assigned
from aukit.data.reader import NO_PICTURE
from aukit.data.records import INTENSITY, OCCURRENCE, TEST, TRAIN, VALID, AuKind, index_schema
from aukit.errors import ConfigError, DataError
from aukit.vision import images
from aukit.vision.film import Film, Shot, batched, count_frames, is_video
from aukit_corpora.common import PICTURES, numbered
from aukit_corpora.plugin import CORPORA, TableOptions

SUFFIXES = frozenset([".csv", ".tsv", ".txt", ".parquet", ".pq"])
NAMES: dict[str, tuple[str, ...]] = {
    "file": ("file", "filename", "file_name", "path", "image", "picture", "img", "video", "clip",
             "url", "input"),
    "frame": ("frame", "frame_number", "frame_idx", "frame_index", "frame_id", "framenumber"),
    "subject": ("subject", "person", "participant", "subject_id", "participant_id", "id_subject"),
    "task": ("task", "session", "trial", "sequence"),
    "view": ("view", "camera", "pose"),
    "partition": ("partition", "split", "set", "fold"),
}  # fmt: skip
"""What a column says -> its usual names; the first that is there wins."""

PARTITIONS = {
    "train": TRAIN, "training": TRAIN, "valid": VALID, "val": VALID, "validation": VALID,
    "dev": VALID, "test": TEST, "testing": TEST,
}  # fmt: skip
LETTERS = {letter: float(level) for level, letter in enumerate(facs.LEVELS)}
NOTHING = frozenset(["", "na", "n/a", "nan", "null", "none", "?", "."])

_AU = re.compile(
    r"au[\s_-]*0?(\d{1,2})(?:[\s_-]*(r|c|int|intensity|occ|occurrence|presence))?", re.I
)
_OF_KIND = {"r": INTENSITY, "c": OCCURRENCE, "i": INTENSITY, "o": OCCURRENCE, "p": OCCURRENCE}


class Table:
    """Reader of a table (`Dataset`, `KnowsSources`, `Surveys`).

    Args:
        config: where it is, and what its columns mean.
        context: not needed.
    """

    name = "table"
    landmarks = False

    def __init__(self, config: TableOptions, context: Context) -> None:
        self.config = config
        self._film: Film | None = None
        self._missing = [_number_of(text) for text in config.missing.split(",") if text.strip()]

    @cached_property
    def path(self) -> Path:
        """The table itself: `root`, or the one table in that folder."""
        root = self.config.root
        if root is None:
            raise ConfigError("no table was given", "say where it is: --data.root FILE")
        if root.is_file():
            return root
        if not root.is_dir():
            raise DataError(f"no such table or folder: {root}")
        there = files(root, SUFFIXES)
        if len(there) != 1:
            names = ", ".join(path.name for path in there[:4]) or "none"
            raise DataError(
                f"{root} should hold one table; it holds: {names}", "name the file itself"
            )
        return there[0]

    @cached_property
    def folder(self) -> Path:
        """Where the files are that the table names."""
        return self.config.pictures or self.path.parent

    @cached_property
    def _table(self) -> pa.Table:
        """The table with every cell as text, so that 007 stays 007."""
        try:
            if self.path.suffix.lower() in (".parquet", ".pq"):
                found = pa.parquet.ParquetFile(self.path).read()
                columns = [column.cast(pa.string()) for column in found.columns]
                return pa.table(columns, names=found.column_names)
            return _read_text(self.path)
        except (pa.ArrowException, OSError, StopIteration) as error:
            reason = str(error).splitlines()[0] if str(error) else "it is empty"
            raise DataError(f"cannot read {self.path}: {reason}") from error

    @cached_property
    def columns(self) -> dict[str, str]:
        """What it says (`file`, `frame`, ...) -> column, of those that are there.

        Raises:
            ConfigError: a column that was named is not there.
            DataError: no column names the files.
        """
        known = {name.strip().lower(): name for name in reversed(self._table.column_names)}
        found = {}
        for role, usual in NAMES.items():
            asked = getattr(self.config, role)
            names = (asked.strip().lower(),) if asked else usual
            column = next((known[name] for name in names if name in known), None)
            if column is not None:
                found[role] = column
            elif asked:
                raise ConfigError(f"{self.path.name} has no column '{asked}'", self._there())
        if "file" not in found:
            raise DataError(
                f"no column of {self.path.name} names pictures or videos",
                f"say which: --data.file NAME; {self._there()}",
            )
        return found

    def _there(self) -> str:
        return f"it has: {', '.join(self._table.column_names)}"

    @cached_property
    def _au_columns(self) -> dict[str, tuple[str, AuKind | None]]:
        """AU -> column, and what its name says that it holds."""
        if self.config.aus:
            return self._named_aus()
        found: dict[str, tuple[str, AuKind | None]] = {}
        for name in self._table.column_names:
            match = _AU.fullmatch(name.strip())
            if match is None or int(match[1]) not in facs.ACTION_UNITS:
                continue
            kind = _OF_KIND[match[2][0].lower()] if match[2] else None
            au = facs.column(int(match[1]))
            # Of both kinds of one AU, the intensity says more.
            if au not in found or kind == INTENSITY:
                found[au] = (name, kind)
        if not found:
            raise DataError(
                f"no column of {self.path.name} is an AU",
                f"say which: --data.aus AU12=NAME,AU04=NAME; {self._there()}",
            )
        return dict(sorted(found.items()))

    def _named_aus(self) -> dict[str, tuple[str, AuKind | None]]:
        found: dict[str, tuple[str, AuKind | None]] = {}
        for part in self.config.aus.split(","):
            au, _, column = part.partition("=")
            if column.strip() not in self._table.column_names:
                raise ConfigError(f"{self.path.name} has no column '{column}'", self._there())
            found[facs.parse(au)] = (column.strip(), None)
        return dict(sorted(found.items()))

    @property
    def aus(self) -> tuple[str, ...]:
        """AU columns, in FACS order."""
        return tuple(self._au_columns)

    @cached_property
    def _codes(self) -> tuple[dict[str, Floats], dict[str, AuKind], tuple[Finding, ...]]:
        values, kinds, found = {}, {}, []
        for au, (column, told) in self._au_columns.items():
            raw, bad = _values(self._table.column(column))
            if bad:
                where = f"{self.path.name}, {column}"
                found.append(Finding("warning", "cells that are no codes", where, bad))
            kinds[au] = self._kind(told, raw)
            values[au], unknown = cleaned(
                raw, kinds[au], f"{self.path.name}, {column}", self._missing
            )
            found += unknown
        return values, kinds, tuple(found)

    def _kind(self, told: AuKind | None, raw: Floats) -> AuKind:
        if self.config.kind != "auto":
            return self.config.kind
        codes = set(np.unique(raw[~np.isnan(raw)]).tolist()) - set(self._missing)
        return told or (OCCURRENCE if codes and codes <= {0.0, 1.0} else INTENSITY)

    def _texts(self, role: str) -> list[str | None]:
        if role not in self.columns:
            return [None] * self._table.num_rows
        cells = self._table.column(self.columns[role]).to_pylist()
        return [cell.strip() or None if cell is not None else None for cell in cells]

    @cached_property
    def _places(self) -> list[tuple[str, int | None]]:
        """File and frame of each row; frames count from the first, as the index has them."""
        names = [self._named(name or "") for name in self._texts("file")]
        if "frame" not in self.columns:
            return [(name, None) for name in names]
        numbers = [_whole(cell) for cell in self._texts("frame")]
        still = {name: not (is_video(Path(name)) or _is_folder(name)) for name in set(names)}
        first = self.config.first - self.config.shift
        pairs = zip(names, numbers, strict=True)
        return [
            (name, number if number is None or still[name] else number - self._first(name, first))
            for name, number in pairs
        ]

    def _first(self, name: str, first: int) -> int:
        return first if is_video(Path(name)) else -self.config.shift

    def _named(self, name: str) -> str:
        return name.replace("\\", "/")

    @cached_property
    def _rows(self) -> tuple[pa.Table, dict[str, tuple[str, int | None]], tuple[Finding, ...]]:
        """The index, the place of each id, and what was found."""
        places = self._places
        names = self._ids(places)
        first: dict[str, int] = {}
        for row, name in enumerate(names):
            first.setdefault(name, row)
        found = list(self._codes[2])
        if len(first) < len(names):
            found.append(
                Finding("warning", "doubled rows", str(self.path), len(names) - len(first))
            )
        table = self._index(names, places).take(pa.array(list(first.values()), pa.int64()))
        where = {name: places[row] for name, row in first.items()}
        return table, where, tuple(found)

    def _ids(self, places: Sequence[tuple[str, int | None]]) -> list[str]:
        return [
            f"{self.name}/{name}" if number is None else f"{self.name}/{name}/{number:05d}"
            for name, number in places
        ]

    def _index(self, names: list[str], places: Sequence[tuple[str, int | None]]) -> pa.Table:
        values, kinds, _ = self._codes
        schema = index_schema(self.aus, kinds)
        count = len(names)
        # A picture of nobody in particular shows a person of its own.
        people = zip(self._texts("subject"), places, strict=True)
        columns: dict[str, Any] = {
            "id": names,
            "dataset": [self.name] * count,
            "partition": [_partition(cell) for cell in self._texts("partition")],
            "subject": [subject or place[0] for subject, place in people],
            "task": self._texts("task"),
            "view": self._texts("view"),
            "frame": [number for _, number in places],
            "time_s": [None] * count,
        }
        for au, own in values.items():
            columns[au] = pa.array(own, pa.float32(), mask=np.isnan(own))
        return pa.table([pa.array(columns[f.name], f.type) for f in schema], schema=schema)

    def index(self) -> pa.Table:
        """One row a row of the table; doubled ones once."""
        if self.config.manifest is not None:
            hold_to(self.config.manifest, self)
        fold = self.config.fold
        if fold == "auto":
            fold = "none" if "partition" in self.columns else "1/3"
        return assigned(self._rows[0], fold)

    def sources(self) -> Iterator[Path]:
        """The table, and every file that it names."""
        yield self.path
        for name in dict.fromkeys(name for name, _ in self._places):
            media = self._file(name)
            yield from files(media, PICTURES) if media.is_dir() else [media]

    def _file(self, name: str) -> Path:
        return self.folder / name

    def survey(self) -> Survey:
        """Rows without a file, videos that are shorter than their rows, and codes off the scale."""
        found = list(self._rows[2])
        last: dict[str, int] = {}
        for name, number in self._places:
            last[name] = max(last.get(name, 0), number or 0)
        for name, number in last.items():
            media = self._file(name)
            if not media.exists():
                found.append(Finding("error", "missing files", str(media)))
            elif is_video(media):
                found += _short(media, number)
        facts = CORPORA[self.name]
        return Survey(tuple(found), len(last), facts.published, facts.licence, facts.citation)

    def read(self, rows: pa.Table) -> Iterator[Frames]:
        """The pictures of some rows, streamed; one video is open at a time."""
        where = self._rows[1]
        names = rows.column("id").to_pylist()
        if lost := next((name for name in names if name not in where), None):
            raise DataError(f"{lost} is not in {self.path}", "read the rows of its own index")
        coded = np.any(
            [rows.column(au).is_valid().to_numpy(zero_copy_only=False) for au in self.aus], 0
        )
        wanted = [self.config.uncoded or bool(known) for known in coded]
        yield from batched(rows, self._shots([where[name] for name in names], wanted))

    def _shots(
        self, places: Sequence[tuple[str, int | None]], wanted: Sequence[bool]
    ) -> Iterator[Shot]:
        films = (self._in_motion(name, number) for name, number in places)
        groups = itertools.groupby(zip(places, wanted, films, strict=True), lambda row: row[1:])
        for (want, moving), group in groups:
            part = [place for place, _, _ in group]
            if not want:
                yield from (Shot(None, NOT_CODED) for _ in part)
            elif moving:
                yield from (self._frame(name, number or 0) for name, number in part)
            else:
                paths = [self._still(name, number) for name, number in part]
                yield from (Shot(p.image, p.reason) for p in images.read_many(paths))

    def _in_motion(self, name: str, number: int | None) -> bool:
        return number is not None and is_video(Path(name))

    def _frame(self, name: str, number: int) -> Shot:
        path = self._file(name)
        if self._film is None or self._film.path != path:
            if self._film is not None:
                self._film.close()
            self._film = Film(path)
        return self._film.shot(number) if number >= 0 else Shot(None, NO_PICTURE)

    def _still(self, name: str, number: int | None) -> Path:
        path = self._file(name)
        if number is None or path.suffix.lower() in PICTURES:
            return path
        return self._folder(path).get(number, path / f"{number}.png")

    @lru_cache(maxsize=64)  # noqa: B019 - a reader lives as long as its process
    def _folder(self, path: Path) -> Mapping[int, Path]:
        return numbered(files(path, PICTURES))


class EmotioNet(Table):
    """Reader of lists such as EmotioNet's: addresses of pictures, and 0, 1 or 999 for each AU.

    The pictures lie, under the last part of their address, anywhere below the folder of the list.
    """

    name = "emotionet"

    @cached_property
    def _below(self) -> dict[str, Path]:
        return {path.name: path for path in files_below(self.folder, PICTURES)}

    def _named(self, name: str) -> str:
        return name.replace("\\", "/").strip("'\"").rsplit("/", 1)[-1].partition("?")[0]

    def _file(self, name: str) -> Path:
        return self._below.get(name, self.folder / name)

    def _kind(self, told: AuKind | None, raw: Floats) -> AuKind:
        return OCCURRENCE if self.config.kind == "auto" else self.config.kind


def _read_text(path: Path) -> pa.Table:
    with path.open("rb") as file:
        heading = file.readline().decode("utf-8-sig", "replace")
    if not heading.strip():
        raise DataError(f"cannot read {path}: it has no heading")
    divider = max(",;\t", key=heading.count)
    names = next(iter(_split(heading, divider)))
    convert = pa.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
    )
    read = pa.csv.ReadOptions(column_names=names, skip_rows=1)
    return pa.csv.read_csv(path, read, pa.csv.ParseOptions(delimiter=divider), convert)


def _split(heading: str, divider: str) -> Iterator[list[str]]:
    import csv

    for cells in csv.reader([heading.strip("\r\n")], delimiter=divider):
        yield [cell.strip() for cell in cells]


def _values(column: pa.ChunkedArray) -> tuple[Floats, int]:
    """Codes of a column of text, and how many cells are none at all."""
    unique = column.unique().to_pylist()
    known = {text: _code(text) for text in unique}
    cells = column.to_pylist()
    bad = {text for text in unique if _is_strange(text)}
    values = np.array([known[cell] for cell in cells], np.float32)
    return values, sum(cell in bad for cell in cells)


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


def _number_of(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ConfigError(f"missing: '{text}' is no number", "write 9,-1,999") from error


def _whole(cell: str | None) -> int | None:
    found = re.fullmatch(r"(-?\d+)(?:\.0*)?", cell or "")
    return int(found[1]) if found else None


def _is_folder(name: str) -> bool:
    return Path(name).suffix.lower() not in PICTURES


def _partition(cell: str | None) -> str | None:
    return None if cell is None else PARTITIONS.get(cell.lower(), cell)


def _short(media: Path, last: int) -> Iterator[Finding]:
    count, _ = count_frames(media)
    if not count:
        yield Finding("error", "unreadable video", str(media))
    elif last >= count:
        yield Finding("warning", "rows beyond the end of the video", str(media), last - count + 1)
