"""Losses that several synthesizers share.

Every loss is a mean over the faces of a batch, so that gradients of equal shares of a batch average
to the gradient of the whole. Masked AUs contribute zero to the sums; the divisor does not depend on
masks.
"""

from __future__ import annotations

import torch
from torch import Tensor


def expression(estimated: Tensor, wanted: Tensor, mask: Tensor) -> Tensor:
    """Squared error of (B, A) intensities over coded AUs (Niinuma et al. 2021, eq. 2).

    The mean is over all B x A entries, with masked ones 0, so that the weight of an AU does not
    depend on which others are coded.
    """
    return torch.where(mask, estimated - wanted, 0.0).square().mean()


def idiosyncratic(fake: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """||G(Is|yt) - It||_1 for pairs of one person, mean over pixels (Niinuma et al. 2021, eq. 4).

    Args:
        fake, truth: (B, 3, S, S).
        weight: (B,); 0 for pairs of different people, with mean 1 over the whole batch.
    """
    return ((fake - truth).abs().flatten(1).mean(1) * weight).mean()


def total_variation(maps: Tensor) -> Tensor:
    """Sum of differences between neighbouring pixels of (B, C, S, S) maps, mean over faces."""
    across = (maps[..., 1:] - maps[..., :-1]).abs().flatten(1).sum(1)
    down = (maps[..., 1:, :] - maps[..., :-1, :]).abs().flatten(1).sum(1)
    return (across + down).mean()
