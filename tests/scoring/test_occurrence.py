"""AUs of which only presence is known: which scores they have, on either side of a comparison."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import accuracy_score, f1_score

from aukit.contracts.context import Context
from aukit.data.kinds import OCCURRENCE, Kinds
from aukit.data.records import prediction_schema
from aukit.errors import DataError
from aukit.scoring.scores import paired_difference, score_predictions
from aukit_scores.intensity import Intensity
from aukit_scores.plugin import IntensityConfig

AUS = ("AU01", "AU12")
ONLY: Kinds = {"AU01": OCCURRENCE}
METRICS = [Intensity(IntensityConfig(threshold=2.0), Context())]


def table(truth: Kinds, estimate: Kinds, seed: int = 0) -> pa.Table:
    """200 frames of four people; AU01 of either kind on either side."""
    schema = prediction_schema(AUS, truth, estimate)
    codes, guess = np.random.default_rng(7), np.random.default_rng(seed)
    columns: dict[str, object] = {
        "id": [str(row) for row in range(200)],
        "dataset": ["d"] * 200,
        "subject": [f"s{row % 4}" for row in range(200)],
    }
    for au in AUS:
        true = codes.integers(0, 6, 200)
        said = np.clip(true + guess.normal(0, 1.5, 200), 0, 5)
        columns[au] = (true >= 3).astype(float) if au in truth else true.astype(float)
        columns[f"{au}_predicted"] = said / 5 if au in estimate else said
        columns[f"{au}_level"] = (said / (5 if au in estimate else 1)).round()
    arrays = [pa.array(columns.get(f.name, [None] * 200)).cast(f.type) for f in schema]
    return pa.table(arrays, schema=schema)


@pytest.mark.parametrize("truth", [ONLY, {}])
@pytest.mark.parametrize("estimate", [ONLY, {}])
def test_each_side_is_cut_by_its_kind(truth: Kinds, estimate: Kinds) -> None:
    frames = table(truth, estimate)
    scores = score_predictions(frames, METRICS, draws=0)
    present = frames["AU01"].to_numpy() >= (1 if truth else 2)
    found = frames["AU01_predicted"].to_numpy() >= (0.5 if estimate else 2)
    assert scores["AU01"]["f1"]["value"] == pytest.approx(f1_score(present, found))
    assert scores["AU01"]["accuracy"]["value"] == pytest.approx(accuracy_score(present, found))
    only = bool(truth or estimate)
    assert scores.get("presence", []) == (["AU01"] if only else [])
    assert (scores["AU01"]["icc"]["value"] is None) == only
    assert scores["AU12"]["icc"]["value"] is not None
    if only:
        assert scores["AU01"]["auc"]["value"] > 0.8
        assert scores["AU12"]["auc"]["value"] is None
        assert scores["mean"]["icc"] == scores["AU12"]["icc"]


def test_runs_that_know_an_au_differently_are_compared_by_presence() -> None:
    found = paired_difference([table(ONLY, ONLY)], [table(ONLY, {}, 1)], METRICS, draws=20)
    assert found["AU01"]["icc"]["value"] is None
    each = [score_predictions(t, METRICS, draws=0) for t in (table(ONLY, ONLY), table(ONLY, {}, 1))]
    apart = each[1]["AU01"]["auc"]["value"] - each[0]["AU01"]["auc"]["value"]
    assert found["AU01"]["auc"]["value"] == pytest.approx(apart)


def test_a_probability_above_one_is_refused() -> None:
    frames = table(ONLY, ONLY)
    place = frames.column_names.index("AU01_predicted")
    field = frames.schema.field(place)
    wrong = frames.set_column(place, field, pa.array([1.5] * 200, pa.float32()))
    with pytest.raises(DataError, match=r"AU01 for frame 0 is 1\.5, not in 0\.\.1"):
        score_predictions(wrong, METRICS)
