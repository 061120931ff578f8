"""Monotone curves, to map a judge's scale to intensities 0..5."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scipy.optimize import isotonic_regression
from torch import Tensor


@dataclass(frozen=True)
class Rising:
    """A non-decreasing function: linear between its knots, constant outside.

    Attributes:
        x: (K,) float64, increasing.
        y: (K,) float64, non-decreasing.
    """

    x: Tensor
    y: Tensor

    def __call__(self, values: Tensor) -> Tensor:
        """The function at `values`, float64; NaN stays NaN."""
        inside = values.double().clamp(self.x[0], self.x[-1])
        if len(self.x) == 1:
            return torch.where(inside.isnan(), inside, self.y[0])
        known = inside.nan_to_num(float(self.x[0]))
        right = torch.searchsorted(self.x, known).clamp(1, len(self.x) - 1)
        share = (inside - self.x[right - 1]) / (self.x[right] - self.x[right - 1])
        return torch.lerp(self.y[right - 1], self.y[right], share)


def fit_rising(x: Tensor, y: Tensor) -> Rising:
    """The non-decreasing curve with the least squared error (isotonic regression).

    Args:
        x, y: (N,) finite values, N at least 1; points of equal x are averaged.
    """
    values, inverse = torch.unique(x.double(), return_inverse=True)
    counts = torch.zeros_like(values).index_add_(0, inverse, torch.ones_like(x.double()))
    means = torch.zeros_like(values).index_add_(0, inverse, y.double()) / counts
    fitted = isotonic_regression(means.numpy(), weights=counts.numpy()).x
    return Rising(values, torch.from_numpy(fitted))
