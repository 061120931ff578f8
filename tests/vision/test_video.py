from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from av.stream import Disposition

from aukit.errors import DataError
from aukit.vision.film import count_frames
from aukit.vision.video import Video, time_stamps

FRAMES = 50


def write(path: Path, codec: str = "libx264", rotation: int = 0, noisy: bool = False) -> Path:
    """Frames of rising brightness, or of noise, with a red corner at the top left."""
    random = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 96, 64, "yuv420p", 10
        if rotation:
            stream.set_display_rotation(rotation)
        for i in range(FRAMES):
            pixels = np.full((64, 96, 3), 4 * i, np.uint8)
            if noisy:
                pixels = random.integers(0, 255, pixels.shape, dtype=np.uint8)
            pixels[:16, :16] = (255, 0, 0)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def damage(path: Path, keep: float = 1.0, zeros: int = 0) -> Path:
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + zeros] = bytes(zeros)
    path.write_bytes(content[: int(keep * len(content))])
    return path


def test_every_frame_in_order(tmp_path: Path) -> None:
    with Video(write(tmp_path / "a.mp4")) as video:
        clips = list(video.batches(16))
        assert (video.width, video.height, video.rate, video.declared) == (96, 64, 25.0, FRAMES)
        assert video.problem is None
    assert [len(clip.images) for clip in clips] == [16, 16, 16, 2]
    images = torch.cat([clip.images for clip in clips])
    assert images.dtype == torch.uint8
    brightness = images[:, :, 32:, 32:].float().mean((1, 2, 3))
    torch.testing.assert_close(brightness, 4 * torch.arange(FRAMES).float(), atol=3, rtol=0)
    assert [n for clip in clips for n in clip.numbers] == list(range(FRAMES))
    times = [t for clip in clips for t in clip.times]
    np.testing.assert_allclose(times, np.arange(FRAMES) / 25, atol=1e-3)


def test_every_third_frame(tmp_path: Path) -> None:
    with Video(write(tmp_path / "a.mp4"), every=3) as video:
        numbers = [n for clip in video.batches() for n in clip.numbers]
        assert video.frames_read == FRAMES
    assert numbers == list(range(0, FRAMES, 3))


@pytest.mark.parametrize(
    ("rotation", "row", "column"), [(0, 4, 4), (90, -5, 4), (180, -5, -5), (-90, 4, -5)]
)
def test_rotation_is_undone(tmp_path: Path, rotation: int, row: int, column: int) -> None:
    # The file asks for a counterclockwise turn; it carries the corner along.
    with Video(write(tmp_path / "a.mp4", rotation=rotation)) as video:
        image = next(video.batches()).images[0]
    assert image.shape == ((3, 64, 96) if rotation in (0, 180) else (3, 96, 64))
    assert image[0, row, column] > 200
    assert image[1, row, column] < 60


@pytest.mark.parametrize(("name", "codec"), [("a.avi", "mpeg4"), ("a.mkv", "libx264")])
def test_a_video_that_ends_early_keeps_its_start(tmp_path: Path, name: str, codec: str) -> None:
    path = damage(write(tmp_path / name, codec, noisy=True), keep=0.5)
    with Video(path) as video:
        count = sum(len(clip.images) for clip in video.batches())
        assert 10 < count < 40
        assert video.frames_read == count
        assert video.problem is not None
        assert f"{count} frames were read" in video.problem
        assert f"about {FRAMES} frames were expected" in video.problem


def test_damage_in_the_middle_is_told(tmp_path: Path) -> None:
    with Video(damage(write(tmp_path / "a.avi", "mpeg4", noisy=True), zeros=3000)) as video:
        count = sum(len(clip.images) for clip in video.batches())
        assert FRAMES - 5 < count < FRAMES
        assert video.problem is not None
        assert "could not be decoded" in video.problem


@pytest.mark.parametrize("content", [b"", b"hello" * 100], ids=["empty", "text"])
def test_what_is_no_video_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.mp4: cannot read video"):
        Video(path)


def test_missing_and_soundtrack(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        Video(tmp_path / "missing.mp4")
    with av.open(str(tmp_path / "sound.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        silence.sample_rate = 8000
        container.mux(stream.encode(silence))
    with pytest.raises(DataError, match="no video stream"):
        Video(tmp_path / "sound.wav")


def test_only_one_batch_is_decoded_ahead(tmp_path: Path) -> None:
    with Video(write(tmp_path / "a.mp4")) as video:
        next(video.batches(8))
        assert video.frames_read <= 9


def trimmed(path: Path, hidden: int, shown: int) -> Path:
    """Let the edit list of an MP4 file show a part of its frames, as editors of phones do."""
    content = bytearray(path.read_bytes())
    entry = content.index(b"elst") + 12
    start = int.from_bytes(content[entry + 4 : entry + 8], "big")
    scale = content.index(b"mdhd") + 16
    step = int.from_bytes(content[scale : scale + 4], "big") // 25
    content[entry : entry + 4] = (40 * shown).to_bytes(4, "big")  # in milliseconds
    content[entry + 4 : entry + 8] = (start + hidden * step).to_bytes(4, "big")
    path.write_bytes(content)
    return path


def test_frames_that_an_edit_list_hides_are_none(tmp_path: Path) -> None:
    path = trimmed(write(tmp_path / "a.mp4"), 15, 20)
    with Video(path) as video:
        images = torch.cat([clip.images for clip in video.batches()])
        assert video.problem is None
    assert count_frames(path)[0] == len(images) == 20
    levels = images[:, :, 32:, 32:].float().mean((1, 2, 3))
    torch.testing.assert_close(levels, 4 * torch.arange(15, 35).float(), atol=3, rtol=0)


def test_after_a_leap_too_hidden_frames_are_not_missed(tmp_path: Path) -> None:
    path = trimmed(write(tmp_path / "a.mp4"), 15, 20)
    stamps = time_stamps(path)
    assert stamps is not None
    with Video(path) as video:
        video.leap(list(stamps)[10], stamps)
        assert [n for clip in video.batches() for n in clip.numbers][-1] == 19
        assert video.problem is None


@pytest.mark.parametrize(("ratio", "width"), [("2", 192), ("16/15", 102), ("1/2", 48), ("9", 96)])
def test_pixels_become_square(tmp_path: Path, ratio: str, width: int) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(ratio)
        pixels = np.full((64, 96, 3), 120, np.uint8)
        pixels[:, :48] = 0
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    with Video(path) as video:
        (clip,) = video.batches()
        assert (video.width, video.height) == (width, 64)
    assert clip.images.shape == (3, 3, 64, width)
    middle = clip.images[0, 0, 32].float()
    assert middle[: width // 2 - 4].max() < 20 < 90 < middle[width // 2 + 4 :].min()


def test_a_still_cover_is_not_the_film(tmp_path: Path) -> None:
    for name, flag in (("a.mkv", None), ("a.mp4", Disposition.attached_pic)):
        with av.open(str(tmp_path / name), "w") as container:
            cover, film = (container.add_stream(codec, rate=25) for codec in ("mjpeg", "mpeg4"))
            cover.width, cover.height, cover.pix_fmt = 32, 32, "yuvj420p"
            film.width, film.height, film.pix_fmt = 96, 64, "yuv420p"
            if flag is not None:
                cover.disposition = flag
            still = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 96, 3), np.uint8), format="rgb24")
            container.mux([*cover.encode(still), *cover.encode()])
            for _ in range(5):
                container.mux(film.encode(frame))
            container.mux(film.encode())
        with Video(tmp_path / name) as video:
            assert (video.width, video.height) == (96, 64)
            assert sum(len(clip.numbers) for clip in video.batches()) == 5
        assert count_frames(tmp_path / name)[0] == 5


def test_a_codec_that_nobody_knows_is_a_reason(tmp_path: Path) -> None:
    path = write(tmp_path / "a.avi", "mpeg4")
    path.write_bytes(path.read_bytes().replace(b"FMP4", b"ZZZZ"))
    with pytest.raises(DataError, match="no decoder for its pictures"):
        Video(path)


def test_a_name_is_not_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("y.mp4"))
    Path("file:y.mp4").write_bytes(b"another file, and no film")
    Path("http:").mkdir()
    write(tmp_path / "http:" / "z.mp4")
    with pytest.raises(DataError, match="cannot read video"):
        Video(Path("file:y.mp4"))
    assert count_frames(Path("file:y.mp4")) == (0, 0.0)
    assert count_frames(Path("http:") / "z.mp4")[0] == FRAMES


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n",
        "ffconcat version 1.0\nfile 'http://127.0.0.1:9/a.ts'\n",
    ],
)
def test_a_play_list_in_the_disguise_of_a_film_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.mp4").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="cannot read video"):
        Video(tmp_path / "a.mp4")
