"""Photos, folders and videos as a dataset, so that one engine registers them and any corpus.

Nothing is known of who is in them: each file counts as a person of its own, no AU is coded. A file
that cannot be read becomes rows without a picture, and its reason.
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
from aukit.vision import images
from aukit.vision.film import Film, Shot, batched, count_frames, is_video
from aukit.vision.video import SUFFIXES as VIDEO_SUFFIXES

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FilesOptions:
    """What to read."""

    inputs: tuple[str, ...] = field(
        default=(), metadata={"file": True, "help": "photos, videos, and folders of them"}
    )
    every: int = field(default=1, metadata={"help": "of a video, take one frame in so many"})

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError("every must be at least 1")


FILES = Component(
    kind="data",
    name="files",
    factory="aukit.media.dataset:Files",
    config=FilesOptions,
    summary="photos, folders and videos of anybody",
    distribution="aukit-facs",
    version=aukit.__version__,
)


class Files:
    """Photos and videos (`Dataset`).

    Args:
        config: which files.
        context: not needed; pictures are decoded on the CPU.
    """

    aus: tuple[str, ...] = ()
    landmarks = False

    def __init__(self, config: FilesOptions, context: Context) -> None:
        self.config = config
        self._film: Film | None = None

    def index(self) -> pa.Table:
        """One row a photo and one a video frame; `subject` is the path as it was given.

        Raises:
            DataError: a path does not exist, or a folder holds nothing to read.
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
        """The pictures of some rows.

        Successive calls that go on in the same video do not start it again.
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
        """The film that is read; one at a time is open."""
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
    """What paths and folders mean.

    Attributes:
        files: photos and videos, in the order of the paths, each once.
        passed_over: suffix -> files of the folders that are neither, by their names.
    """

    files: list[Path]
    passed_over: Counter[str]


def survey(inputs: Sequence[str]) -> Survey:
    """Look for photos and videos.

    Raises:
        DataError: a path does not exist, or a folder holds nothing to read.
    """
    wanted = images.SUFFIXES | VIDEO_SUFFIXES
    found = [images.survey(Path(name), wanted) for name in inputs]
    files = {file.resolve(): file for part, _ in found for file in part}
    return Survey(list(files.values()), sum((others for _, others in found), Counter()))


def fingerprints(files: Sequence[Path]) -> list[list[str | int]]:
    """Path, bytes and time of the last change of each file: what results of it depend on."""
    states = ((path, path.stat()) for path in files)
    return [[text_of(path), state.st_size, state.st_mtime_ns] for path, state in states]


@functools.lru_cache
def _is_film(path: Path) -> bool:
    """Whether a file is a video: by its name, and where that says nothing by its content."""
    if path.suffix.lower() in images.SUFFIXES | VIDEO_SUFFIXES:
        return is_video(path)
    return images.read(path).reason == images.NOT_AN_IMAGE and count_frames(path)[0] > 0


def text_of(path: Path) -> str:
    """A path as tables hold it: bytes that are no UTF-8 are written `\\xe9`."""
    return os.fsencode(path.as_posix()).decode(errors="backslashreplace")


def path_of(text: str) -> Path:
    """The file that `text_of` wrote down."""
    path = Path(text)
    if "\\x" not in text or os.path.lexists(path):
        return path
    plain = re.sub(rb"\\x([89a-f][0-9a-f])", lambda b: bytes([int(b[1], 16)]), os.fsencode(text))
    return Path(os.fsdecode(plain))
