"""Photos, folders and videos as a dataset, so that one engine registers them and any corpus.

Nothing is known of who is in them: each file counts as a person of its own, no AU is coded. A file
that cannot be read becomes rows without a picture, and its reason.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import av
import pyarrow as pa
from torch import Tensor

import aukit
from aukit.components import Component
from aukit.contracts.context import Context
from aukit.contracts.dataset import Frames
from aukit.errors import DataError
from aukit.records import index_schema
from aukit.vision import images
from aukit.vision.video import SUFFIXES as VIDEO_SUFFIXES
from aukit.vision.video import Video

MISSING_FRAME = "frame is not in the video"
ENDED = "video ended early"
DAMAGED = "damaged frame"

BATCH_FRAMES = 32
BATCH_PIXELS = 40_000_000
"""A batch ends when it has so many frames or pixels, whichever comes first."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FilesOptions:
    """What to read."""

    inputs: tuple[str, ...] = field(
        default=(), metadata={"help": "photos, videos, and folders of them"}
    )
    every: int = field(default=1, metadata={"help": "of a video, take one frame in so many"})

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError("every must be at least 1")


FILES = Component(
    kind="data",
    name="files",
    factory="aukit.sources:Files",
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
        self._cursor: Cursor | None = None

    def index(self) -> pa.Table:
        """One row a photo and one a video frame; `subject` is the path as it was given.

        Raises:
            DataError: a path does not exist, or a folder holds nothing to read.
        """
        schema = index_schema(self.aus)
        parts = [self._rows_of(path).cast(schema) for path in find(self.config.inputs)]
        return pa.concat_tables(parts)

    def _rows_of(self, path: Path) -> pa.Table:
        name = path.as_posix()
        frames: list[int | None] = [None]
        rate = 0.0
        if is_video(path):
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
        for video, group in itertools.groupby(names, lambda name: is_video(Path(name))):
            count = len(list(group))
            part = rows.slice(start, count)
            start += count
            yield from _batches(part, self._frames(part) if video else _photos(part))

    def _frames(self, rows: pa.Table) -> Iterator[Shot]:
        numbers = rows.column("frame").to_pylist()
        for name, number in zip(rows.column("subject").to_pylist(), numbers, strict=True):
            yield self._at(Path(name), number).shot(number)

    def _at(self, path: Path, number: int) -> Cursor:
        """A cursor that can still reach a frame."""
        cursor = self._cursor
        if cursor is None or cursor.path != path or number < cursor.position:
            if cursor is not None:
                cursor.close()
            cursor = self._cursor = Cursor(path, self.config.every)
        return cursor


@dataclass(frozen=True)
class Shot:
    """One picture: (3, H, W) uint8, or the reason why there is none."""

    image: Tensor | None
    reason: str | None = None
    time_s: float | None = None


class Cursor:
    """A video that is read forwards, frame by frame.

    Args:
        path: the video.
        every: one frame in so many is decoded to pixels.

    Attributes:
        position: number of the next frame that can be had.
    """

    def __init__(self, path: Path, every: int) -> None:
        self.path = path
        self.position = 0
        self._problem: str | None = None
        self._video: Video | None = None
        self._shots: Iterator[tuple[int, Shot]] = iter(())
        self._next: tuple[int, Shot] | None = None
        try:
            self._video = Video(path, every)
        except DataError as error:
            # Files that fail for one reason are counted together, so it names none of them.
            self._problem = error.message.removeprefix(f"{path}: ")
        else:
            self._shots = _shots(self._video)
            self._next = next(self._shots, None)

    def shot(self, number: int) -> Shot:
        """The frame with a number; frames before it are passed over."""
        if self._problem is not None:
            return Shot(None, self._problem)
        while self._next is not None and self._next[0] < number:
            self._next = next(self._shots, None)
        self.position = number + 1
        if self._next is None:
            self.close()
            return Shot(None, ENDED)
        return self._next[1] if self._next[0] == number else Shot(None, MISSING_FRAME)

    def close(self) -> None:
        """Let go of the file."""
        if self._video is not None:
            if self._video.problem:
                _log.warning("%s: %s", self.path, self._video.problem)
            self._video.__exit__(None, None, None)
            self._video = None


def _shots(video: Video) -> Iterator[tuple[int, Shot]]:
    for clip in video.batches(8):
        facts = zip(clip.images, clip.numbers, clip.times, clip.damaged, strict=True)
        for image, number, time, damaged in facts:
            yield number, Shot(None, DAMAGED, time) if damaged else Shot(image, None, time)


def _photos(rows: pa.Table) -> Iterator[Shot]:
    paths = [Path(name) for name in rows.column("subject").to_pylist()]
    for path, picture in zip(paths, images.read_many(paths), strict=True):
        if picture.note:
            _log.warning("%s: %s", path, picture.note)
        yield Shot(picture.image, picture.reason)


def _batches(rows: pa.Table, shots: Iterator[Shot]) -> Iterator[Frames]:
    start, pixels, batch = 0, 0, []
    for shot in shots:
        batch.append(shot)
        pixels += 0 if shot.image is None else shot.image[0].numel()
        if len(batch) == BATCH_FRAMES or pixels >= BATCH_PIXELS:
            yield _together(rows.slice(start, len(batch)), batch)
            start, pixels, batch = start + len(batch), 0, []
    if batch:
        yield _together(rows.slice(start, len(batch)), batch)


def _together(rows: pa.Table, shots: Sequence[Shot]) -> Frames:
    known = rows.column("time_s").to_pylist()
    times = [t if s.time_s is None else s.time_s for s, t in zip(shots, known, strict=True)]
    position = rows.column_names.index("time_s")
    return Frames(
        rows=rows.set_column(position, rows.schema.field(position), pa.array(times, pa.float64())),
        images=tuple(shot.image for shot in shots),
        reasons=tuple(shot.reason for shot in shots),
    )


def is_video(path: Path) -> bool:
    """Whether a file is a video, by its name."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def find(inputs: Sequence[str]) -> list[Path]:
    """The files that paths and folders mean, in their order, each once.

    Raises:
        DataError: a path does not exist, or a folder holds nothing to read.
    """
    wanted = images.SUFFIXES | VIDEO_SUFFIXES
    found = (file for name in inputs for file in images.find(Path(name), wanted))
    return list({file.resolve(): file for file in found}.values())


def count_frames(path: Path) -> tuple[int, float]:
    """(frames, frames a second) of a video, without decoding it; zeros if it cannot be opened.

    The header is not trusted: the packets of the video stream are counted.
    """
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            count = sum(1 for packet in container.demux(stream) if packet.size)
            return count, float(stream.average_rate or 0)
    except (av.FFmpegError, OSError, IndexError):
        return 0, 0.0
