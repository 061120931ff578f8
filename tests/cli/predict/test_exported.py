"""`aukit predict` with exported models, ONNX ones included."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from predicting import (
    Capture,
    Shown,
    assert_as_in_the_run,
    call,
    of_videos,
    predict,
    refused,
    save_picture,
    save_videos,
)

from aukit import api
from aukit.cli.main import main
from aukit.errors import DataError
from aukit.estimation.estimator import NetworkEstimator


def test_an_exported_model_estimates_as_its_run_did(
    model: Path, run: Path, shown: Shown, tmp_path: Path
) -> None:
    table = predict(tmp_path / "out", *save_videos(tmp_path, shown), "--run", model)
    assert_as_in_the_run(of_videos(table), run)


def test_the_card_of_a_model(model: Path, run: Path) -> None:
    card = json.loads((model / "card.json").read_text())
    assert card["aus"] == ["AU01", "AU12"]
    assert card["kinds"] == {"AU01": "intensity", "AU12": "intensity"}
    assert card["test people"] == card["training people"] == 2
    assert card["alignment"]["template"] == "round"
    scores = json.loads((run / "scores.json").read_text())
    assert card["scores"]["AU12"] == scores["AU12"]
    text = (model / "README.md").read_text()
    assert f"{scores['AU12']['mae']['value']:.3f}" in text
    assert "On 2 people of tiny-faces/drawn" in text
    names = sorted(path.relative_to(model).as_posix() for path in model.rglob("*"))
    assert names == [
        *("README.md", "card.json", "estimator", "estimator/card.json"),
        *("estimator/model.safetensors", "model.toml"),
    ]  # fmt: skip


def test_a_model_in_a_store_estimates_as_its_copy(
    model: Path, shown: Shown, tmp_path: Path, capsys: Capture
) -> None:
    photo = save_picture(tmp_path / "me.png", shown["P00", 0])
    expected = predict(tmp_path / "here", photo, "--run", model)
    assert main(["push", str(model), "memory://lab/model"]) == 0
    found = predict(tmp_path / "there", photo, "--run", "memory://lab/model")
    assert found.equals(expected)
    message = refused(capsys, tmp_path / "none", photo, "--run", "memory://lab")
    assert "memory://lab is not an exported model" in message


def test_models_of_the_future_and_half_models_are_refused(
    model: Path, run: Path, shown: Shown, tmp_path: Path, capsys: Capture
) -> None:
    photo = save_picture(tmp_path / "me.png", shown["P00", 0])
    text = (model / "model.toml").read_text()
    (model / "model.toml").write_text(text.replace("format = 1", "format = 2"))
    message = refused(capsys, tmp_path / "out", photo, "--run", model)
    assert "has format 2; this aukit reads up to 1" in message
    (model / "model.toml").write_text(text[: text.index("[estimator]")])
    assert "lacks 'estimator'" in refused(capsys, tmp_path / "out", photo, "--run", model)
    assert main(["export", str(run), "-o", str(model)]) == 2
    assert "exists" in capsys.readouterr().err


def test_exported_models_that_do_not_fit_are_refused(
    model: Path, shown: Shown, tmp_path: Path, capsys: Capture
) -> None:
    photo = save_picture(tmp_path / "me.png", shown["P00", 0])
    card = model / "estimator" / "card.json"
    text = card.read_text(encoding="utf-8")
    card.write_text(text.replace('"round"', '"square"'), encoding="utf-8")
    out = tmp_path / "out"
    assert "template square / round" in refused(capsys, out, photo, "--run", model)
    card.write_text(text, encoding="utf-8")
    weights = model / "estimator" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    assert "cannot be read" in refused(capsys, out, photo, "--run", model)
    weights.unlink()
    assert "cannot be read" in refused(capsys, out, photo, "--run", model)
    assert not out.exists()


def test_from_python_other_faces_are_refused(tiny: None, model: Path, run: Path) -> None:
    other = api.choose("aligner", "centre", template="square")
    for folder in (run, model):
        with pytest.raises(DataError, match="template round / square"):
            api.load("estimator", folder, aligner=other)
        fitting = api.choose("aligner", "centre")
        assert api.load("estimator", folder, aligner=fitting).aus == ("AU01", "AU12")


def test_an_onnx_model_estimates_as_its_run_did(
    tiny: None, run: Path, shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxscript")
    made = tmp_path / "made"
    assert main(["export", str(run), "-o", str(made), "--onnx"]) == 0
    model = made.rename(tmp_path / "model")
    card = json.loads((model / "card.json").read_text())
    assert card["onnx"]["estimator"]["largest difference from torch"] <= 1e-4
    assert list(card["onnx"]["estimator"]["inputs"]) == ["images"]
    monkeypatch.setattr(NetworkEstimator, "_estimated", None)  # torch computes nothing
    videos = save_videos(tmp_path, shown)
    table = predict(tmp_path / "out", *videos, "--run", model, "--onnx")
    assert_as_in_the_run(of_videos(table), run)
    (model / "estimator" / "model.onnx").write_bytes(b"half")
    assert call(tmp_path / "out", *videos, "--run", model, "--onnx") == 4


def test_onnx_is_refused_where_there_is_none(
    model: Path, run: Path, shown: Shown, tmp_path: Path, capsys: Capture
) -> None:
    photo = save_picture(tmp_path / "me.png", shown["P00", 0])
    out = tmp_path / "out"
    assert "has no ONNX graph" in refused(capsys, out, photo, "--run", model, "--onnx")
    assert "is a run, not an ONNX model" in refused(capsys, out, photo, "--run", run, "--onnx")
    assert not out.exists()
