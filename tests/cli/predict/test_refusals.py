"""`aukit predict` refuses bad input in one line, and overwrites nothing of others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import av
import numpy as np
import pandas
import torch
from predicting import Capture, Shown, call, predict, refused, save_picture, save_video, save_videos

from aukit.registry.loading import Registry
from aukit.runs.models import load_from_run


def test_nothing_of_others_is_overwritten(
    tiny: None, plain_run: Path, shown: Shown, tmp_path: Path, capsys: Capture
) -> None:
    photo = save_picture(tmp_path / "me.png", shown["P00", 0])
    mine = tmp_path / "thesis"
    mine.mkdir()
    (mine / "predictions.csv").write_text("years of work", encoding="utf-8")
    assert "aukit did not make it" in refused(capsys, mine, photo, "--run", plain_run)
    assert [path.name for path in mine.iterdir()] == ["predictions.csv"]
    assert (mine / "predictions.csv").read_text(encoding="utf-8") == "years of work"
    assert call(photo, photo, "--run", plain_run) == 6
    assert "cannot write to" in capsys.readouterr().err
    predict(tmp_path / "own", photo, "--run", plain_run)
    predict(tmp_path / "own", photo, "--run", plain_run)  # its own is made anew


def test_bad_input_is_told_in_one_line(
    tiny: None, run: Path, plain_run: Path, shown: Shown, tmp_path: Path, capsys: Capture
) -> None:
    photo = save_picture(tmp_path / "me.png", shown["P00", 0])
    black = save_picture(tmp_path / "black.png", torch.zeros_like(shown["P00", 0]))
    (video,) = save_videos(tmp_path, {key: shown[key] for key in (("P00", 0), ("P00", 1))})
    out = tmp_path / "out"
    assert "no face was found in 1 frames" in refused(capsys, out, black, "--run", plain_run)
    assert "is not a run folder" in refused(capsys, out, photo, "--run", tmp_path)
    assert "does not compare faces" in refused(
        capsys, out, photo, "--run", plain_run, "--neutral", 0
    )
    assert "has no usable face" in refused(capsys, out, photo, "--run", run, "--neutral", black)
    assert "the neutral frame 7 has no face of" in refused(
        capsys, out, video, "--run", run, "--neutral", 7
    )
    assert "no such file" in refused(capsys, out, tmp_path / "nobody.png", "--run", plain_run)


def test_models_that_do_not_fit_are_refused(
    tiny: None, plain_run: Path, shown: Shown, tmp_path: Path, capsys: Capture
) -> None:
    photo = save_picture(tmp_path / "me.png", shown["P00", 0])
    copy = tmp_path / "runs"
    shutil.copytree(plain_run.parent, copy)
    run = copy / plain_run.name
    model = load_from_run("estimator", run, Registry(), "cpu").folder
    card = json.loads((model / "card.json").read_text())
    changed = {**card, "alignment": {**card["alignment"], "template": "square"}}
    (model / "card.json").write_text(json.dumps(changed))
    message = refused(capsys, tmp_path / "out", photo, "--run", run)
    assert "aligned differently (model / given): template square / round" in message
    (model / "card.json").write_text(json.dumps(card))
    weights = (model / "model.safetensors").read_bytes()
    (model / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    assert "cannot be read" in refused(capsys, tmp_path / "out", photo, "--run", run)
    assert not (tmp_path / "out").exists()


def test_videos_without_faces_and_without_pictures(
    tiny: None, plain_run: Path, shown: Shown, tmp_path: Path, capsys: Capture
) -> None:
    black = save_video(tmp_path / "black.mkv", [torch.zeros_like(shown["P00", 0])] * 3)
    out, model = tmp_path / "out", ("--run", plain_run)
    message = refused(capsys, out, black, *model)
    assert "no face was found in 3 frames (no face: 3)" in message
    table = pandas.read_parquet(out / "predictions.parquet")
    assert list(table.reason) == ["no face"] * 3
    sound = tmp_path / "sound.mkv"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), layout="mono")
        silence.sample_rate = 8000
        container.mux(stream.encode(silence))
        container.mux(stream.encode())
    message = refused(capsys, tmp_path / "other", sound, *model)
    assert "cannot read video: it has no video stream" in message
    page = tmp_path / "page.html"
    assert "no face was found" in refused(capsys, out, black, *model, "--report", page)
    assert "Nothing was estimated" in page.read_text(encoding="utf-8")
