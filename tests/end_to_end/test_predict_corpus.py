"""`aukit predict` on the videos of a corpus gives what a run on it gave, whichever way it goes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas
import pytest

from aukit.cli.main import main
from aukit_corpora.actors import Cast, takes
from aukit_corpora.imitate import imitate

SMALL = [
    "--preset", "quick", "--device", "cpu", "--draws", "20", "--card", "0", "--synth", "none",
    "--estimator", "vgg16", "--estimator.epochs", "1", "--balancer.per-level", "4",
    "--normalizer", "mean-texture",
    "--data.uncoded",
]  # fmt: skip
"""Uncoded frames are read as well: the mean face of a person must be over the frames of the video
in both."""


@pytest.mark.slow
@pytest.mark.skipif("AUKIT_SLOW" not in os.environ, reason="takes minutes; set AUKIT_SLOW=1")
@pytest.mark.parametrize("aligner", ["2d", "3d"])
def test_videos_of_an_imitation_of_disfa(
    aligner: str, tmp_path: Path, face_landmarker: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxscript")
    root = imitate("disfa", tmp_path / "disfa", Cast(6, frames=8, size=176), actors=takes)
    finder = ["--landmarker", "mediapipe", "--landmarker.weights", str(face_landmarker)]
    line = ["run", "--data", "disfa", "--data.root", str(root), "--aligner", aligner, *finder]
    assert main([*line, *SMALL, "-o", str(tmp_path / "runs"), "--json"]) == 0
    run = Path(json.loads(capsys.readouterr().out)["run"])
    own = pandas.read_parquet(run / "predictions.parquet").sort_values(["subject", "frame"])
    aus = [name for name in own.columns if name.endswith("_predicted")]
    assert main(["export", str(run), "-o", str(tmp_path / "made"), "--onnx"]) == 0
    model = (tmp_path / "made").rename(tmp_path / "model")
    run = run.rename(tmp_path / "moved")
    videos = [path for name in sorted(set(own.subject)) for path in _videos(root, name)]
    for words in (["--run", run], ["--run", model], ["--run", model, "--onnx"]):
        out = tmp_path / f"out-{len(words)}-{Path(words[1]).name}"
        told = ["predict", *videos, *words, "-o", out, "--device", "cpu"]
        assert main([str(word) for word in told]) == 0
        found = pandas.read_parquet(out / "predictions.parquet").sort_values(["file", "frame"])
        found = found[found.status == "ok"]
        assert len(found) == len(own) > 0
        difference = np.abs(found[aus].to_numpy() - own[aus].to_numpy()).max()
        assert difference < 1e-4, (words, difference)


def _videos(root: Path, subject: str) -> list[Path]:
    return sorted(root.rglob(f"LeftVideo{subject}_comp.*"))
