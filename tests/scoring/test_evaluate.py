"""Tables of any origin: what is read, matched, left out, refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pingouin
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sklearn.metrics

from aukit.contracts.context import Context
from aukit.contracts.metric import Metric
from aukit.errors import DataError
from aukit.scoring.evaluate import Reading, evaluate_tables
from aukit.scoring.tables import read_truth
from aukit_scores.intensity import Intensity
from aukit_scores.plugin import IntensityConfig
from aukit_scores.presence import Presence

AUS = (1, 4, 12)
FRAMES = 90


def metric(presence: bool) -> Metric:
    return (Presence if presence else Intensity)(IntensityConfig(), Context())


def levels() -> dict[int, np.ndarray]:
    random = np.random.default_rng(0)
    return {au: random.choice([0, 0, 0, 1, 2, 3, 4, 5], FRAMES).astype(float) for au in AUS}


def truth_table(**columns: Any) -> pd.DataFrame:
    """90 frames of three people; three of AU12 are not coded, each with another code."""
    coded = {f"AU{au}": values.copy() for au, values in levels().items()}
    coded["AU12"][[3, 4, 5]] = 9, -1, 999
    people = np.repeat(["p1", "p2", "p3"], FRAMES // 3)
    frames = np.tile(np.arange(1, FRAMES // 3 + 1), 3)
    return pd.DataFrame({"subject": people, "frame": frames, **coded}).assign(**columns)


def noisy(scale: float = 0.8) -> dict[int, np.ndarray]:
    random = np.random.default_rng(1)
    return {a: np.clip(v + random.normal(0, scale, FRAMES), 0, 5) for a, v in levels().items()}


def openface(**columns: Any) -> pd.DataFrame:
    own = {f" AU{a:02d}_r": v for a, v in noisy().items()}
    own |= {f" AU{a:02d}_c": (v > 1).astype(float) for a, v in noisy().items()}
    keys = truth_table()[["frame", "subject"]]
    return keys.assign(**{" success": 1}).assign(**own).assign(**columns)


@pytest.fixture
def evaluate(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    def run(truth: pd.DataFrame, *predictions: pd.DataFrame, **reading: Any) -> dict[str, Any]:
        paths = []
        for number, table in enumerate((truth, *predictions)):
            paths.append(tmp_path / f"{'ab'[number - 1] if number else 'truth'}.csv")
            table.to_csv(paths[-1], index=False)
        return evaluate_tables(paths[0], paths[1:], metric, Reading(**reading), draws=50)

    return run


Evaluate = Callable[..., dict[str, Any]]


def test_scores_are_those_of_other_libraries(evaluate: Evaluate) -> None:
    found = evaluate(truth_table(), openface())
    assert (found["aus"], found["frames"], found["people"]) == (["AU01", "AU04", "AU12"], 90, 3)
    keep = ~np.isin(truth_table()["AU12"], [9, -1, 999])
    x, y = levels()[12][keep], noisy()[12][keep]
    rows = pd.DataFrame({"n": np.tile(np.arange(len(x)), 2), "r": np.repeat([0, 1], len(x))})
    table = pingouin.intraclass_corr(rows.assign(v=np.r_[x, y]), "n", "r", "v")
    consistent = table["Type"].isin(["ICC3", "ICC(C,1)"])
    scores = found["scores"]["AU12"]
    assert scores["icc"]["value"] == pytest.approx(float(table["ICC"][consistent].iloc[0]))
    assert scores["f1"]["value"] == pytest.approx(sklearn.metrics.f1_score(x >= 2, y >= 2))
    assert scores["mae"]["value"] == pytest.approx(float(np.abs(x - y).mean()))
    assert list(found["scores"]["people"]) == ["p1", "p2", "p3"]
    assert "not coded in truth.csv: frames of AU12 3" in found["notes"]


def test_presence_of_openface_is_scored_on_demand(evaluate: Evaluate) -> None:
    found = evaluate(truth_table(), openface(), estimate="presence")
    truth, marked = levels()[4] >= 2, noisy()[4] > 1
    value = found["scores"]["AU04"]["f1"]["value"]
    assert value == pytest.approx(sklearn.metrics.f1_score(truth, marked))
    assert list(found["scores"]["mean"]) == ["f1", "f1_norm", "accuracy"]


def test_probabilities_of_py_feat_are_cut(evaluate: Evaluate) -> None:
    own = {f"AU{a:02d}": v / 5 for a, v in noisy().items()}
    table = truth_table()[["frame", "subject"]].assign(FaceScore=0.9, **own)
    found = evaluate(truth_table(), table, cut=0.3)
    assert found["presence"]
    value = found["scores"]["AU01"]["accuracy"]["value"]
    assert value == pytest.approx(np.mean((levels()[1] >= 2) == (noisy()[1] / 5 >= 0.3)))


def test_libreface_counts_frames_from_zero(evaluate: Evaluate) -> None:
    own = {f"au_{a}_intensity": v for a, v in noisy().items()}
    table = truth_table()[["subject"]].assign(frame_idx=truth_table()["frame"] - 1, **own)
    with pytest.raises(DataError, match=r"no estimate for 3 of 90 .*first frames 1, 0\)"):
        evaluate(truth_table(), table)
    found = evaluate(truth_table(), table, shift=1)
    reference = evaluate(truth_table(), openface())
    assert found["scores"]["mean"]["icc"] == reference["scores"]["mean"]["icc"]
    skipped = evaluate(truth_table(), table, skip_missing=True)
    assert "frames begin with 1 in truth.csv, 0 in a.csv (--shift N?)" in skipped["notes"]
    assert "3 rows of a.csv match no frame of the truth" in skipped["notes"]
    assert skipped["frames"] == 87


def test_two_predictions_are_compared_on_the_frames_of_both(evaluate: Evaluate) -> None:
    other = openface(**{" AU01_r": 0.0}).drop(columns=[" AU12_r"]).iloc[5:]
    found = evaluate(truth_table(), openface(), other, skip_missing=True)
    assert found["frames"] == 85
    assert found["aus"] == ["AU01", "AU04"]
    keep = slice(5, None)
    x, y = levels()[1][keep], noisy()[1][keep]
    change = found["scores"]["AU01"]["mae"]["value"]
    assert change == pytest.approx(np.abs(x).mean() - np.abs(x - y).mean())
    assert found["scores"]["AU04"]["mae"]["value"] == 0
    assert "only one of the two has AU12: left out" in found["notes"]
    assert "5 frames that are only in a.csv are left out" in found["notes"]


def test_a_face_that_was_not_found_is_no_zero(evaluate: Evaluate) -> None:
    lost = openface()
    lost.loc[[10, 11], " success"] = 0
    lost.loc[[10, 11], [" AU01_r", " AU04_r", " AU12_r"]] = 0.0
    with pytest.raises(DataError, match=r"2 of 90 frames \(0 missing, 2 without a value\)"):
        evaluate(truth_table(), lost)
    found = evaluate(truth_table(), lost, skip_missing=True)
    assert found["frames"] == 88
    assert "2 rows of a.csv report that no face was found" in found["notes"]


def test_nan_is_no_zero(evaluate: Evaluate) -> None:
    gaps = openface()
    gaps.loc[7, " AU04_r"] = np.nan
    with pytest.raises(DataError, match=r"no estimate for 1 of 90 frames .* e\.g\. p1/8"):
        evaluate(truth_table(), gaps)
    empty = evaluate(truth_table(), openface(**{" AU04_r": np.nan}))
    assert empty["aus"] == ["AU01", "AU12"]
    assert "a.csv has no single estimate of AU04" in empty["notes"]


def test_other_scales_are_named(evaluate: Evaluate) -> None:
    with pytest.raises(DataError, match=r"AU01 is 37\.5 in row 1 of .*a\.csv, not an intensity"):
        evaluate(truth_table(), openface(**{" AU01_r": 37.5}))
    high = openface(**{" AU01_r": noisy()[1] + 0.2})
    assert "were clipped to 0..5" in " ".join(evaluate(truth_table(), high, clip=True)["notes"])
    with pytest.raises(DataError, match=r"AU04 is 7 in row 1 of .*truth\.csv, not .*; 90 rows"):
        evaluate(truth_table(AU4=7), openface())


def test_what_may_be_presence_or_weak_intensity_must_be_said(evaluate: Evaluate) -> None:
    plain = truth_table()[["frame", "subject"]].assign(AU1=noisy()[1] / 5)
    with pytest.raises(DataError, match=r"no AU in .*a\.csv is above 1.*--scale 0-1"):
        evaluate(truth_table(), plain)
    assert evaluate(truth_table(), plain, scale="0-1")["presence"]
    assert not evaluate(truth_table(), plain, scale="0-5")["presence"]
    occurrence = truth_table(**{f"AU{a}": (v >= 2).astype(int) for a, v in levels().items()})
    with pytest.raises(DataError, match="--truth-scale 0-1"):
        evaluate(occurrence, openface())
    found = evaluate(occurrence, openface(), truth_scale="0-1")
    value = found["scores"]["AU12"]["f1"]["value"]
    assert value == pytest.approx(sklearn.metrics.f1_score(levels()[12] >= 2, noisy()[12] >= 2))


def test_doubled_frames_are_named(evaluate: Evaluate) -> None:
    twice = pd.concat([openface(), openface().iloc[[4]]])
    with pytest.raises(DataError, match=r"a\.csv has duplicate frames \(1\), e\.g\. p1/5"):
        evaluate(truth_table(), twice)
    with pytest.raises(
        DataError, match=r"truth\.csv has duplicate frames \(60\).* identified only by frame"
    ):
        evaluate(truth_table(), openface().drop(columns=["subject"]).iloc[:30])


def test_frames_of_other_recordings_are_named(evaluate: Evaluate) -> None:
    with pytest.raises(DataError, match=r"none of the 90 frames .*: p1/1 there, q/1 here"):
        evaluate(truth_table(), openface(subject="q", frame=np.arange(1, 91)))


def test_no_au_in_common_or_at_all_is_named(evaluate: Evaluate) -> None:
    keys = truth_table()[["frame", "subject"]]
    with pytest.raises(DataError, match=r"codes AU01, AU04, AU12; a\.csv estimates AU45"):
        evaluate(truth_table(), keys.assign(AU45_r=1.5))
    with pytest.raises(DataError, match=r"a\.csv has no column of an AU \(columns: frame, subject"):
        evaluate(truth_table(), keys)
    with pytest.raises(DataError, match=r"has no intensity of any AU .*OpenFace"):
        evaluate(truth_table(), keys.assign(AU01_c=1), estimate="intensity")
    with pytest.raises(DataError, match="has values that are not numbers"):
        evaluate(truth_table(), keys.assign(AU01_r="much"))


def test_other_aus_are_left_out_aloud(evaluate: Evaluate) -> None:
    found = evaluate(truth_table(AU9=2.0), openface(**{" AU45_r": 1.0, " AU28_c": 1.0}))
    assert found["aus"] == ["AU01", "AU04", "AU12"]
    assert "only truth.csv has AU09: left out" in found["notes"]
    assert "only a.csv has AU45: left out" in found["notes"]
    assert any("also has presence of AU28" in note for note in found["notes"])


def test_without_people_there_are_no_intervals(evaluate: Evaluate) -> None:
    truth = truth_table().drop(columns=["subject"]).assign(frame=np.arange(FRAMES))
    estimates = openface().drop(columns=["subject"]).assign(frame=np.arange(FRAMES))
    found = evaluate(truth, estimates)
    assert found["scores"]["mean"]["icc"]["low"] is None
    assert "no column identifies people: no intervals (--person COLUMN)" in found["notes"]
    named = evaluate(truth.assign(who=truth_table()["subject"]), estimates, person="who")
    assert list(named["scores"]["people"]) == ["p1", "p2", "p3"]
    assert named["scores"]["mean"]["icc"]["low"] is not None
    with pytest.raises(DataError, match="no column 'whose'"):
        evaluate(truth, estimates, person="whose")


def test_rows_are_matched_by_their_order_only_on_demand(evaluate: Evaluate) -> None:
    truth = truth_table().drop(columns=["frame"])
    estimates = openface().drop(columns=["frame"])
    with pytest.raises(DataError, match=r"no column of frame numbers in truth\.csv and in a\.csv"):
        evaluate(truth, estimates)
    found = evaluate(truth, estimates, match="order")
    assert found["scores"]["mean"] == evaluate(truth_table(), openface())["scores"]["mean"]
    with pytest.raises(DataError, match=r"90 rows, .*89"):
        evaluate(truth, estimates.iloc[1:], match="order")


def test_row_order_changes_nothing(evaluate: Evaluate) -> None:
    shuffled = openface().sample(frac=1, random_state=3)
    found, reference = (evaluate(truth_table(), t) for t in (shuffled, openface()))
    assert found["scores"] == reference["scores"]


def test_folders_of_files_take_the_file_name_for_the_recording(tmp_path: Path) -> None:
    for name, table in (("truth", truth_table()), ("openface", openface())):
        (tmp_path / name).mkdir()
        for person, rows in table.groupby("subject"):
            rows.drop(columns=["subject"]).to_csv(tmp_path / name / f"{person}.csv", index=False)
    paths = [tmp_path / "truth", tmp_path / "openface"]
    found = evaluate_tables(paths[0], paths[1:], metric, Reading(person="file"), draws=50)
    assert list(found["scores"]["people"]) == ["p1", "p2", "p3"]
    assert found["frames"] == FRAMES


@pytest.mark.parametrize("suffix", ["parquet", "semicolon", "bom", "upper"])
def test_other_ways_to_write_a_table(tmp_path: Path, suffix: str) -> None:
    table = truth_table()
    path = tmp_path / "truth.csv"
    if suffix == "parquet":
        path = tmp_path / "truth.parquet"
        table.to_parquet(path)
    elif suffix == "semicolon":
        table.to_csv(path, index=False, sep=";")
    elif suffix == "bom":
        table.to_csv(path, index=False, encoding="utf-8-sig")
    else:
        table.rename(columns=str.upper).to_csv(path, index=False)
    side = read_truth(path)
    assert list(side.values) == ["AU01", "AU04", "AU12"]
    assert np.isnan(side.values["AU12"]).sum() == 3
    assert side.keys.column("frame").to_pylist() == table["frame"].tolist()


def test_what_is_no_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.csv does not exist"):
        read_truth(tmp_path / "gone.csv")
    with pytest.raises(DataError, match="contains no CSV or Parquet"):
        read_truth(tmp_path)
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG\xff\xfe\x00")
    with pytest.raises(DataError, match=r"picture\.csv is neither Parquet nor CSV"):
        read_truth(tmp_path / "picture.csv")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(DataError, match=r"broken\.parquet is not a readable Parquet"):
        read_truth(tmp_path / "broken.parquet")
    (tmp_path / "ragged.csv").write_text("frame,AU1\n1,2\n2\n")
    with pytest.raises(DataError, match=r"ragged\.csv is not a readable CSV"):
        read_truth(tmp_path / "ragged.csv")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("frame,subject,AU1\n", "has no rows"),
        ("frame|AU1\n1|2\n", r"no column of an AU \(columns: frame\|AU1\)"),
        ("frame;AU1\n1;2,5x\n", r"column 'AU1' of .*table\.csv has values that are not numbers"),
        ("id,ID,AU1\n1,2,3\n", "two columns are called 'id'"),
        ("frame,AU1\n1.5,2\n", r"frame is 1\.5 in row 1 of .*table\.csv, not a whole number"),
        ("frame,AU1,au_01\n1,2,3\n", "columns 'AU1' and 'au_01' both hold AU01"),
        ("frame,AU1,AU1\n1,2,3\n", "columns 'AU1' and 'AU1' both hold AU01"),
        ("frame,AU1,AU2\n1,9,\n2,-1,999\n", "no frame of .* is coded: .* AU01, AU02"),
    ],
)
def test_a_table_that_cannot_be_the_truth_says_why(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(DataError, match=said) as caught:
        read_truth(tmp_path / "table.csv")
    assert "table.csv" in str(caught.value)


def test_a_frame_without_a_number_is_named(evaluate: Evaluate) -> None:
    truth = truth_table()
    truth["frame"] = truth["frame"].where(truth.index != 7)
    with pytest.raises(DataError, match=r"row 8 of .*truth\.csv has no frame number"):
        evaluate(truth, openface())


def test_what_makes_scores_hollow_is_said(evaluate: Evaluate) -> None:
    nameless = truth_table(subject="p1", frame=np.arange(FRAMES), AU4=0)
    nameless.loc[:2, "subject"] = None
    estimates = openface(frame=np.arange(FRAMES)).drop(columns=["subject"])
    notes = evaluate(nameless, estimates)["notes"]
    assert "AU04 never changes in truth.csv: its ICC and PCC are undefined" in notes
    assert "3 rows of truth.csv have no person: they count as one person" in notes
    notes = evaluate(nameless.assign(subject="p1"), estimates)["notes"]
    assert "truth.csv has only one person: no intervals" in notes


def test_people_called_001_and_frames_of_folders_are_matched(tmp_path: Path) -> None:
    names = {"p1": "001", "p2": "1", "p3": "F04"}
    for name, table in (("truth", truth_table()), ("openface", openface())):
        table = table.assign(subject=table["subject"].map(names))
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        (tmp_path / name).mkdir()
        for person, rows in table.groupby("subject"):
            rows.to_csv(tmp_path / name / f"{person}.csv", index=False)
    for truth, predictions in (("truth.csv", "openface.csv"), ("truth", "openface")):
        found = evaluate_tables(tmp_path / truth, [tmp_path / predictions], metric, draws=10)
        assert (found["frames"], list(found["scores"]["people"])) == (FRAMES, ["001", "1", "F04"])


def test_frames_may_have_names(evaluate: Evaluate) -> None:
    names = [f"{number:05d}.jpg" for number in truth_table()["frame"]]
    found = evaluate(truth_table(frame=names), openface(frame=names))
    assert found["scores"]["mean"] == evaluate(truth_table(), openface())["scores"]["mean"]
    with pytest.raises(DataError, match=r"frames of .*truth\.csv are not numbers .*--shift needs"):
        evaluate(truth_table(frame=names), openface(frame=names), shift=1)
    with pytest.raises(DataError, match=r"frames of .*a\.csv are not numbers \(e\.g\. '00001\.jpg"):
        evaluate(truth_table(), openface(frame=names))


def test_pictures_are_matched_by_their_names(evaluate: Evaluate) -> None:
    names = [f"{n:03d}.jpg" for n in range(FRAMES)]
    truth = truth_table(file=names).drop(columns=["frame"])
    for folder in ("", "/data/faces/"):
        inputs = [folder + name for name in names]
        estimates = openface(input=inputs).drop(columns=["frame", "subject"]).iloc[::-1]
        found = evaluate(truth, estimates)
        assert found["scores"]["mean"] == evaluate(truth_table(), openface())["scores"]["mean"]
    doubled = truth.assign(file="a.jpg")
    with pytest.raises(DataError, match="no column of frame numbers"):
        evaluate(doubled, estimates)


def test_one_of_several_faces_is_chosen(evaluate: Evaluate) -> None:
    others = openface(**{" AU01_r": 0.0, " face_id": 1, " confidence": 0.6})
    both = pd.concat([others, openface(**{" face_id": 0, " confidence": 0.9})])
    with pytest.raises(DataError, match=r"duplicate frames \(90\).*--face"):
        evaluate(truth_table(), both)
    expected = evaluate(truth_table(), openface())["scores"]["mean"]
    for face in ("best", "0"):
        found = evaluate(truth_table(), both, face=face)
        assert found["scores"]["mean"] == expected
        assert f"90 rows of a.csv with other faces are left out (--face {face})" in found["notes"]
    assert evaluate(truth_table(), both, face="1")["scores"]["mean"] != expected
    with pytest.raises(DataError, match=r"has no face '7' \(faces: 0, 1\)"):
        evaluate(truth_table(), both, face="7")
    with pytest.raises(DataError, match="no column with the confidence of faces"):
        evaluate(truth_table(), openface(), face="best")


def test_a_constant_truth_is_not_in_the_mean(evaluate: Evaluate) -> None:
    for estimate in (noisy()[4], 1.0):
        found = evaluate(truth_table(AU4=0), openface(**{" AU04_r": estimate}))["scores"]
        assert found["AU04"]["icc"]["value"] is None
        others = [found[name]["icc"]["value"] for name in ("AU01", "AU12")]
        assert found["mean"]["icc"]["value"] == pytest.approx(np.mean(others))
        assert found["AU04"]["mae"]["value"] is not None


def test_where_only_presence_is_known_there_is_no_icc(tmp_path: Path) -> None:
    table = truth_table().rename(columns={"AU1": "AU01", "AU4": "AU04"}).drop(columns=["AU12"])
    table["AU04"] = (table["AU04"] >= 2).astype(float)
    fields = [
        pa.field(name, pa.float32(), metadata={"aukit.kind": kind})
        for name, kind in (("AU01", "intensity"), ("AU04", "occurrence"))
    ]
    schema = pa.schema([("subject", pa.string()), ("frame", pa.int64()), *fields])
    pq.write_table(pa.Table.from_pandas(table, schema), tmp_path / "truth.parquet")
    openface().to_csv(tmp_path / "a.csv", index=False)
    found = evaluate_tables(tmp_path / "truth.parquet", [tmp_path / "a.csv"], metric, draws=10)
    scores = found["scores"]
    assert (scores["AU04"]["icc"]["value"], scores["AU04"]["mae"]["value"]) == (None, None)
    expected = sklearn.metrics.f1_score(levels()[4] >= 2, noisy()[4] >= 2)
    assert scores["AU04"]["f1"]["value"] == pytest.approx(expected)
    assert scores["mean"]["icc"]["value"] == scores["AU01"]["icc"]["value"]
    assert "only presence is known for AU04: no ICC, PCC or errors" in found["notes"]
