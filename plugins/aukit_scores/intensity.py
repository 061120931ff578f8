"""The metric `intensity`: agreement of intensities and detection of presence."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from aukit.contracts.context import Context
from aukit.statistics import agreement, detection
from aukit_scores.plugin import IntensityConfig


class Intensity:
    """ICC(3,1), MAE, MSE, PCC of intensity, and F1, skew-normalised F1, accuracy of presence.

    Presence is intensity at or above the threshold, in the truth and in the estimate alike; the
    default of 2 is the practice on DISFA.
    """

    names: tuple[str, ...] = ("icc", "mae", "mse", "pcc", "f1", "f1_norm", "accuracy")
    lower_is_better: tuple[str, ...] = ("mae", "mse")

    def __init__(self, config: IntensityConfig, context: Context) -> None:
        self.threshold = config.threshold

    def terms(self, truth: Tensor, predicted: Tensor, mask: Tensor) -> Tensor:
        """Summands of each frame: (N, A) three times -> (N, A, 12) float64."""
        truth, predicted = truth.to(torch.float64), predicted.to(torch.float64)
        detected = detection.detection_terms(truth, predicted, mask, self.threshold)
        return torch.cat([agreement.agreement_terms(truth, predicted, mask), detected], dim=-1)

    def value(self, sums: Tensor) -> Mapping[str, Tensor]:
        """Scores from summed terms: (..., A, 12) -> name -> (..., A); NaN where undefined."""
        agreed, detected = torch.split(sums, [agreement.TERMS, detection.TERMS], dim=-1)
        return {
            "icc": agreement.icc(agreed),
            "mae": agreement.mae(agreed),
            "mse": agreement.mse(agreed),
            "pcc": agreement.pcc(agreed),
            "f1": detection.f1(detected),
            "f1_norm": detection.f1_norm(detected),
            "accuracy": detection.accuracy(detected),
        }
