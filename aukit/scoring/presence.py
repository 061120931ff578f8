"""Scores with some AUs known only as present or absent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from aukit.contracts.metric import Metric


class Detection:
    """A metric of intensity with only its detection scores for some AUs.

    Args:
        metric: the metric of intensity.
        scores: the detection scores; other scores are NaN for `only`.
        aus: the AUs of the terms, in order.
        only: the AUs with presence only.
    """

    def __init__(
        self, metric: Metric, scores: Sequence[str], aus: Sequence[str], only: Sequence[str]
    ) -> None:
        self._metric = metric
        self._scores = scores
        self._only = torch.tensor([name in only for name in aus])
        self.names: tuple[str, ...] = metric.names

    def terms(self, truth: Tensor, predicted: Tensor, mask: Tensor) -> Tensor:
        """Summands of each frame, as for the metric."""
        return self._metric.terms(truth, predicted, mask)

    def value(self, sums: Tensor) -> Mapping[str, Tensor]:
        """Scores from summed terms: (..., A, M) -> name -> (..., A)."""
        return {
            name: values if name in self._scores else torch.where(self._only, torch.nan, values)
            for name, values in self._metric.value(sums).items()
        }
