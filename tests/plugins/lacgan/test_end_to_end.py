"""A run with LAC-GAN through the command line, and the paper's figures out of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from aukit.cli.main import main
from aukit.cli.tables import show_card
from aukit.data.records import SYNTHETIC
from aukit.runs.results import read_stages
from aukit.vision.images import read

TINY = Path(__file__).parents[2] / "end_to_end" / "tiny_plugin.py"
SMALL = {
    "preset": "quick", "device": "cpu", "data": "drawn", "aligner": "centre", "synth": "lacgan",
    "data.people": 2, "data.frames": 24, "balancer.per_level": 4, "draws": 50, "card": 1,
    "executor": "inline", "estimator": "vgg16", "estimator.size": 32, "estimator.width": 0.125,
    "estimator.epochs": 1,
    "estimator.ticks": 1, "synth.size": 16, "synth.width": 2, "synth.batch": 4, "synth.epochs": 1,
    "synth.decay_epochs": 0, "synth.partners": "person", "judge": "none",
}  # fmt: skip


@pytest.fixture
def folder(distribute: Callable[..., Path], tmp_path: Path) -> Path:
    """A finished run."""
    distribute("tiny-faces", {"tiny_of_lacgan": TINY.read_text(encoding="utf-8")}, version="0.1")
    pairs = [(f"--{key}", str(value)) for key, value in SMALL.items()]
    assert main(["run", "-o", str(tmp_path), *(word for pair in pairs for word in pair)]) == 0
    (run,) = tmp_path.glob("0001-*")
    return run


def test_a_run_paints_scores_and_shows(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stages = read_stages(folder)
    painted = pq.read_table(stages["synthesize"].folder / "part-00000.parquet")
    assert set(painted["origin"].to_pylist()) == {SYNTHETIC}
    card = json.loads((folder / "score_card.json").read_text())
    (judge,) = card["detection"]
    assert set(card["detection"][judge]["mean"]) == {"real", "painted", "gap"}
    show_card(card)
    assert "Presence in real and synthetic faces" in capsys.readouterr().out
    model = json.loads((stages["fit-synth"].folder / "model/card.json").read_text())
    assert model["identity loss"] == "edges"

    from aukit_lacgan.scripts import paper_figures

    out = folder / "figures"
    monkeypatch.setattr(
        sys, "argv", ["paper_figures", str(folder), str(folder), "-o", str(out), "--faces", "1"]
    )
    paper_figures.main()
    sheets = [read(out / name).image for name in ("single.png", "together.png")]
    for sheet in sheets:
        assert sheet is not None
        assert sheet.float().std() > 10  # pictures, not an empty sheet
