"""Slips that are told in one line before anything begins."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aukit.cli.main import main

Capture = pytest.CaptureFixture[str]
SMALL = ["--device", "cpu", "--preset", "quick"]


def refused(capsys: Capture, *words: str) -> str:
    assert main(list(words)) in (2, 3, 4)
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--device", "cuda:7"), "cuda:7"),
        (
            ("--views", "fera17", "--synth", "lacgan", "--device", "cpu"),
            "cannot render other views",
        ),
        (("--name", "../victim", "--device", "cpu"), "cannot be the name of a run"),
        (("--estimator.weights", "nowhere.pth", "--device", "cpu"), "nowhere.pth"),
    ],
)
def test_a_dry_run_checks_what_a_run_needs(
    capsys: Capture, words: tuple[str, ...], complaint: str
) -> None:
    assert complaint in refused(capsys, "run", "--dry-run", "--preset", "quick", *words)


@pytest.mark.parametrize(
    "words",
    [
        ("predict", "me.jpg", "-o", "s3://bucket/out"),
        ("run", "--dry-run", "-o", "s3://bucket/runs"),
        ("report", "s3://bucket/run"),
    ],
    ids=["output", "runs", "run"],
)
def test_only_data_and_models_are_read_from_stores(capsys: Capture, words: tuple[str, ...]) -> None:
    said = refused(capsys, *words)
    assert "s3://bucket/" in said
    assert "`aukit push` uploads results" in said


def test_batches_that_torchrun_cannot_share_are_refused_before_anything_is_registered(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    said = refused(capsys, "run", "--dry-run", "--synth", "lacgan", "--synth.batch", "25", *SMALL)
    assert "synth.batch is 25, which 2 processes cannot share equally" in said
    assert "such as 26" in said


def test_a_deeply_nested_run_file_is_refused(tmp_path: Path, capsys: Capture) -> None:
    for name, text in (("a.toml", "x = " + "[" * 100_000), ("a.json", "[" * 200_000)):
        (tmp_path / name).write_text(text, encoding="utf-8")
        said = refused(capsys, "run", "--dry-run", "--config", str(tmp_path / name))
        assert "not a valid run file" in said


@pytest.mark.parametrize(
    "words",
    [
        ("compare", "--aligner", "2d", "--seeds", "1000000000"),
        ("compare", "--aligner", "2d", "--folds", "1000000000"),
        ("plan", "--data.frames", "1000000000"),
        ("run", "--dry-run", "--data.frames", "1000000000"),
    ],
)
def test_what_is_far_too_much_is_refused_at_once(
    tmp_path: Path, capsys: Capture, words: tuple[str, ...]
) -> None:
    output = [] if words[0] == "run" else ["-o", str(tmp_path / "out")]
    assert "too many" in refused(capsys, *words, *SMALL, *output)


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--dry-run", "--draws", "1000000000"),
        ("run", "--dry-run", "--card", "1000000000"),
        ("run", "--dry-run", "--balancer.per_level", "1000000000"),
        ("data", "sample", "avatars", "--count", "1000000000", "-o", "sheet.png"),
    ],
)
def test_the_largest_count_is_told(capsys: Capture, words: tuple[str, ...]) -> None:
    assert "000" in refused(capsys, *words).split("1000000000")[-1]


def test_more_runs_than_anybody_waits_for_are_refused(tmp_path: Path, capsys: Capture) -> None:
    words = ("compare", "--aligner", "2d", *SMALL, "--seeds", "9000", "--folds", "9000")
    assert "81,000,000 runs are too many" in refused(capsys, *words, "-o", str(tmp_path / "out"))


def test_a_film_of_too_many_frames_is_refused(capsys: Capture) -> None:
    words = ("edit", "a.png", "--synth", "run", "--au", "12=3", "-o", "out", "--frames", "1000000")
    assert "10000" in refused(capsys, *words)


@pytest.mark.parametrize(
    "words",
    [
        ("run", "-o", ""),
        ("align", "", "-o", "out"),
        ("predict", "", "-o", "out"),
        ("evaluate", "", "predictions.csv"),
        ("report", "run", "-o", ""),
    ],
)
def test_an_empty_path_is_refused(capsys: Capture, words: tuple[str, ...]) -> None:
    assert "path is empty" in refused(capsys, *words)


def test_a_run_file_that_is_a_pipe_is_refused(tmp_path: Path, capsys: Capture) -> None:
    os.mkfifo(tmp_path / "run.toml")
    said = refused(capsys, "run", "--dry-run", "--config", str(tmp_path / "run.toml"))
    assert "is a pipe" in said


def test_the_report_of_a_killed_run_is_written_of_what_is_there(
    tiny: None, painted_run: Path, tmp_path: Path
) -> None:
    events = painted_run / "events.jsonl"
    before, environment = events.read_bytes(), (painted_run / "environment.json").read_bytes()
    try:
        events.write_bytes(before[: len(before) // 2])
        (painted_run / "environment.json").write_bytes(environment[:20])
        assert main(["report", str(painted_run), "-o", str(tmp_path / "page.html")]) == 0
    finally:
        events.write_bytes(before)
        (painted_run / "environment.json").write_bytes(environment)


@pytest.mark.parametrize("name", ["scores.json", "score_card.json", "stages.json"])
@pytest.mark.parametrize("content", ["{", "[1]"])
def test_the_report_of_a_damaged_run_says_so(
    tiny: None, painted_run: Path, tmp_path: Path, capsys: Capture, name: str, content: str
) -> None:
    file = painted_run / name
    before = file.read_bytes()
    try:
        file.write_text(content, encoding="utf-8")
        said = refused(capsys, "report", str(painted_run), "-o", str(tmp_path / "page.html"))
    finally:
        file.write_bytes(before)
    assert str(painted_run) in said
    assert not (tmp_path / "page.html").exists()
