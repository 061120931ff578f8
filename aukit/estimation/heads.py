"""Heads of estimators: six levels, five thresholds, a number, or the logit of presence.

A head turns the outputs of the last layer into *readings*, defines their loss, and derives the
expected intensity and the level from them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from aukit.au import MAX_LEVEL

LEVELS = MAX_LEVEL + 1


class Head(nn.Module, ABC):
    """A kind of prediction.

    Attributes:
        outputs: outputs of the last layer per AU.
    """

    outputs: int

    def forward(self, raw: Tensor) -> Tensor:
        """Readings (B, A, K) from the outputs (B, A, `outputs`) of the last layer."""
        return raw

    def presence(self, readings: Tensor) -> Tensor:
        """(B, A) logit of presence, for AUs labelled with presence only."""
        return readings[..., 0]

    @abstractmethod
    def loss(self, readings: Tensor, target: Tensor) -> Tensor:
        """(B, A) loss per face and AU; `target` is (B, A) float in 0..5."""

    @abstractmethod
    def intensity(self, readings: Tensor) -> Tensor:
        """(B, A) expected intensity in 0..5."""

    @abstractmethod
    def level(self, readings: Tensor) -> Tensor:
        """(B, A) int64 levels in 0..5 by the head's own rule."""


class Softmax(Head):
    """Six exclusive levels; the most probable is taken (Niinuma et al. 2021, 4.2.2)."""

    outputs = LEVELS

    def loss(self, readings: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy with the nearest level."""
        levels = target.round().long()
        each = functional.cross_entropy(readings.flatten(0, 1), levels.flatten(), reduction="none")
        return each.view(levels.shape)

    def intensity(self, readings: Tensor) -> Tensor:
        """Mean of the levels under their probabilities."""
        levels = torch.arange(LEVELS, dtype=readings.dtype, device=readings.device)
        return readings.softmax(-1) @ levels

    def level(self, readings: Tensor) -> Tensor:
        """The most probable level."""
        return readings.argmax(-1)


class Ordinal(Head):
    """One score per AU and five ordered thresholds; reading k is the logit of "above level k".

    CORAL (Cao, Mirjalili and Raschka 2020): the five tasks share the score and differ only in a
    bias, so that probabilities decrease with the level. In CORAL the biases are ordered at the
    optimum; here they are ordered at every step, as sums of positive gaps.

    Args:
        aus: number of AUs, A.
    """

    outputs = 1

    def __init__(self, aus: int) -> None:
        super().__init__()
        above = torch.arange(MAX_LEVEL, 0, -1) / LEVELS  # P(y > k) for equally likely levels
        start = above.logit()
        self.first = nn.Parameter(start[0].repeat(aus))
        gaps = (start[:-1] - start[1:]).expm1().log()  # the inverse of softplus
        self.gaps = nn.Parameter(gaps.repeat(aus, 1))

    def forward(self, raw: Tensor) -> Tensor:
        """(B, A, 5) logits, decreasing along the last axis."""
        falls = functional.softplus(self.gaps).cumsum(1)
        biases = self.first[:, None] - functional.pad(falls, (1, 0))
        return raw + biases

    def loss(self, readings: Tensor, target: Tensor) -> Tensor:
        """Sum of the five binary cross-entropies (CORAL, equation 5, equal weights)."""
        levels = torch.arange(MAX_LEVEL, device=target.device)
        above = (target.round()[..., None] > levels).to(readings)
        return functional.binary_cross_entropy_with_logits(readings, above, reduction="none").sum(
            -1
        )

    def intensity(self, readings: Tensor) -> Tensor:
        """Mean level: the sum of the probabilities of lying above each level."""
        return readings.sigmoid().sum(-1)

    def level(self, readings: Tensor) -> Tensor:
        """Number of thresholds exceeded with probability above one half: the median level."""
        return (readings > 0).sum(-1)


class Regression(Head):
    """The intensity itself by least squares, clamped to 0..5 when read."""

    outputs = 1

    def forward(self, raw: Tensor) -> Tensor:
        """(B, A, 1) intensities, not clamped; an output of zero is the middle of the scale."""
        return raw + MAX_LEVEL / 2

    def presence(self, readings: Tensor) -> Tensor:
        """The output of the last layer."""
        return readings[..., 0] - MAX_LEVEL / 2

    def loss(self, readings: Tensor, target: Tensor) -> Tensor:
        """Squared error, whose optimum is the expected intensity."""
        return functional.mse_loss(readings[..., 0], target, reduction="none")

    def intensity(self, readings: Tensor) -> Tensor:
        """The reading, clamped to 0..5."""
        return readings[..., 0].clamp(0, MAX_LEVEL)

    def level(self, readings: Tensor) -> Tensor:
        """The nearest level."""
        return self.intensity(readings).round().long()


class Sigmoid(Head):
    """Presence, as the logit of its probability."""

    outputs = 1

    def loss(self, readings: Tensor, target: Tensor) -> Tensor:
        """Binary cross-entropy; `target` is 0 or 1."""
        logit = self.presence(readings)
        return functional.binary_cross_entropy_with_logits(
            logit, target.to(logit), reduction="none"
        )

    def intensity(self, readings: Tensor) -> Tensor:
        """The probability of presence, 0..1."""
        return self.presence(readings).sigmoid()

    def level(self, readings: Tensor) -> Tensor:
        """1 if presence is at least as likely as absence, else 0."""
        return (self.presence(readings) >= 0).long()


class Mixed(Head):
    """A head for intensities, and for the presence of some AUs.

    The last layer has the same number of outputs for each AU; for presence only the first counts.

    Args:
        head: head of the intensities.
        occurrence: (A,) whether each AU is labelled with presence only.
    """

    def __init__(self, head: Head, occurrence: Sequence[bool]) -> None:
        super().__init__()
        self.head, self.sigmoid, self.outputs = head, Sigmoid(), head.outputs
        self.register_buffer("only", torch.tensor(list(occurrence)), persistent=False)

    only: Tensor

    def forward(self, raw: Tensor) -> Tensor:
        """Readings of the intensity head."""
        readings: Tensor = self.head(raw)
        return readings

    def loss(self, readings: Tensor, target: Tensor) -> Tensor:
        """The loss of each AU's own head."""
        shown = torch.where(self._on(target), 0.0, target)  # 0 is a valid code for every head
        own = self.sigmoid.loss(self._logits(readings), target.clamp(0, 1))
        return torch.where(self._on(target), own, self.head.loss(readings, shown))

    def intensity(self, readings: Tensor) -> Tensor:
        """(B, A) intensity in 0..5, or the probability of presence in 0..1."""
        own = self.sigmoid.intensity(self._logits(readings))
        return torch.where(self._on(own), own, self.head.intensity(readings))

    def level(self, readings: Tensor) -> Tensor:
        """(B, A) level in 0..5, or presence, 0 or 1."""
        own = self.sigmoid.level(self._logits(readings))
        return torch.where(self._on(own), own, self.head.level(readings))

    def _logits(self, readings: Tensor) -> Tensor:
        return self.head.presence(readings)[..., None]

    def _on(self, values: Tensor) -> Tensor:
        return self.only.to(values.device)


def head_of(name: str, occurrence: Sequence[bool]) -> Head:
    """A new head for the name in the options.

    Args:
        name: name of the intensity head.
        occurrence: whether each AU is labelled with presence only.
    """
    if all(occurrence):
        return Sigmoid()
    if name == "ordinal":
        head: Head = Ordinal(len(occurrence))
    else:
        head = {"softmax": Softmax, "regression": Regression}[name]()
    return Mixed(head, occurrence) if any(occurrence) else head
