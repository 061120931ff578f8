"""Video, streamed: frames come in batches, so memory does not grow with length."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import torch
from torch import Tensor

from aukit.errors import DataError

SUFFIXES = frozenset(
    [".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".webm", ".wmv"]
)

_SLACK_S = 0.5
"""Durations in headers include the sound, and may exceed the pictures by this."""


@dataclass(frozen=True)
class Clip:
    """Consecutive frames of a video.

    Attributes:
        images: (B, 3, H, W) uint8 RGB, upright.
        numbers: length B, positions in the video from 0.
        times: length B, seconds; not a number where neither the file nor its rate tells.
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
        every: keep one frame in so many.

    Attributes:
        width, height: size of the stored picture, before it is turned upright.
        rate: frames a second, 0 where unknown.
        declared: frames by the file's header (its count, or its duration at `rate`), 0 if unknown.
        frames_read: frames decoded so far, kept or not.

    Raises:
        DataError: the file cannot be opened as a video.
    """

    def __init__(self, path: Path, every: int = 1) -> None:
        self.path = path
        self._every = every
        try:
            self._container = av.open(str(path))
            self._stream = self._container.streams.video[0]
        except (av.FFmpegError, OSError, IndexError) as error:
            reason = "it has no video stream" if isinstance(error, IndexError) else _text(error)
            raise DataError(f"{path}: cannot read video: {reason}") from error
        self._stream.thread_type = "AUTO"
        # A frame with guessed parts is worth less than a gap: refuse instead of concealing.
        self._stream.codec_context.options = {"err_detect": "crccheck+bitstream+buffer+explode"}
        self.width: int = self._stream.width
        self.height: int = self._stream.height
        self.rate = float(self._stream.average_rate or 0)
        self.declared = self._stream.frames or round(self._duration() * self.rate)
        self.frames_read = 0
        self._undecodable = 0
        self._failure: str | None = None
        self._last = 0.0
        self._ended = False
        self._numbers: Mapping[int, int] | None = None

    def _duration(self) -> float:
        """Seconds by the container's header, 0 where it does not say."""
        return (self._container.duration or 0) / av.time_base

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
        if self._stream.frames:
            return self.frames_read < self._stream.frames
        return self._last + _SLACK_S < self._duration()

    def leap(self, stamp: int, numbers: Mapping[int, int]) -> None:
        """Go on at the last key frame that is not after a frame; nothing before is decoded.

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
            image = _image(frame)
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
        except (av.FFmpegError, OSError) as error:
            self._failure = _text(error)
            yield av.Packet()

    def _decode(self, packet: Any) -> list[Any]:
        try:
            return list(self._stream.decode(packet))
        except (av.FFmpegError, OSError):
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
    """Time stamp -> position of every frame of a video, read from its packets alone.

    None where the file does not give each frame a stamp of its own (some AVI files).
    """
    try:
        with av.open(str(path)) as container:
            packets = container.demux(container.streams.video[0])
            pictures = [packet for packet in packets if packet.size and not packet.is_discard]
    except (av.FFmpegError, OSError, IndexError):
        return None
    stamps = {packet.pts for packet in pictures if packet.pts is not None}
    if len(stamps) < len(pictures):
        return None
    return {stamp: position for position, stamp in enumerate(sorted(stamps))}


def _image(frame: Any) -> Tensor:
    """(3, H, W) uint8, turned by the rotation that the file asks for."""
    pixels = torch.from_numpy(frame.to_ndarray(format="rgb24")).permute(2, 0, 1)
    return torch.rot90(pixels, round(frame.rotation / 90), (1, 2)).contiguous()


def _text(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error)
