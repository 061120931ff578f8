"""The metric `presence`: detection of presence alone, for estimates that know no intensity."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from aukit.contracts.context import Context
from aukit.statistics import detection
from aukit_scores.plugin import IntensityConfig


class Presence:
    """F1, skew-normalised F1 and accuracy of presence, as the metric `intensity` has them."""

    names: tuple[str, ...] = ("f1", "f1_norm", "accuracy")

    def __init__(self, config: IntensityConfig, context: Context) -> None:
        self.threshold = config.threshold

    def terms(self, truth: Tensor, predicted: Tensor, mask: Tensor) -> Tensor:
        """Summands of each frame: (N, A) three times -> (N, A, 4) float64."""
        truth, predicted = truth.to(torch.float64), predicted.to(torch.float64)
        return detection.detection_terms(truth, predicted, mask, self.threshold)

    def value(self, sums: Tensor) -> Mapping[str, Tensor]:
        """Scores from summed terms: (..., A, 4) -> name -> (..., A); NaN where undefined."""
        return {
            "f1": detection.f1(sums),
            "f1_norm": detection.f1_norm(sums),
            "accuracy": detection.accuracy(sums),
        }
