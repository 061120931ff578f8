"""`aukit align` on a real face, with MediaPipe's models."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pandas
import pytest
from PIL import Image
from skimage import data

from aukit.cli.main import main
from aukit.registry import weights


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    face = data.astronaut()
    Image.fromarray(face).save(folder / "astronaut.png")
    Image.fromarray(np.rot90(face)).save(folder / "turned.jpg", exif=_turned_right())
    Image.fromarray(data.coffee()).save(folder / "coffee.jpg")
    (folder / "text.jpg").write_text("hello", encoding="utf-8")
    return folder


def _turned_right() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6  # show it turned by a quarter, clockwise
    return exif


def test_a_folder_of_photos(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    line = ["align", str(photos), "--aligner", "2d", "-o", str(tmp_path / "out")]
    assert main([*line, "--aligner.size", "96", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["frames"] == 4
    assert found["registered"] == 2
    assert found["dropped"] == {"no face": 1, "not an image": 1}
    table = pandas.read_parquet(found["faces"]).set_index("subject")
    faces = [
        np.asarray(Image.open(io.BytesIO(table.loc[str(photos / name), "image"]))).astype(float)
        for name in ("astronaut.png", "turned.jpg")
    ]
    assert all(face.shape == (96, 96, 3) for face in faces)
    # The same face, whichever way the file holds it.
    assert np.abs(faces[0] - faces[1]).mean() < 12
    assert np.corrcoef(faces[0].ravel(), faces[1].ravel())[0, 1] > 0.95
    assert len(list((tmp_path / "out" / "aligned").glob("*.png"))) == 2


def test_every_view_is_a_row_and_a_picture(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [str(photos / name) for name in ("astronaut.png", "coffee.jpg")]
    line = ["align", *paths, "--aligner", "facemesh", "-o", str(tmp_path / "out")]
    capsys.readouterr()
    assert main([*line, "--aligner.size", "96", "--views", "0,0 -20,40", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["frames"], found["registered"]) == (2, 2)
    assert found["dropped"] == {"no face": 2}
    table = pandas.read_parquet(found["faces"])
    assert list(table["view"]) == ["frontal", "-20,40"] * 2
    assert all(
        name.endswith(f"@{view}") for name, view in zip(table.id, table["view"], strict=True)
    )
    frontal, turned = (
        np.asarray(Image.open(io.BytesIO(image))).astype(float) for image in table.image[:2]
    )
    assert np.abs(frontal - turned).mean() > 10
    names = sorted(path.name for path in (tmp_path / "out" / "aligned").iterdir())
    assert names == ["000000-astronaut-frontal.png", "000001-astronaut--20,40.png"]


def test_an_aligner_without_views_says_so(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["align", str(photos / "astronaut.png"), "-o", str(tmp_path / "out")]
    assert main([*line, "--aligner", "2d", "--views", "fera17"]) == 2
    assert "'procrustes' cannot render other views" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_nothing_but_bad_files_is_an_error_that_counts_them(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["align", str(photos / "text.jpg"), "-o", str(tmp_path / "out")]) == 4
    captured = capsys.readouterr()
    assert "not an image" in captured.out
    assert "no face was registered in 1 frames (not an image: 1)" in captured.err
    table = pandas.read_parquet(tmp_path / "out" / "faces.parquet")
    assert list(table.reason) == ["not an image"]


def test_missing_weights_are_told_with_the_command_that_brings_them(
    photos: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(weights.VARIABLE, str(tmp_path / "empty"))
    missing = ["--landmarker.weights", "efficientnet-lite0-imagenet"]
    assert main(["align", str(photos), "-o", str(tmp_path / "out"), *missing]) == 4
    assert "aukit weights fetch efficientnet-lite0-imagenet" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("extra", "code", "expected"),
    [
        (["--landmarker", "none"], 2, "photos and videos come without landmarks"),
        (["--aligner", "4d"], 2, "unknown aligner '4d'"),
        (["--aligner.size", "x"], 2, "procrustes.size (command line): 'x' is not a whole number"),
        (["--aligner.size", "2"], 2, "procrustes: size must be at least 16"),
        (["--aligner", "facemesh", "--views", "0,0 sideways"], 2, "'sideways' is not a view"),
        (["--views", "0,120"], 2, "turns the face away"),
    ],
)
def test_what_cannot_be_aligned_is_refused(
    extra: list[str],
    code: int,
    expected: str,
    photos: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["align", str(photos), "-o", str(tmp_path / "out"), *extra]) == code
    assert expected in capsys.readouterr().err


def test_a_path_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["align", str(tmp_path / "absent"), "-o", str(tmp_path / "out")]) == 4
    assert "no such file or folder" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
