"""Photos and videos as a dataset: every bad file a reason, every frame once and in order."""

from __future__ import annotations

import os
from pathlib import Path

import av
import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from aukit.config.choice import build
from aukit.config.values import Value
from aukit.contracts.context import Context
from aukit.data.records import check_index
from aukit.errors import ConfigError, DataError
from aukit.media import dataset
from aukit.media.dataset import Files, FilesOptions
from aukit.vision import film, images

WIDTH, HEIGHT, RATE = 64, 48, 20


def write_video(path: Path, count: int) -> Path:
    """A video whose frame n has the grey level 40 + 4 n."""
    with av.open(str(path), "w") as container:
        codec = "mjpeg" if path.suffix == ".avi" else "mpeg4"
        stream = container.add_stream(codec, rate=RATE)
        stream.width, stream.height = WIDTH, HEIGHT
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.bit_rate = 20_000_000
        for number in range(count):
            pixels = np.full((HEIGHT, WIDTH, 3), 40 + 4 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def write_photo(path: Path, level: int) -> Path:
    Image.new("RGB", (20, 10), (level, level, level)).save(path)
    return path


def opened(*paths: Path, every: int = 1) -> Files:
    return Files(FilesOptions(tuple(map(str, paths)), every), Context())


def read(files: Files, rows: pa.Table) -> list[tuple[str, int | None, str | None]]:
    """(id, mean level or None, reason) of some rows."""
    found = []
    for frames in files.read(rows):
        facts = zip(frames.rows.to_pylist(), frames.images, frames.reasons, strict=True)
        for row, image, reason in facts:
            level = None if image is None else round(image.float().mean().item())
            found.append((row["id"], level, reason))
    assert [name for name, _, _ in found] == rows.column("id").to_pylist()
    return found


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("video") / "clip.mp4", 50)


def test_each_photo_and_each_video_frame_is_a_row(tmp_path: Path, video: Path) -> None:
    photo = write_photo(tmp_path / "a.png", 10)
    index = opened(photo, video).index()
    check_index(index)
    assert index.num_rows == 51
    assert index.column("frame").to_pylist() == [None, *range(50)]
    assert index.column("subject").unique().to_pylist() == [str(photo), str(video)]
    assert index.column("time_s").to_pylist()[1:3] == [0, 1 / RATE]


def test_frames_are_read_in_order_with_their_own_pixels(video: Path) -> None:
    files = opened(video)
    for number, (_, level, reason) in enumerate(read(files, files.index())):
        assert reason is None
        assert level is not None
        assert abs(level - (40 + 4 * number)) <= 2


def test_one_frame_in_so_many(video: Path) -> None:
    files = opened(video, every=7)
    index = files.index()
    assert index.column("frame").to_pylist() == list(range(0, 50, 7))
    levels = [level for _, level, _ in read(files, index)]
    assert levels == pytest.approx([40 + 4 * n for n in range(0, 50, 7)], abs=2)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(st.integers(0, 49), max_size=6), max_size=5))
def test_any_frames_in_any_order_are_the_right_ones(video: Path, asked: list[list[int]]) -> None:
    files = opened(video)
    index = files.index()
    for numbers in asked:
        levels = [level for _, level, _ in read(files, index.take(pa.array(numbers, pa.int64())))]
        assert levels == pytest.approx([40 + 4 * n for n in numbers], abs=2)


def test_successive_chunks_do_not_start_a_video_again(
    video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = []

    class Counted(film.Video):
        def __init__(self, path: Path, every: int = 1) -> None:
            starts.append(path)
            super().__init__(path, every)

    monkeypatch.setattr(film, "Video", Counted)
    files = opened(video)
    index = files.index()
    for start in range(0, 50, 10):
        read(files, index.slice(start, 10))
    assert len(starts) == 1


def test_a_file_that_is_no_picture_is_a_row_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("hello", encoding="utf-8")
    (tmp_path / "zero.png").touch()
    write_photo(tmp_path / "good.png", 90)
    files = opened(tmp_path)
    found = {Path(name).name: rest for name, *rest in read(files, files.index())}
    assert found == {
        "good.png": [90, None],
        "text.jpg": [None, images.NOT_AN_IMAGE],
        "zero.png": [None, images.EMPTY],
    }


def test_a_file_that_is_no_video_is_one_row_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "text.mp4"
    path.write_text("hello", encoding="utf-8")
    files = opened(path)
    ((_, level, reason),) = read(files, files.index())
    assert level is None
    assert reason is not None
    assert reason.startswith("cannot read video: ")
    assert path.name not in reason


def test_a_video_with_fewer_frames_than_indexed_keeps_what_it_has(video: Path) -> None:
    files = opened(video)
    index = files.index()
    extended = pa.concat_tables([index, index.slice(49, 1)])
    numbers = pa.array([*range(50), 50], pa.int64())
    extended = extended.set_column(extended.column_names.index("frame"), "frame", numbers)
    levels = [(level, reason) for _, level, reason in read(files, extended)]
    assert all(reason is None for _, reason in levels[:50])
    assert levels[50] == (None, film.ENDED)


def test_a_cut_off_video_gives_the_frames_before_the_cut(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.avi", 50)
    cut = tmp_path / "cut.avi"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    files = opened(cut)
    found = read(files, files.index())
    good = [level for _, level, reason in found if reason is None]
    assert 5 < len(good) < 50
    assert good == pytest.approx([40 + 4 * n for n in range(len(good))], abs=2)


def test_folders_are_searched_and_each_file_is_taken_once(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    write_photo(tmp_path / "b.png", 1)
    write_photo(tmp_path / "sub" / "a.JPG", 2)
    (tmp_path / "notes.txt").write_text("no", encoding="utf-8")
    found = dataset.survey([str(tmp_path / "b.png"), str(tmp_path)]).files
    assert [path.name for path in found] == ["b.png", "a.JPG"]


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no such file or folder: .*absent"):
        opened(tmp_path / "absent").index()
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no files to read in .*empty"):
        opened(tmp_path / "empty").index()


def test_batches_stay_small_whatever_the_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(film, "BATCH_PIXELS", 500)
    for number in range(5):
        write_photo(tmp_path / f"{number}.png", number)
    files = opened(tmp_path)
    assert [len(frames.images) for frames in files.read(files.index())] == [3, 2]


def test_only_the_first_picture_of_an_animation_is_taken_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "moving.gif"
    first, second = (Image.new("L", (8, 8), level) for level in (0, 255))
    first.save(path, save_all=True, append_images=[second])
    files = opened(path)
    assert read(files, files.index())[0][1:] == (0, None)
    assert images.ANIMATED in caplog.text


def test_options_have_their_rules() -> None:
    with pytest.raises(ConfigError, match="every must be at least 1"):
        build(dataset.FILES, [{"every": Value(0, "command line")}])


def test_pictures_are_uint8_channels_first(video: Path) -> None:
    files = opened(video)
    frames = next(iter(files.read(files.index().slice(0, 1))))
    image = frames.images[0]
    assert image is not None
    assert (image.dtype, tuple(image.shape)) == (torch.uint8, (3, HEIGHT, WIDTH))


def test_a_name_that_is_no_utf_8_costs_nothing(tmp_path: Path) -> None:
    name = tmp_path / os.fsdecode(b"caf\xe9.png")
    write_photo(tmp_path / "a.png", 1)
    write_photo(tmp_path / "b.png", 2).rename(name)
    files = opened(tmp_path)
    index = files.index()
    subjects = index.column("subject").to_pylist()
    assert [Path(subject).name for subject in subjects] == ["a.png", "caf\\xe9.png"]
    assert [dataset.path_of(subject) for subject in subjects] == [tmp_path / "a.png", name]
    assert [level for _, level, _ in read(files, index)] == [1, 2]


def test_a_film_is_known_by_its_content_where_its_name_says_nothing(tmp_path: Path) -> None:
    write_video(tmp_path / "a.avi", 5).rename(tmp_path / "film.bin")
    write_photo(tmp_path / "b.png", 1).rename(tmp_path / "photo.bin")
    (tmp_path / "text.bin").write_text("neither", encoding="utf-8")
    for name, reasons in (
        ("film.bin", [None] * 5),
        ("photo.bin", [None]),
        ("text.bin", ["not an image"]),
    ):
        files = opened(tmp_path / name)
        assert [why for *_, why in read(files, files.index())] == reasons


def test_a_film_of_an_unknown_codec_costs_nothing_but_itself(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "a.avi", 3).read_bytes()
    (tmp_path / "a.avi").write_bytes(whole.replace(b"MJPG", b"ZZZZ"))
    write_photo(tmp_path / "b.png", 1)
    files = opened(tmp_path)
    reasons = [why for *_, why in read(files, files.index())]
    assert reasons[-1] is None
    assert set(reasons[:-1]) == {"cannot read video: no decoder for its pictures is installed"}
