"""The losses of Niinuma et al. 2021, section 3.2, and of GANimation's attention mask.

Every loss is a mean over the faces of a batch, so that gradients of equal shares of a batch average
to the gradient of the whole. Masked AUs add nothing to the sums, and nothing to what is divided by.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def adversarial(real: Tensor, fake: Tensor) -> Tensor:
    """What the critic minimises of (B, 1, s, s) verdicts: E[D(fake)] - E[D(real)] (eq. 1)."""
    return fake.mean() - real.mean()


def gradient_penalty(
    realism: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, mix: Tensor
) -> Tensor:
    """E[(||grad D(x)||_2 - 1)^2] between real and painted faces (eq. 1).

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


def expression(estimated: Tensor, wanted: Tensor, mask: Tensor) -> Tensor:
    """Squared error of (B, A) intensities in 0..1 over the AUs that were coded (eq. 2).

    The mean is over all B x A entries, of which masked ones are 0: an AU counts the same whatever
    else was coded with it.
    """
    return torch.where(mask, estimated - wanted, 0.0).square().mean()


def cycle(restored: Tensor, source: Tensor) -> Tensor:
    """||G(G(I|yt)|ys) - I||_1, mean over pixels (eq. 3)."""
    return (restored - source).abs().mean()


def idiosyncratic(fake: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """||G(Is|yt) - It||_1 for pairs of one person, mean over pixels (eq. 4).

    Args:
        fake, truth: (B, 3, S, S).
        weight: (B,); 0 for pairs of different people, with mean 1 over the whole batch.
    """
    return ((fake - truth).abs().flatten(1).mean(1) * weight).mean()


def total_variation(keep: Tensor) -> Tensor:
    """Sum of the steps between neighbouring pixels of (B, 1, S, S) masks, mean over faces."""
    across = (keep[..., 1:] - keep[..., :-1]).abs().flatten(1).sum(1)
    down = (keep[..., 1:, :] - keep[..., :-1, :]).abs().flatten(1).sum(1)
    return (across + down).mean()
