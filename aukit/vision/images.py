"""Decodes pictures from untrusted files, and encodes pictures.

A picture becomes a uint8 tensor (3, H, W), RGB, upright by its EXIF tag. An unusable file gives a
reason instead of an exception, so that one bad frame does not stop ten thousand good ones.
"""

from __future__ import annotations

import functools
import io
import os
import re
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile
from torch import Tensor

from aukit.errors import DataError
from aukit.remote.path import RemotePath

UNREADABLE = "unreadable file"
EMPTY = "empty file"
NOT_AN_IMAGE = "not an image"
TRUNCATED = "truncated image"
DAMAGED = "damaged image"
TOO_LARGE = "more pixels than the limit"
UNSUPPORTED = "unsupported pixel format"
NEEDS_HEIF = "HEIC or AVIF picture: its decoder is not installed (pip install 'aukit-facs[heic]')"

ANIMATED = "animated: first frame only"

SUFFIXES = frozenset(
    [
        *(".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg"),
        *(".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp"),
    ]
)
_BITS_PER_SAMPLE = 258
MAX_PIXELS = 80_000_000
"""Pictures with more pixels are refused before they are decoded (240 MB as RGB)."""

Format = Literal["png", "jpeg", "ppm"]

PNG = {"compress_level": 1, "compress_type": zlib.Z_RLE}
"""After PNG's filters little but runs repeats: for pictures of faces, looking for no more makes
smaller files in two thirds of the time."""


@dataclass(frozen=True)
class Picture:
    """A decoded picture, or the reason for its absence.

    Attributes:
        image: (3, H, W) uint8 RGB on the CPU, or None.
        reason: why there is no picture, one of the constants of this module; else None.
        note: what was lost in decoding, e.g. `ANIMATED`; else None.
    """

    image: Tensor | None
    reason: str | None = None
    note: str | None = None


def find(path: Path, suffixes: Collection[str] = SUFFIXES) -> list[Path]:
    """The files at a path: itself, or the files of a folder and its subfolders, sorted.

    Hidden files are skipped, and in folders all files without one of the `suffixes` (any case).

    Raises:
        DataError: the path does not exist, or the folder has no such files.
    """
    return survey(path, suffixes)[0]


def survey(path: Path, suffixes: Collection[str]) -> tuple[list[Path], Counter[str]]:
    """The result of `find`, and the skipped files of a folder: suffix -> number of files.

    Pipes, devices and dangling links are skipped, whatever their names.

    Raises:
        DataError: the path does not exist, or the folder has no such files.
    """
    if path.is_file():
        return [path], Counter()
    if not path.is_dir():
        what = "neither a file nor a folder" if path.exists() else "no such file or folder"
        raise DataError(f"{what}: {path}")
    inside = [f for f in path.rglob("*") if not _is_hidden(f, path)]
    files = sorted(f for f in inside if f.suffix.lower() in suffixes and f.is_file())
    if not files:
        raise DataError(f"no files to read in {path}", f"looked for {' '.join(sorted(suffixes))}")
    others = set(inside).difference(files)
    return files, Counter(f.suffix.lower() for f in others if not f.is_dir())


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(name.startswith(".") for name in path.parts[len(folder.parts) :])


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


def bare(content: bytes | memoryview) -> Tensor | None:
    """(3, H, W) uint8 of a PPM file as `encode` writes it, in a fraction of the time of `decode`.

    None for any other content.
    """
    head = _BARE.match(content)
    if head is None:
        return None
    width, height = map(int, head.groups())
    pixels = np.frombuffer(content, np.uint8, offset=head.end())
    if pixels.size != 3 * width * height:
        return None
    planes = pixels.reshape(height, width, 3).transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(planes))


_BARE = re.compile(rb"P6\n(\d{1,5}) (\d{1,5})\n255\n")


def read_many(
    paths: Sequence[Path], max_pixels: int = MAX_PIXELS, threads: int = 0
) -> Iterator[Picture]:
    """Decode files in order on several threads (0: one per core), a few ahead of the caller."""
    threads = threads or os.cpu_count() or 1
    ahead = 4 * threads
    # Stores take longer to answer than a picture takes to be decoded.
    waits = any(isinstance(path, RemotePath) for path in paths)
    with ThreadPoolExecutor(ahead if waits else threads) as pool:
        for start in range(0, len(paths), ahead):
            part = paths[start : start + ahead]
            yield from pool.map(lambda path: read(path, max_pixels), part)


def encode(images: Tensor, to: Format = "png", quality: int = 95) -> list[bytes]:
    """Compress pictures on all cores.

    Args:
        images: (B, 3, H, W) uint8, any device.
        to: `png` is lossless; `jpeg` is smaller; `ppm` is the bare pixels, in a thirtieth of the
            time.
        quality: JPEG quality, 1..100.

    Returns:
        B encoded files.
    """
    rows = images.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    options: dict[str, dict[str, int]] = {"png": PNG, "jpeg": {"quality": quality}}

    def one(pixels: np.ndarray) -> bytes:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, to, **options.get(to, {}))
        return file.getvalue()

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(one, rows))


def _decode(file: BinaryIO, max_pixels: int) -> Picture:
    head = file.read(12)
    if not head:
        return Picture(None, EMPTY)
    file.seek(0)
    heif = head[4:8] == b"ftyp" and head[8:12] in _HEIF
    if heif:
        _opens_heif()
    try:
        with Image.open(file) as image:
            return _convert(image, max_pixels)
    except UnidentifiedImageError:
        return Picture(None, NEEDS_HEIF if heif and not _opens_heif() else NOT_AN_IMAGE)
    except (Image.DecompressionBombError, MemoryError):
        return Picture(None, TOO_LARGE)
    except Exception as error:  # decoders raise anything at all on hostile bytes
        return Picture(None, TRUNCATED if "truncated" in str(error).lower() else DAMAGED)


_HEIF = frozenset([b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif"])
"""Brands of the containers of HEIC and AVIF pictures (ISO/IEC 23008-12, annex B)."""


@functools.cache
def _opens_heif() -> bool:
    """Let Pillow read HEIC, where the optional package pillow-heif is installed."""
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True


def _convert(image: Image.Image, max_pixels: int) -> Picture:
    if image.width * image.height > max_pixels:
        return Picture(None, TOO_LARGE)
    note = ANIMATED if getattr(image, "is_animated", False) else None
    image.load()
    upright = _upright(image)
    if upright.mode == "F" or (upright.mode == "I" and not _has_16_bits(image)):
        return Picture(None, UNSUPPORTED)
    pixels = np.array(_rgb(upright))
    return Picture(torch.from_numpy(pixels).permute(2, 0, 1).contiguous(), note=note)


def _has_16_bits(image: Image.Image) -> bool:
    """Whether grey levels in 32 bits were 16 in the file: else nothing says what is white."""
    if isinstance(image, TiffImageFile):
        return bool(max(image.tag_v2.get(_BITS_PER_SAMPLE, (32,))) <= 16)
    return image.format in ("PNG", "PPM")


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
