"""`aukit benchmark`: a fixed test set, and any program's score on it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.csv
import pytest

from aukit.au import FERA17_INTENSITY
from aukit.cli.main import main
from aukit.progress import Silent
from aukit.vision.images import read
from aukit_avatars import benchmark


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two people with four pictures each."""
    recipe = replace(benchmark.RECIPE, test=2, tasks=2, frames=2, size=64)
    monkeypatch.setattr(benchmark, "RECIPE", recipe)


def test_the_test_set_is_rendered_once_and_any_table_is_scored(
    small: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out")
    assert main(["benchmark", "-o", out]) == 0
    frames = tmp_path / "out" / "frames"
    truth = pyarrow.csv.read_csv(frames / benchmark.TRUTH)
    first = frames / truth["file"][0].as_py()
    assert tuple(read(first).image.shape) == (3, 64, 64)
    stamp = first.stat().st_mtime_ns
    table = tmp_path / "theirs.csv"
    pyarrow.csv.write_csv(truth.drop(["person"]), table)
    capsys.readouterr()
    assert main(["benchmark", "-o", out, "--predictions", str(table), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert first.stat().st_mtime_ns == stamp
    assert found["frames"] == 8
    assert found["means"]["seven"]["mae"]["value"] == 0
    assert found["means"]["twenty"]["mae"]["value"] == 0
    assert main(["benchmark", "-o", out, "--predictions", str(table)]) == 0
    shown = capsys.readouterr().out
    assert all(one["name"] in shown for one in benchmark.results())


def test_a_mean_of_aus_that_were_not_estimated_is_no_result(
    small: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = benchmark.frameset(tmp_path / "frames", "cpu", Silent())
    truth = pyarrow.csv.read_csv(test.truth)
    table = tmp_path / "theirs.csv"
    pyarrow.csv.write_csv(truth.select(["file", *FERA17_INTENSITY]), table)
    means = benchmark.score(test, table)["means"]
    assert means["seven"]["mae"]["value"] == 0
    assert means["twenty"] is None
    pyarrow.csv.write_csv(truth.select(["file", "AU12"]), table)
    found = benchmark.score(test, table)
    assert found["means"] == {"seven": None, "twenty": None}
    assert benchmark.rank(found) > 0


def test_another_version_of_the_test_set_is_refused(
    small: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "out" / "frames"
    folder.mkdir(parents=True)
    (folder / benchmark.ABOUT).write_text('{"version": 99}')
    assert main(["benchmark", "-o", str(tmp_path / "out")]) != 0
    assert "version 99" in capsys.readouterr().err


def test_somebodys_folder_is_left_alone(small: None, tmp_path: Path) -> None:
    mine = tmp_path / "out" / "frames" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    assert main(["benchmark", "-o", str(tmp_path / "out")]) != 0
    assert mine.read_text() == "mine"


def test_results_are_complete() -> None:
    for one in benchmark.results():
        assert set(one["means"]) == set(benchmark.SETS)
        assert set(one["means"]["seven"]) == set(benchmark.SCORES)
        assert one["frames"] <= 768
