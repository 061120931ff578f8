"""`aukit run` from the command line, with small components as somebody else's distribution."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aukit.cli.main import main
from aukit.cli.tables import cell

LINE = [
    "run", "--preset", "quick", "--device", "cpu", "--data", "drawn", "--aligner=centre",
    "--balancer", "none", "--data.people", "2", "--data.frames", "24", "--draws", "20",
    "--estimator", "vgg16", "--estimator.size", "32", "--estimator.width", "0.125",
    "--estimator.epochs", "1",
    "--estimator.ticks", "1",
]  # fmt: skip

pytestmark = pytest.mark.usefixtures("tiny")


def test_a_dry_run_shows_each_value_and_its_origin(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('seed = 5\n[test.data]\nname = "avatars"\n', encoding="utf-8")
    assert main([*LINE, "--config", str(file), "--dry-run"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert ["seed", "5", "mine.toml"] in rows
    assert ["data", "tiny-faces/drawn", "command", "line"] in rows
    assert ["data.people", "2", "command", "line"] in rows
    assert ["test.data", "aukit-facs/avatars", "mine.toml"] in rows
    assert ["estimator.frozen", "2", "default"] in rows
    assert ["synth", "none", "default"] in rows


def test_the_options_of_a_component_in_the_run_file_are_known(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('data = "drawn"\n', encoding="utf-8")
    assert main(["run", f"--config={file}", "--help"]) == 0
    assert "--data.people INTEGER" in capsys.readouterr().out


def test_roles_choose_and_set_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    line = [*LINE, "--dry-run", "--json", "--test.data", "avatars", "--test.data.domain", "b"]
    line += ["--synth-fit.aligner", "2d", "--test.partition", "valid"]
    assert main(line) == 0
    config = json.loads(capsys.readouterr().out)["config"]
    assert config["test"]["data"]["domain"] == "b"
    assert config["test"]["partition"] == "valid"
    assert config["synth-fit"]["aligner"]["name"] == "aukit-facs/procrustes"
    assert config["aligner"]["name"] == "tiny-faces/centre"


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        (["--data.poeple", "2"], "drawn has no option 'poeple' (did you mean 'people'?)"),
        (["--data.people", "two"], "drawn.people (command line): 'two' is not a whole number"),
        (["--synth.size", "3"], "synth.size is set (command line) but no synth is chosen"),
        (["--test.dta", "x"], "role test (command line) has no option 'dta'"),
        (["--seed", "x"], "seed (command line): 'x' is not a whole number"),
        (["--device", "abacus"], "device 'abacus' cannot be used"),
        (["--aus", "1,77"], "'77' is not a known action unit"),
        (["--aus", "25"], "AU25 not coded in both the training and the test data"),
    ],
)
def test_what_cannot_be_run_is_refused(
    extra: list[str], expected: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main([*LINE, *extra, "-o", str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert expected in captured.err.splitlines()[-1]
    assert captured.out == ""


def test_json_prints_one_object_and_nothing_else(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main([*LINE, "--data.broken", "8", "-o", str(tmp_path), "--json"]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert Path(found["run"]).parent == tmp_path
    assert Path(found["report"]).is_file()
    assert found["scores"] == json.loads((Path(found["run"]) / "scores.json").read_text())
    assert found["dropped"]["unreadable picture"] > 0
    assert "align" in captured.err


def test_the_table_ends_a_run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main([*LINE, "--data.broken", "8", "-o", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    for word in ("ICC", "MAE", "F1", "AU12 lip corner puller", "mean", "unreadable picture"):
        assert word in text
    assert str(next(tmp_path.glob("0001-*/report.html"))) in text


def test_a_plugin_that_raises_in_a_stage_is_named_and_what_was_finished_stays(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main([*LINE, "--data.fail-at", "3", "-o", str(tmp_path)]) == 5
    (line,) = [text for text in capsys.readouterr().err.splitlines() if "error" in text]
    assert "data 'drawn' (tiny-faces 0.1) failed in stage align" in line
    assert "RuntimeError: the projector caught fire" in line
    assert list(tmp_path.glob(".stages/index-*/stage.json"))


def test_an_output_that_cannot_be_written_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    assert main([*LINE, "-o", str(tmp_path / "file" / "runs")]) == 6
    assert "cannot write to" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        ({"value": 0.714, "low": 0.6, "high": 0.8}, "0.71 [0.60, 0.80]"),
        ({"value": 0.714, "low": None, "high": None}, "0.71"),
        ({"value": None, "low": None, "high": None}, "undefined"),
        ({"value": 0.0, "low": -0.1, "high": 0.0}, "0.00 [-0.10, 0.00]"),
    ],
)
def test_an_undefined_score_is_said_not_a_zero(score: dict, expected: str) -> None:
    assert str(cell(score)) == expected
