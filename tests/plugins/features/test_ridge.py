"""Ridges against scikit-learn's, and the choice of their penalty."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA  # type: ignore[import-untyped]
from sklearn.linear_model import Ridge  # type: ignore[import-untyped]

from aukit_features.inputs import components, scales
from aukit_features.ridge import PENALTIES, Linear, Problem, choose_on, choose_within, solve
from aukit_features.rows import Rows


def problem(rows: int = 40, inputs: int = 6, outputs: int = 3) -> Problem:
    torch.manual_seed(0)
    x = torch.randn(rows, inputs)
    y = x @ torch.randn(inputs, outputs * 2) + 0.1 * torch.randn(rows, outputs * 2) + 1
    weights = torch.randint(0, 3, (rows, outputs)).float()
    weights[:, 2] = weights[:, 0]
    return Problem(x, y.view(rows, outputs, 2), weights)


@pytest.mark.parametrize("penalty", [1e-3, 0.1, 10.0])
def test_each_output_has_the_ridge_of_its_own_weights(penalty: float) -> None:
    given = problem()
    found = next(solve(given, [penalty]))
    for output in range(3):
        weights = given.weights[:, output].numpy()
        share = weights / weights.sum()
        x, y = given.rows.numpy(), given.targets[:, output].numpy()
        centred = (x - share @ x) * np.sqrt(share)[:, None]
        largest = np.linalg.eigvalsh(centred.T @ centred)[-1]
        # scikit-learn adds the penalty to a sum over weights, not to a mean.
        other = Ridge(alpha=penalty * largest * weights.sum()).fit(x, y, sample_weight=weights)
        mine = slice(2 * output, 2 * output + 2)
        np.testing.assert_allclose(found.weight[:, mine].numpy(), other.coef_.T, atol=1e-5)
        np.testing.assert_allclose(found.bias[mine].numpy(), other.intercept_, atol=1e-5)


def test_maps_in_a_row_are_one_map() -> None:
    first = Linear(torch.randn(5, 4), torch.randn(4))
    second = Linear(torch.randn(4, 2), torch.randn(2))
    rows = torch.randn(7, 5)
    torch.testing.assert_close(second.after(first)(rows), second(first(rows)))


def test_axes_are_the_principal_components() -> None:
    torch.manual_seed(1)
    rows = torch.randn(60, 8) * torch.tensor([9.0, 7, 5, 3, 0.1, 0.1, 0.1, 0.1])
    scale = torch.linspace(1, 2, 8)
    axes = components(Rows(rows), rows.mean(0), scale, 4, seed=0)
    expected = torch.from_numpy(PCA(4).fit((rows * scale).numpy()).components_)
    torch.testing.assert_close((expected @ axes).abs(), torch.eye(4), atol=1e-3, rtol=0)


def test_blocks_weigh_the_same_and_constants_nothing() -> None:
    torch.manual_seed(2)
    rows = torch.cat([5 * torch.randn(50, 3), 0.1 * torch.randn(50, 20), torch.ones(50, 1)], 1)
    scaled = (rows - rows.mean(0)) * scales(rows.std(0, unbiased=False), [3, 20, 1])
    variance = scaled.var(0, unbiased=False)
    torch.testing.assert_close(variance[:3].sum(), torch.tensor(1.0))
    torch.testing.assert_close(variance[3:23].sum(), torch.tensor(1.0))
    assert float(scaled[:, 23].abs().max()) == 0


def _error(truth: torch.Tensor) -> Callable[[torch.Tensor], float]:
    return lambda estimates: -float((estimates - truth).square().mean())


def test_noise_gets_a_large_penalty_and_a_law_a_small_one() -> None:
    torch.manual_seed(3)
    rows = torch.randn(48, 30)
    people = [f"p{row // 4}" for row in range(48)]
    law, noise = rows[:, :1] * 2, torch.randn(48, 1)
    ones = torch.ones(48, 1)
    chosen = {
        name: choose_within(Problem(rows, y[:, None], ones), people, _error(y))[0]
        for name, y in (("law", law), ("noise", noise))
    }
    assert chosen["law"] == PENALTIES[0]
    assert chosen["noise"] >= 1


def test_other_people_choose_the_penalty() -> None:
    torch.manual_seed(4)
    rows, others = torch.randn(20, 15), torch.randn(30, 15)
    law = torch.randn(15, 1)
    given = Problem(rows, (rows @ law)[:, None] + torch.randn(20, 1, 1), torch.ones(20, 1))
    score = _error(others @ law)
    penalty, best = choose_on(given, others, score)
    scores = [score(one(others)) for one in solve(given)]
    assert penalty == PENALTIES[scores.index(max(scores))]
    assert score(best(others)) == max(scores)
