from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from aukit.errors import DataError
from aukit.vision import images
from aukit.vision.images import decode, encode, find, read, read_many

GRADIENT = np.stack([*np.meshgrid(np.arange(40), np.arange(30)), np.full((30, 40), 90)], -1)
RGB = (GRADIENT * [6, 8, 1]).astype(np.uint8)


def file(image: Image.Image, to: str = "png", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, to, **options)
    return out.getvalue()


def pixels(picture: images.Picture) -> np.ndarray:
    assert picture.reason is None
    assert picture.image is not None
    assert picture.image.dtype == torch.uint8
    assert picture.image.is_contiguous()
    return picture.image.permute(1, 2, 0).numpy()


@pytest.mark.parametrize("to", ["png", "bmp", "tiff", "ppm"])
def test_lossless_formats(to: str) -> None:
    assert np.array_equal(pixels(decode(file(Image.fromarray(RGB), to))), RGB)


@pytest.mark.parametrize("to", ["jpeg", "webp"])
def test_lossy_formats(to: str) -> None:
    found = pixels(decode(file(Image.fromarray(RGB), to, quality=95))).astype(int)
    assert np.abs(found - RGB).mean() < 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(orientation: int) -> None:
    # How a camera stores an upright scene under each tag (EXIF 2.32, 4.6.4 A).
    stored = {
        1: RGB,
        2: RGB[:, ::-1],
        3: RGB[::-1, ::-1],
        4: RGB[::-1],
        5: RGB.transpose(1, 0, 2),
        6: np.rot90(RGB, 1),
        7: RGB[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(RGB, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = file(Image.fromarray(np.ascontiguousarray(stored)), exif=exif)
    assert np.array_equal(pixels(decode(content)), RGB)


def test_broken_exif_does_not_spoil_the_pixels() -> None:
    content = file(Image.fromarray(RGB), "jpeg", exif=b"Exif\x00\x00MM\x00*" + b"\xff" * 30)
    assert pixels(decode(content)).shape == RGB.shape


def test_grey_becomes_three_equal_channels() -> None:
    found = pixels(decode(file(Image.fromarray(RGB[..., 0]))))
    assert np.array_equal(found, np.repeat(RGB[..., :1], 3, axis=2))


@pytest.mark.parametrize("to", ["png", "tiff", "ppm"])
def test_sixteen_bits_are_scaled(to: str) -> None:
    deep = (np.arange(1200).reshape(30, 40) * 54).astype(np.uint16)
    found = pixels(decode(file(Image.fromarray(deep), to)))
    assert np.array_equal(found[..., 0], deep >> 8)


def test_sixteen_bit_colour_png() -> None:
    assert np.array_equal(pixels(decode(_colour_png_16(RGB))), RGB)


def _colour_png_16(rgb: np.ndarray) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        check = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)

    height, width = rgb.shape[:2]
    rows = (rgb.astype(">u2") * 257).reshape(height, -1)
    body = b"".join(b"\x00" + row.astype(">u2").tobytes() for row in rows)
    head = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(body)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_cmyk_jpeg() -> None:
    red = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    found = pixels(decode(file(red, "jpeg", quality=95))).reshape(-1, 3).mean(0)
    assert found[0] > 230
    assert found[1:].max() < 30


def test_transparency_lies_on_white() -> None:
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert (pixels(decode(file(clear))) == 255).all()
    half = Image.new("LA", (8, 8), (0, 128))
    assert np.abs(pixels(decode(file(half))).astype(int) - 127).max() <= 1


def test_palettes() -> None:
    palette = Image.fromarray(RGB).quantize(8)
    assert np.array_equal(pixels(decode(file(palette))), np.array(palette.convert("RGB")))
    palette.info["transparency"] = 0
    found = pixels(decode(file(palette, transparency=0)))
    assert (found[np.array(palette) == 0] == 255).all()


@pytest.mark.parametrize("to", ["gif", "webp", "png"])
def test_first_frame_of_an_animation_and_a_note(to: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if to == "webp" else {}
    content = file(frames[0], to, save_all=True, append_images=frames[1:], **options)
    picture = decode(content)
    assert (pixels(picture) == [255, 0, 0]).all()
    assert picture.note == images.ANIMATED
    assert decode(file(frames[0], to)).note is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", images.EMPTY),
        (b"I am a text file called .jpg\n" * 9, images.NOT_AN_IMAGE),
        (b"\x00" * 5000, images.NOT_AN_IMAGE),
        (file(Image.fromarray(RGB), "jpeg")[:-300], images.TRUNCATED),
        (file(Image.effect_noise((60, 60), 50))[:-900], images.TRUNCATED),
        (file(Image.fromarray(RGB))[:20], images.TRUNCATED),
        (file(Image.fromarray(RGB[..., 0].astype(np.float32)), "tiff"), images.UNSUPPORTED),
    ],
    ids=["empty", "text", "zeros", "cut-jpeg", "cut-png", "stump", "float"],
)
def test_reasons(content: bytes, reason: str) -> None:
    picture = decode(content)
    assert picture.image is None
    assert picture.reason == reason


def test_too_many_pixels_are_refused_before_decoding() -> None:
    content = file(Image.fromarray(RGB))
    assert decode(content, max_pixels=30 * 40).reason is None
    assert decode(content, max_pixels=30 * 40 - 1).reason == images.TOO_LARGE


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [10_000, 50_000])
def test_decompression_bombs(side: int) -> None:
    # Only the header claims the size; a decoder that believed it would take gigabytes.
    content = bytearray(file(Image.new("L", (8, 8))))
    content[16:24] = struct.pack(">II", side, side)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    assert decode(bytes(content)).reason == images.TOO_LARGE


def test_a_long_thin_picture_is_no_bomb() -> None:
    assert pixels(decode(file(Image.new("L", (50_000, 2))))).shape == (2, 50_000, 3)


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_damage_never_raises(data: st.DataObject) -> None:
    to = data.draw(st.sampled_from(["jpeg", "png", "gif", "tiff", "webp", "bmp"]))
    content = bytearray(file(Image.fromarray(RGB), to))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    picture = decode(bytes(content[: data.draw(st.integers(0, len(content)))]), 1_000_000)
    assert (picture.image is None) == (picture.reason is not None)


def test_unreadable_files(tmp_path: Path) -> None:
    assert read(tmp_path / "missing.png").reason == images.UNREADABLE
    assert read(tmp_path).reason == images.UNREADABLE


def test_many_files_in_order(tmp_path: Path) -> None:
    paths = [tmp_path / f"{i:02}.png" for i in range(40)]
    for i, path in enumerate(paths):
        path.write_bytes(b"" if i == 7 else file(Image.new("L", (4, 4), i)))
    found = list(read_many(paths, threads=3))
    assert [p.reason for p in found] == [images.EMPTY if i == 7 else None for i in range(40)]
    assert all((pixels(p) == i).all() for i, p in enumerate(found) if i != 7)


def test_find(tmp_path: Path) -> None:
    names = ["b.JPG", "a.png", "deep/er/c.jpeg", "notes.txt", ".hidden.png", ".cache/d.png"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert find(tmp_path) == [tmp_path / name for name in ("a.png", "b.JPG", "deep/er/c.jpeg")]
    assert find(tmp_path / "notes.txt") == [tmp_path / "notes.txt"]


def test_nothing_to_find(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no files to read"):
        find(tmp_path)
    with pytest.raises(DataError, match="no such file or folder"):
        find(tmp_path / "missing")


def test_encoding() -> None:
    batch = torch.randint(0, 256, (5, 3, 20, 24), dtype=torch.uint8)
    for row, content in zip(batch, encode(batch), strict=True):
        assert np.array_equal(pixels(decode(content)), row.permute(1, 2, 0).numpy())
    smooth = torch.from_numpy(RGB).permute(2, 0, 1)[None]
    found = pixels(decode(encode(smooth, "jpeg", quality=95)[0])).astype(int)
    assert np.abs(found - RGB).mean() < 4


@pytest.mark.parametrize("white", [255, 65535, 2**31 - 1])
def test_thirty_two_bits_do_not_say_what_is_white(white: int) -> None:
    picture = decode(file(Image.fromarray(np.full((8, 8), white, np.int32)), "tiff"))
    assert (picture.image, picture.reason) == (None, images.UNSUPPORTED)


def test_a_picture_of_a_phone_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "_opens_heif", lambda: False)
    assert decode(b"\0\0\0\x18ftypheic" + bytes(400)).reason == images.NEEDS_HEIF


@pytest.mark.parametrize(
    ("suffix", "kind"), [(".jfif", "jpeg"), (".jpe", "jpeg"), (".jp2", "jpeg2000")]
)
def test_less_common_endings_are_found_and_read(tmp_path: Path, suffix: str, kind: str) -> None:
    (tmp_path / f"a{suffix.upper()}").write_bytes(file(Image.new("RGB", (9, 8), "red"), kind))
    (path,) = find(tmp_path)
    assert read(path).image is not None


def test_what_is_passed_over_is_counted(tmp_path: Path) -> None:
    Image.new("RGB", (9, 8)).save(tmp_path / "a.png")
    for name in ("b.txt", "c.txt", "d", ".hidden"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.png")
    files, others = images.survey(tmp_path, images.SUFFIXES)
    assert files == [tmp_path / "a.png"]
    assert others == {".txt": 2, "": 1, ".png": 2}
    with pytest.raises(DataError, match="neither a file nor a folder"):
        find(tmp_path / "pipe.png")


@given(height=st.integers(1, 40), width=st.integers(1, 40))
@settings(max_examples=20, deadline=None)
def test_bare_pixels_are_read_as_by_a_decoder(height: int, width: int) -> None:
    pixels = torch.randint(0, 256, (1, 3, height, width), dtype=torch.uint8)
    (content,) = images.encode(pixels, "ppm")
    found = images.bare(memoryview(content))
    assert found is not None
    assert torch.equal(found, pixels[0])
    assert images.bare(content[:-1]) is None
    assert images.bare(images.encode(pixels)[0]) is None
