"""The losses of LAC-GAN that are its own (Liu et al. 2019, eq. 3 and 5 to 10).

Each is a mean over faces and a sum over AUs, as eq. 10 has it, so that gradients of equal shares of
a batch average to the gradient of the whole. Uncoded AUs contribute nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def over_aus(values: Tensor, mask: Tensor, weights: Tensor | None = None) -> Tensor:
    """(B, A) losses: sum over the AUs that were coded, mean over faces.

    Args:
        values: of each face and AU.
        mask: (B, A) bool, coded.
        weights: (A,), beta_i over beta; all 1 if None.
    """
    weighted = values if weights is None else values * weights
    return torch.where(mask, weighted, 0.0).sum(1).mean()


def real(logits: Tensor) -> Tensor:
    """-log D: small where logits call something real."""
    return functional.softplus(-logits)


def fake(logits: Tensor) -> Tensor:
    """-log(1 - D): small where logits call something fake.

    Generators minimise -log D of what they made instead of log(1 - D): the same fixed point with
    gradients that do not vanish when the critic is sure (Goodfellow et al. 2014).
    """
    return functional.softplus(logits)


def pixel(restored: Tensor, source: Tensor, attention: Tensor) -> Tensor:
    """(B, A) L1 distances of regions (eq. 5), a mean weighted by attention.

    Weighted by it rather than taken over the picture, so that the sizes of regions do not matter.

    Args:
        restored: (B, A, 3, S, S).
        source: (B, 3, S, S).
        attention: (B, A, S, S).
    """
    error = (restored - source[:, None]).abs().mean(2)
    weight = attention.sum((2, 3)).clamp_min(1.0)
    return (error * attention).sum((2, 3)) / weight


def smoothness(images: Tensor) -> Tensor:
    """Total variation of (B, 3, S, S) pictures, mean over pixels and channels."""
    across = (images[..., 1:] - images[..., :-1]).abs().mean()
    down = (images[..., 1:, :] - images[..., :-1, :]).abs().mean()
    return across + down
