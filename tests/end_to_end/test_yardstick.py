"""The simple estimator that every run is compared with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow.parquet as pq
import pytest

from aukit.cli.main import main
from aukit.config.resolve import nest, resolve
from aukit.errors import DataError
from aukit.pipeline.runner import Runner
from aukit.pipeline.steps import Faces, measured_yardstick
from aukit.registry.loading import Registry
from aukit.runs.results import read_stages
from aukit.store.stages import Result

TINY = Path(__file__).parent / "tiny_plugin.py"
TYPED = [
    "--preset", "quick", "--device", "cpu", "--data", "drawn", "--data.people", "4",
    "--data.frames", "24", "--aligner", "centre", "--balancer.per_level", "3",
    "--draws", "30", "--executor", "inline",
]  # fmt: skip
VGG = [
    "--estimator", "vgg16", "--estimator.size", "32", "--estimator.width", "0.125",
    "--estimator.epochs", "1",
]  # fmt: skip
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def tiny(distribute: Callable[..., Path]) -> None:
    """The tiny components as an installed distribution."""
    distribute("tiny-faces", {"tiny_beside": TINY.read_text(encoding="utf-8")}, version="0.1")


def made(output: Path, *words: str) -> tuple[Path, dict[str, Any]]:
    """The run folder, and its scores."""
    assert main(["run", "-o", str(output), *TYPED, *words]) == 0
    (folder,) = output.glob("0001-*")
    return folder, json.loads((folder / "scores.json").read_text())


def test_it_is_what_a_run_with_that_estimator_would_be(tmp_path: Path, capsys: Capture) -> None:
    folder, scores = made(tmp_path / "one", *VGG)
    simple, alone = made(tmp_path / "other", "--estimator", "landmarks")
    beside = scores["yardstick"]
    assert beside["estimator"] == "landmarks"
    assert beside["scores"] == {name: alone[name] for name in beside["scores"]}
    place = read_stages(folder)["predict-yardstick"].folder / "predictions.parquet"
    assert pq.read_table(place).equals(pq.read_table(simple / "predictions.parquet"))
    assert "yardstick" not in alone

    for unit, found in beside["difference"].items():
        expected = scores[unit]["mae"]["value"] - alone[unit]["mae"]["value"]
        assert found["mae"]["value"] == pytest.approx(expected)
    icc = beside["scores"]["mean"]["icc"]["value"]
    told = capsys.readouterr().out
    assert f"mean of 'landmarks', fitted on the real training frames: ICC {icc:.2f}" in told
    assert f"{beside['difference']['mean']['icc']['value']:+.2f} (" in told
    assert f"{icc:.3f}" in (folder / "report.html").read_text()


def test_it_can_be_another_or_left_out(tmp_path: Path, capsys: Capture) -> None:
    _, scores = made(tmp_path / "none", *VGG, "--yardstick", "none")
    assert "yardstick" not in scores
    assert main(["run", "-o", str(tmp_path), *TYPED, "--yardstick", "ruler"]) == 2
    assert "unknown estimator 'ruler'" in capsys.readouterr().err


class Refusing:
    """A runner whose stages refuse their faces."""

    def __init__(self, yardstick: str) -> None:
        typed = nest({"yardstick": yardstick})
        self.run = SimpleNamespace(config=resolve(Registry(), [("test", typed)], "quick"))

    def result(self, *_: Any) -> Result:
        raise DataError("faces without landmarks")


def test_only_the_default_is_left_out_where_it_cannot_be_fitted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    place = Result("key", Path())
    faces = Faces(("AU01",), place, None, place)
    assert measured_yardstick(cast(Runner, Refusing("landmarks")), faces, place) is None
    assert "no scores of 'landmarks' beside the run's own: faces without" in caplog.text
    with pytest.raises(DataError, match="faces without landmarks"):
        measured_yardstick(cast(Runner, Refusing("vgg16")), faces, place)
