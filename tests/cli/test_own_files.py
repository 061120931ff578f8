"""No command replaces or deletes what aukit did not make: a line, and exit code 2 or 6."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from aukit.cli.main import main

TRUTH = "id,subject,frame,AU01\n" + "".join(f"p{n},p,{n},{n % 6}\n" for n in range(30))


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    for name in ("t.csv", "p.csv"):
        (tmp_path / name).write_text(TRUTH, encoding="utf-8")
    return tmp_path


def refused(line: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(line) in (2, 6)
    assert says in capsys.readouterr().err


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["t.csv", "p.csv"])
def test_evaluate_does_not_replace_what_it_reads(
    name: str, tables: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["evaluate", *(str(tables / each) for each in ("t.csv", "p.csv"))]
    refused([*line, "-o", str(tables / name)], "would be overwritten", capsys)
    assert (tables / name).read_text(encoding="utf-8") == TRUTH


def test_evaluate_replaces_its_own_scores_and_nobody_elses(
    tables: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["evaluate", *(str(tables / each) for each in ("t.csv", "p.csv")), "--draws", "5"]
    for _ in range(2):
        assert main([*line, "-o", str(tables / "scores.json")]) == 0
    (tables / "thesis.json").write_text("{}", encoding="utf-8")
    refused([*line, "-o", str(tables / "thesis.json")], "aukit did not make it", capsys)
    assert (tables / "thesis.json").read_text(encoding="utf-8") == "{}"


def test_a_device_stays_a_device(tables: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["evaluate", *(str(tables / each) for each in ("t.csv", "p.csv"))]
    refused([*line, "-o", "/dev/null"], "/dev/null", capsys)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.usefixtures("tiny")
def test_a_report_does_not_replace_files_of_its_run(
    painted_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(painted_run)
    for name in ("scores.json", "run.toml", "predictions.parquet"):
        output = str(painted_run / name)
        refused(["report", str(painted_run), "-o", output], "aukit did not make it", capsys)
    assert contents(painted_run) == before


@pytest.mark.usefixtures("tiny")
def test_a_report_is_replaced_where_it_was_written_before(
    painted_run: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        assert main(["report", str(painted_run), "-o", str(tmp_path / "page.html")]) == 0
        assert main(["report", str(painted_run)]) == 0


PLAN = ["plan", "--data", "drawn", "--aligner", "centre", "--landmarker", "none", "--synth", "none"]


@pytest.mark.usefixtures("tiny")
def test_a_plan_does_not_replace_that_of_a_run(
    painted_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(painted_run)
    refused([*PLAN, "-o", str(painted_run)], "aukit did not make it", capsys)
    assert contents(painted_run) == before


@pytest.mark.usefixtures("tiny")
def test_a_plan_replaces_an_earlier_one(tmp_path: Path) -> None:
    for _ in range(2):
        assert main([*PLAN, "-o", str(tmp_path / "plan")]) == 0


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("name", ["../victim", ".stages", "", "a/../../b", "/tmp/x", " ", ".."])
def test_a_name_of_a_run_leads_nowhere_else(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(
        ["run", "--data", "drawn", "--name", name, "-o", str(tmp_path / "runs")],
        "cannot be the name of a run", capsys,
    )  # fmt: skip
    assert not (tmp_path / "runs").exists()


@pytest.mark.usefixtures("tiny")
def test_frames_are_not_written_among_other_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "frames-00000.parquet").write_bytes(b"mine")
    refused(["data", "render", "drawn", "-o", str(tmp_path)], "did not make", capsys)
    (tmp_path / "sheet.png").write_bytes(b"mine")
    sheet = ["data", "sample", "drawn", "-o", str(tmp_path / "sheet.png")]
    refused(sheet, "did not make", capsys)
    assert (tmp_path / "sheet.png").read_bytes() == b"mine"


@pytest.mark.usefixtures("tiny")
def test_edit_replaces_no_photo_of_others(
    painted_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    for folder in ("in", "out"):
        (tmp_path / folder).mkdir()
        Image.new("RGB", (32, 32), "gray").save(tmp_path / folder / "a.png")
    before = contents(tmp_path / "out")
    line = ["edit", str(tmp_path / "in"), "--synth", str(painted_run), "--au", "12=3", "--aligned"]
    refused([*line, "-o", str(tmp_path / "out")], "did not make", capsys)
    refused([*line, "-o", str(tmp_path / "out" / "a.png")], "did not make", capsys)
    assert contents(tmp_path / "out") == before
