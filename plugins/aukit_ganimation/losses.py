"""Losses of the WGAN-GP and of the cycle (Niinuma et al. 2021, eq. 1 and 3).

Losses shared with other synthesizers are in `aukit.synthesis.losses`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def adversarial(real: Tensor, fake: Tensor) -> Tensor:
    """The critic's loss on (B, 1, s, s) scores: E[D(fake)] - E[D(real)] (eq. 1)."""
    return fake.mean() - real.mean()


def gradient_penalty(
    realism: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, mix: Tensor
) -> Tensor:
    """E[(||grad D(x)||_2 - 1)^2] between real and synthetic faces (eq. 1).

    The gradient is of the sum over the patches of a face, as in the implementation that the paper
    used, while the adversarial loss is their mean.

    Args:
        realism: the critic's (B, 1, s, s) verdict of images; differentiable twice.
        real, fake: (B, 3, S, S).
        mix: (B,) in 0..1, share of the real face in each x.
    """
    share = mix.view(-1, 1, 1, 1)
    between = (share * real + (1 - share) * fake).detach().requires_grad_()
    (slope,) = torch.autograd.grad(realism(between).sum(), between, create_graph=True)
    # The tiny number keeps the root differentiable where a slope vanishes.
    steepness = (slope.flatten(1).square().sum(1) + 1e-12).sqrt()
    return (steepness - 1).square().mean()


def cycle(restored: Tensor, source: Tensor) -> Tensor:
    """||G(G(I|yt)|ys) - I||_1, mean over pixels (eq. 3)."""
    return (restored - source).abs().mean()
