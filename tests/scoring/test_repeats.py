"""Scores of several runs, and the difference of two kinds of runs."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import scipy.stats

from aukit.contracts.context import Context
from aukit.errors import DataError
from aukit.scoring.scores import paired_difference, score_predictions, score_repeats
from aukit.testing.predictions import AUS, made_up, replaced
from aukit_scores.intensity import Intensity
from aukit_scores.plugin import IntensityConfig

METRIC = Intensity(IntensityConfig(), Context())


def mae_of(table: pa.Table, name: str, person: str | None = None) -> float:
    frame = table.to_pandas()
    frame = frame if person is None else frame[frame["subject"] == person]
    frame = frame[[name, f"{name}_predicted"]].dropna().astype(float)
    return float((frame[name] - frame[f"{name}_predicted"]).abs().mean())


def numbers(document: Any) -> Any:
    if isinstance(document, dict):
        return [numbers(document[key]) for key in document if key != "spread"]
    return document


def test_one_repeat_scores_as_one_table() -> None:
    table = made_up(views=2)
    one = score_repeats([table], [METRIC])
    assert numbers(one) == numbers(score_predictions(table, [METRIC]))
    assert one["mean"]["icc"]["spread"] is None


def test_the_value_is_the_mean_and_the_spread_the_standard_deviation_over_runs() -> None:
    runs = [made_up(seed=seed) for seed in range(3)]
    scores = score_repeats(runs, [METRIC])
    single = [score_predictions(run, [METRIC]) for run in runs]
    for name in ("mean", *AUS):
        for score in METRIC.names:
            values = [run[name][score]["value"] for run in single]
            assert scores[name][score]["value"] == pytest.approx(np.mean(values))
            assert scores[name][score]["spread"] == pytest.approx(np.std(values, ddof=1))
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores


def test_identical_runs_have_no_spread_and_the_interval_of_one() -> None:
    table = made_up()
    twice, once = score_repeats([table, table], [METRIC]), score_predictions(table, [METRIC])
    assert twice["AU01"]["icc"]["spread"] == 0
    for end in ("low", "high"):
        assert twice["mean"]["icc"][end] == pytest.approx(once["mean"]["icc"][end])


def test_a_score_that_one_run_leaves_undefined_is_undefined() -> None:
    table = made_up()
    constant = replaced(table, "AU01_predicted", [1.0] * table.num_rows)
    scores = score_repeats([table, constant], [METRIC])
    assert scores["AU01"]["pcc"] == {"value": None, "low": None, "high": None, "spread": None}
    assert scores["mean"]["pcc"]["value"] == scores["AU12"]["pcc"]["value"]
    assert scores["mean"]["pcc"]["spread"] == scores["AU12"]["pcc"]["spread"]


def test_each_person_has_its_own_scores() -> None:
    table = made_up()
    people = score_predictions(table, [METRIC])["people"]
    assert list(people) == [f"d/test/s{i}" for i in range(6)]
    for person, scores in people.items():
        assert scores["frames"] == 40
        maes = [mae_of(table, name, person.rsplit("/")[-1]) for name in AUS]
        assert [scores[name]["mae"]["value"] for name in AUS] == pytest.approx(maes)
        assert scores["mean"]["mae"] == {"value": pytest.approx(np.mean(maes))}


def test_the_difference_is_second_minus_first() -> None:
    good, poor = made_up(noise=0.5), made_up(noise=2.0, seed=1)
    change = paired_difference([good], [poor], [METRIC])
    for name in AUS:
        entry = change[name]["mae"]
        assert entry["value"] == pytest.approx(mae_of(poor, name) - mae_of(good, name))
        assert 0 < entry["low"] < entry["value"] < entry["high"]
    back = paired_difference([poor], [good], [METRIC])
    assert back["mean"]["icc"]["value"] == pytest.approx(-change["mean"]["icc"]["value"])
    assert back["mean"]["icc"]["low"] == pytest.approx(-change["mean"]["icc"]["high"])


def test_nothing_differs_from_itself() -> None:
    table = made_up(views=2)
    change = paired_difference([table], [table], [METRIC])
    for part in (change, *change["views"].values()):
        for name in ("mean", *AUS):
            entries = [part[name][score] for score in METRIC.names]
            assert all(entry[key] == 0 for entry in entries for key in ("value", "low", "high"))


def test_paired_draws_are_narrower_than_separate_ones() -> None:
    """People who are hard for both sides cancel out: as in scipy's paired bootstrap."""
    random = np.random.default_rng(5)
    table = replaced(made_up(frames=30, people=30), "AU01", [1.0] * 30)
    hard = random.uniform(0, 2, 30)
    errors = [hard, hard * 0.8 + random.uniform(0, 0.1, 30)]
    sides = [replaced(table, "AU01_predicted", 1 + error) for error in errors]
    entry = paired_difference([sides[0]], [sides[1]], [METRIC], draws=20_000)["AU01"]["mae"]
    theirs = scipy.stats.bootstrap(
        tuple(errors), lambda x, y, axis: (y - x).mean(axis), n_resamples=20_000, paired=True,
        method="percentile", rng=np.random.default_rng(1),
    ).confidence_interval  # fmt: skip
    assert entry["low"] == pytest.approx(theirs.low, abs=0.01)
    assert entry["high"] == pytest.approx(theirs.high, abs=0.01)
    single = score_predictions(sides[0], [METRIC])["AU01"]["mae"]
    assert entry["high"] - entry["low"] < 0.5 * (single["high"] - single["low"])


def test_seeds_pair_up_for_the_spread_only_where_both_sides_have_as_many() -> None:
    first, second = ([made_up(seed=s, noise=n) for s in (1, 2)] for n in (0.5, 2.0))
    maes = [mae_of(b, "AU01") - mae_of(a, "AU01") for a, b in zip(first, second, strict=True)]
    entry = paired_difference(first, second, [METRIC])["AU01"]["mae"]
    assert entry["value"] == pytest.approx(np.mean(maes))
    assert entry["spread"] == pytest.approx(np.std(maes, ddof=1))
    entry = paired_difference(first[:1], second, [METRIC])["AU01"]["mae"]
    assert entry["value"] == pytest.approx(
        (mae_of(second[0], "AU01") + mae_of(second[1], "AU01")) / 2 - mae_of(first[0], "AU01")
    )
    assert entry["spread"] is None


def test_the_order_of_the_frames_does_not_matter() -> None:
    first, second = made_up(), made_up(noise=2.0, seed=1)
    shuffled = second.take(np.random.default_rng(0).permutation(second.num_rows))
    one, other = (paired_difference([first], [s], [METRIC]) for s in (second, shuffled))
    assert one["mean"]["icc"]["low"] == pytest.approx(other["mean"]["icc"]["low"])


def test_no_side_may_be_empty() -> None:
    with pytest.raises(DataError, match="no predictions"):
        score_repeats([], [METRIC])
    with pytest.raises(DataError, match="both sides"):
        paired_difference([made_up()], [], [METRIC])
