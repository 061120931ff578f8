"""Isotonic regression against scikit-learn's."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from aukit.statistics.monotone import fit_rising

values = st.integers(-20, 20).map(lambda number: number / 4)


@given(st.lists(st.tuples(values, values), min_size=1, max_size=30), st.lists(values, min_size=1))
def test_the_curve_is_that_of_scikit_learn(
    points: list[tuple[float, float]], asked: list[float]
) -> None:
    x, y = (torch.tensor(column, dtype=torch.float64) for column in zip(*points, strict=True))
    theirs = IsotonicRegression(out_of_bounds="clip").fit(x.numpy(), y.numpy())
    curve = fit_rising(x, y)
    np.testing.assert_allclose(
        curve(torch.tensor(asked)).numpy(), theirs.predict(np.array(asked)), atol=1e-9
    )


def test_what_is_unknown_stays_unknown() -> None:
    curve = fit_rising(torch.tensor([0.0, 1.0]), torch.tensor([0.0, 5.0]))
    found = curve(torch.tensor([torch.nan, 0.5]))
    assert found.isnan().tolist() == [True, False]
    assert float(found[1]) == 2.5
    single = fit_rising(torch.tensor([0.3]), torch.tensor([2.0]))
    assert single(torch.tensor([0.0, torch.nan]))[0] == 2.0
