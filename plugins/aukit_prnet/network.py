"""The network of PRNet: a picture of a face to its UV position map.

Feng, Wu, Shao, Wang and Zhou, "Joint 3D Face Reconstruction and Dense Alignment with Position Map
Regression Network", ECCV 2018, section 3.2, with the constants of the authors' implementation:
4 x 4 kernels, the SAME padding of TensorFlow, no biases, batch normalisation everywhere but within
the shortcuts.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

PAPER_WIDTH = 16
PAPER_RESOLUTION = 256
REDUCTION = 32
"""How many times smaller the bottleneck is than the picture."""

REACH = 1.1
"""A map value of 1 stands for this many times the side of the picture, in pixels."""

_KERNEL = 4
_LEVELS = (2, 4, 8, 16, 32)
_DECODER = (
    (32, 1),
    *((16, 2), (16, 1), (16, 1)),
    *((8, 2), (8, 1), (8, 1)),
    *((4, 2), (4, 1), (4, 1)),
    *((2, 2), (2, 1)),
    *((1, 2), (1, 1)),
)
"""Channels, in multiples of the width, and stride of each transposed convolution."""

_PRECISE = 4
"""Last layers that autocast must not touch: bfloat16 would round positions to whole pixels."""


class PositionMapNet(nn.Module):
    """Regresses the position map of the face in a cropped picture.

    Args:
        width: channels of the first layer, by which all others scale; 16 in the paper, which makes
            13,353,618 parameters.
        resolution: side of the picture and of the map in pixels, a multiple of 32; 256 in the
            paper. The parameters do not depend on it.

    Raises:
        ValueError: the width is not positive or the resolution not a multiple of 32.
    """

    def __init__(self, width: int = PAPER_WIDTH, resolution: int = PAPER_RESOLUTION) -> None:
        super().__init__()
        if width < 1 or resolution < REDUCTION or resolution % REDUCTION:
            raise ValueError("the width must be positive and the resolution a multiple of 32")
        self.width = width
        self.resolution = resolution
        self.encoder = _encoder(width)
        self.decoder = _decoder(width)

    def forward(self, pictures: Tensor) -> Tensor:
        """Position maps of a batch.

        Args:
            pictures: (B, 3, R, R) float, RGB in 0..1, no mean subtracted.

        Returns:
            (B, 3, R, R) in 0..1: x, y and z of each texel's point of the face in pixels of the
            picture, divided by `REACH` * R.

        Raises:
            ValueError: the pictures have another size.
        """
        side = self.resolution
        if pictures.shape[1:] != (3, side, side):
            raise ValueError(f"expected pictures (B, 3, {side}, {side}), got {pictures.shape}")
        maps: Tensor = self.encoder(pictures)
        for layer in self.decoder[:-_PRECISE]:
            maps = layer(maps)
        with torch.autocast(maps.device.type, enabled=False):
            maps = maps.to(next(self.parameters()).dtype)
            for layer in self.decoder[-_PRECISE:]:
                maps = layer(maps)
        return maps


class Normalised(nn.Sequential):
    """A layer, batch normalisation, and an activation."""

    def __init__(self, layer: nn.Module, channels: int, activation: nn.Module) -> None:
        super().__init__()
        self.layer = layer
        self.norm = _norm(channels)
        self.activation = activation


class SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow's SAME: the odd pixel goes to the right and the bottom."""

    def __init__(self, before: int, after: int, kernel: int, stride: int = 1) -> None:
        padding = kernel // 2 if stride == 1 else (kernel - stride) // 2
        super().__init__(before, after, kernel, stride, max(padding, 0), bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, before, H, W) to (B, after, H / stride, W / stride)."""
        result = super().forward(x)
        # An even kernel, padded evenly, starts one pixel early and makes one row too many.
        return result[..., 1:, 1:] if result.shape[-1] > x.shape[-1] else result


class SameTransposed(nn.ConvTranspose2d):
    """The transpose of `SameConv` with a 4 x 4 kernel; the stride multiplies the size."""

    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__(before, after, _KERNEL, stride, padding=1, bias=False)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """(B, before, H, W) to (B, after, H * stride, W * stride)."""
        result = super().forward(x, output_size)
        return result[..., :-1, :-1] if self.stride == (1, 1) else result


class ResidualBlock(nn.Module):
    """A bottleneck of half the channels between two 1 x 1 convolutions, and a shortcut.

    Args:
        before: channels of the input.
        after: channels of the output.
        stride: of the 4 x 4 convolution and of the shortcut.
    """

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        half = after // 2
        self.shortcut = (
            nn.Identity() if (before, stride) == (after, 1) else SameConv(before, after, 1, stride)
        )
        self.squeeze = Normalised(SameConv(before, half, 1), half, nn.ReLU(inplace=True))
        self.mix = Normalised(SameConv(half, half, _KERNEL, stride), half, nn.ReLU(inplace=True))
        self.expand = SameConv(half, after, 1)
        self.norm = _norm(after)

    def forward(self, x: Tensor) -> Tensor:
        """(B, before, H, W) to (B, after, H / stride, W / stride)."""
        mixed: Tensor = self.expand(self.mix(self.squeeze(x)))
        normed: Tensor = self.norm(self.shortcut(x) + mixed)
        return torch.relu_(normed)


def _norm(channels: int) -> nn.BatchNorm2d:
    # TensorFlow's decay of 0.999 keeps what PyTorch's momentum replaces.
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=1e-3)


def _encoder(width: int) -> nn.Sequential:
    first = Normalised(SameConv(3, width, _KERNEL), width, nn.ReLU(inplace=True))
    blocks: list[nn.Module] = []
    before = width
    for level in _LEVELS:
        after = level * width
        blocks += [ResidualBlock(before, after, 2), ResidualBlock(after, after, 1)]
        before = after
    return nn.Sequential(first, *blocks)


def _decoder(width: int) -> nn.Sequential:
    plan = [(multiple * width, stride) for multiple, stride in _DECODER] + [(3, 1)] * 3
    layers: list[nn.Module] = []
    before = _LEVELS[-1] * width
    for number, (after, stride) in enumerate(plan, start=1):
        last = number == len(plan)
        activation = nn.Sigmoid() if last else nn.ReLU(inplace=True)
        layers.append(Normalised(SameTransposed(before, after, stride), after, activation))
        before = after
    return nn.Sequential(*layers)
