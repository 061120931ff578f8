"""Runs that only synthesize, through the command line: what they leave, and who judges it."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from aukit.cli.main import main
from aukit.runs.results import read_stages

TINY = Path(__file__).parent / "tiny_plugin.py"
PUBLISHED = Path(__file__).parents[2] / "examples" / "lac-gan" / "published" / "table1.toml"
TYPED = [
    "--preset", "quick", "--device", "cpu", "--data", "drawn", "--data.people", "2",
    "--data.frames", "24", "--aligner", "centre", "--synth", "tint", "--balancer.per_level", "2",
    "--estimator", "none", "--judge", "none", "--card", "1", "--draws", "20",
    "--executor", "inline",
]  # fmt: skip
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def tiny(distribute: Callable[..., Path]) -> None:
    """The tiny components as an installed distribution, in child processes too."""
    source = TINY.read_text(encoding="utf-8")
    distribute("tiny-faces", {"tiny_without": source}, version="0.1")


def test_a_run_without_an_estimator_synthesizes_and_is_judged_by_others(
    tmp_path: Path, capsys: Capture
) -> None:
    assert main(["run", "-o", str(tmp_path), *TYPED]) == 0
    (made,) = tmp_path.glob("0001-*")
    leaves_no_scores(made)
    comes_back_judged(made, tmp_path, capsys)
    is_listed_and_no_estimator(made, tmp_path, capsys)


def leaves_no_scores(made: Path) -> None:
    stages = set(read_stages(made))
    assert {"fit-synth", "synthesize", "score-card"} <= stages
    assert not stages & {"fit-judge", "fit-estimator", "predict", "plan-real"}
    left = {path.name for path in made.iterdir()}
    assert left >= {"plan.parquet", "score_card.json", "report.html"}
    assert not left & {"scores.json", "predictions.parquet"}
    card = json.loads((made / "score_card.json").read_text())
    assert card["agreement"] == {}
    assert any("needs one by name" in note for note in card["notes"])
    assert "no predictions and no scores" in (made / "report.html").read_text()


def comes_back_judged(made: Path, tmp_path: Path, capsys: Capture) -> None:
    pictures = tmp_path / "pictures"
    assert main(["evaluate", str(made), "--export", str(pictures)]) == 0
    with (pictures / "pictures.csv").open(newline="", encoding="utf-8") as file:
        shown = {row["image"]: row["AU12"] for row in csv.DictReader(file)}
    with (tmp_path / "detector.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["image", "AU12_r"])
        table.writerows(shown.items())
    capsys.readouterr()
    judge = ["--judge", "outputs", "--judge.outputs.path", str(tmp_path / "detector.csv")]
    assert main(["evaluate", str(made), *judge, "--json"]) == 0
    card = json.loads(capsys.readouterr().out)["card"]
    found = card["agreement"]["outputs"]["levels"]["painted"]["AU12"]
    assert found["mae"]["value"] == 0  # this detector says what was asked for
    assert main(["report", str(made)]) == 0
    assert "outputs" in (made / "report.html").read_text()


def is_listed_and_no_estimator(made: Path, tmp_path: Path, capsys: Capture) -> None:
    capsys.readouterr()
    assert main(["runs", "list", "-o", str(tmp_path), "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)["runs"]
    assert listed["state"] == "finished"
    assert listed["scores"] == {}
    assert main(["export", str(made), "-o", str(tmp_path / "model")]) == 4
    assert "has fitted no estimator" in capsys.readouterr().err


def test_a_comparison_without_estimators_shows_score_cards(tmp_path: Path, capsys: Capture) -> None:
    typed = [*TYPED, "--card_whole", "true", "--card_published", str(PUBLISHED)]
    assert main(["compare", "-o", str(tmp_path), "--name", "one", *typed, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    (cell,) = document["cells"]
    assert cell["status"] == "finished"
    assert cell["scores"] is None
    assert cell["card"]["aus"] == ["AU01", "AU12"]
    assert any("no estimator" in note for note in document["notes"])
    assert (
        cell["card"]["requests"]["vectors"] == 48
    )  # every test face, not 25 for each AU and level
    page = (tmp_path / "one" / "report.html").read_text()
    assert "not scored" in page
    assert "Presence in real and synthetic faces: OpenFace, published" in page
