"""Generator and critic of GANimation (Pumarola et al. 2018), to the layer."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import torch
from torch import Tensor, nn

from aukit.synthesis.motion import Change
from aukit.vision.resize import resized

SLOPE = 0.01
"""Of the critic's LeakyReLU."""
SPREAD = 0.02
"""Standard deviation of the initial weights of all convolutions."""


class Painting(NamedTuple):
    """The generator's output for a batch.

    Attributes:
        image: (B, 3, S, S) float in -1..1.
        keep: (B, 1, S, S) in 0..1, the share of the input in each pixel; None without attention.
        motion: (B, 2, S, S), where each pixel comes from (`aukit.synthesis.motion`); None without.
    """

    image: Tensor
    keep: Tensor | None = None
    motion: Tensor | None = None


class Verdict(NamedTuple):
    """The critic's output for a batch.

    Attributes:
        realism: (B, 1, s, s), unbounded; higher is more real.
        intensity: (B, A), estimated AUs, ideally in 0..1.
    """

    realism: Tensor
    intensity: Tensor


class Generator(nn.Module):
    """Synthesizes faces with target AUs.

    The attention branch is GANimation's: image = keep * input + (1 - keep) * colour. Without it
    the colour branch is the image (Niinuma et al. 2021).

    Args:
        aus: number of AUs, A.
        width: channels of the first layer, 64 in the paper.
        blocks: residual blocks, 6 in the paper.
        attention: with the attention branch.
        motion: with a branch that moves pixels; ours.
        affine: normalizations scale and shift, as in GANimation's own code; the replicate that
            Niinuma et al. used does without.
    """

    def __init__(
        self,
        aus: int,
        width: int = 64,
        blocks: int = 6,
        attention: bool = False,
        motion: bool = False,
        affine: bool = True,
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_normed(nn.Conv2d(3 + aus, width, 7, padding=3, bias=False), affine),
            *_normed(nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False), affine),
            *_normed(nn.Conv2d(2 * width, 4 * width, 4, 2, 1, bias=False), affine),
            *(Residual(4 * width, affine) for _ in range(blocks)),
            *_normed(nn.ConvTranspose2d(4 * width, 2 * width, 4, 2, 1, bias=False), affine),
            *_normed(nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False), affine),
        )
        self.colour = nn.Conv2d(width, 3, 7, padding=3, bias=False)
        self.attention = nn.Conv2d(width, 1, 7, padding=3, bias=False) if attention else None
        self.motion = nn.Conv2d(width, 2, 7, padding=3, bias=False) if motion else None
        self.apply(_initialize)

    def forward(self, images: Tensor, condition: Tensor) -> Painting:
        """Change (B, 3, S, S) images in -1..1 to (B, A) intensities in 0..1; S a multiple of 4."""
        maps = condition[:, :, None, None].expand(-1, -1, *images.shape[-2:])
        features = self.body(torch.cat([images, maps.to(images.dtype)], 1))
        colour = self.colour(features).tanh()
        motion = None if self.motion is None else self.motion(features)
        if self.attention is None:
            return Painting(colour, None, motion)
        keep = self.attention(features).sigmoid()
        return Painting(keep * images + (1 - keep) * colour, keep, motion)


def repaint(
    generator: nn.Module, images: Tensor, shown: Tensor, wanted: Tensor, composition: str, size: int
) -> Painting:
    """Images with other AUs.

    With `difference` (our extension), the difference between the generator's outputs for the target
    AUs and for the shown AUs is added to the image, so that what it cannot generate is kept. With
    `motion` (also ours), pixels are moved before their colour changes.

    Larger images are changed by the result on a smaller copy, so that fine texture is kept or
    moved.

    Args:
        generator: a `Generator`; with a motion branch for `motion`.
        images: (B, 3, S, S) in -1..1.
        shown, wanted: (B, A) in 0..1.
        composition: `replace`, `difference` or `motion`.
        size: side of the generator's pictures.
    """
    small = resized(images, size)
    if composition == "replace":
        painting: Painting = generator(small, wanted)
        return painting._replace(image=Change(None, painting.image - small).on(images))
    both: Painting = generator(torch.cat([small, small]), torch.cat([wanted, shown]))
    keep = None if both.keep is None else _halves(both.keep)[0]
    motion = None if both.motion is None else _otherwise(both.motion)
    return Painting(Change(motion, _otherwise(both.image)).on(images), keep, motion)


def _otherwise(both: Tensor) -> Tensor:
    """What is otherwise in the first half of a batch than in the second."""
    asked, own = _halves(both)
    return asked - own


def _halves(both: Tensor) -> tuple[Tensor, ...]:
    """The first and the second half of a batch.

    Not by `chunk`, which would fix the size of the batch where the graph is exported.
    """
    return both.reshape(2, -1, *both.shape[1:]).unbind()


class Residual(nn.Module):
    """Two normalized 3x3 convolutions beside the identity.

    Args:
        channels: in and out.
        affine: normalizations scale and shift.
    """

    def __init__(self, channels: int, affine: bool) -> None:
        super().__init__()
        self.path = nn.Sequential(
            *_normed(nn.Conv2d(channels, channels, 3, padding=1, bias=False), affine),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.InstanceNorm2d(channels, affine=affine),
        )

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        changed: Tensor = features + self.path(features)
        return changed


class Critic(nn.Module):
    """Tells real faces from synthetic ones, patch by patch, and estimates their AUs.

    Args:
        aus: number of AUs, A.
        size: side of the pictures.
        width: channels of the first layer, doubled by each further one; 64 in the paper.
        depth: layers, each of which halves the picture; 6 in the paper.
    """

    def __init__(self, aus: int, size: int, width: int = 64, depth: int = 6) -> None:
        super().__init__()
        channels = [3, *(width << layer for layer in range(depth))]
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(channels):
            layers += [nn.Conv2d(before, after, 4, 2, 1), nn.LeakyReLU(SLOPE)]
        self.body = nn.Sequential(*layers)
        self.realism = nn.Conv2d(channels[-1], 1, 3, padding=1, bias=False)
        self.intensity = nn.Conv2d(channels[-1], aus, size >> depth, bias=False)
        self.apply(_initialize)

    def forward(self, images: Tensor) -> Verdict:
        """Judge (B, 3, S, S) images in -1..1."""
        features = self.body(images)
        return Verdict(self.realism(features), self.intensity(features).flatten(1))


def _normed(convolution: nn.Conv2d | nn.ConvTranspose2d, affine: bool) -> list[nn.Module]:
    return [
        convolution,
        nn.InstanceNorm2d(convolution.out_channels, affine=affine),
        nn.ReLU(),
    ]


def _initialize(module: nn.Module) -> None:
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, SPREAD)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
