"""Detection of action units: F1, F1-norm and accuracy of presence at an intensity threshold."""

from __future__ import annotations

import torch
from torch import Tensor

TERMS = 4
"""Summands per frame: true positive, false positive, false negative, true negative."""


def detection_terms(truth: Tensor, predicted: Tensor, mask: Tensor, threshold: float) -> Tensor:
    """Summands of each frame; truth and prediction are present if at least `threshold`.

    Args:
        truth: (...) intensity.
        predicted: (...) intensity.
        mask: (...) bool; masked entries contribute zeros.
        threshold: lowest intensity that counts as present.

    Returns:
        (..., `TERMS`) float64.
    """
    present, found = truth >= threshold, predicted >= threshold
    cells = [present & found, ~present & found, present & ~found, ~present & ~found]
    return torch.stack([cell & mask for cell in cells], dim=-1).to(torch.float64)


def f1(sums: Tensor) -> Tensor:
    """F1 of presence; NaN if the AU is neither present nor predicted in any frame.

    Args:
        sums: (..., `TERMS`) summed `detection_terms`.

    Returns:
        (...) float64 in 0..1.
    """
    hits, false_alarms, misses, _ = sums.unbind(-1)
    total = 2 * hits + false_alarms + misses
    return 2 * hits / torch.where(total > 0, total, torch.nan)


def f1_norm(sums: Tensor) -> Tensor:
    """F1 as if the AU were present in half of the frames (Jeni, Cohn and De la Torre 2013).

    The negatives are weighted by positives / negatives, the inverse of the skew, so that both
    classes have equal weight: 2 TP / (2 TP + FN + FP (TP + FN) / (FP + TN)). For the same detector,
    plain F1 falls with the share of positives; this one does not.

    Returns:
        (...) float64 in 0..1; NaN where the AU is present in every frame or in none. Shapes as in
        `f1`.
    """
    hits, false_alarms, misses, rejections = sums.unbind(-1)
    negatives = false_alarms + rejections
    weight = (hits + misses) / torch.where(negatives > 0, negatives, torch.nan)
    total = 2 * hits + misses + false_alarms * weight
    return 2 * hits / torch.where(hits + misses > 0, total, torch.nan)


def accuracy(sums: Tensor) -> Tensor:
    """Share of frames whose presence is predicted correctly; NaN without frames. Shapes as in
    `f1`."""
    hits, false_alarms, misses, rejections = sums.unbind(-1)
    total = hits + false_alarms + misses + rejections
    return (hits + rejections) / torch.where(total > 0, total, torch.nan)
