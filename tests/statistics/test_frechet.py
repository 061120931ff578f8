"""The Fréchet distance against a general matrix root, and torch-fidelity where it is installed."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor

from aukit.statistics.frechet import Moments, distance_between, frechet_distance


def features(count: int, width: int, seed: int) -> Tensor:
    random = np.random.default_rng(seed)
    mixing = random.normal(size=(width, width)) / math.sqrt(width)
    values = random.normal(size=(count, width)) @ mixing + random.normal(size=width)
    return torch.from_numpy(values.astype(np.float32))


def reference(one: Tensor, other: Tensor) -> float:
    """The textbook formula with scipy's matrix root, as torch-fidelity and pytorch-fid have it."""
    a, b = one.double().numpy(), other.double().numpy()
    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = scipy.linalg.sqrtm(first @ second).real
    apart = ((a.mean(0) - b.mean(0)) ** 2).sum()
    return float(apart + np.trace(first) + np.trace(second) - 2 * np.trace(root))


@pytest.mark.parametrize(("count", "width"), [(300, 24), (80, 48)])
def test_the_distance_is_that_of_the_matrix_root(count: int, width: int) -> None:
    one, other = features(count, width, 1), features(count + 20, width, 2)
    found = frechet_distance(Moments.of(one), Moments.of(other))
    assert found == pytest.approx(reference(one, other), rel=1e-6)


def test_the_distance_is_that_of_torch_fidelity() -> None:
    fidelity = pytest.importorskip("torch_fidelity.metric_fid")
    one, other = features(200, 16, 3), features(220, 16, 4)
    statistics = [fidelity.fid_features_to_statistics(part) for part in (one, other)]
    theirs = fidelity.fid_statistics_to_metric(*statistics, verbose=False)
    found = frechet_distance(Moments.of(one), Moments.of(other))
    assert found == pytest.approx(theirs["frechet_inception_distance"], rel=1e-6)


def test_known_normal_distributions() -> None:
    """Two dimensions, worked out by hand: means 3 apart, variances 4 and 1 against 1 and 1."""
    one = Moments(3, torch.zeros(2).double(), 2 * torch.diag(torch.tensor([4.0, 1.0])).double())
    shifted = 3 * torch.tensor([3.0, 0.0]).double()
    products = 2 * torch.eye(2).double() + torch.outer(shifted, shifted) / 3
    assert frechet_distance(one, Moments(3, shifted, products)) == pytest.approx(9 + 1)


def test_the_same_pictures_have_no_distance_even_if_they_are_few() -> None:
    few = features(10, 32, 5)
    assert frechet_distance(Moments.of(few), Moments.of(few)) == pytest.approx(0, abs=1e-4)


def test_sums_stream() -> None:
    values = features(50, 8, 6)
    whole, rest = Moments.of(values), Moments.of(values[20:])
    parts = Moments.of(values[:20]) + rest
    torch.testing.assert_close(parts.covariance, whole.covariance)
    torch.testing.assert_close((whole - rest).mean, values[:20].double().mean(0))


def test_one_picture_has_no_distance() -> None:
    one, many = features(1, 4, 7), features(9, 4, 8)
    assert math.isnan(frechet_distance(Moments.of(one), Moments.of(many)))


def test_the_interval_is_that_of_the_jackknife() -> None:
    one, other = features(60, 6, 9), features(60, 6, 10)
    people = [f"p{row % 5}" for row in range(60)]
    found = distance_between(one, other, people, people)
    without = []
    for person in range(5):
        keep = torch.tensor([row % 5 != person for row in range(60)])
        without.append(reference(one[keep], other[keep]))
    spread = math.sqrt(4 / 5 * sum((v - np.mean(without)) ** 2 for v in without))
    assert found.high - found.value == pytest.approx(1.96 * spread, rel=1e-4)
    assert 0 <= found.low < found.value < found.high
    two = distance_between(one, other, ["a", "b"] * 30, ["a", "b"] * 30)
    assert math.isnan(two.low)
    assert two.value == pytest.approx(found.value)
