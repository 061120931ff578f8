"""The base of readers of labelled recordings: builds rows from frames and codes, reads pictures.

A subclass lists the recordings and their codes. Mismatches of frames and codes, sizes, order,
streaming and people are handled here for all of them.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from aukit.contracts.dataset import Frames
from aukit.contracts.landmarker import IBUG68, Faces
from aukit.contracts.survey import Finding, Survey
from aukit.data.codes import NOT_CODED, Codes, Numbers
from aukit.data.folds import NO_FOLD
from aukit.data.kinds import AuKind
from aukit.data.manifest import hold_to
from aukit.data.people import assigned
from aukit.data.recordings import Key, Recording, compared, frames_of, mostly_shifted
from aukit.data.records import au_columns, index_schema
from aukit.errors import DataError
from aukit.vision import images
from aukit.vision.film import Film, Shot, batched

NO_PICTURE = "no picture of this frame"


@dataclass(frozen=True)
class _Joined:
    """The joined frames and codes of a recording, with frame numbers as in the index."""

    frames: Numbers
    values: Any
    rate: float
    findings: tuple[Finding, ...]


class Reader(ABC):
    """A dataset of recordings (`Dataset`, `KnowsSources`, `Surveys`); a subclass is one corpus.

    Attributes:
        name: name of the dataset, used in ids.
        aus: AU columns, in FACS order.
        kinds: kinds of the columns; missing ones are intensities.
        beside: further columns of the index (`AU06_present`): the occurrence of an AU that was
            coded both ways.
        landmarks: whether `points` returns the 68 points of a frame.
        uncoded: whether uncoded frames are read too; else they are rows with a reason and without
            a picture.
        shift: offset added to the frame numbers of label files.
        manifest: manifest that the files must match (`aukit.data.manifest`).
        fold: fold that divides the people into partitions, if the corpus itself does not.
        published: published counts of the corpus (`Survey.published`).
        licence, citation: licence and citation of the corpus.
    """

    name: str
    aus: tuple[str, ...]
    kinds: Mapping[str, AuKind] = {}
    beside: tuple[str, ...] = ()
    landmarks: bool = False
    uncoded: bool = False
    shift: int = 0
    fold: str = NO_FOLD
    manifest: Path | None = None
    published: Mapping[str, int] = {}
    licence: str = ""
    citation: str = ""

    @abstractmethod
    def recordings(self) -> Iterable[Recording]:
        """Every recording, in a stable order; no file is opened."""

    @abstractmethod
    def codes(self, recording: Recording) -> Codes:
        """The codes of a recording."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of `codes`: one per AU, then those of `beside`."""
        return (*self.aus, *self.beside)

    def points(self, recording: Recording, frame: int) -> Tensor | None:
        """(68, 2) iBUG points of a frame in pixels, if the corpus has them."""
        return None

    def surplus(self) -> Iterable[Finding]:
        """Findings for files in the corpus's folders that belong to no recording."""
        return ()

    @cached_property
    def _recordings(self) -> dict[Key, Recording]:
        found: dict[Key, Recording] = {}
        for recording in self.recordings():
            if (other := found.get(recording.key)) is not None:
                places = " and ".join(str(next(iter(r.files), "?")) for r in (other, recording))
                raise DataError(
                    f"{self.name}: two recordings are called {recording.name}: {places}",
                    "remove one of them, or give the people different names",
                )
            found[recording.key] = recording
        if not found:
            raise DataError(f"{self.name}: no recordings found", "see `aukit data check`")
        return found

    def index(self) -> pa.Table:
        """All frames and all codes; unmatched ones are rows too."""
        if self.manifest is not None:
            hold_to(self.manifest, self)
        tables = [self._table(r, self._join(r)) for r in self._recordings.values()]
        table = pa.concat_tables(tables).combine_chunks()
        return assigned(table, self.fold)

    def sources(self) -> Iterator[Path]:
        """Every media and label file."""
        for recording in self._recordings.values():
            yield from recording.files

    def survey(self) -> Survey:
        """Problems of files, of labels, and mismatches between them."""
        found = [f for r in self._recordings.values() for f in self._join(r).findings]
        found += mostly_shifted(found, len(self._recordings))
        return Survey(
            findings=(*found, *self.surplus()),
            recordings=len(self._recordings),
            published=self.published,
            licence=self.licence,
            citation=self.citation,
        )

    def _join(self, recording: Recording) -> _Joined:
        codes = self._codes(recording.key)
        found = list(codes.findings)
        start = recording.first if isinstance(recording.media, Path) else 0
        coded = codes.frames + self.shift - start
        shown, rate, media = frames_of(recording)
        found += [*media, *compared(recording, shown, coded)]
        # A recording with neither frames nor codes still gives one row, with the reason.
        frames = np.union1d(shown, coded).astype(np.int64)
        frames = frames if len(frames) else np.zeros(1, np.int64)
        values = np.full((len(frames), len(self.columns)), np.nan, np.float32)
        values[np.searchsorted(frames, coded)] = codes.values
        return _Joined(frames, values, rate, tuple(found))

    @cached_property
    def _codes(self) -> Any:
        # Views of a task come in sequence and share their labels, so a small cache suffices.
        return lru_cache(maxsize=16)(lambda key: self.codes(self._recordings[key]))

    def _table(self, recording: Recording, joined: _Joined) -> pa.Table:
        count = len(joined.frames)
        stem = "/".join(filter(None, (self.name, *recording.key)))
        numbers = joined.frames.tolist()
        columns = {
            "id": [f"{stem}/{number:05d}" for number in numbers],
            "dataset": [self.name] * count,
            "partition": [recording.partition] * count,
            "subject": [recording.subject] * count,
            "task": [recording.task] * count,
            "view": [recording.view] * count,
            "frame": numbers,
            "time_s": [n / joined.rate if joined.rate else None for n in numbers],
        }
        schema = index_schema(self.columns, self.kinds)
        for position, column in enumerate(self.columns):
            own = joined.values[:, position]
            columns[column] = pa.array(own, pa.float32(), mask=np.isnan(own))
        return pa.table([pa.array(columns[f.name], f.type) for f in schema], schema=schema)

    def read(self, rows: pa.Table) -> Iterator[Frames]:
        """The pictures of rows, streamed; one video is open at a time."""
        for part in _same_recording(rows):
            yield from self._read(part)

    def _read(self, rows: pa.Table) -> Iterator[Frames]:
        key = tuple(rows.column(name)[0].as_py() for name in ("subject", "task", "view"))
        recording = self._of_row(rows.column("partition")[0].as_py(), *key)
        numbers = rows.column("frame").to_pylist()
        wanted = [self.uncoded or coded for coded in _coded(rows)]
        for frames in batched(rows, self._shots(recording, numbers, wanted)):
            yield self._with_points(recording, frames) if self.landmarks else frames

    def _of_row(self, partition: str | None, *rest: str | None) -> Recording:
        """The recording of a row, whose partition may come from a fold."""
        for part in (partition, None):
            if (found := self._recordings.get((part, *rest))) is not None:  # type: ignore[arg-type]
                return found
        raise DataError(
            f"{'/'.join(filter(None, (self.name, partition, *rest)))} is not in this dataset",
            "read the rows with the options that the index was made with",
        )

    def _shots(
        self, recording: Recording, numbers: Sequence[int], wanted: Sequence[bool]
    ) -> Iterator[Shot]:
        pictures = self._pictures(recording, [n for n, w in zip(numbers, wanted, strict=True) if w])
        for number, want in zip(numbers, wanted, strict=True):
            yield next(pictures) if want else Shot(None, self._why(recording, number))

    def _why(self, recording: Recording, number: int) -> str:
        start = recording.first if isinstance(recording.media, Path) else 0
        reason: str = self._codes(recording.key).reasons.get(number + start - self.shift, NOT_CODED)
        return reason

    def _pictures(self, recording: Recording, numbers: Sequence[int]) -> Iterator[Shot]:
        if isinstance(recording.media, Path):
            film = self._film(recording.media)
            return (film.shot(n) if n >= 0 else Shot(None, NO_PICTURE) for n in numbers)
        return _stills([recording.media.get(number) for number in numbers])

    def _film(self, path: Path) -> Film:
        film: Film | None = getattr(self, "_open", None)
        if film is None or film.path != path:
            if film is not None:
                film.close()
            film = self._open = Film(path)
        return film

    def _with_points(self, recording: Recording, frames: Frames) -> Frames:
        numbers = frames.rows.column("frame").to_pylist()
        found = [
            None if image is None else self.points(recording, number)
            for image, number in zip(frames.images, numbers, strict=True)
        ]
        faces = tuple(face_of(points) for points in found)
        return Frames(frames.rows, frames.images, frames.reasons, faces)


def face_of(points: Tensor | None) -> Faces:
    """The face with the given landmarks and their bounding box; no face if None."""
    if points is None:
        return Faces(torch.zeros(0, 4), torch.zeros(0), {IBUG68: torch.zeros(0, 68, 2)})
    points = points.float()
    box = torch.cat((points.amin(0), points.amax(0)))
    return Faces(box[None], torch.ones(1), {IBUG68: points[None]})


def _same_recording(rows: pa.Table) -> Iterator[pa.Table]:
    columns = [rows.column(n).to_pylist() for n in ("partition", "subject", "task", "view")]
    start = 0
    for _, group in itertools.groupby(zip(*columns, strict=True)):
        count = len(list(group))
        yield rows.slice(start, count)
        start += count


def _coded(rows: pa.Table) -> list[bool]:
    """Whether each row has a code for any AU; all True if no AU is coded anywhere."""
    aus = au_columns(rows)
    if not aus:
        return [True] * rows.num_rows
    columns = [rows.column(au).is_valid().to_numpy(zero_copy_only=False) for au in aus]
    coded: list[bool] = np.any(columns, axis=0).tolist()
    return coded


def _stills(paths: Sequence[Path | None]) -> Iterator[Shot]:
    there = images.read_many([path for path in paths if path is not None])
    for path in paths:
        if path is None:
            yield Shot(None, NO_PICTURE)
        else:
            picture = next(there)
            yield Shot(picture.image, picture.reason)
