"""Draws estimates into a video: faces, AUs as bars, and their curves over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from aukit.data.kinds import estimate_kinds, tops
from aukit.data.records import OK
from aukit.errors import ConfigError
from aukit.progress import Progress
from aukit.remote.path import place_of
from aukit.vision.film import count_frames, is_video, shots_of
from aukit.vision.movie import write_movie

PANEL, STRIP, LINE = 220, 90, 18
"""Pixels: width of the bars, height of the curves, height of a line of text."""

PAPER, INK, FACE, OTHER = (255, 255, 255), (40, 40, 40), (0, 160, 255), (160, 160, 160)
COLOURS = ((0, 114, 178), (213, 94, 0), (0, 158, 115))
"""Colours of the curves, strongest AU first (Okabe and Ito's colour-blind safe palette)."""

RATE = 25.0
"""Frames per second if the video does not state it."""


def check_overlay(inputs: Sequence[str], path: Path) -> Path:
    """The video to draw over.

    Raises:
        ConfigError: there is not exactly one, or the output is not an MP4 file.
    """
    if len(inputs) != 1 or not is_video(place_of(inputs[0])):
        raise ConfigError("an overlay needs exactly one video", "give one, or leave out --overlay")
    if path.suffix.lower() != ".mp4":
        raise ConfigError(f"{path}: overlays are written as .mp4", "use a name that ends in .mp4")
    return place_of(inputs[0])


def write_overlay(video: Path, table: pa.Table, every: int, path: Path, progress: Progress) -> None:
    """Write a copy of a video with its estimates drawn in.

    Args:
        video: the video file.
        table: its rows in `records.estimate_schema`.
        every: every Nth frame was estimated.
        path: path of the MP4 file; its folder exists.
        progress: shows progress.
    """
    rate = count_frames(video)[1] or RATE
    drawing = _Drawing.of(table)
    with progress.start("overlay", len(drawing.frames)) as bar:

        def pictures() -> Iterator[Tensor]:
            shots = (shot.image for shot in shots_of(video, drawing.frames, every))
            strip: Image.Image | None = None
            for place, image in enumerate(_of_one_size(shots)):
                # All frames are of one size: the curves, as long as the video, are drawn once.
                strip = strip or drawing.strip(image.shape[2] + PANEL)
                yield drawing.frame(image, place, strip)
                bar.advance()

        write_movie(path, pictures(), rate / every)


def _of_one_size(images: Iterator[Tensor | None]) -> Iterator[Tensor]:
    """Pictures with the size of the first; black if missing or of another size."""
    black = torch.zeros(3, 16, 16, dtype=torch.uint8)
    for number, image in enumerate(images):
        if number == 0 and image is not None:
            black = torch.zeros_like(image)
        yield image if image is not None and image.shape == black.shape else black


@dataclass(frozen=True)
class _Drawing:
    """The data to draw.

    Attributes:
        frames: frame numbers, increasing.
        faces: frame number -> rows of its faces.
        followed: the face whose AUs are drawn: the one seen most.
        aus: AU names.
        curves: (frames, A) estimates of that face, NaN if missing.
        shares: the same in 0..1.
    """

    frames: list[int]
    faces: Mapping[int, list[dict[str, Any]]]
    followed: int
    aus: tuple[str, ...]
    curves: np.ndarray
    shares: np.ndarray

    @classmethod
    def of(cls, table: pa.Table) -> _Drawing:
        """The drawing of a video's rows."""
        faces: dict[int, list[dict[str, Any]]] = {}
        for row in table.to_pylist():
            faces.setdefault(row["frame"], []).append(row)
        seen = Counter(row["face"] for rows in faces.values() for row in rows if _good(row))
        followed = seen.most_common(1)[0][0] if seen else 0
        names = [n.removesuffix("_level") for n in table.column_names if n.endswith("_level")]
        frames = sorted(faces)
        curves = np.full((len(frames), len(names)), np.nan)
        for place, number in enumerate(frames):
            for row in faces[number]:
                if _good(row) and row["face"] == followed:
                    curves[place] = [row[f"{au}_predicted"] for au in names]
        shares = curves / np.array(tops(estimate_kinds(table), names))
        return cls(frames, faces, followed, tuple(names), curves, shares)

    def frame(self, image: Tensor, place: int, strip: Image.Image) -> Tensor:
        """(3, H, W) uint8: a frame with its boxes, bars beside it and the curves below."""
        height, width = image.shape[1:]
        rows = max(height, (len(self.aus) + 1) * LINE)
        canvas = Image.new("RGB", (width + PANEL, rows + STRIP), PAPER)
        canvas.paste(Image.fromarray(image.permute(1, 2, 0).contiguous().numpy()), (0, 0))
        draw = ImageDraw.Draw(canvas)
        font = ImageFont.load_default(LINE - 6)
        for row in filter(_good, self.faces[self.frames[place]]):
            corners = [row[side] for side in ("left", "top", "right", "bottom")]
            draw.rectangle(
                corners, outline=FACE if row["face"] == self.followed else OTHER, width=2
            )
        self._bars(draw, font, width + 8, place)
        canvas.paste(strip, (0, rows))
        left, top, right, bottom = _plot(canvas.width)
        now = left + (right - left) / max(1, len(self.frames) - 1) * place
        draw.line(((now, rows + top), (now, rows + bottom)), INK)
        return torch.from_numpy(np.array(canvas)).permute(2, 0, 1)

    def _bars(self, draw: ImageDraw.ImageDraw, font: Any, left: int, place: int) -> None:
        for number, (au, value) in enumerate(zip(self.aus, self.curves[place], strict=True)):
            top = number * LINE + 4
            draw.text((left, top), au, INK, font)
            if np.isfinite(value):
                length = (PANEL - 100) * self.shares[place, number]
                draw.rectangle((left + 44, top + 3, left + 44 + length, top + LINE - 5), FACE)
                draw.text((left + PANEL - 46, top), f"{value:.1f}", INK, font)

    def strip(self, width: int) -> Image.Image:
        """The curves over the whole video."""
        result = Image.new("RGB", (width, STRIP), PAPER)
        draw, font = ImageDraw.Draw(result), ImageFont.load_default(LINE - 6)
        left, top, right, bottom = _plot(width)
        step = (right - left) / max(1, len(self.frames) - 1)
        spread = np.nan_to_num(self.shares).std(0)
        for number, column in enumerate(np.argsort(-spread, kind="stable")[: len(COLOURS)]):
            heights = bottom - (bottom - top) * self.shares[:, column]
            draw.text((left + 60 * number, top - 4), self.aus[column], COLOURS[number], font)
            for start in np.flatnonzero(np.isfinite(heights[:-1] + heights[1:])):
                ends = [(left + step * n, heights[n]) for n in (start, start + 1)]
                draw.line(ends, COLOURS[number], 2)
        return result


def _plot(width: int) -> tuple[int, int, int, int]:
    """Where the curves lie in the strip: left, top, right and bottom."""
    return 8, 6, width - 8, STRIP - 8


def _good(row: Mapping[str, Any]) -> bool:
    return bool(row["status"] == OK)
