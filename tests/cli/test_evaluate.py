"""`aukit evaluate`: a score card anew, and one clear error for everything that is amiss."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aukit.cli.main import main
from aukit.runs.results import read_stages

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def evaluate(tiny: None) -> Callable[..., int]:
    def run(*arguments: str | Path) -> int:
        return main(["evaluate", *map(str, arguments), "--device", "cpu"])

    return run


@pytest.fixture
def copied(painted_run: Path, tmp_path: Path) -> Path:
    """A copy of the run that may be spoiled; it shares nothing with the original."""
    for name in (painted_run.name, ".stages"):
        shutil.copytree(painted_run.parent / name, tmp_path / "runs" / name)
    return tmp_path / "runs" / painted_run.name


def rewrite(run: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = run / "stages.json"
    stages = json.loads(path.read_text(encoding="utf-8"))
    change(stages["stages"])
    path.write_text(json.dumps(stages), encoding="utf-8")


def test_a_run_with_a_synthesizer_leaves_a_card(painted_run: Path) -> None:
    card = json.loads((painted_run / "score_card.json").read_text(encoding="utf-8"))
    assert card["schema"] == "aukit.score-card/1"
    assert card["closeness"]["all"]["face"]["painted"]["psnr"]["value"] > 0
    assert set(card["agreement"]) >= {"estimator"}
    assert card["distance"][0]["name"].startswith("Fréchet distance, features of vgg16")
    assert card["distance"][0]["name"].endswith("png")
    report = (painted_run / "report.html").read_text(encoding="utf-8")
    assert "Score card of the synthesizer" in report
    assert "fit-judge" in read_stages(painted_run)


def test_the_judge_has_never_seen_a_synthetic_face(painted_run: Path) -> None:
    stages = read_stages(painted_run)
    fitted = stages["fit-judge"].folder / "stage.json"
    document = json.loads(fitted.read_text(encoding="utf-8"))
    assert document["plan"] == stages["plan-real"].key
    assert document["faces"] == [stages["align-train"].key]
    assert stages["fit-judge"] != stages["fit-estimator"]


def test_another_size_replaces_the_card(
    evaluate: Callable[..., int], copied: Path, capsys: Capture
) -> None:
    before = json.loads((copied / "score_card.json").read_text(encoding="utf-8"))
    assert evaluate(copied, "--faces", "1", "--judge", "none", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    after = json.loads((copied / "score_card.json").read_text(encoding="utf-8"))
    assert said["card"] == after
    assert 0 < after["requests"]["levels"] < before["requests"]["levels"]
    assert evaluate(copied, "--faces", "1", "--judge", "none") == 0
    shown = capsys.readouterr().out
    assert "Score card" in shown
    assert "AU12" in shown


def test_exported_pictures_come_back_with_the_opinion_of_others(
    evaluate: Callable[..., int], copied: Path, tmp_path: Path, capsys: Capture
) -> None:
    pictures = tmp_path / "pictures"
    assert evaluate(copied, "--faces", "1", "--export", pictures) == 0
    names = sorted(path.stem for path in pictures.glob("*.png"))
    assert f"wrote {len(names)} pictures" in capsys.readouterr().out
    with (tmp_path / "openface.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["image", " AU12_r", " AU12_c"])
        table.writerows([f"{name}.png", f" {int(name, 16) % 6}", " 1"] for name in names)
    options = ["--judge", "outputs", "--judge.outputs.path", tmp_path / "openface.csv"]
    assert evaluate(copied, "--faces", "1", *options, "--json") == 0
    card = json.loads(capsys.readouterr().out)["card"]
    found = card["agreement"]["outputs"]["levels"]["painted"]
    assert set(found) == {"mean", "AU12"}
    assert found["AU12"]["mae"]["value"] is not None
    assert card["detection"]["outputs"]["cuts"] == {"AU12_present": 0.5}
    with (pictures / "pictures.csv").open(newline="", encoding="utf-8") as file:
        listed = list(csv.DictReader(file))
    assert {row["image"].removesuffix(".png") for row in listed} == set(names)
    assert {row["set"] for row in listed} >= {"real", "synthetic"}


def refused(code: int, capsys: Capture, complaint: str) -> None:
    said = capsys.readouterr().err
    assert code in (2, 3, 4)
    assert complaint in said
    assert "Traceback" not in said


def test_a_folder_that_is_no_run(
    evaluate: Callable[..., int], tmp_path: Path, capsys: Capture
) -> None:
    refused(evaluate(tmp_path), capsys, "is not a run folder")


def test_a_run_without_a_synthesizer(
    evaluate: Callable[..., int], copied: Path, capsys: Capture
) -> None:
    (copied / "run.toml").write_text('data = "drawn"\naligner = "centre"\n', encoding="utf-8")
    refused(evaluate(copied), capsys, "has no synthesizer")


def test_a_run_whose_results_are_gone(
    evaluate: Callable[..., int], copied: Path, capsys: Capture
) -> None:
    shutil.rmtree(read_stages(copied)["fit-synth"].folder)
    refused(evaluate(copied), capsys, "the result of stage fit-synth")


def test_a_run_that_was_not_finished(
    evaluate: Callable[..., int], copied: Path, capsys: Capture
) -> None:
    rewrite(copied, lambda stages: stages.pop("fit-synth"))
    refused(evaluate(copied), capsys, "has no result of stage fit-synth: the stage did not finish")


def test_a_run_that_wanted_no_card_has_no_judge(
    evaluate: Callable[..., int], copied: Path, capsys: Capture
) -> None:
    rewrite(copied, lambda stages: stages.pop("fit-judge"))
    refused(evaluate(copied), capsys, "has fitted no judge")


def test_a_judge_without_its_weights(
    evaluate: Callable[..., int], copied: Path, capsys: Capture
) -> None:
    code = evaluate(copied, "--judge", "inception")
    refused(code, capsys, "judge 'inception' has no bundled weights")
    code = evaluate(copied, "--judge", "mobilenet", "--judge.mobilenet.weights", "nowhere.pth")
    refused(code, capsys, "no weights 'nowhere.pth'")


def test_a_judge_that_does_not_exist(
    evaluate: Callable[..., int], copied: Path, capsys: Capture
) -> None:
    refused(evaluate(copied, "--judge", "nobody"), capsys, "unknown judge 'nobody'")
