"""What the last layer of an estimator says about each AU: six levels, five limits, or a number.

A head turns the numbers of the last layer into *readings*, has a loss for them, and reads the
expected intensity and the level off them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional

from aukit.au import MAX_LEVEL

LEVELS = MAX_LEVEL + 1


class Head(nn.Module, ABC):
    """How one kind of prediction is made.

    Attributes:
        outputs: numbers that the last layer gives for each AU.
    """

    outputs: int

    def forward(self, raw: Tensor) -> Tensor:
        """Readings (B, A, K) from the numbers (B, A, `outputs`) of the last layer."""
        return raw

    @abstractmethod
    def loss(self, readings: Tensor, target: Tensor) -> Tensor:
        """(B, A) loss of each face and AU; `target` is (B, A) float in 0..5."""

    @abstractmethod
    def intensity(self, readings: Tensor) -> Tensor:
        """(B, A) expected intensity in 0..5."""

    @abstractmethod
    def level(self, readings: Tensor) -> Tensor:
        """(B, A) int64 levels in 0..5 by the head's own rule."""


class Softmax(Head):
    """Six levels that exclude each other; the likeliest is taken (Niinuma et al. 2021, 4.2.2)."""

    outputs = LEVELS

    def loss(self, readings: Tensor, target: Tensor) -> Tensor:
        """Cross entropy with the nearest level."""
        levels = target.round().long()
        each = functional.cross_entropy(readings.flatten(0, 1), levels.flatten(), reduction="none")
        return each.view(levels.shape)

    def intensity(self, readings: Tensor) -> Tensor:
        """Mean of the levels under their probabilities."""
        levels = torch.arange(LEVELS, dtype=readings.dtype, device=readings.device)
        return readings.softmax(-1) @ levels

    def level(self, readings: Tensor) -> Tensor:
        """The likeliest level."""
        return readings.argmax(-1)


class Ordinal(Head):
    """One score an AU against five ordered limits; reading k is the logit of "above level k".

    CORAL (Cao, Mirjalili and Raschka 2020): the five tasks share the score and differ in a bias
    alone, so that the probabilities fall with the level. There the order of the biases is a
    property of the optimum; here they are ordered at every step, as the sum of positive gaps.

    Args:
        aus: number of AUs, A.
    """

    outputs = 1

    def __init__(self, aus: int) -> None:
        super().__init__()
        above = torch.arange(MAX_LEVEL, 0, -1) / LEVELS  # P(y > k) where all levels are as likely
        start = above.logit()
        self.first = nn.Parameter(start[0].repeat(aus))
        gaps = (start[:-1] - start[1:]).expm1().log()  # the inverse of softplus
        self.gaps = nn.Parameter(gaps.repeat(aus, 1))

    def forward(self, raw: Tensor) -> Tensor:
        """(B, A, 5) logits, falling along the last axis."""
        falls = functional.softplus(self.gaps).cumsum(1)
        biases = self.first[:, None] - functional.pad(falls, (1, 0))
        return raw + biases

    def loss(self, readings: Tensor, target: Tensor) -> Tensor:
        """Sum of the five binary cross entropies (CORAL, equation 5, equal weights)."""
        levels = torch.arange(MAX_LEVEL, device=target.device)
        above = (target.round()[..., None] > levels).to(readings)
        return functional.binary_cross_entropy_with_logits(readings, above, reduction="none").sum(
            -1
        )

    def intensity(self, readings: Tensor) -> Tensor:
        """Mean of the levels: the sum of the probabilities to lie above each."""
        return readings.sigmoid().sum(-1)

    def level(self, readings: Tensor) -> Tensor:
        """How many levels are more likely passed than not, which is the median level."""
        return (readings > 0).sum(-1)


class Regression(Head):
    """The intensity itself, by least squares, cut to 0..5 where it is read."""

    outputs = 1

    def forward(self, raw: Tensor) -> Tensor:
        """(B, A, 1) intensities, not cut; numbers of zero are the middle of the scale."""
        return raw + MAX_LEVEL / 2

    def loss(self, readings: Tensor, target: Tensor) -> Tensor:
        """Squared error, whose optimum is the expected intensity."""
        return functional.mse_loss(readings[..., 0], target, reduction="none")

    def intensity(self, readings: Tensor) -> Tensor:
        """The number, cut to 0..5."""
        return readings[..., 0].clamp(0, MAX_LEVEL)

    def level(self, readings: Tensor) -> Tensor:
        """The nearest level."""
        return self.intensity(readings).round().long()


def head_of(name: str, aus: int) -> Head:
    """A fresh head by the name of the option, for a number of AUs."""
    if name == "ordinal":
        return Ordinal(aus)
    return {"softmax": Softmax, "regression": Regression}[name]()
