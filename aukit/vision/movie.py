"""Writes short animations as GIF or MP4."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.codec import Codec
from av.codec.codec import UnknownCodecError
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from aukit.errors import DataError
from aukit.store.files import write_aside

Pixels = NDArray[np.uint8]

SUFFIXES = frozenset([".gif", ".mp4"])
_ENCODERS = ("libx264", "libopenh264", "mpeg4")
BIT_RATE = 4_000_000
"""Bits a second of MP4: faces should not show the traces of compression."""


def write_movie(path: Path, frames: Iterable[Tensor], rate: float = 12) -> None:
    """Write an animation atomically; the suffix determines the format.

    Args:
        path: ends in `.gif` (which loops) or `.mp4`.
        frames: uint8 (3, H, W), all of one size; taken one by one.
        rate: frames per second.
    """
    pictures = (frame.permute(1, 2, 0).contiguous().numpy() for frame in frames)
    with write_aside(path) as aside:
        write = _gif if path.suffix.lower() == ".gif" else _mp4
        write(aside, pictures, rate)


def _gif(path: Path, pictures: Iterator[Pixels], rate: float) -> None:
    first, *rest = map(Image.fromarray, pictures)
    duration = round(100 / rate) * 10  # GIF counts in hundredths of a second
    first.save(path, "GIF", save_all=True, append_images=rest, duration=duration, loop=0)


def _mp4(path: Path, pictures: Iterator[Pixels], rate: float) -> None:
    with av.open(str(path.absolute()), "w", format="mp4") as container:
        stream: Any = container.add_stream(encoder(), rate=Fraction(rate).limit_denominator(1001))
        stream.pix_fmt, stream.bit_rate = "yuv420p", BIT_RATE
        for number, picture in enumerate(pictures):
            # Colour is stored for every second pixel, so the sides must be even.
            height, width = picture.shape[:2]
            even = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
            if number == 0:
                stream.height, stream.width = even.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
        container.mux(stream.encode())


def encoder() -> str:
    """The first encoder available in this build of FFmpeg.

    Raises:
        DataError: there is none for MP4.
    """
    for name in _ENCODERS:
        with contextlib.suppress(UnknownCodecError):
            return str(Codec(name, "w").name)
    raise DataError("this build of PyAV has no encoder for MP4", "write a .gif instead")
