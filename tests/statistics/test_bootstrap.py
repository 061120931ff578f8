"""Bootstrap intervals over people."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from aukit.statistics.bootstrap import bootstrap, draw_people, reach


def mean_of(sums: Tensor) -> dict[str, Tensor]:
    """A metric whose terms are (count, x)."""
    count = torch.where(sums[..., 0] > 0, sums[..., 0], torch.nan)
    return {"mean": sums[..., 1] / count}


def people(values: list[list[float]]) -> Tensor:
    """(P, A, 2) sums of one frame a person; NaN is not coded."""
    x = torch.tensor(values, dtype=torch.float64)
    return torch.stack([(~x.isnan()).double(), x.nan_to_num()], dim=-1)


def test_draws_are_resamples_of_people() -> None:
    counts = draw_people(7, 500, seed=1)
    assert counts.shape == (500, 7)
    assert (counts.sum(1) == 7).all()
    assert torch.equal(counts, draw_people(7, 500, seed=1))
    assert not torch.equal(counts, draw_people(7, 500, seed=2))
    assert counts.mean(0).numpy() == pytest.approx(np.ones(7), abs=0.2)


@pytest.mark.parametrize("number", [5, 12, 40])
def test_interval_agrees_with_scipy(number: int) -> None:
    values = np.random.default_rng(0).gamma(1, 1, number)
    ours = bootstrap(people(values[:, None].tolist()), mean_of, draws=20_000, seed=0)["mean"]
    theirs = scipy.stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=20_000,
        method="BCa",
        confidence_level=math.erf(reach(number, 0.95) / math.sqrt(2)),
        rng=np.random.default_rng(5),
    ).confidence_interval
    assert float(ours.value) == pytest.approx(values.mean())
    assert float(ours.low) == pytest.approx(theirs.low, abs=0.02)
    assert float(ours.high) == pytest.approx(theirs.high, abs=0.03)


def test_few_people_reach_further() -> None:
    expected = [math.sqrt(n / (n - 1)) * scipy.stats.t.ppf(0.975, n - 1) for n in (2, 5, 1000)]
    assert [reach(n, 0.95) for n in (2, 5, 1000)] == pytest.approx(expected)
    assert reach(100_000, 0.95) == pytest.approx(1.96, abs=1e-3)


def test_what_a_score_owes_to_one_person_keeps_its_ends_in_order() -> None:
    scored = bootstrap(people([[0.0]] * 3 + [[5.0]]), mean_of, 500, 0)["mean"]
    assert 0 <= float(scored.low) < 1.25 < float(scored.high) <= 5
    pair = bootstrap(people([[1.0], [2.0]]), mean_of, 500, 0)["mean"]
    assert (float(pair.low), float(pair.high)) == (1, 2)


def test_large_draws_are_split_without_changing_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    sums = people(np.random.default_rng(0).normal(size=(9, 3)).tolist())
    whole = bootstrap(sums, mean_of, 50, 3)["mean"]
    monkeypatch.setattr("aukit.statistics.bootstrap._CHUNK", 13)
    split = bootstrap(sums, mean_of, 50, 3)["mean"]
    assert torch.allclose(whole.low, split.low, atol=1e-12)
    assert whole.mean_high == pytest.approx(split.mean_high)


def test_the_mean_is_over_defined_aus_in_every_draw() -> None:
    sums = people([[1.0, math.nan], [1.0, math.nan], [1.0, math.nan]])
    scored = bootstrap(sums, mean_of, 100, 0)["mean"]
    assert math.isnan(scored.value[1])
    assert math.isnan(scored.low[1])
    assert (scored.mean, scored.mean_low, scored.mean_high) == (1, 1, 1)


def test_an_au_coded_for_some_people_uses_the_draws_that_hold_them() -> None:
    sums = people([[2.0], [math.nan], [math.nan]])
    scored = bootstrap(sums, mean_of, 200, 0)["mean"]
    assert (float(scored.low), float(scored.high)) == (2, 2)


def test_one_person_has_no_interval() -> None:
    scored = bootstrap(people([[3.0]]), mean_of, 100, 0)["mean"]
    assert float(scored.value) == 3
    assert math.isnan(scored.low)
    assert math.isnan(scored.mean_high)


def test_nothing_is_defined_when_nobody_is_coded() -> None:
    scored = bootstrap(people([[math.nan], [math.nan]]), mean_of, 100, 0)["mean"]
    assert math.isnan(scored.mean)
    assert math.isnan(scored.mean_low)


@given(st.lists(st.floats(0, 5), min_size=2, max_size=12), st.integers(0, 5))
def test_interval_lies_within_the_people(values: list[float], seed: int) -> None:
    scored = bootstrap(people([[value] for value in values]), mean_of, 60, seed)["mean"]
    assert min(values) - 1e-9 <= float(scored.low) <= float(scored.high) <= max(values) + 1e-9


@pytest.mark.parametrize(("number", "least"), [(6, 0.86), (30, 0.9)])
def test_interval_covers_the_truth_about_as_often_as_it_says(number: int, least: float) -> None:
    random = np.random.default_rng(11)
    covered = 0
    for trial in range(200):
        sums = people(random.normal(1.0, 1.0, (number, 1)).tolist())
        scored = bootstrap(sums, mean_of, 400, trial)["mean"]
        covered += float(scored.low) <= 1.0 <= float(scored.high)
    assert least <= covered / 200 <= 0.99
