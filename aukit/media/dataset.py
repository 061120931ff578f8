"""Photos, folders and videos as a dataset, so that they are registered like any corpus.

The people are unknown: each file counts as a person of its own, and no AU is coded. An unreadable
file becomes a row without a picture, with the reason.
"""

from __future__ import annotations

import functools
import itertools
import logging
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

import aukit
from aukit.components import Component
from aukit.contracts.context import Context
from aukit.contracts.dataset import Frames
from aukit.data.records import index_schema
from aukit.remote.listing import forget
from aukit.remote.path import RemotePath, place_of, state_of
from aukit.vision import images
from aukit.vision.film import Film, Shot, batched, count_frames, is_video
from aukit.vision.video import SUFFIXES as VIDEO_SUFFIXES

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FilesOptions:
    """Options of the dataset `files`."""

    inputs: tuple[str, ...] = field(
        default=(), metadata={"file": True, "help": "photos, videos, and folders of them"}
    )
    every: int = field(default=1, metadata={"help": "use every Nth frame of a video"})

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError("every must be at least 1")


FILES = Component(
    kind="data",
    name="files",
    factory="aukit.media.dataset:Files",
    config=FilesOptions,
    summary="your own photos, folders and videos",
    distribution="aukit-facs",
    version=aukit.__version__,
)


class Files:
    """Photos and videos (`Dataset`).

    Args:
        config: options.
        context: unused; pictures are decoded on the CPU.
    """

    aus: tuple[str, ...] = ()
    landmarks = False

    def __init__(self, config: FilesOptions, context: Context) -> None:
        self.config = config
        self._film: Film | None = None

    def index(self) -> pa.Table:
        """One row per photo and per video frame; `subject` is the path as given.

        Raises:
            DataError: a path does not exist, or a folder contains no photos or videos.
        """
        schema = index_schema(self.aus)
        parts = [self._rows_of(path).cast(schema) for path in survey(self.config.inputs).files]
        return pa.concat_tables(parts)

    def _rows_of(self, path: Path) -> pa.Table:
        name = text_of(path)
        frames: list[int | None] = [None]
        rate = 0.0
        if _is_film(path):
            count, rate = count_frames(path)
            frames = list(range(0, max(count, 1), self.config.every))
        columns = {
            "id": [f"files/{name}" if n is None else f"files/{name}#{n}" for n in frames],
            "dataset": ["files"] * len(frames),
            "partition": [None] * len(frames),
            "subject": [name] * len(frames),
            "task": [None] * len(frames),
            "view": [None] * len(frames),
            "frame": frames,
            "time_s": [n / rate if rate and n is not None else None for n in frames],
        }
        return pa.table(columns, schema=index_schema(self.aus))

    def read(self, rows: pa.Table) -> Iterator[Frames]:
        """The pictures of rows.

        Successive calls that continue in the same video do not reopen it.
        """
        start = 0
        names = rows.column("subject").to_pylist()
        for video, group in itertools.groupby(names, lambda name: _is_film(path_of(name))):
            count = len(list(group))
            part = rows.slice(start, count)
            start += count
            yield from batched(part, self._frames(part) if video else _photos(part))

    def _frames(self, rows: pa.Table) -> Iterator[Shot]:
        numbers = rows.column("frame").to_pylist()
        for name, number in zip(rows.column("subject").to_pylist(), numbers, strict=True):
            yield self._at(path_of(name)).shot(number)

    def _at(self, path: Path) -> Film:
        """The video to read; only one is open at a time."""
        if self._film is None or self._film.path != path:
            if self._film is not None:
                self._film.close()
            self._film = Film(path, self.config.every)
        return self._film


def _photos(rows: pa.Table) -> Iterator[Shot]:
    paths = [path_of(name) for name in rows.column("subject").to_pylist()]
    for path, picture in zip(paths, images.read_many(paths), strict=True):
        if picture.note:
            _log.warning("%s: %s", path, picture.note)
        yield Shot(picture.image, picture.reason)


@dataclass(frozen=True)
class Survey:
    """The files found at paths and in folders.

    Attributes:
        files: photos and videos, in the order of the paths, each once.
        passed_over: suffix -> number of other files in the folders, by name.
    """

    files: list[Path]
    passed_over: Counter[str]


def survey(inputs: Sequence[str]) -> Survey:
    """Find photos and videos.

    Raises:
        DataError: a path does not exist, or a folder contains no photos or videos.
        ConfigError, StoreError: a URL cannot be read (`aukit.remote.store.ask`).
    """
    forget()
    wanted = images.SUFFIXES | VIDEO_SUFFIXES
    found = [images.survey(place_of(name), wanted) for name in inputs]
    files = {file.resolve(): file for part, _ in found for file in part}
    return Survey(list(files.values()), sum((others for _, others in found), Counter()))


def fingerprints(files: Sequence[Path]) -> list[list[str | int]]:
    """Path and state (`state_of`) of each file, for stage keys."""
    return [[text_of(path), *state_of(path)] for path in files]


@functools.lru_cache
def _is_film(path: Path) -> bool:
    """Whether a file is a video, by its name or, if that is unknown, by its content."""
    if path.suffix.lower() in images.SUFFIXES | VIDEO_SUFFIXES:
        return is_video(path)
    return images.read(path).reason == images.NOT_AN_IMAGE and count_frames(path)[0] > 0


def text_of(path: Path) -> str:
    """A path as text for tables: bytes that are not UTF-8 are written as `\\xe9`."""
    return os.fsencode(path.as_posix()).decode(errors="backslashreplace")


def path_of(text: str) -> Path:
    """The path that `text_of` encoded."""
    path = place_of(text)
    if "\\x" not in text or isinstance(path, RemotePath) or os.path.lexists(path):
        return path
    plain = re.sub(rb"\\x([89a-f][0-9a-f])", lambda b: bytes([int(b[1], 16)]), os.fsencode(text))
    return Path(os.fsdecode(plain))
