"""A whole run on an imitation of a corpus, through the command line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from aukit.cli.main import main
from aukit.contracts.labels import Labels
from aukit.testing import drawn
from aukit_avatars.actions import AUS
from aukit_corpora.actors import Cast, Take, takes
from aukit_corpora.imitate import BUILDERS, imitate

TINY = [
    "--preset", "quick", "--device", "cpu", "--executor", "inline", "--draws", "20", "--card", "0",
    "--balancer.per-level", "4", "--estimator.size", "32", "--estimator.width", "0.125",
    "--estimator.epochs", "1", "--estimator.ticks", "1", "--aligner", "2d", "--aligner.size", "48",
    "--synth", "ganimation", "--synth.size", "16", "--synth.width", "4", "--synth.blocks", "1",
    "--synth.critic-width", "4", "--synth.depth", "2", "--synth.epochs", "1",
]  # fmt: skip


def cartoons(cast: Cast) -> Iterator[Take]:
    """Drawn faces that show random codes, in no time."""
    random = np.random.default_rng(cast.seed)
    for person in range(cast.people):
        shape = (cast.frames, len(AUS))
        levels = (random.integers(0, 6, shape) * (random.random(shape) < 0.6)).astype(np.float32)
        codes = Labels(AUS, torch.from_numpy(levels), torch.ones(shape, dtype=torch.bool))
        points = drawn.landmarks(codes)
        pictures = drawn.draw(points, [person] * cast.frames, cast.size)
        yield Take(person, 0, 0, pictures, levels, points * cast.size - 0.5, AUS)


def run(capsys: pytest.CaptureFixture[str], *line: str) -> Path:
    assert main(["run", *line, "--json"]) == 0
    return Path(json.loads(capsys.readouterr().out)["run"])


def test_a_whole_run_on_disfa(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = imitate("disfa", tmp_path / "disfa", Cast(6, frames=24, size=64), actors=cartoons)
    line = ["--data", "disfa", "--data.root", str(root), "--landmarker", "none"]
    folder = run(capsys, *line, "--data.landmarks", "true", *TINY, "-o", str(tmp_path / "runs"))
    scores = json.loads((folder / "scores.json").read_text())
    assert {"AU01", "AU12"} <= set(scores)
    assert np.isfinite(scores["mean"]["mae"]["value"])


@pytest.mark.slow
@pytest.mark.skipif("AUKIT_SLOW" not in os.environ, reason="takes hours; set AUKIT_SLOW=1")
@pytest.mark.parametrize("corpus", [name for name in BUILDERS if name != "multipie"])
def test_a_whole_run_on_every_corpus(
    corpus: str, tmp_path: Path, face_landmarker: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cast = Cast(people=6, frames=8, size=176)
    root = imitate(corpus, tmp_path / "root", cast, actors=takes)
    folder = run(
        capsys, "--data", corpus, "--data.root", str(root), "--landmarker", "mediapipe",
        "--landmarker.weights", str(face_landmarker), "--aligner", "3d", "--synth", "lacgan",
        "--preset", "quick", "-o", str(tmp_path / "runs"),
    )  # fmt: skip
    assert (folder / "report.html").is_file()
