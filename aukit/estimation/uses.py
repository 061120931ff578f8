"""How often a fit shows each face, and the weight of its losses per AU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from aukit.contracts.estimator import TrainingSet
from aukit.contracts.labels import Labels
from aukit.estimation.heads import LEVELS
from aukit.estimation.options import FitOptions


@dataclass(frozen=True)
class Uses:
    """The uses of N faces for A AUs.

    Attributes:
        shown: (N,) int64, how often an epoch shows each face.
        weights: (N, A) float32 weights of its losses each time; 0 where an AU is not coded.
        coded: (N, A) float32 weights during the lead-in: 1 where an AU is coded.
    """

    shown: Tensor
    weights: Tensor
    coded: Tensor


def planned(train_set: TrainingSet, columns: Sequence[int], options: FitOptions) -> Uses:
    """The uses that give every AU of a network its own planned training set.

    A face is shown as often as the AU with the most uses requires; weights do the rest. With one
    AU, all weights are one.

    Args:
        train_set: the planned training set.
        columns: the AUs of the network, as columns of the training set.
        options: `labels` and `class_weights` change the weights.
    """
    chosen = list(columns)
    counts = train_set.counts[:, chosen]
    labels = train_set.faces.labels.select(tuple(train_set.faces.aus[c] for c in chosen))
    shown = counts.amax(1)
    if options.labels == "all":
        weights = _all_weights(labels, counts, shown)
    else:
        weights = counts / shown[:, None].clamp_min(1) * labels.mask
    if options.class_weights == "balanced":
        weights = weights * balanced_weights(labels, counts)
    return Uses(shown.long(), weights, labels.mask.float())


def _all_weights(labels: Labels, counts: Tensor, shown: Tensor) -> Tensor:
    """(N, A) weights with which all shown faces of a level sum to the planned weight."""
    levels = _one_hot(labels)
    wanted, there = _sums(levels, counts), _sums(levels, shown[:, None])
    return (levels * (wanted / there.clamp_min(1))).sum(-1)


def balanced_weights(labels: Labels, counts: Tensor) -> Tensor:
    """Weights with which all levels of an AU's planned training set count the same.

    With N uses and L occurring levels, a level with n uses has the weight N / (L n), so that the
    mean weight over uses is 1 (King and Zeng 2001; scikit-learn's "balanced").

    Args:
        labels: labels of N faces.
        counts: (N, A) planned uses.

    Returns:
        (N, A) float32; 0 where an AU is not coded, and for levels without uses.
    """
    levels = _one_hot(labels)
    uses = _sums(levels, counts)
    occurring = (uses > 0).sum(1, keepdim=True)
    each = uses.sum(1, keepdim=True) / (occurring * uses)
    return (levels * torch.where(uses > 0, each, 0.0)).sum(-1)


def _one_hot(labels: Labels) -> Tensor:
    """(N, A, 6) float32 of the nearest levels; all zero where an AU is not coded."""
    values = torch.where(labels.mask, labels.values, 0.0).round().long()
    return functional.one_hot(values, LEVELS) * labels.mask[..., None].float()


def _sums(levels: Tensor, uses: Tensor) -> Tensor:
    """(A, 6) uses of each level of each AU."""
    return (levels * uses[..., None]).sum(0)
