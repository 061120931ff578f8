"""Scores of prediction tables."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import sklearn.metrics

from aukit.contracts.context import Context
from aukit.errors import ConfigError, DataError
from aukit.scoring import sums
from aukit.scoring.scores import score_predictions
from aukit.testing.predictions import AUS, made_up, replaced
from aukit_scores.intensity import Intensity
from aukit_scores.plugin import IntensityConfig

METRIC = Intensity(IntensityConfig(), Context())


def test_values_pool_all_coded_frames() -> None:
    table = made_up()
    scores = score_predictions(table, [METRIC])
    assert list(scores) == ["mean", *AUS, "people"]
    frame = table.to_pandas()[["AU12", "AU12_predicted"]].dropna().astype(float)
    expected = sklearn.metrics.mean_absolute_error(frame["AU12"], frame["AU12_predicted"])
    assert scores["AU12"]["mae"]["value"] == pytest.approx(expected, abs=1e-9)
    mean = (scores["AU01"]["mae"]["value"] + scores["AU12"]["mae"]["value"]) / 2
    assert scores["mean"]["mae"]["value"] == pytest.approx(mean)
    for name in ("mean", *AUS):
        entry = scores[name]["icc"]
        assert entry["low"] < entry["value"] < entry["high"]


def test_a_file_streams_to_the_same_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = made_up()
    pq.write_table(table, tmp_path / "predictions.parquet", row_group_size=90)
    whole = score_predictions(table, [METRIC])
    monkeypatch.setattr(sums, "_ROWS", 37)
    streamed = score_predictions(tmp_path / "predictions.parquet", [METRIC])
    _assert_close(whole, streamed)


def test_row_order_changes_nothing() -> None:
    table = made_up(views=2)
    order = np.random.default_rng(1).permutation(table.num_rows)
    _assert_close(
        score_predictions(table, [METRIC]), score_predictions(table.take(order), [METRIC])
    )


def _assert_close(first: Any, second: Any) -> None:
    assert type(first) is type(second)
    if isinstance(first, dict):
        assert list(first) == list(second)
        for key in first:
            _assert_close(first[key], second[key])
    else:
        assert first == pytest.approx(second, abs=1e-9)


def test_views_are_scored_apart_only_where_there_are_several() -> None:
    assert "views" not in score_predictions(made_up(), [METRIC])
    table = made_up(views=3)
    scores = score_predictions(table, [METRIC])
    assert list(scores["views"]) == ["v0", "v1", "v2"]
    only = score_predictions(table.filter(pc.equal(table["view"], "v1")), [METRIC])
    del only["people"]
    _assert_close(scores["views"]["v1"], only)
    mean = scores["mean of views"]
    for unit in ("mean", "AU01"):
        each = [scores["views"][view][unit]["icc"]["value"] for view in ("v0", "v1", "v2")]
        assert mean[unit]["icc"]["value"] == pytest.approx(sum(each) / 3)


def test_undefined_is_null_and_the_result_is_strict_json() -> None:
    table = made_up()
    table = replaced(table, "AU01", [None] * table.num_rows)
    scores = score_predictions(table, [METRIC])
    assert scores["AU01"]["icc"] == {"value": None, "low": None, "high": None}
    assert scores["mean"]["icc"] == scores["AU12"]["icc"]
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores


def test_the_interval_is_over_people_not_frames() -> None:
    few, many = made_up(people=4), made_up(people=200)
    one = score_predictions(made_up(people=1), [METRIC])
    assert one["mean"]["icc"]["low"] is None
    assert score_predictions(few, [METRIC]) != score_predictions(many, [METRIC])


def test_the_same_subject_code_in_two_partitions_is_two_people() -> None:
    table = made_up(people=1)
    half = ["valid" if i % 2 else "test" for i in range(table.num_rows)]
    assert score_predictions(replaced(table, "partition", half), [METRIC])["mean"]["icc"]["low"]


def test_levels_can_be_scored_instead() -> None:
    table = made_up()
    level = score_predictions(table, [METRIC], estimate="level")
    expected = sklearn.metrics.mean_absolute_error(
        table["AU01"].to_numpy(), table["AU01_level"].to_numpy()
    )
    assert level["AU01"]["mae"]["value"] == pytest.approx(expected)


def _missing(table: pa.Table) -> pa.Table:
    return replaced(table, "AU01_predicted", [None, *table["AU01_predicted"].to_pylist()[1:]])


def _nan(table: pa.Table) -> pa.Table:
    return replaced(table, "AU01_predicted", [math.nan, *table["AU01_predicted"].to_pylist()[1:]])


def _percent(table: pa.Table) -> pa.Table:
    return replaced(table, "AU01_predicted", [20.0 * i for i in range(table.num_rows)])


@pytest.mark.parametrize("damage", [_missing, _nan, _percent])
def test_estimates_off_the_scale_are_named(damage: Callable[[pa.Table], pa.Table]) -> None:
    with pytest.raises(DataError, match=r"estimate of AU01 for frame d/test/f"):
        score_predictions(damage(made_up()), [METRIC])


def test_an_estimate_is_not_needed_where_nothing_was_coded() -> None:
    table = made_up()
    hidden = replaced(table, "AU01", [None, *table["AU01"].to_pylist()[1:]])
    assert score_predictions(_missing(hidden), [METRIC]) == score_predictions(hidden, [METRIC])


def test_nothing_to_score_is_an_error() -> None:
    with pytest.raises(DataError, match="no rows or no AUs"):
        score_predictions(made_up().slice(0, 0), [METRIC])
    with pytest.raises(DataError, match="AU01_level"):
        score_predictions(made_up().drop_columns("AU01_level"), [METRIC], estimate="level")


def test_two_metrics_with_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="'accuracy'"):
        score_predictions(made_up(), [METRIC, METRIC])
