"""Agreement measures against pingouin, scipy and scikit-learn, and their properties."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pingouin
import pytest
import scipy.stats
import sklearn.metrics
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor

from aukit.statistics import agreement

LEVELS = st.lists(st.tuples(st.integers(0, 5), st.floats(0, 5, width=32)), min_size=2, max_size=40)


def sums_of(truth: list[float], predicted: list[float]) -> Tensor:
    x = torch.tensor(truth, dtype=torch.float64)
    y = torch.tensor(predicted, dtype=torch.float64)
    return agreement.agreement_terms(x, y, torch.ones_like(x, dtype=torch.bool)).sum(0)


def random_pair(frames: int, seed: int) -> tuple[list[float], list[float]]:
    random = np.random.default_rng(seed)
    truth = random.integers(0, 6, frames).astype(float)
    predicted = np.clip(truth * 0.6 + random.normal(0.5, 1, frames), 0, 5)
    return truth.tolist(), predicted.tolist()


@pytest.mark.parametrize("seed", range(3))
def test_icc_equals_pingouin(seed: int) -> None:
    truth, predicted = random_pair(60, seed)
    long = pd.DataFrame(
        {
            "frame": [*range(60), *range(60)],
            "rater": ["truth"] * 60 + ["predicted"] * 60,
            "score": truth + predicted,
        }
    )
    table = pingouin.intraclass_corr(long, targets="frame", raters="rater", ratings="score")
    # pingouin called ICC(C,1) "ICC3" before 0.6.
    row = table[table["Type"].isin(["ICC3", "ICC(C,1)"])]
    assert len(row) == 1
    assert float(agreement.icc(sums_of(truth, predicted))) == pytest.approx(
        float(row["ICC"].iloc[0]), abs=1e-6
    )


def test_icc_is_the_ratio_of_mean_squares() -> None:
    truth, predicted = random_pair(30, 7)
    ratings = np.array([truth, predicted]).T
    grand = ratings.mean()
    between = 2 * ((ratings.mean(1) - grand) ** 2).sum() / 29
    residual = ratings - ratings.mean(1, keepdims=True) - ratings.mean(0) + grand
    error = (residual**2).sum() / 29
    expected = (between - error) / (between + error)
    assert float(agreement.icc(sums_of(truth, predicted))) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_others_equal_scipy_and_sklearn(seed: int) -> None:
    truth, predicted = random_pair(200, seed)
    sums = sums_of(truth, predicted)
    assert float(agreement.pcc(sums)) == pytest.approx(
        scipy.stats.pearsonr(truth, predicted).statistic, abs=1e-12
    )
    assert float(agreement.mae(sums)) == pytest.approx(
        sklearn.metrics.mean_absolute_error(truth, predicted), abs=1e-12
    )
    assert float(agreement.mse(sums)) == pytest.approx(
        sklearn.metrics.mean_squared_error(truth, predicted), abs=1e-12
    )


@given(LEVELS)
def test_icc_is_symmetric_bounded_and_ignores_a_shift(pairs: list[tuple[int, float]]) -> None:
    truth, predicted = [float(x) for x, _ in pairs], [y for _, y in pairs]
    assume(np.var(truth) > 1e-6 and np.var(predicted) > 1e-6)
    value = float(agreement.icc(sums_of(truth, predicted)))
    assert -1 <= value <= 1
    assert float(agreement.icc(sums_of(predicted, truth))) == pytest.approx(value, abs=1e-9)
    shifted = [y + 1.0 for y in predicted]
    assert float(agreement.icc(sums_of(truth, shifted))) == pytest.approx(value, abs=1e-6)


@given(LEVELS)
def test_sums_of_parts_are_sums_of_the_whole(pairs: list[tuple[int, float]]) -> None:
    truth, predicted = [float(x) for x, _ in pairs], [y for _, y in pairs]
    half = len(pairs) // 2
    parts = sums_of(truth[:half], predicted[:half]) + sums_of(truth[half:], predicted[half:])
    assert torch.allclose(parts, sums_of(truth, predicted), atol=1e-9)


def test_perfect_agreement() -> None:
    sums = sums_of([0, 1, 2, 5], [0, 1, 2, 5])
    assert float(agreement.icc(sums)) == pytest.approx(1)
    assert float(agreement.pcc(sums)) == pytest.approx(1)
    assert float(agreement.mae(sums)) == 0
    assert float(agreement.mse(sums)) == 0


@pytest.mark.parametrize("constant", [0.0, 0.1, 3.3, 5.0])
def test_constant_sides(constant: float) -> None:
    both = sums_of([constant] * 999, [constant] * 999)
    assert math.isnan(agreement.icc(both))
    assert math.isnan(agreement.pcc(both))
    estimate = sums_of([0.0, 1.0, 5.0], [constant] * 3)
    assert float(agreement.icc(estimate)) == 0
    assert math.isnan(agreement.pcc(estimate))
    truth = sums_of([constant] * 3, [0.0, 1.0, 5.0])
    assert math.isnan(agreement.icc(truth))
    assert math.isnan(agreement.pcc(truth))


def test_nothing_is_undefined_not_zero() -> None:
    sums = torch.zeros(agreement.TERMS, dtype=torch.float64)
    for score in (agreement.icc, agreement.pcc, agreement.mae, agreement.mse):
        assert math.isnan(score(sums))
    assert math.isnan(agreement.icc(sums_of([2.0], [3.0])))


def test_masked_entries_count_nothing_whatever_they_hold() -> None:
    truth = torch.tensor([1.0, 9.0, 3.0], dtype=torch.float64)
    predicted = torch.tensor([2.0, math.nan, 3.0], dtype=torch.float64)
    mask = torch.tensor([True, False, True])
    masked = agreement.agreement_terms(truth, predicted, mask).sum(0)
    assert torch.equal(masked, sums_of([1.0, 3.0], [2.0, 3.0]))
