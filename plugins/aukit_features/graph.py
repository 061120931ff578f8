"""Regressions and their features as one tensor graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from aukit.contracts.graph import Tensors
from aukit.estimation.calibration import levels_above
from aukit.vision.resize import resized
from aukit_features.regression import Regression

IMAGES, LANDMARKS = "images", "landmarks"
MIDDLE, ZERO, TRUST = "middle", "zero", "trust"
EXPECTED, LEVEL, NUMBERS = "intensity", "level", "numbers"
STRANGER, ACQUAINTED = "stranger", "acquainted"

ABOUT = {
    IMAGES: "registered faces, RGB, 0..1",
    LANDMARKS: "the 68 iBUG points of each, x y, 0..1 within the picture",
    MIDDLE: "subtracted from the output `numbers` for the person of each face; 0 for unknown "
    "people",
    ZERO: "intensities, after that subtraction, that mean 0 for the person; 0 for unknown people",
    TRUST: "how much is known of the person of each face, 0..1; 0 for unknown people",
    EXPECTED: "expected intensity of each AU, 0..5; probability for an occurrence",
    LEVEL: "decided level of each AU, 0..5; 0 or 1 for an occurrence",
    NUMBERS: "the values from which `middle` is subtracted",
}

Describe = Callable[[Tensors], Tensor]


class Described(nn.Module):
    """What a network sees in pictures, and the landmarks beside it if there are any.

    Args:
        trunk: the network.
        size: side of its pictures.
    """

    def __init__(self, trunk: nn.Module, size: int) -> None:
        super().__init__()
        self.trunk, self.size = trunk, size

    def forward(self, given: Tensors) -> Tensor:
        """(B, D)."""
        seen: Tensor = self.trunk(resized(given[IMAGES], self.size))
        points = given.get(LANDMARKS)
        return seen if points is None else torch.cat([seen, points.flatten(1)], 1)


class Reading(nn.Module):
    """From inputs of faces to intensities and levels.

    Args:
        describe: gives (B, D) numbers of faces; a module if it has weights.
        regressions: `STRANGER` reads faces of people of whom nothing is known; `ACQUAINTED`, if
            there is one, how faces differ from what is usual.
        read: intensities (B, A) from the answers of a regression.
        limits: (A, 5) between levels.
    """

    def __init__(
        self,
        describe: Describe,
        regressions: Mapping[str, Regression],
        read: Callable[[Tensor], Tensor],
        limits: Tensor,
    ) -> None:
        super().__init__()
        self.describe = describe
        self.stranger, self.acquainted = regressions[STRANGER], regressions.get(ACQUAINTED)
        self.read, self.limits = read, limits

    def forward(self, given: Tensors) -> tuple[Tensor, ...]:
        """`intensity`, `level`, and `numbers` if people are told apart."""
        rows = self.describe(given)
        intensity = self.read(self.stranger(rows))
        if self.acquainted is None:
            return intensity, levels_above(intensity, self.limits)
        numbers = self.acquainted.first(rows)
        own = self.read(self.acquainted.answer(numbers - given[MIDDLE]) - given[ZERO])
        intensity = torch.lerp(intensity, own, given[TRUST][:, None])
        return intensity, levels_above(intensity, self.limits), numbers
