"""Which faces teach what: sums as planned, level by level; class weights as scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor
from torch.nn import functional

from aukit.contracts.estimator import TrainingSet
from aukit.estimation.options import FitOptions
from aukit.estimation.uses import balanced_weights, planned
from aukit.testing.drawn import DrawnFaces

COUNTS = hnp.arrays("int8", (24, 2), elements=st.integers(0, 3))


def training_set(counts: object) -> TrainingSet:
    faces = DrawnFaces(24, uncoded=0.2)
    numbers = torch.as_tensor(counts).float()
    columns = torch.zeros(24, len(faces.aus))
    columns[:, :2] = numbers * faces.labels.mask[:, :2]
    return TrainingSet(faces, columns)


def by_level(train: TrainingSet, uses: Tensor) -> Tensor:
    """(2, 6) summed uses of the first two AUs."""
    labels = train.faces.labels
    levels = functional.one_hot(labels.values[:, :2].round().long(), 6)
    return (levels * (uses * labels.mask[:, :2])[..., None]).sum(0)


@pytest.mark.parametrize("labels", ["planned", "all"])
@settings(max_examples=25, deadline=None)
@given(counts=COUNTS)
def test_every_level_weighs_as_the_plan_has_it(labels: str, counts: object) -> None:
    train = training_set(counts)
    uses = planned(train, [0, 1], FitOptions(labels=labels))  # type: ignore[arg-type]
    assert torch.equal(uses.shown, train.counts[:, :2].amax(1).long())
    found = by_level(train, uses.weights * uses.shown[:, None])
    torch.testing.assert_close(found, by_level(train, train.counts[:, :2]))
    assert float(uses.weights.max()) <= 1
    mask = train.faces.labels.mask[:, :2]
    assert bool((uses.weights[~mask] == 0).all())
    assert torch.equal(uses.coded, mask.float())


def test_all_labels_let_faces_teach_what_they_were_not_planned_for() -> None:
    train = training_set(torch.tensor([[1, 0], [0, 1]]).repeat(12, 1))
    only, every = (
        planned(train, [0, 1], FitOptions(labels=labels)).weights  # type: ignore[arg-type]
        for labels in ("planned", "all")
    )
    assert int((only > 0).sum()) < int((every > 0).sum())
    # An AU with a network of its own is shown nothing but its own training set.
    alone = [planned(train, [0], FitOptions(labels=name)).weights for name in ("planned", "all")]
    shown = train.counts[:, 0] > 0
    torch.testing.assert_close(alone[0][shown], alone[1][shown])


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    train = training_set(torch.randint(0, 4, (24, 2)))
    labels, counts = train.faces.labels.select(train.faces.aus[:2]), train.counts[:, :2]
    weights = balanced_weights(labels, counts)
    for column in range(2):
        uses = counts[:, column].long()
        drawn = np.repeat(labels.values[:, column].round().long().numpy(), uses)
        present = np.unique(drawn)
        expected = dict(
            zip(present, compute_class_weight("balanced", classes=present, y=drawn), strict=True)
        )
        for row in uses.nonzero()[:, 0].tolist():
            level = int(labels.values[row, column].round())
            assert weights[row, column] == pytest.approx(expected[level])
        assert (weights[:, column] * uses).sum() == pytest.approx(len(drawn), rel=1e-5)
    balanced = planned(train, [0, 1], FitOptions(class_weights="balanced"))
    sums = by_level(train, balanced.weights * balanced.shown[:, None])
    for row in sums:
        assert row[row > 0].tolist() == pytest.approx(
            [float(row[row > 0][0])] * int((row > 0).sum())
        )
