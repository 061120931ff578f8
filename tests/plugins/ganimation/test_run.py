"""GANimation from the command line: a whole run, its files, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from aukit.cli.main import main
from aukit.runs.results import read_stages

TINY = Path(__file__).parents[2] / "end_to_end" / "tiny_plugin.py"
SMALL = {
    "preset": "quick", "device": "cpu", "data": "drawn", "aligner": "centre",
    "data.people": 2, "data.frames": 24, "balancer.per-level": 4, "draws": 50, "card": 0,
    "executor": "inline", "estimator": "vgg16", "estimator.size": 32, "estimator.width": 0.125,
    "estimator.epochs": 1,
    "estimator.ticks": 1, "synth.size": 16, "synth.width": 4, "synth.blocks": 1, "synth.depth": 2,
    "synth.critic-width": 4, "synth.epochs": 1, "synth.decay-epochs": 1,
}  # fmt: skip


@pytest.fixture(autouse=True)
def tiny(distribute: Callable[..., Path]) -> None:
    """The tiny components as an installed distribution."""
    distribute("tiny-faces", {"tiny_for_ganimation": TINY.read_text(encoding="utf-8")})


def run(output: Path, synth: str, **changes: object) -> int:
    settings = {**SMALL, "synth": synth, **changes}
    words = [word for key, value in settings.items() for word in (f"--{key}", str(value))]
    return main(["run", "-o", str(output), *words])


@pytest.mark.parametrize("synth", ["ganimation", "ganimation-ids"])
def test_a_run_paints_its_training_faces(tmp_path: Path, synth: str) -> None:
    assert run(tmp_path, synth) == 0
    (folder,) = tmp_path.glob("0001-*")
    stages = {label: result.folder for label, result in read_stages(folder).items()}
    model = stages["fit-synth"] / "model"
    card = json.loads((model / "card.json").read_text())
    assert card["aus"] == ["AU01", "AU12"]
    assert card["alignment"]
    assert (card["options"]["l_ids"] > 0) == (synth == "ganimation-ids")
    lines = (stages["fit-synth"] / "training" / "scalars.jsonl").read_text().splitlines()
    assert ("pairs" in json.loads(lines[-1])) == (synth == "ganimation-ids")
    made = pq.read_table(stages["synthesize"] / "part-00000.parquet").to_pylist()
    assert made
    assert all(row["parent"] and row["seed"] is not None and row["image"] for row in made)


def test_people_with_one_expression_each_end_the_run_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "ganimation-ids", **{"data.frames": 1, "data.people": 30}) == 4
    told = capsys.readouterr().err
    assert "no task among the 30 training faces shows two different expressions" in told
    assert "set --synth.pairs and --synth.l_ids to 0" in told
    assert not list(tmp_path.glob(".stages/fit-synth-*"))
