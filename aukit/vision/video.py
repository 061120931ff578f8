"""Streams video in batches of frames, so that memory does not grow with its length."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import torch
from av.stream import Disposition
from av.video.reformatter import VideoReformatter
from torch import Tensor

from aukit.errors import ConfigError, DataError, StoreError
from aukit.remote.copy import local
from aukit.vision.images import MAX_PIXELS, TOO_LARGE

SUFFIXES = frozenset(
    [
        *(".3g2", ".3gp", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".m2ts", ".m2v", ".m4v"),
        *(".mkv", ".mov", ".mp4", ".mpe", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".qt", ".vob"),
        *(".webm", ".wmv"),
    ]
)

_LOOK = 200
"""Packets by which the film is told from still pictures in its company."""
_WIDEST = 4.0
"""Pixels of tapes and discs are 0.5 to 2.2 times as wide as high."""
DECODING = (av.FFmpegError, OSError, ValueError, MemoryError)
"""What decoders raise on damaged bytes."""
_SLACK_S = 0.5
"""Durations in headers include the sound, and may exceed the pictures by this."""


@dataclass(frozen=True)
class Clip:
    """Consecutive frames of a video.

    Attributes:
        images: (B, 3, H, W) uint8 RGB, upright, with square pixels.
        numbers: length B, positions in the video from 0.
        times: length B, seconds; NaN if neither the file nor its rate gives them.
        damaged: length B, whether the decoder had to guess parts of the frame.
    """

    images: Tensor
    numbers: tuple[int, ...]
    times: tuple[float, ...]
    damaged: tuple[bool, ...]


class Video(AbstractContextManager["Video"]):
    """A video file, read once from its start.

    Args:
        path: the file.
        every: keep every Nth frame.

    Attributes:
        width, height: size of the picture with square pixels, before rotation to upright.
        rate: frames per second, 0 if unknown.
        declared: frames by the file's header (its count, or its duration at `rate`, if that is
            less: an edit list shortens it), 0 if unknown.
        frames_read: frames decoded so far, kept or not.

    Raises:
        DataError: the file cannot be opened as a video.
    """

    def __init__(self, path: Path, every: int = 1) -> None:
        self.path = path
        self._every = every
        self._container, self._stream = open_video(path)
        if self._stream.codec_context is None:
            self._container.close()
            raise DataError(f"{path}: cannot read video: no decoder for its pictures is installed")
        self._stream.thread_type = "AUTO"
        # A frame with guessed parts is worth less than a gap: refuse instead of concealing.
        self._stream.codec_context.options = {"err_detect": "crccheck+bitstream+buffer+explode"}
        self.height: int = self._stream.height
        self.width = round(self._stream.width * _aspect(self._stream))
        if self.width * self.height > MAX_PIXELS:
            self._container.close()
            raise DataError(f"{path}: cannot read video: {TOO_LARGE}")
        self.rate = float(self._stream.average_rate or 0)
        self.declared = self._stream.frames or round(self._duration() * self.rate)
        if shown := round(self._seconds_shown() * self.rate):
            # The count includes frames that an edit list hides; the duration does not.
            self.declared = min(self.declared, shown)
        self.frames_read = 0
        # One for all frames: making a converter takes several times as long as using it.
        self._converter = VideoReformatter()
        self._undecodable = 0
        self._failure: str | None = None
        self._last = 0.0
        self._ended = False
        self._numbers: Mapping[int, int] | None = None

    def _duration(self) -> float:
        """Seconds by the container's header, 0 where it does not say."""
        return float((self._container.duration or 0) / av.time_base)

    def _seconds_shown(self) -> float:
        """Seconds that an edit list shows; 0 in containers that have none but MP4 and its kin."""
        if "mp4" not in self._container.format.name or not self._stream.duration:
            return 0.0
        return float(self._stream.duration * self._stream.time_base)

    def _is_shown_whole(self) -> bool:
        frame = 1.5 / self.rate if self.rate else _SLACK_S
        return self._last + frame >= self._seconds_shown() > 0

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._container.close()

    @property
    def problem(self) -> str | None:
        """After the last batch: what was wrong with the video, or None.

        A damaged video, or one that ends early, keeps the frames that could be decoded.
        """
        if not self._ended:
            return None
        causes = [] if self._failure is None else [self._failure]
        if self._undecodable:
            causes.append(f"{self._undecodable} packets could not be decoded")
        if self._short():
            causes.append(f"about {self.declared} frames were expected")
        return f"{self.frames_read} frames were read: {', '.join(causes)}" if causes else None

    def _short(self) -> bool:
        """Whether it ended before its time; headers without a frame count are taken loosely."""
        if self._numbers is not None:
            return self.frames_read < len(self._numbers)
        if self._stream.frames:
            return self.frames_read < self._stream.frames and not self._is_shown_whole()
        return self._last + _SLACK_S < self._duration()

    def leap(self, stamp: int, numbers: Mapping[int, int]) -> None:
        """Seek to the last key frame at or before a frame; nothing before it is decoded.

        Args:
            stamp: the frame's time stamp.
            numbers: time stamp -> position, of all frames (`time_stamps`).
        """
        self._container.seek(stamp, stream=self._stream)
        self._numbers = numbers

    def batches(self, size: int = 32) -> Iterator[Clip]:
        """Frames in order, at most `size` at a time; a new batch starts where the size changes."""
        waiting: list[tuple[int, Any, Tensor]] = []
        for number, frame in self._frames():
            try:
                image = _image(frame, _aspect(self._stream), self._converter)
            except Exception:  # the converter knows no such pixels, or has no room for them
                self._undecodable += 1
                continue
            if waiting and (len(waiting) == size or waiting[0][2].shape != image.shape):
                yield self._clip(waiting)
                waiting = []
            waiting.append((number, frame, image))
        if waiting:
            yield self._clip(waiting)

    def _frames(self) -> Iterator[tuple[int, Any]]:
        for packet in self._packets():
            for frame in self._decode(packet):
                if self._numbers is not None:
                    # Frames before the key frame in time, after it in the file, cannot be decoded.
                    self.frames_read = self._numbers.get(frame.pts, self.frames_read)
                self._last = self._time(self.frames_read, frame)
                if self.frames_read % self._every == 0:
                    yield self.frames_read, frame
                self.frames_read += 1
        self._ended = True

    def _packets(self) -> Iterator[Any]:
        """Packets, the last of them empty to flush the decoder."""
        try:
            yield from self._container.demux(self._stream)
        except DECODING as error:
            self._failure = _text(error)
            yield av.Packet()

    def _decode(self, packet: Any) -> list[Any]:
        try:
            return list(self._stream.decode(packet))
        except DECODING:
            self._undecodable += 1
            return []

    def _clip(self, rows: list[tuple[int, Any, Tensor]]) -> Clip:
        numbers, frames, images = zip(*rows, strict=True)
        return Clip(
            images=torch.stack(images),
            numbers=numbers,
            times=tuple(self._time(n, frame) for n, frame in zip(numbers, frames, strict=True)),
            damaged=tuple(bool(frame.is_corrupt) for frame in frames),
        )

    def _time(self, number: int, frame: Any) -> float:
        if frame.time is not None:
            return float(frame.time)
        return number / self.rate if self.rate else math.nan


def time_stamps(path: Path) -> dict[int, int] | None:
    """Time stamp -> position of every frame of a video, read from its packets only.

    None if frames lack unique time stamps (some AVI files).
    """
    try:
        container, stream = open_video(path)
        with container:
            # Packets are let go one by one: together they are the whole file.
            every = [packet.pts for packet in frame_packets(container, stream)]
    except (DataError, *DECODING):
        return None
    stamps = {stamp for stamp in every if stamp is not None}
    if len(stamps) < len(every):
        return None
    return {stamp: position for position, stamp in enumerate(sorted(stamps))}


def open_video(path: Path) -> tuple[Any, Any]:
    """The container and the stream of pictures of a video file.

    A still cover image does not count as video.

    Raises:
        DataError: it cannot be opened as a video.
        ConfigError, StoreError: it cannot be copied from its store (`aukit.remote.copy.local`).
    """
    container = None
    try:
        container = _open(path)
        return container, container.streams[_film_stream(path, container)]
    except (ConfigError, StoreError):
        raise
    except Exception as error:  # demuxers raise anything at all on hostile bytes
        if container is not None:
            container.close()
        reason = "it has no video stream" if isinstance(error, IndexError) else _text(error)
        raise DataError(f"{path}: cannot read video: {reason}") from error


def _open(path: Path) -> Any:
    # An absolute path, as `file:y.mp4` and `http:/y.mp4` are addresses to FFmpeg. Play lists in
    # the disguise of a film reach files of this machine at most.
    return av.open(str(local(path).absolute()), options={"protocol_whitelist": "file"})


def _film_stream(path: Path, container: Any) -> int:
    """Position of the stream of pictures: of several the one with most packets at the start."""
    streams = list(container.streams.video)
    films = [s for s in streams if not s.disposition & Disposition.attached_pic] or streams
    if len(films) < 2:  # or none at all, which is an IndexError
        return int(films[0].index)
    with _open(path) as other:
        packets = itertools.islice(other.demux(other.streams.video), _LOOK)
        counts = Counter(packet.stream.index for packet in packets if packet.size)
    return int(max(films, key=lambda stream: counts[stream.index]).index)


def frame_packets(container: Any, stream: Any) -> Iterator[Any]:
    """The packets of a stream that are frames, without those hidden by an edit list."""
    return (p for p in container.demux(stream) if p.size and not p.is_discard)


def _aspect(stream: Any) -> float:
    """Width of a stored pixel over its height; 1 where the file does not say, or talks nonsense."""
    ratio = float(stream.sample_aspect_ratio or 1)
    return ratio if 1 / _WIDEST <= ratio <= _WIDEST else 1.0


def _image(frame: Any, aspect: float, converter: Any) -> Tensor:
    """(3, H, W) uint8 with square pixels, turned by the rotation that the file asks for."""
    shown = converter.reformat(frame, round(frame.width * aspect), frame.height, "rgb24")
    pixels = torch.from_numpy(shown.to_ndarray()).permute(2, 0, 1)
    return torch.rot90(pixels, round(frame.rotation / 90), (1, 2)).contiguous()


def _text(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error)
