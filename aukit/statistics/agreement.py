"""Agreement of estimated with true intensities: ICC(3,1), PCC, MAE, MSE.

Everything is computed from sums over frames, so that batches, people and bootstrap draws can be
summed before a formula is applied once.
"""

from __future__ import annotations

import torch
from torch import Tensor

TERMS = 8
"""Summands per frame: count, x, y, x^2, y^2, x y, |x - y|, (x - y)^2."""

# Variance of a constant relative to its mean square, left by rounding.
_CONSTANT = 1e-12


def agreement_terms(truth: Tensor, predicted: Tensor, mask: Tensor) -> Tensor:
    """Summands of each frame.

    Args:
        truth: (...) float64.
        predicted: (...) float64.
        mask: (...) bool; masked entries contribute zeros.

    Returns:
        (..., `TERMS`) float64.
    """
    x = torch.where(mask, truth, 0.0)
    y = torch.where(mask, predicted, 0.0)
    difference = x - y
    columns = [mask.to(x), x, y, x * x, y * y, x * y, difference.abs(), difference.square()]
    return torch.stack(columns, dim=-1)


def icc(sums: Tensor) -> Tensor:
    """ICC(3,1): two-way mixed effects, consistency, single rater (Shrout and Fleiss 1979).

    Equal to ICC(C,1) of McGraw and Wong (1996). For two raters, (BMS - EMS) / (BMS + EMS) is 2
    cov(x, y) / (var x + var y). With a constant truth there are no differences between frames to
    agree on, so the score is undefined. A constant estimate scores 0.

    Args:
        sums: (..., `TERMS`) summed `agreement_terms`.

    Returns:
        (...) float64 in -1..1; NaN where the truth is constant, e.g. with fewer than two frames.
    """
    var_x, var_y, cov = _moments(sums)
    total = torch.where(var_x > 0, var_x + var_y, torch.nan)
    return (2 * cov / total).clamp(-1, 1)


def pcc(sums: Tensor) -> Tensor:
    """Pearson correlation; NaN where either side is constant. Shapes as in `icc`."""
    var_x, var_y, cov = _moments(sums)
    scale = var_x.sqrt() * var_y.sqrt()
    return torch.where(scale > 0, (cov / scale).clamp(-1, 1), torch.nan)


def mae(sums: Tensor) -> Tensor:
    """Mean absolute error in levels; NaN where there is no frame. Shapes as in `icc`."""
    return sums[..., 6] / _count(sums)


def mse(sums: Tensor) -> Tensor:
    """Mean squared error in squared levels; NaN where there is no frame. Shapes as in `icc`."""
    return sums[..., 7] / _count(sums)


def _count(sums: Tensor) -> Tensor:
    return torch.where(sums[..., 0] > 0, sums[..., 0], torch.nan)


def _moments(sums: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Variance of x, of y, and their covariance; NaN without frames, 0 where constant."""
    means = sums[..., 1:6] / _count(sums)[..., None]
    x, y, xx, yy, xy = means.unbind(-1)
    var_x, var_y = _variance(x, xx), _variance(y, yy)
    cov = torch.where((var_x == 0) | (var_y == 0), 0.0, xy - x * y)
    return var_x, var_y, cov


def _variance(mean: Tensor, mean_square: Tensor) -> Tensor:
    variance = mean_square - mean.square()
    return torch.where(variance <= _CONSTANT * mean_square, 0.0, variance)
