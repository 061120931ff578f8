"""`aukit evaluate TRUTH PREDICTIONS` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from aukit.cli.main import main
from aukit.testing.predictions import made_up

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`truth.csv`, `good.csv` and `poor.parquet`, of the same 240 frames of six people."""
    monkeypatch.chdir(tmp_path)
    table = made_up(noise=0.5)
    table.select(["subject", "frame", "AU01", "AU12"]).to_pandas().to_csv("truth.csv", index=False)
    estimates = table.select(["subject", "frame", "AU01_predicted", "AU12_predicted"]).to_pandas()
    names = {"AU01_predicted": " AU01_r", "AU12_predicted": " AU12_r"}
    estimates.rename(columns=names).to_csv("good.csv", index=False)
    poor = made_up(noise=2.0, seed=1).select(["subject", "frame", "AU01_predicted"])
    pq.write_table(poor.rename_columns(["subject", "frame", "AU01_r"]), "poor.parquet")
    return tmp_path


def test_a_table_of_scores_and_what_was_done(files: Path, capsys: Capture) -> None:
    assert main(["evaluate", "truth.csv", "good.csv", "-o", "scores.json"]) == 0
    out, err = capsys.readouterr()
    assert "AU12 lip corner puller" in out
    assert "240 frames, 6 people, present from intensity 2" in out
    assert "columns as of OpenFace; frames matched by subject, frame" in err
    scores = json.loads((files / "scores.json").read_text())
    assert scores["AU01"]["icc"]["value"] > 0.9
    assert len(scores["people"]) == 6


def test_json_and_the_threshold(files: Path, capsys: Capture) -> None:
    found = []
    for threshold in ("2", "4"):
        assert main(["evaluate", "truth.csv", "good.csv", "--json", "--threshold", threshold]) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert found[0]["predictions"] == ["good.csv"]
    assert found[1]["threshold"] == 4
    first, second = (document["scores"]["AU01"] for document in found)
    assert first["icc"] == second["icc"]
    assert first["f1"] != second["f1"]


def test_two_predictions_give_their_difference(files: Path, capsys: Capture) -> None:
    assert main(["evaluate", "truth.csv", "good.csv", "poor.parquet", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    entry = document["scores"]["AU01"]["icc"]
    assert entry["low"] <= entry["value"] <= entry["high"] < 0
    assert document["aus"] == ["AU01"]
    assert "only one of the two has AU12: left out" in document["notes"]


def test_our_own_predictions_are_their_own_truth(files: Path, capsys: Capture) -> None:
    pq.write_table(made_up(views=2), "predictions.parquet")
    assert main(["evaluate", "predictions.parquet", "predictions.parquet", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert list(document["scores"]["views"]) == ["v0", "v1"]
    assert next(iter(document["scores"]["people"])) == "d/test/s0"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["truth.csv", "good.csv", "--faces", "3"], "--faces is for runs"),
        (["truth.csv", "good.csv", "--judge", "none"], "--judge is for runs"),
        (["truth.csv", "--threshold", "1"], "--threshold is for tables"),
        (["truth.csv", "good.csv", "good.csv", "good.csv"], "4 paths were given"),
        (["truth.csv", "good.csv", "--threshold", "0"], "threshold must lie above 0"),
        (["truth.csv", "good.csv", "--shift", "1"], "has none of the 240 frames"),
        (["truth.csv", "good.csv", "--match", "id"], "no column of frame ids"),
        (["truth.csv", "gone.csv"], "gone.csv does not exist"),
        (["truth.csv"], "truth.csv is a single table (give both tables: TRUTH PREDICTIONS)"),
    ],
)
def test_one_clear_line_for_what_cannot_be(
    files: Path, capsys: Capture, arguments: list[str], said: str
) -> None:
    assert main(["evaluate", *arguments]) != 0
    out, err = capsys.readouterr()
    assert not out
    assert said in err
    assert err.startswith("error: ")
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["times.csv"], 4, "frame is 0.5 in row 1"),
        (["good.csv", "--face", "best"], 4, "no column with the confidence of faces"),
        (["good.csv", "--shift", "99999999999999999999"], 2, "is not in the range"),
        (["good.csv", "--seed", "-1"], 2, "-1 is not in the range"),
        (["good.csv", "--draws", "1000000000"], 2, "is not in the range"),
    ],
)
def test_what_is_too_much_or_no_frame_is_said(
    files: Path, capsys: Capture, arguments: list[str], code: int, said: str
) -> None:
    (files / "times.csv").write_text("subject,frame,AU1\ns0,0.5,2\ns0,1.5,0\n")
    assert main(["evaluate", "truth.csv", *arguments]) == code
    assert said in capsys.readouterr().err


def test_the_mean_says_over_how_many_aus_it_is(files: Path, capsys: Capture) -> None:
    text = Path("truth.csv").read_text().splitlines()
    cells = [line.split(",") for line in text]
    rows = [cells[0], *([*row[:2], "0.0", row[3]] for row in cells[1:])]
    Path("truth.csv").write_text("\n".join(",".join(row) for row in rows) + "\n")
    assert main(["evaluate", "truth.csv", "good.csv", "--truth-scale", "0-5"]) == 0
    out, err = capsys.readouterr()
    assert "mean: ICC of 1 of 2, f1_norm of 1 of 2 AUs" in out
    assert "AU01 never changes in truth.csv: its ICC and PCC are undefined" in err
