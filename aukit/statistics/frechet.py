"""The Fréchet distance between two sets of pictures in the features of an extractor.

Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium",
NIPS 2017, equation 6: both sets of features are modelled as normal distributions. The result
depends on the extractor and on how pictures are stored, so both are part of its name. It is called
FID only with the Inception network of that paper.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Moments:
    """Sums of feature vectors, which can be streamed, added and subtracted.

    Attributes:
        count: number of vectors.
        total: (D,) float64, their sum.
        products: (D, D) float64, the sum of their outer products.
    """

    count: int
    total: Tensor
    products: Tensor

    @staticmethod
    def of(features: Tensor) -> Moments:
        """The sums of (N, D) features."""
        values = features.to(torch.float64)
        return Moments(len(values), values.sum(0), values.T @ values)

    def __add__(self, other: Moments) -> Moments:
        return Moments(
            self.count + other.count, self.total + other.total, self.products + other.products
        )

    def __sub__(self, other: Moments) -> Moments:
        return Moments(
            self.count - other.count, self.total - other.total, self.products - other.products
        )

    @property
    def mean(self) -> Tensor:
        """(D,) float64."""
        return self.total / self.count

    @property
    def covariance(self) -> Tensor:
        """(D, D) float64, unbiased (divided by count - 1)."""
        spread = self.products - torch.outer(self.total, self.total) / self.count
        return spread / (self.count - 1)


def frechet_distance(one: Moments, other: Moments) -> float:
    """|m1 - m2|^2 + tr C1 + tr C2 - 2 tr (C1 C2)^(1/2).

    The trace of the root is the sum of the square roots of the eigenvalues of C1^(1/2) C2 C1^(1/2),
    which is symmetric. The result is therefore real and defined for singular covariances too,
    unlike with a general matrix square root.

    Returns:
        0 or more; NaN with fewer than two vectors on a side.
    """
    if min(one.count, other.count) < 2:
        return math.nan
    first, second = one.covariance, other.covariance
    values, vectors = torch.linalg.eigh(first)
    root = (vectors * values.clamp_min(0).sqrt()) @ vectors.T
    middle = root @ second @ root
    shared = torch.linalg.eigvalsh((middle + middle.T) / 2).clamp_min(0).sqrt().sum()
    apart = (one.mean - other.mean).square().sum()
    return max(0.0, float(apart + first.trace() + second.trace() - 2 * shared))


@dataclass(frozen=True)
class Distance:
    """A distance with its 95 % interval; NaN where undefined."""

    value: float
    low: float
    high: float


def distance_between(
    one: Tensor, other: Tensor, people: Sequence[str], others: Sequence[str]
) -> Distance:
    """The Fréchet distance of two sets of features, with an interval over people.

    The interval comes from leaving out one person at a time, on both sides (jackknife). A bootstrap
    would repeat pictures, which by itself increases the distance.

    Args:
        one: (N, D) features.
        other: (M, D) features.
        people: length N, person of each row of `one`.
        others: length M, person of each row of `other`.

    Returns:
        the distance; no interval with fewer than three people.
    """
    sums = Moments.of(one), Moments.of(other)
    value = frechet_distance(*sums)
    names = sorted({*people, *others})
    if len(names) < 3 or math.isnan(value):
        return Distance(value, math.nan, math.nan)
    without = [
        frechet_distance(sums[0] - _own(one, people, name), sums[1] - _own(other, others, name))
        for name in names
    ]
    spread = math.sqrt((len(names) - 1) * float(np.var(without)))
    return Distance(value, max(0.0, value - 1.96 * spread), value + 1.96 * spread)


def _own(features: Tensor, people: Sequence[str], name: str) -> Moments:
    return Moments.of(features[torch.tensor([person == name for person in people])])
