"""The engine of `aukit align`, on drawn squares that a test landmarker finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas
import pytest
import torch
from PIL import Image
from torch import Tensor

from aukit.components import Component
from aukit.config.choice import Choice
from aukit.contracts.aligner import Aligned
from aukit.contracts.context import Context
from aukit.contracts.landmarker import IBUG68, Faces
from aukit.errors import ConfigError, DataError, StageError, StorageError
from aukit.media.align import Result, Task, align_files, require_faces
from aukit.media.tracks import OTHER_FACE
from aukit.registry.loading import Registry
from aukit.store.owned import Output
from aukit.views import View

SIDE = 16


@dataclass(frozen=True)
class NoOptions:
    """No options."""


class Squares:
    """A landmarker that finds the red and the blue square of a picture; the redder, the better."""

    schemes = (IBUG68,)

    def __init__(self, config: NoOptions, context: Context) -> None:
        self.calls = 0

    def detect(self, images: Sequence[Tensor]) -> list[Faces]:
        return [self._one(image) for image in images]

    def _one(self, image: Tensor) -> Faces:
        red, _, blue = image.float()
        boxes = [_box(mask) for mask in (red - blue > 120, blue - red > 120) if mask.any()]
        corners = torch.tensor(boxes).reshape(-1, 4)
        points = corners[:, None, :2].expand(-1, 68, 2)
        return Faces(corners, torch.linspace(1, 0.5, len(boxes)), {IBUG68: points})


def _box(mask: Tensor) -> list[float]:
    rows, columns = mask.nonzero(as_tuple=True)
    sides = (columns.min(), rows.min(), columns.max(), rows.max())
    return [float(side) for side in sides]


class Cut:
    """An aligner that cuts out the square."""

    fail_after = 10**9
    aligned = 0

    def __init__(self, config: NoOptions, context: Context) -> None:
        pass

    def align(self, images: Sequence[Tensor], faces: Sequence[Faces]) -> Aligned:
        Cut.aligned += len(images)
        if Cut.aligned > Cut.fail_after:
            raise RuntimeError("scissors broke")
        rows = torch.zeros(len(images), 3, SIDE, SIDE, dtype=torch.uint8)
        for row, (image, face) in enumerate(zip(images, faces, strict=True)):
            if len(face):
                x, y = (int(value) for value in face.boxes[0, :2])
                part = image[:, y : y + SIDE, x : x + SIDE]
                rows[row, :, : part.shape[1], : part.shape[2]] = part
        return Aligned(
            images=rows,
            valid=torch.ones(len(images), SIDE, SIDE, dtype=torch.bool),
            transforms=torch.eye(3).expand(len(images), 3, 3),
            landmarks=torch.zeros(len(images), 68, 2),
            reasons=tuple(None if len(face) else "no face" for face in faces),
        )

    def views(
        self, images: Sequence[Tensor], faces: Sequence[Faces], views: Sequence[View]
    ) -> list[Aligned]:
        return [self.align(images, faces) for _ in views]

    def describe(self) -> dict[str, Any]:
        return {"size": SIDE}


class Local(Component):
    """A record whose factory is a class of this file, which no import path names."""

    def load(self) -> Any:
        return {"squares": Squares, "cut": Cut}[self.name]


def choice(kind: str, name: str) -> Choice:
    return Choice(Local(kind, name, "here:here", NoOptions, "a test"), NoOptions())


@pytest.fixture(autouse=True)
def whole_scissors() -> None:
    Cut.fail_after, Cut.aligned = 10**9, 0


def task(*inputs: Path, **values: Any) -> Task:
    names = tuple(map(str, inputs))
    return Task(
        names, choice("landmarker", "squares"), choice("aligner", "cut"), Context(), **values
    )


def align(output: Path, *inputs: Path, **values: Any) -> tuple[Result, pandas.DataFrame]:
    executor = Registry().find("executor", "inline")
    inline = executor.load()(executor.config(), Context())
    result = align_files(task(*inputs, **values), output, inline)
    return result, pandas.read_parquet(result.table)


def picture(red: tuple[int, int] | None, blue: tuple[int, int] | None) -> np.ndarray:
    pixels = np.full((64, 128, 3), 60, np.uint8)
    for corner, colour in ((red, (250, 0, 0)), (blue, (0, 0, 250))):
        if corner is not None:
            x, y = corner
            pixels[y : y + SIDE, x : x + SIDE] = colour
    return pixels


def save(path: Path, pixels: np.ndarray) -> Path:
    Image.fromarray(pixels).save(path)
    return path


def save_video(path: Path, frames: Sequence[np.ndarray]) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 128, 64, "yuv420p"
        stream.bit_rate = 4_000_000
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def test_photos_become_a_table_pictures_and_an_overview(tmp_path: Path) -> None:
    save(tmp_path / "both.png", picture((10, 10), (60, 10)))
    save(tmp_path / "none.png", picture(None, None))
    (tmp_path / "text.jpg").write_text("hello", encoding="utf-8")
    result, table = align(tmp_path / "out", tmp_path)
    assert (result.frames, result.faces) == (3, 1)
    assert dict(result.dropped) == {"no face": 1, "not an image": 1}
    assert Path(result.examples["not an image"]).name == "text.jpg"
    assert list(table.status) == ["ok", "dropped", "dropped"]
    (cut,) = (tmp_path / "out" / "aligned").glob("*.png")
    pixels = np.asarray(Image.open(cut))
    assert pixels.shape == (SIDE, SIDE, 3)
    assert (pixels == [250, 0, 0]).all()
    assert result.overview is not None
    assert Image.open(result.overview).size[0] > 100
    assert [path.name for path in (tmp_path / "out").glob(".*")] == [".aukit"]


def test_all_faces_are_rows_of_their_own(tmp_path: Path) -> None:
    photo = save(tmp_path / "both.png", picture((10, 10), (60, 10)))
    result, table = align(tmp_path / "out", photo, faces="all")
    assert result.faces == 2
    assert list(table.face) == [0, 1]
    assert table.id.is_unique
    assert [list(box) for box in table.box] == [[10, 10, 25, 25], [60, 10, 75, 25]]


def test_the_best_face_of_a_video_is_the_most_seen_one(tmp_path: Path) -> None:
    # Red scores better, but shows in the middle only; blue is lost for two frames.
    frames = [
        picture((10, 10) if 4 <= n < 9 else None, None if n in (6, 7) else (40 + 2 * n, 30))
        for n in range(20)
    ]
    path = save_video(tmp_path / "a.mp4", frames)
    result, table = align(tmp_path / "out", path)
    assert len(table) == 20
    assert list(table.frame) == list(range(20))
    lost = table[table.status == "dropped"]
    assert list(lost.frame) == [6, 7]
    assert set(lost.reason) == {OTHER_FACE}
    assert lost.box.isna().all()
    assert lost.image.isna().all()
    seen = table[table.status == "ok"]
    assert len(set(seen.face)) == 1
    left = np.array([box[0] for box in seen.box])
    assert np.abs(left - (40 + 2 * seen.frame)).max() <= 2
    assert result.faces == 18
    assert not (tmp_path / "out" / "aligned").exists()


def test_a_face_that_is_lost_and_found_elsewhere_stays(tmp_path: Path) -> None:
    # After a cut the same face is in another place, which makes it another track.
    frames = [picture((10, 10) if n < 8 else (90, 40), None) for n in range(20)]
    path = save_video(tmp_path / "a.mp4", frames)
    _, table = align(tmp_path / "out", path)
    assert list(table.status) == ["ok"] * 20
    assert list(table.face) == [0] * 8 + [1] * 12


def test_faces_of_a_video_keep_their_number(tmp_path: Path) -> None:
    frames = [
        picture((10, 10) if n >= 5 else None, (40 + 2 * n, 30) if n < 12 else None)
        for n in range(15)
    ]
    path = save_video(tmp_path / "a.mp4", frames)
    _, table = align(tmp_path / "out", path, faces="all", pictures=True)
    assert table.id.is_unique
    by_face = {face: list(rows.frame) for face, rows in table.groupby("face")}
    assert by_face == {0: list(range(12)), 1: list(range(5, 15))}
    assert len(list((tmp_path / "out" / "aligned").glob("*.png"))) == 22


def test_a_face_keeps_its_number_in_every_view(tmp_path: Path) -> None:
    frames = [
        picture((10, 10) if n >= 5 else None, (40 + 2 * n, 30) if n < 12 else None)
        for n in range(15)
    ]
    path = save_video(tmp_path / "a.mp4", frames)
    views = ((0.0, 0.0), (-20.0, 40.0))
    _, plain = align(tmp_path / "plain", path)
    _, table = align(tmp_path / "out", path, views=views)
    assert table.id.is_unique
    for name in ("frontal", "-20,40"):
        shown = table[table["view"] == name]
        assert list(shown.frame) == list(plain.frame)
        assert list(shown.face) == list(plain.face)
        assert list(shown.status) == list(plain.status)
        assert list(shown.id) == [f"{row}@{name}" for row in plain.id]


def test_two_videos_do_not_share_tracks(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        save_video(tmp_path / name, [picture((10, 10), None)] * 3)
    _, table = align(tmp_path / "out", tmp_path)
    assert list(table.face) == [0] * 6
    assert table.id.is_unique


def test_an_interrupted_attempt_continues_and_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aukit.faces import shards as engine

    monkeypatch.setattr(engine, "CHUNK", 4)
    path = save_video(tmp_path / "a.mp4", [picture((10 + n, 10), None) for n in range(20)])
    _, expected = align(tmp_path / "whole", path)
    Cut.fail_after, Cut.aligned = 10, 0
    with pytest.raises(StageError, match="scissors broke"):
        align(tmp_path / "out", path)
    Cut.fail_after, Cut.aligned = 10**9, 0
    _, found = align(tmp_path / "out", path)
    assert Cut.aligned == 12  # two chunks of four were finished
    pandas.testing.assert_frame_equal(found, expected)


def test_a_second_run_leaves_nothing_of_the_first(tmp_path: Path) -> None:
    first = save(tmp_path / "first.png", picture((10, 10), None))
    second = save(tmp_path / "second.png", picture(None, (10, 10)))
    align(tmp_path / "out", first)
    _, table = align(tmp_path / "out", second)
    assert list(table.subject) == [str(second)]
    (only,) = (tmp_path / "out" / "aligned").iterdir()
    assert "second" in only.name


def somebodys(folder: Path) -> dict[Path, bytes]:
    """Every file below a folder but those that aukit made."""
    from aukit.store.owned import MARK

    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and MARK not in p.parts}


def test_a_folder_of_runs_keeps_its_models(tmp_path: Path) -> None:
    photo = save(tmp_path / "a.png", picture((10, 10), None))
    runs = tmp_path / "runs"
    (runs / ".stages" / "fit-1").mkdir(parents=True)
    (runs / ".stages" / "fit-1" / "model.safetensors").write_bytes(b"weeks of work")
    before = somebodys(runs)
    align(runs, photo)
    assert before.items() <= somebodys(runs).items()


@pytest.mark.parametrize("name", ["aligned/a.png", "overview.png", "faces.parquet"])
def test_files_that_are_called_like_results_are_left(tmp_path: Path, name: str) -> None:
    own = tmp_path / "out" / name
    own.parent.mkdir(parents=True)
    save(own.with_suffix(".png"), picture((10, 10), None)).rename(own)
    save(tmp_path / "a.png", picture((10, 10), None))
    before = somebodys(tmp_path / "out")
    with pytest.raises(ConfigError, match="aukit did not make it"):
        align(tmp_path / "out", tmp_path)
    assert somebodys(tmp_path / "out") == before


def test_pictures_that_somebody_put_among_the_results_stay(tmp_path: Path) -> None:
    photo = save(tmp_path / "a.png", picture((10, 10), None))
    empty = save(tmp_path / "none.png", picture(None, None))
    align(tmp_path / "out", photo)
    own = save(tmp_path / "out" / "aligned" / "mine.png", picture(None, (10, 10)))
    before = own.read_bytes()
    align(tmp_path / "out", empty)
    assert own.read_bytes() == before
    assert [path.name for path in own.parent.iterdir()] == ["mine.png"]
    assert not (tmp_path / "out" / "overview.png").exists()


def test_a_second_process_at_work_on_the_folder_is_refused(tmp_path: Path) -> None:
    photo = save(tmp_path / "a.png", picture((10, 10), None))
    with (
        Output(tmp_path / "out").alone("align"),
        pytest.raises(StorageError, match="another `aukit align` is writing"),
    ):
        align(tmp_path / "out", photo)


def test_a_name_as_long_as_can_be_is_cut_in_the_pictures(tmp_path: Path) -> None:
    save(tmp_path / f"{'a' * 246}.png", picture((10, 10), None))
    result, _ = align(tmp_path / "out", tmp_path)
    assert result.faces == 1
    (cut,) = (tmp_path / "out" / "aligned").glob("*.png")
    assert len(cut.name) == 255


def test_no_face_at_all_is_an_error_with_the_reasons(tmp_path: Path) -> None:
    photo = save(tmp_path / "none.png", picture(None, None))
    result, _ = align(tmp_path / "out", photo)
    assert result.overview is None
    with pytest.raises(DataError, match=r"no face was registered in 1 frames \(no face: 1\)"):
        require_faces(result)
