"""`aukit report`: the page of a finished run, written anew."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from aukit.cli.main import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def copied(painted_run: Path, tmp_path: Path) -> Path:
    """A copy of the run that may be spoiled."""
    for name in (painted_run.name, ".stages"):
        shutil.copytree(painted_run.parent / name, tmp_path / "runs" / name)
    return tmp_path / "runs" / painted_run.name


def test_the_page_of_a_finished_run_is_the_same_again(
    tiny: None, copied: Path, capsys: Capture
) -> None:
    page = copied / "report.html"
    first = page.read_text(encoding="utf-8")
    page.write_text("lost", encoding="utf-8")
    assert main(["report", str(copied), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"run": str(copied), "report": str(page)}
    # What the shared fixture calls its distribution differs, nothing else.
    assert re.sub(r"tiny-faces[ :][\w.]*", "", page.read_text(encoding="utf-8")) == re.sub(
        r"tiny-faces[ :][\w.]*", "", first
    )


def test_the_page_can_lie_elsewhere(
    tiny: None, painted_run: Path, tmp_path: Path, capsys: Capture
) -> None:
    before = (painted_run / "report.html").read_bytes()
    target = tmp_path / "new" / "page.html"
    assert main(["report", str(painted_run), "-o", str(target)]) == 0
    assert str(target) in capsys.readouterr().out
    assert target.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert (painted_run / "report.html").read_bytes() == before


def test_every_fit_has_its_curves_and_every_component_its_terms(painted_run: Path) -> None:
    page = (painted_run / "report.html").read_text(encoding="utf-8")
    fits = ("Synthesizer tint", "Judge of the synthesizer: vgg16 fitted on real", "Estimator vgg16")
    section = re.search(r'<section id="training">.*?</section>', page, re.DOTALL)
    assert section is not None
    for fit in fits:
        assert fit in section[0]
    assert section[0].count("<svg") >= len(fits)
    terms = re.search(r'<section id="licences">.*?</section>', page, re.DOTALL)
    assert terms is not None
    for component in ("data drawn", "aligner centre", "synth tint", "estimator vgg16"):
        assert component in terms[0]


def test_a_run_without_its_score_card_has_a_page_without_one(tiny: None, copied: Path) -> None:
    (copied / "score_card.json").unlink()
    assert main(["report", str(copied)]) == 0
    page = (copied / "report.html").read_text(encoding="utf-8")
    assert 'id="synthesis"' not in page
    assert 'id="scores"' in page


@pytest.mark.parametrize("missing", ["scores.json", "stages.json"])
def test_an_unfinished_run_is_named(
    tiny: None, copied: Path, missing: str, capsys: Capture
) -> None:
    (copied / missing).unlink()
    assert main(["report", str(copied)]) == 4
    (line,) = [text for text in capsys.readouterr().err.splitlines() if "error" in text]
    assert copied.name in line


def test_damaged_scores_are_named(tiny: None, copied: Path, capsys: Capture) -> None:
    (copied / "scores.json").write_text('{"mean": ', encoding="utf-8")
    assert main(["report", str(copied)]) == 4
    assert "scores.json is damaged" in capsys.readouterr().err


def test_a_folder_that_is_no_run_is_refused(tiny: None, tmp_path: Path, capsys: Capture) -> None:
    assert main(["report", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "is not a run folder" in line
    (tmp_path / "comparison.json").write_text("{}", encoding="utf-8")
    assert main(["report", str(tmp_path)]) == 2
    assert "is the folder of a comparison" in capsys.readouterr().err
