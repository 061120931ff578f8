"""Records a camera or a stream to a file, packet by packet, to be read like any video."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from aukit.errors import DataError
from aukit.progress import Bar
from aukit.store.files import write_aside
from aukit.vision.movie import encoder
from aukit.vision.video import DECODING

PATIENCE_S = 10.0
"""How long nothing may come before a stream counts as ended."""

BIT_RATE = 8_000_000
"""Bits a second of pictures that come without compression: faces should lose nothing."""

RATE = 30
"""Frames a second where the camera does not tell."""

_BARE = ("rawvideo", "wrapped_avframe")


@dataclass(frozen=True)
class Live:
    """A live source of pictures.

    Attributes:
        address: address for FFmpeg.
        format: FFmpeg's name of the input format; None: derived from the address.
    """

    address: str
    format: str | None = None


def camera(number: int) -> Live:
    """A camera of this machine, numbered from 0."""
    if sys.platform == "darwin":
        return Live(str(number), "avfoundation")
    if sys.platform == "win32":
        return Live(f"video={number}", "dshow")
    return Live(f"/dev/video{number}", "v4l2")


def record(source: Live, path: Path, seconds: float | None, bar: Bar) -> int:
    """Record until the stream ends, the time is over, or the user interrupts.

    Compressed pictures are stored as received; pictures before the first key frame are unusable.

    Args:
        source: the source.
        path: path of the Matroska file; written aside and renamed.
        seconds: duration by the stream's clock; None: until it ends or Ctrl-C.
        bar: advanced by every frame.

    Returns:
        number of frames.

    Raises:
        DataError: it cannot be opened, or has no pictures.
    """
    frames = 0
    with write_aside(path) as aside, _opened(source) as given:
        if not given.streams.video:
            raise DataError(f"{source.address} has no pictures", "it has only sound")
        stream = given.streams.video[0]
        try:
            with av.open(str(aside.absolute()), "w", format="matroska") as kept:
                for packet in _written(_packets(given, stream, seconds), stream, kept):
                    kept.mux(packet)
                    frames += 1
                    bar.advance()
        except KeyboardInterrupt:
            if not frames:
                raise
        if not frames:
            raise DataError(
                f"received nothing from {source.address}", "check that it is sending pictures"
            )
    return frames


def _opened(source: Live) -> Any:
    try:
        # A camera that goes away, or a server that falls silent, must not hold us for ever.
        return av.open(source.address, format=source.format, timeout=PATIENCE_S)
    except Exception as error:  # demuxers and protocols raise anything at all
        reason = getattr(error, "strerror", None) or error
        raise DataError(
            f"{source.address} cannot be opened: {reason}",
            "check that it exists and that this build of FFmpeg can read it",
        ) from error


def _written(packets: Iterator[Any], stream: Any, kept: Any) -> Iterator[Any]:
    """What goes into the file: packets as they are, or compressed if they hold bare pixels."""
    if stream.codec_context.name not in _BARE:
        copy = kept.add_stream_from_template(stream)
        for packet in packets:
            packet.stream = copy
            yield packet
        return
    coded = kept.add_stream(encoder(), rate=stream.average_rate or RATE)
    coded.width, coded.height = stream.width, stream.height
    coded.pix_fmt, coded.bit_rate = "yuv420p", BIT_RATE
    coded.codec_context.time_base = stream.time_base
    for packet in packets:
        for frame in stream.decode(packet):
            yield from coded.encode(frame)
    yield from coded.encode()


def _packets(given: Any, stream: Any, seconds: float | None) -> Iterator[Any]:
    """Packets from the first key frame on, with time stamps from 0."""
    start: int | None = None
    bare = stream.codec_context.name in _BARE  # not every device marks these as key frames
    try:
        for packet in given.demux(stream):
            if packet.dts is None or (start is None and not (bare or packet.is_keyframe)):
                continue
            start = packet.dts if start is None else start
            packet.dts -= start
            packet.pts = packet.dts if packet.pts is None else packet.pts - start
            if seconds is not None and packet.dts * stream.time_base >= seconds:
                return
            yield packet
    except DECODING:
        return  # what came before the break is kept
