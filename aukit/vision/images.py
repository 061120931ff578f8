"""Pictures from files that nobody vouches for, and to bytes.

A picture becomes a uint8 tensor (3, H, W), RGB, upright by its EXIF tag. A file that is no usable
picture yields a reason and never an exception: one bad frame must not stop ten thousand good ones.
"""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from aukit.errors import DataError

UNREADABLE = "unreadable file"
EMPTY = "empty file"
NOT_AN_IMAGE = "not an image"
TRUNCATED = "truncated image"
DAMAGED = "damaged image"
TOO_LARGE = "more pixels than the limit"
UNSUPPORTED = "unsupported pixel format"

ANIMATED = "animated: first frame only"

SUFFIXES = frozenset(
    [".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".pgm", ".tif", ".tiff", ".webp"]
)
MAX_PIXELS = 80_000_000
"""Pictures with more pixels are refused before they are decoded (240 MB as RGB)."""

PNG = {"compress_level": 1, "compress_type": zlib.Z_RLE}
"""After PNG's filters little but runs repeats: for pictures of faces, looking for no more makes
smaller files in two thirds of the time."""


@dataclass(frozen=True)
class Picture:
    """A decoded picture, or why there is none.

    Attributes:
        image: (3, H, W) uint8 RGB on the CPU, or None.
        reason: why there is no picture, one of the constants of this module; else None.
        note: what was lost in decoding, e.g. `ANIMATED`; else None.
    """

    image: Tensor | None
    reason: str | None = None
    note: str | None = None


def find(path: Path, suffixes: Collection[str] = SUFFIXES) -> list[Path]:
    """The files that a path means: itself, or the files of a folder and its subfolders, sorted.

    Hidden files are left out, and in a folder all whose name does not end in one of `suffixes`
    (upper or lower case).

    Raises:
        DataError: the path does not exist, or the folder holds no such file.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataError(f"no such file or folder: {path}")
    inside = (each for each in path.rglob("*") if each.suffix.lower() in suffixes)
    hidden = set(path.rglob(".*"))
    files = sorted(f for f in inside if f.is_file() and hidden.isdisjoint((f, *f.parents)))
    if not files:
        raise DataError(f"nothing to read in {path}", f"looked for {' '.join(sorted(suffixes))}")
    return files


def read(path: Path, max_pixels: int = MAX_PIXELS) -> Picture:
    """Decode a file."""
    try:
        with path.open("rb") as file:
            return _decode(file, max_pixels)
    except OSError:
        return Picture(None, UNREADABLE)


def decode(content: bytes, max_pixels: int = MAX_PIXELS) -> Picture:
    """Decode the content of a file."""
    return _decode(io.BytesIO(content), max_pixels)


def read_many(
    paths: Sequence[Path], max_pixels: int = MAX_PIXELS, threads: int = 0
) -> Iterator[Picture]:
    """Decode files in order on several threads (0: one a core), a few ahead of the caller."""
    threads = threads or os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(paths), 4 * threads):
            part = paths[start : start + 4 * threads]
            yield from pool.map(lambda path: read(path, max_pixels), part)


def encode(images: Tensor, to: Literal["png", "jpeg"] = "png", quality: int = 95) -> list[bytes]:
    """Compress pictures on all cores.

    Args:
        images: (B, 3, H, W) uint8, any device.
        to: `png` loses nothing; `jpeg` is smaller.
        quality: of JPEG, 1..100.

    Returns:
        B files.
    """
    rows = images.permute(0, 2, 3, 1).contiguous().cpu().numpy()

    def one(pixels: np.ndarray) -> bytes:
        file = io.BytesIO()
        options = {"quality": quality} if to == "jpeg" else PNG
        Image.fromarray(pixels).save(file, to, **options)
        return file.getvalue()

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(one, rows))


def _decode(file: BinaryIO, max_pixels: int) -> Picture:
    if not file.read(1):
        return Picture(None, EMPTY)
    file.seek(0)
    try:
        with Image.open(file) as image:
            return _convert(image, max_pixels)
    except UnidentifiedImageError:
        return Picture(None, NOT_AN_IMAGE)
    except (Image.DecompressionBombError, MemoryError):
        return Picture(None, TOO_LARGE)
    except Exception as error:  # decoders raise anything at all on hostile bytes
        return Picture(None, TRUNCATED if "truncated" in str(error).lower() else DAMAGED)


def _convert(image: Image.Image, max_pixels: int) -> Picture:
    if image.width * image.height > max_pixels:
        return Picture(None, TOO_LARGE)
    note = ANIMATED if getattr(image, "is_animated", False) else None
    image.load()
    upright = _upright(image)
    if upright.mode == "F":
        return Picture(None, UNSUPPORTED)
    pixels = np.array(_rgb(upright))
    return Picture(torch.from_numpy(pixels).permute(2, 0, 1).contiguous(), note=note)


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a broken EXIF block does not spoil the pixels
        return image


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        # 16 bits a sample (Pillow reads such grey PNG, TIFF and PGM files as one of the I modes).
        levels = np.asarray(image).astype(np.int64).clip(0, 65535) >> 8
        return Image.fromarray(levels.astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        # Cut-outs lie on white, as viewers show them.
        coloured = image.convert("RGBA")
        paper = Image.new("RGBA", coloured.size, "white")
        return Image.alpha_composite(paper, coloured).convert("RGB")
    return image.convert("RGB")
