"""Any table of pictures or video frames with codes.

A row has a picture, or a video (or a folder of pictures) and a frame in it. Columns with usual
names are recognized; others are named in the options.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from aukit.contracts.context import Context
from aukit.contracts.dataset import Frames
from aukit.contracts.survey import Finding, Survey
from aukit.data.codes import CONTRADICTED, NOT_CODED, Floats, Numbers
from aukit.data.files import files, nearest
from aukit.data.manifest import hold_to
from aukit.data.people import assigned
from aukit.data.reader import NO_PICTURE
from aukit.data.recordings import NO_CODE, Recording, compared, frames_of, mostly_shifted
from aukit.data.records import index_schema
from aukit.errors import ConfigError, DataError
from aukit.vision import images
from aukit.vision.film import Film, Shot, batched, is_video
from aukit_corpora.cells import partition, whole
from aukit_corpora.columns import Columns
from aukit_corpora.common import PICTURES, numbered
from aukit_corpora.facts import CORPORA
from aukit_corpora.plugin import TableOptions

SUFFIXES = frozenset([".csv", ".tsv", ".txt", ".parquet", ".pq"])
STILL = -(1 << 60)
"""Frame number of a row that names a picture."""


@dataclass(frozen=True)
class _Places:
    """What each of R rows names; arrays, since a table may have a million rows.

    Attributes:
        names: the distinct files, as the table has them.
        file: (R,) int64, position in `names`.
        frame: (R,) int64 from 0, or `STILL`.
        kept: rows of the index: the first of those that name the same.
        clash: (K,) bool, rows of the index that the table codes twice, differently.
        odd: rows of a video whose frame is no whole number.
    """

    names: tuple[str, ...]
    file: Numbers
    frame: Numbers
    kept: Numbers
    clash: npt.NDArray[np.bool_]
    odd: int


class Table:
    """Reader of a table (`Dataset`, `KnowsSources`, `Surveys`).

    Args:
        config: path of the table and meaning of its columns.
        context: unused.
    """

    name = "table"
    landmarks = False

    def __init__(self, config: TableOptions, context: Context) -> None:
        self.config = config
        self._film: Film | None = None

    @cached_property
    def path(self) -> Path:
        """The table itself: `root`, or the one table in that folder."""
        root = self.config.root
        if root is None:
            raise ConfigError("no table was given", "give it with --data.root FILE")
        if root.is_file():
            return root
        if not root.is_dir():
            raise DataError(f"no such table or folder: {root}")
        there = files(root, SUFFIXES)
        if len(there) != 1:
            names = ", ".join(path.name for path in there[:4]) or "none"
            other = None if there else nearest(root, lambda place: len(files(place, SUFFIXES)) == 1)
            raise DataError(
                f"{root} must contain exactly one table; it contains: {names}",
                f"did you mean {other}?" if other else "give the file itself",
            )
        return there[0]

    @cached_property
    def folder(self) -> Path:
        """The folder of the files listed in the table."""
        return self.config.pictures or self.path.parent

    @cached_property
    def columns(self) -> Columns:
        """The table with recognized columns."""
        return Columns(self.path, self.config)

    @property
    def aus(self) -> tuple[str, ...]:
        """AU columns, in FACS order."""
        return self.columns.aus

    def _named(self, name: str) -> str:
        return name.replace("\\", "/")

    @cached_property
    def _places(self) -> _Places:
        cells = [self._named(name or "") for name in self.columns.texts("file")]
        names, file = np.unique(np.array(cells, object), return_inverse=True)
        numbers = [whole(cell) for cell in self.columns.texts("frame")]
        known = np.array([number is not None for number in numbers])
        first = np.array([self._first(name) for name in names], np.int64)[file]
        frame = np.array([number or 0 for number in numbers], np.int64) - first
        odd = np.array([is_video(Path(name)) for name in names])[file] & ~known
        frame = np.where(known, frame, STILL)
        kept, clash = _once(np.stack([file, frame], 1), self.columns.codes[0])
        return _Places(tuple(names), file, frame, kept, clash, int(odd.sum()))

    def _first(self, name: str) -> int:
        """The table's number of the frame that is 0 in the index."""
        if is_video(Path(name)):
            return self.config.first - self.config.shift
        return 0 if Path(name).suffix.lower() in PICTURES else -self.config.shift

    def _id(self, name: str, frame: int) -> str:
        return f"{self.name}/{name}" if frame == STILL else f"{self.name}/{name}/{frame:05d}"

    @cached_property
    def _doubted(self) -> frozenset[str]:
        """Rows that are coded twice, differently."""
        places = self._places
        rows = places.kept[places.clash]
        pairs = zip(places.file[rows], places.frame[rows], strict=True)
        return frozenset(self._id(places.names[file], frame) for file, frame in pairs)

    def index(self) -> pa.Table:
        """One row per row of the table, without duplicates."""
        if self.config.manifest is not None:
            hold_to(self.config.manifest, self)
        fold = self.config.fold
        if fold == "auto":
            fold = "none" if "partition" in self.columns.roles else "1/3"
        return assigned(self._index(), fold)

    def _index(self) -> pa.Table:
        codes, kinds, _ = self.columns.codes
        places = self._places
        names = [places.names[n] for n in places.file[places.kept]]
        frames = places.frame[places.kept]
        columns: dict[str, Any] = {
            "id": [self._id(*pair) for pair in zip(names, frames.tolist(), strict=True)],
            "dataset": [self.name] * len(names),
            "partition": [partition(cell) for cell in self._kept("partition")],
            # A picture of nobody in particular shows a person of its own.
            "subject": [s or n for s, n in zip(self._kept("subject"), names, strict=True)],
            "task": self._kept("task"),
            "view": self._kept("view"),
            "frame": pa.array(frames, pa.int64(), mask=frames == STILL),
            "time_s": [None] * len(names),
        }
        for au, own in codes.items():
            kept = own[places.kept]
            columns[au] = pa.array(kept, pa.float32(), mask=np.isnan(kept) | places.clash)
        schema = index_schema(self.aus, kinds)
        return pa.table([pa.array(columns[f.name], f.type) for f in schema], schema=schema)

    def _kept(self, role: str) -> list[str | None]:
        cells = self.columns.texts(role)
        return [cells[row] for row in self._places.kept]

    def sources(self) -> Iterator[Path]:
        """The table and every file listed in it."""
        yield self.path
        for name in self._places.names:
            media = self._file(name)
            yield from files(media, PICTURES) if self._is_folder(name) else [media]

    def _file(self, name: str) -> Path:
        return self.folder / name

    def _is_folder(self, name: str) -> bool:
        return not name.lower().endswith((*PICTURES,)) and self._file(name).is_dir()

    def survey(self) -> Survey:
        """Rows without a file, videos that do not match their rows, and codes off the scale."""
        places, table = self._places, str(self.path)
        amiss = [
            (len(places.file) - len(places.kept), "doubled rows"),
            (int(places.clash.sum()), CONTRADICTED),
            (places.odd, "rows of a video without a frame number"),
        ]
        found = [*self.columns.codes[2]]
        found += [Finding("warning", what, table, count) for count, what in amiss if count]
        order = np.argsort(places.file, kind="stable")
        ends = np.searchsorted(places.file[order], range(1, len(places.names)))
        for name, rows in zip(places.names, np.split(order, ends), strict=True):
            found += self._met(name, places.frame[rows])
        found += mostly_shifted(found, len(places.names))
        facts = CORPORA[self.name]
        return Survey(
            tuple(found), len(places.names), facts.published, facts.licence, facts.citation
        )

    def _met(self, name: str, frames: Numbers) -> Iterator[Finding]:
        """How the rows of a file and what it shows fail to meet."""
        media = self._file(name)
        coded = np.unique(frames[frames != STILL])
        if not name or not media.exists():
            yield Finding("error", "missing files", str(media))
        elif is_video(media) or self._is_folder(name):
            shown = media if is_video(media) else self._folder(media)
            recording = Recording(name, shown, (self.path,))
            numbers, _, amiss = frames_of(recording)
            yield from amiss
            # A table names the frames that it wants.
            yield from (f for f in compared(recording, numbers, coded) if f.what != NO_CODE)

    def read(self, rows: pa.Table) -> Iterator[Frames]:
        """The pictures of rows, streamed; one video is open at a time."""
        names = rows.column("id").to_pylist()
        frames = rows.column("frame").to_pylist()
        places = [self._place(*pair) for pair in zip(names, frames, strict=True)]
        coded = np.any(
            [rows.column(au).is_valid().to_numpy(zero_copy_only=False) for au in self.aus], 0
        )
        why = [None if self.config.uncoded or known else self._why(name)
               for name, known in zip(names, coded, strict=True)]  # fmt: skip
        yield from batched(rows, self._shots(places, why))

    def _place(self, name: str, frame: int | None) -> tuple[str, int | None]:
        """File and frame of an index row."""
        inner = name.removeprefix(f"{self.name}/")
        file = inner if frame is None else inner.rpartition("/")[0]
        if file not in self._known:
            raise DataError(f"{name} is not in {self.path}", "read the rows of its own index")
        return file, frame

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self._places.names)

    def _why(self, name: str) -> str:
        return CONTRADICTED if name in self._doubted else NOT_CODED

    def _shots(
        self, places: Sequence[tuple[str, int | None]], why: Sequence[str | None]
    ) -> Iterator[Shot]:
        films = (number is not None and is_video(Path(name)) for name, number in places)
        groups = itertools.groupby(zip(places, why, films, strict=True), lambda row: row[1:])
        for (reason, moving), group in groups:
            part = [place for place, _, _ in group]
            if reason is not None:
                yield from (Shot(None, reason) for _ in part)
            elif moving:
                yield from (self._frame(name, number or 0) for name, number in part)
            else:
                paths = [self._still(name, number) for name, number in part]
                yield from (Shot(p.image, p.reason) for p in images.read_many(paths))

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


def _once(keys: Numbers, codes: Mapping[str, Floats]) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """The first of equal rows, in their order, and which of them have other codes elsewhere."""
    _, first, group = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    kept = np.sort(first)
    if len(kept) == len(keys):
        return kept, np.zeros(len(kept), bool)
    original = first[group.reshape(-1)]
    clash = np.zeros(len(keys), bool)
    for own in codes.values():
        other = own[original]
        clash |= ~((own == other) | (np.isnan(own) & np.isnan(other)))
    return kept, np.isin(kept, original[clash])
