"""A run folder that was moved, without the store beside it, still serves everything."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from aukit import api
from aukit.cli.main import main
from aukit.runs.results import read_stages

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def moved(painted_run: Path, tmp_path: Path) -> Path:
    """The run folder alone, somewhere else."""
    return Path(shutil.copytree(painted_run, tmp_path / "elsewhere" / "run"))


def test_all_results_lie_in_the_folder(moved: Path) -> None:
    stages = read_stages(moved)
    assert {"fit-synth", "fit-judge", "fit-estimator", "align-test", "predict"} <= set(stages)
    assert all(result.folder.is_relative_to(moved) for result in stages.values())
    assert not list(moved.rglob("checkpoint.safetensors"))


def test_the_report_is_the_same_again(tiny: None, moved: Path) -> None:
    before = (moved / "report.html").read_text(encoding="utf-8")
    assert main(["report", str(moved)]) == 0
    after = (moved / "report.html").read_text(encoding="utf-8")
    assert len(after) == pytest.approx(len(before), rel=0.01)


def test_another_card_can_be_made(tiny: None, moved: Path) -> None:
    assert main(["evaluate", str(moved), "--faces", "1", "--judge", "none"]) == 0
    card = json.loads((moved / "score_card.json").read_text(encoding="utf-8"))
    assert set(card["agreement"]) == {"estimator"}
    assert read_stages(moved)["score-card"].folder.is_relative_to(moved)


@pytest.mark.parametrize("kind", ["estimator", "synth"])
def test_its_models_can_be_loaded(
    tiny: None, moved: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aukit.python import components
    from aukit.registry.loading import Registry

    monkeypatch.setattr(components, "default_registry", Registry)
    assert api.load(kind, moved).aus
