"""Frames of a video by number, and batches of pictures, streamed.

Frames are decoded in order. To read a part of a video, e.g. in one of several workers, a single
seek to its start suffices; earlier frames are not decoded.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import av
import pyarrow as pa
from torch import Tensor

from aukit.contracts.dataset import Frames
from aukit.errors import DataError
from aukit.vision.video import SUFFIXES, Video, frame_packets, open_video, time_stamps

MISSING_FRAME = "frame is not in the video"
ENDED = "video ended early"
DAMAGED = "damaged frame"

BATCH_FRAMES = 32
BATCH_PIXELS = 40_000_000
"""A batch ends when it has so many frames or pixels, whichever comes first."""
FAR = 250
"""Frames that are decoded for nothing rather than leapt over: about ten seconds."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shot:
    """One picture: (3, H, W) uint8, or the reason for its absence."""

    image: Tensor | None
    reason: str | None = None
    time_s: float | None = None


class Film:
    """A video with frames accessed by number, efficient in increasing order.

    Args:
        path: the video.
        every: every Nth frame is decoded to pixels.
    """

    def __init__(self, path: Path, every: int = 1) -> None:
        self.path = path
        self._every = every
        self._start(0)

    def _start(self, number: int) -> None:
        """Open the video so that the frame with a number is soon the next."""
        self._position = 0
        self._problem: str | None = None
        self._video: Video | None = None
        self._shots: Iterator[tuple[int, Shot]] = iter(())
        self._next: tuple[int, Shot] | None = None
        try:
            self._video = Video(self.path, self._every)
        except DataError as error:
            # Files that fail for one reason are counted together, so it names none of them.
            self._problem = error.message.removeprefix(f"{self.path}: ")
        else:
            self._shots = self._from(number, self._video)
            self._next = next(self._shots, None)

    def _from(self, number: int, video: Video) -> Iterator[tuple[int, Shot]]:
        if number > FAR and (stamps := self._stamps):
            if number >= len(stamps):
                return iter(())
            video.leap(list(stamps)[number], stamps)
        return _shots(video)

    @cached_property
    def _stamps(self) -> dict[int, int] | None:
        return time_stamps(self.path)

    def shot(self, number: int) -> Shot:
        """The frame with a number from 0; frames shortly before it are skipped."""
        if number < self._position or number > self._position + FAR:
            self.close()
            self._start(number)
        if self._problem is not None:
            return Shot(None, self._problem)
        while self._next is not None and self._next[0] < number:
            self._next = next(self._shots, None)
        self._position = number + 1
        if self._next is None:
            self.close()
            return Shot(None, ENDED)
        return self._next[1] if self._next[0] == number else Shot(None, MISSING_FRAME)

    def close(self) -> None:
        """Close the file."""
        if self._video is not None:
            if self._video.problem:
                _log.warning("%s: %s", self.path, self._video.problem)
            self._video.__exit__(None, None, None)
            self._video = None


def shots_of(path: Path, numbers: Iterable[int], every: int = 1) -> Iterator[Shot]:
    """The frames of a video with some numbers, one shot for each number, in their order.

    Rising numbers are read in one pass: frames between are passed over, and gaps of more than
    `FAR` frames are leapt over. A file that is no video, is damaged or ends early gives shots with
    the reason.

    Args:
        path: the video.
        numbers: positions from 0.
        every: the numbers are multiples of this; others are not decoded to pixels.
    """
    with contextlib.closing(Film(path, every)) as film:
        yield from map(film.shot, numbers)


def _shots(video: Video) -> Iterator[tuple[int, Shot]]:
    for clip in video.batches(8):
        facts = zip(clip.images, clip.numbers, clip.times, clip.damaged, strict=True)
        for image, number, time, damaged in facts:
            yield number, Shot(None, DAMAGED, time) if damaged else Shot(image, None, time)


def batched(rows: pa.Table, shots: Iterable[Shot]) -> Iterator[Frames]:
    """Index rows with their pictures, in order, in batches of bounded size."""
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
    return path.suffix.lower() in SUFFIXES


def count_frames(path: Path) -> tuple[int, float]:
    """(frames, frames per second) of a video, without decoding it; zeros if it cannot be opened.

    The header is not trusted: the packets of the video stream are counted.
    """
    count, rate = 0, 0.0
    # A file that breaks off in the middle has the frames before.
    with contextlib.suppress(DataError, av.FFmpegError, OSError, ValueError):
        container, stream = open_video(path)
        with container:
            rate = float(stream.average_rate or 0)
            for _ in frame_packets(container, stream):
                count += 1
    return count, rate
