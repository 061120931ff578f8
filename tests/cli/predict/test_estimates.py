"""`aukit predict`: what a run has learned, on the same pictures as files of anybody."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
import torch
from PIL import Image
from predicting import (
    Shown,
    assert_as_in_the_run,
    call,
    of_pictures,
    of_videos,
    predict,
    save_picture,
    save_pictures,
    save_video,
    save_videos,
)
from torch import Tensor

from aukit import api
from aukit.contracts.landmarker import Faces
from aukit.errors import ConfigError


def test_pictures_get_the_estimates_that_the_run_gave_them(
    tiny: None, run: Path, shown: Shown, tmp_path: Path
) -> None:
    photos = save_pictures(tmp_path / "photos", shown)
    table = predict(tmp_path / "out", photos, "--run", run, "--people", "folder")
    assert_as_in_the_run(of_pictures(table), run)
    text = pandas.read_csv(tmp_path / "out" / "predictions.csv")
    assert list(text.columns) == list(table.columns)
    np.testing.assert_allclose(text.AU12_predicted, table.AU12_predicted, rtol=1e-6)
    assert not (tmp_path / "out" / ".aukit" / "predict").exists()


def test_videos_get_them_too(tiny: None, run: Path, shown: Shown, tmp_path: Path) -> None:
    table = predict(tmp_path / "out", *save_videos(tmp_path, shown), "--run", run)
    assert_as_in_the_run(of_videos(table), run)
    np.testing.assert_allclose(table.time_s, table.frame / 25, atol=1e-3)
    assert set(table.status) == {"ok"}


def test_a_neutral_frame_takes_the_place_of_the_mean(
    tiny: None, run: Path, shown: Shown, tmp_path: Path
) -> None:
    first, _ = save_videos(tmp_path, shown)
    rest = save_picture(tmp_path / "rest.png", shown["P00", 3])
    numbered = predict(tmp_path / "one", first, "--run", run, "--neutral", 3)
    pictured = predict(tmp_path / "two", first, "--run", run, "--neutral", rest)
    mean = predict(tmp_path / "three", first, "--run", run)
    pandas.testing.assert_frame_equal(numbered, pictured)
    assert (numbered.AU12_predicted - mean.AU12_predicted).abs().max() > 1e-4


def test_columns_of_openface(tiny: None, plain_run: Path, shown: Shown, tmp_path: Path) -> None:
    black = torch.zeros_like(shown["P00", 0])
    video = save_video(tmp_path / "a.mkv", [shown["P00", 0], black, shown["P00", 2]])
    table = predict(tmp_path / "out", video, "--run", plain_run, "--columns", "openface")
    text = pandas.read_csv(tmp_path / "out" / "predictions.csv")
    assert list(text.columns[:6]) == [
        *("file", "frame", "face_id", "timestamp", "confidence", "success"),
    ]  # fmt: skip
    assert list(text.columns[6:]) == ["AU01_r", "AU12_r", "AU01_c", "AU12_c"]
    assert list(text.frame) == [1, 2, 3]
    assert list(text.success) == [1, 0, 1]
    assert list(table.reason.fillna("")) == ["", "no face", ""]
    assert list(text.AU12_r.isna()) == [False, True, False]
    assert set(text.AU12_c.dropna()) <= {0, 1}


def test_ten_faces_in_a_frame(
    tiny: None, plain_run: Path, shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = save_video(tmp_path / "choir.mkv", [shown["P00", frame] for frame in range(3)])
    words = (video, "--run", plain_run, "--executor", "inline")
    predict(tmp_path / "one", *words)  # imports the components
    landmarker = sys.modules["tiny_distribution"].Everywhere
    alone = landmarker.detect

    def choir(self: Any, images: list[Tensor]) -> list[Faces]:
        return [ten(face) for face in alone(self, images)]

    def ten(face: Faces) -> Faces:
        shifts = 40.0 * torch.arange(10)[:, None]
        points = {name: each.expand(10, -1, -1) for name, each in face.landmarks.items()}
        return Faces(face.boxes + shifts, torch.linspace(1, 0.5, 10), points)

    monkeypatch.setattr(landmarker, "detect", choir)
    every = predict(tmp_path / "all", *words, "--faces", "all")
    assert every.groupby("frame").face.apply(list).to_list() == [list(range(10))] * 3
    best = predict(tmp_path / "best", *words)
    assert list(best.face) == [0, 0, 0]


def test_from_python_in_one_line(tiny: None, run: Path, shown: Shown, tmp_path: Path) -> None:
    images = [image for (subject, _), image in shown.items() if subject == "P00"]
    (video,) = save_videos(tmp_path, {k: v for k, v in shown.items() if k[0] == "P00"})
    expected = api.predict(run, video).to_pandas()
    arrays = np.stack([image.permute(1, 2, 0).numpy() for image in images])
    stack = torch.stack(images)
    for pictures in (images, arrays, list(map(Image.fromarray, arrays)), stack, stack / 255):
        found = api.predict(run, pictures).to_pandas()
        np.testing.assert_allclose(found.AU12_predicted, expected.AU12_predicted, atol=1e-5)
    assert api.predict(run, images[0], neutral=0).num_rows == 1
    with pytest.raises(ConfigError, match="give PIL pictures"):
        api.predict(run, [images[0].int()])
    with pytest.raises(ConfigError, match=r"floats from .* to .* \(floats must be in 0..1\)"):
        api.predict(run, [images[0].float()])


def test_a_report_of_videos_and_photos(tiny: None, run: Path, shown: Shown, tmp_path: Path) -> None:
    black = torch.zeros_like(shown["P00", 0])
    frames = [shown["P00", frame] for frame in range(12)]
    video = save_video(tmp_path / "a.mkv", [*frames[:5], black, *frames[5:]])
    photo = save_picture(tmp_path / "me.png", shown["P01", 0])
    page = tmp_path / "page.html"
    table = predict(tmp_path / "out", video, photo, "--run", run, "--report", page)
    text = page.read_text(encoding="utf-8")
    strongest = table[table.file == str(video)].AU12_predicted.max()
    assert f"AU12 {strongest:.1f}" in text
    assert "12 frames with an estimate, of 13." in text
    assert '<td data-name="reason">no face</td>' in text
    assert "me.png: " in text
    assert "data:image/jpeg;base64," in text
    assert "AU estimator of run" in text  # the card
    assert "Scores of the model" in text
    assert "http" not in text.replace("http-equiv", "").replace("http://www.w3.org", "")
    mine = tmp_path / "mine.html"
    mine.write_text("years of work", encoding="utf-8")
    assert call(tmp_path / "out", video, "--run", run, "--report", mine) == 2
    assert call(tmp_path / "out", video, "--run", run, "--report", tmp_path / "page.pdf") == 2
    assert mine.read_text(encoding="utf-8") == "years of work"
