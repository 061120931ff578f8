"""Grouped layers: one small layer per AU, independent of the others.

Weights are stored side by side, and one call computes all of them instead of a loop over AUs.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from aukit.machine.processes import world_size

KERNEL = 5
Statistics = Literal["track", "batch", "running"]
"""What a batch is normalized by: its own statistics, which the running ones follow or not, or the
running ones."""


def halved(size: int, times: int) -> list[int]:
    """Sides of the maps of convolutions with stride 2, rounding up, the input first."""
    sides = [size]
    for _ in range(times):
        sides.append((sides[-1] + 1) // 2)
    return sides


def shrink(groups: int, before: int, after: int, bias: bool = True) -> nn.Conv2d:
    """A 5x5 convolution with stride 2 for each group; channels are those of one group."""
    layer = nn.Conv2d(
        groups * before, groups * after, KERNEL, 2, KERNEL // 2, groups=groups, bias=bias
    )
    _initialize(layer, before * KERNEL**2)
    return layer


def grow(groups: int, before: int, after: int, side: int, gain: float = 1.0) -> nn.ConvTranspose2d:
    """A 5x5 deconvolution with stride 2 for each group, to a map of the given side.

    Args:
        groups: number of groups.
        before, after: channels of one group.
        side: of the larger map.
        gain: factor on the initial weights; small before an output that shall begin near 0.
    """
    layer = nn.ConvTranspose2d(
        groups * before, groups * after, KERNEL, 2, KERNEL // 2, 1 - side % 2, groups=groups
    )
    # Of the 25 weights a quarter meets in each pixel.
    _initialize(layer, before * KERNEL**2 / 4 / gain**2)
    return layer


def _initialize(layer: nn.Conv2d | nn.ConvTranspose2d, inputs: float) -> None:
    """Keep the variance of what passes through the layer and a rectifier."""
    nn.init.normal_(layer.weight, 0.0, math.sqrt(2 / inputs))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


class GroupedLinear(nn.Module):
    """A fully connected layer for each group.

    Args:
        groups: number of groups, A.
        before, after: features of one group.
        gain: variance of an output, for inputs of variance 1; 2 before a rectifier.
    """

    def __init__(self, groups: int, before: int, after: int, gain: float = 2.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(groups, before, after) * math.sqrt(gain / before))
        self.bias = nn.Parameter(torch.zeros(groups, 1, after))

    def forward(self, features: Tensor) -> Tensor:
        """(B, A, before) to (B, A, after)."""
        made = torch.baddbmm(self.bias, features.transpose(0, 1), self.weight)
        return made.transpose(0, 1)


class BatchNorm(nn.Module):
    """Batch normalization whose statistics are those of the whole batch, however many processes.

    What it normalizes by is said by the caller, so that synthetic faces can be normalized by
    themselves without leaving traces in the running statistics.

    Args:
        channels: of the maps.
        momentum: of the running statistics.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, channels: int, momentum: float = 0.1) -> None:
        super().__init__()
        self.momentum = momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))

    def forward(self, maps: Tensor, statistics: Statistics) -> Tensor:
        """(B, C, H, W) to the same shape, float32."""
        maps = maps.float()
        if statistics == "running":
            mean, variance = self.mean, self.variance
        else:
            mean, square = _everywhere(maps.mean((0, 2, 3)), maps.square().mean((0, 2, 3)))
            variance = (square - mean.square()).clamp_min(0)
        if statistics == "track":
            self._follow(mean.detach(), variance.detach())
        scale = self.weight * (variance + 1e-5).rsqrt()
        return maps * scale.view(-1, 1, 1) + (self.bias - mean * scale).view(-1, 1, 1)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        self.mean.lerp_(mean, self.momentum)
        self.variance.lerp_(variance, self.momentum)


def _everywhere(mean: Tensor, square: Tensor) -> tuple[Tensor, Tensor]:
    """Means over the equal shares of all processes; differentiable."""
    if world_size() == 1:
        return mean, square
    from torch.distributed.nn.functional import all_reduce

    both: Tensor = all_reduce(torch.stack([mean, square]))  # type: ignore[no-untyped-call]
    both = both / world_size()
    return both[0], both[1]
