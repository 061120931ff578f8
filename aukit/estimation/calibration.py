"""Thresholds between levels that reproduce the level frequencies of validation people."""

from __future__ import annotations

import torch
from torch import Tensor

from aukit.au import MAX_LEVEL
from aukit.contracts.labels import Labels

NEAREST = tuple(level - 0.5 for level in range(1, MAX_LEVEL + 1))
"""Thresholds of rounding to the nearest level."""


def fit_limits(intensity: Tensor, labels: Labels) -> Tensor:
    """Thresholds that an estimated intensity must reach to count as levels 1 to 5.

    Equipercentile linking (Kolen and Brennan 2014, chapter 2): as many faces lie above the
    threshold of a level as have that level or a higher one. A level that no face has keeps the
    threshold of rounding, unless lower levels push it up.

    Args:
        intensity: (N, A) estimates of validation people.
        labels: codes of the same faces.

    Returns:
        (A, 5) float32, non-decreasing along the last axis.
    """
    rows = [
        _limits(intensity[mask, column].double(), labels.values[mask, column].round())
        for column, mask in enumerate(labels.mask.unbind(1))
    ]
    return torch.stack(rows).float()


def _limits(estimates: Tensor, truth: Tensor) -> Tensor:
    """(5,) thresholds of one AU."""
    ordered = estimates.sort().values
    # No estimate is below the lowest intensity or above the highest.
    ends = torch.tensor([0.0]).double(), torch.tensor([float(MAX_LEVEL)]).double()
    padded = torch.cat([ends[0], ordered, ends[1]])
    found = []
    for level, nearest in enumerate(NEAREST, start=1):
        above = int((truth >= level).sum())
        place = len(ordered) - above
        limit = (padded[place] + padded[place + 1]) / 2
        found.append(limit if above else torch.tensor(nearest).double())
    return torch.stack(found).cummax(0).values


def levels_above(intensity: Tensor, limits: Tensor) -> Tensor:
    """(B, A) int64: how many of the AU's thresholds (A, 5) each intensity (B, A) reaches."""
    return (intensity[..., None] >= limits.to(intensity)).sum(-1)
