"""Detection scores against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sklearn.metrics
import torch
from torch import Tensor

from aukit.statistics import detection


def sums_of(truth: list[float], predicted: list[float], threshold: float) -> Tensor:
    x, y = torch.tensor(truth), torch.tensor(predicted)
    mask = torch.ones_like(x, dtype=torch.bool)
    return detection.detection_terms(x, y, mask, threshold).sum(0)


@pytest.mark.parametrize("threshold", [0.5, 1.0, 2.0, 3.5])
def test_equals_sklearn(threshold: float) -> None:
    random = np.random.default_rng(3)
    truth = random.integers(0, 6, 300).astype(float)
    predicted = np.clip(truth + random.normal(0, 1.5, 300), 0, 5)
    sums = sums_of(truth.tolist(), predicted.tolist(), threshold)
    sides = truth >= threshold, predicted >= threshold
    assert float(detection.f1(sums)) == pytest.approx(sklearn.metrics.f1_score(*sides))
    assert float(detection.accuracy(sums)) == pytest.approx(sklearn.metrics.accuracy_score(*sides))


def test_the_threshold_itself_is_present() -> None:
    sums = sums_of([2.0, 1.9], [2.0, 1.9], 2.0)
    assert sums.tolist() == [1, 0, 0, 1]


def test_f1_without_the_au_is_undefined_and_accuracy_is_not() -> None:
    sums = sums_of([0.0, 1.0], [0.0, 0.5], 2.0)
    assert math.isnan(detection.f1(sums))
    assert float(detection.accuracy(sums)) == 1
    nothing = torch.zeros(detection.TERMS, dtype=torch.float64)
    assert math.isnan(detection.accuracy(nothing))


def test_f1_of_an_au_that_is_never_found_is_zero() -> None:
    assert float(detection.f1(sums_of([5.0, 0.0], [0.0, 0.0], 2.0))) == 0


def test_masked_entries_count_nothing() -> None:
    x = torch.tensor([5.0, 5.0])
    terms = detection.detection_terms(x, x, torch.tensor([True, False]), 2.0)
    assert terms.sum(0).tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_skew_normalised_f1_is_the_f1_of_balanced_weights(share: float) -> None:
    random = np.random.default_rng(4)
    present = random.random(2000) < share
    found = present ^ (random.random(2000) < 0.2)
    sums = sums_of((5.0 * present).tolist(), (5.0 * found).tolist(), 2.0)
    weights = np.where(present, 1 / present.sum(), 1 / (~present).sum())
    expected = sklearn.metrics.f1_score(present, found, sample_weight=weights)
    assert float(detection.f1_norm(sums)) == pytest.approx(expected)


def test_skew_normalised_f1_does_not_depend_on_the_skew() -> None:
    rare, common = torch.tensor([8.0, 90, 2, 900]), torch.tensor([800.0, 90, 200, 900])
    assert float(detection.f1_norm(rare)) == pytest.approx(float(detection.f1_norm(common)))
    assert float(detection.f1(rare)) < float(detection.f1(common))


def test_skew_normalised_f1_needs_both_classes() -> None:
    assert math.isnan(detection.f1_norm(torch.tensor([5.0, 0, 1, 0])))
    assert math.isnan(detection.f1_norm(torch.tensor([0.0, 3, 0, 4])))
    assert math.isnan(detection.f1_norm(torch.zeros(4, dtype=torch.float64)))
    assert float(detection.f1_norm(torch.tensor([0.0, 3, 2, 4]))) == 0
