"""Heads: losses and readings against independent references, gradients, orders and ranges."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import expit, logit
from sklearn.metrics import log_loss, mean_squared_error
from torch.nn import functional
from torch.nn.functional import binary_cross_entropy

from aukit.estimation.heads import LEVELS, Head, Ordinal, Regression, Softmax, head_of

NAMES = ("softmax", "ordinal", "regression")


def readings_of(head: Head, faces: int, aus: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    raw = torch.randn(faces, aus, head.outputs, generator=generator) * 2
    return head(raw).detach()


@pytest.mark.parametrize("name", NAMES)
def test_readings_have_ranges_and_types(name: str) -> None:
    head = head_of(name, [False] * 3)
    readings = readings_of(head, 40, 3)
    intensity, level = head.intensity(readings), head.level(readings)
    assert intensity.shape == level.shape == (40, 3)
    assert level.dtype == torch.int64
    for values in (intensity, level):
        assert float(values.min()) >= 0
        assert float(values.max()) <= 5
    assert head.loss(readings, level.float()).shape == (40, 3)


@pytest.mark.parametrize("name", NAMES)
def test_losses_have_the_gradients_of_finite_differences(name: str) -> None:
    head = head_of(name, [False] * 2).double()
    target = torch.tensor([[0.0, 5.0], [2.0, 3.0], [1.0, 0.0]])
    raw = torch.randn(3, 2, head.outputs, dtype=torch.float64, requires_grad=True)
    inputs = (raw, *head.parameters())
    assert torch.autograd.gradcheck(lambda given, *_: head.loss(head(given), target), inputs)


def test_softmax_is_scikit_learns_log_loss_and_the_mean_level() -> None:
    head = Softmax()
    readings = readings_of(head, 30, 1).double()
    levels = torch.arange(30) % LEVELS
    share = readings[:, 0].softmax(-1).numpy()
    expected = log_loss(levels.numpy(), share, labels=range(LEVELS))
    assert head.loss(readings, levels[:, None].float()).mean() == pytest.approx(expected)
    assert head.intensity(readings)[:, 0].tolist() == pytest.approx(share @ range(LEVELS))
    assert torch.equal(head.level(readings), readings.argmax(-1))


def test_regression_is_scikit_learns_squared_error() -> None:
    head = Regression()
    readings = readings_of(head, 30, 1)
    target = torch.rand(30, 1) * 5
    expected = mean_squared_error(target.numpy(), readings[:, 0].numpy())
    assert head.loss(readings, target).mean() == pytest.approx(expected)
    assert head(torch.zeros(1, 1, 1)).item() == 2.5


def test_ordinal_loss_is_the_sum_of_five_binary_ones() -> None:
    head = Ordinal(2)
    readings, target = (
        readings_of(head, 6, 2),
        torch.tensor([[0.0, 1], [2, 3], [4, 5]]).repeat(2, 1),
    )
    expected = torch.zeros(6, 2)
    for level in range(5):
        expected += functional.binary_cross_entropy(
            readings[..., level].sigmoid(), (target > level).float(), reduction="none"
        )
    torch.testing.assert_close(head.loss(readings, target), expected)
    share = expit(readings.numpy())
    assert head.intensity(readings).tolist() == pytest.approx(share.sum(-1))


def test_ordinal_starts_with_all_levels_as_likely() -> None:
    head = Ordinal(1)
    above = head(torch.zeros(1, 1, 1)).sigmoid().flatten()
    torch.testing.assert_close(above, torch.tensor([5.0, 4, 3, 2, 1]) / 6)
    assert head.intensity(head(torch.zeros(1, 1, 1))).item() == pytest.approx(2.5)


def test_ordinal_biases_become_the_log_odds_of_the_levels() -> None:
    """Where faces tell nothing, the optimum is the frequency of "above k" for each k."""
    counts = torch.tensor([40, 25, 15, 10, 6, 4])
    target = torch.repeat_interleave(torch.arange(6), counts)[:, None].double()
    head = Ordinal(1).double()
    optimizer = torch.optim.LBFGS(head.parameters(), max_iter=200, line_search_fn="strong_wolfe")
    raw = torch.zeros(100, 1, 1, dtype=torch.float64)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = head.loss(head(raw), target).mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    above = 1 - counts.cumsum(0)[:-1].numpy() / 100
    assert head(raw)[0, 0].tolist() == pytest.approx(logit(above), abs=1e-3)


@settings(max_examples=30, deadline=None)
@given(
    hnp.arrays("float32", (4, 2, 1), elements=st.floats(-30, 30, width=32)),
    hnp.arrays("float32", (2, 4), elements=st.floats(-20, 20, width=32)),
)
def test_ordinal_probabilities_never_rise_with_the_level(raw: object, gaps: object) -> None:
    head = Ordinal(2)
    head.gaps.data = torch.as_tensor(gaps)
    readings = head(torch.as_tensor(raw))
    assert bool((readings[..., :-1] >= readings[..., 1:]).all())
    # Equal numbers may differ in the last bit after sigmoid, which is computed in several ways.
    above = readings.sigmoid()
    assert bool((above[..., :-1] >= above[..., 1:] * (1 - 1e-6)).all())


def test_ordinal_level_is_the_median_level() -> None:
    head = Ordinal(2)
    readings = readings_of(head, 50, 2)
    above = functional.pad(readings.sigmoid(), (1, 1))
    above[..., 0] = 1.0
    share = above[..., :-1] - above[..., 1:]  # probability of each level
    assert torch.equal(head.level(readings), (share.cumsum(-1) < 0.5).sum(-1))


@pytest.mark.parametrize("name", ["softmax", "ordinal", "regression"])
def test_presence_has_a_sigmoid_beside_any_head(name: str) -> None:
    """The AUs of intensity are read as without the other, which has the logit of its presence."""
    torch.manual_seed(0)
    plain, mixed = head_of(name, [False, False]), head_of(name, [False, True])
    raw = torch.randn(16, 2, plain.outputs)
    target = torch.stack([torch.arange(16) % 6, torch.arange(16) % 2], 1).float()
    readings = mixed(raw)
    logit = raw[:, 1, 0] if name != "ordinal" else readings[:, 1, 0]
    assert mixed.intensity(readings)[:, 1].allclose(logit.sigmoid())
    assert mixed.level(readings)[:, 1].equal((logit >= 0).long())
    assert mixed.intensity(readings)[:, 0].equal(plain.intensity(plain(raw))[:, 0])
    loss = mixed.loss(readings, target)
    assert loss[:, 0].equal(plain.loss(plain(raw), target)[:, 0])
    expected = binary_cross_entropy(logit.sigmoid(), target[:, 1], reduction="none")
    assert loss[:, 1].allclose(expected, atol=1e-5)


def test_presence_alone_needs_one_number() -> None:
    head = head_of("softmax", [True, True])
    raw = torch.tensor([[[2.0], [-1.0]]])
    assert head.outputs == 1
    assert head.intensity(head(raw)).tolist()[0] == pytest.approx([0.8808, 0.2689], abs=1e-4)
    assert head.level(head(raw)).tolist() == [[1, 0]]
