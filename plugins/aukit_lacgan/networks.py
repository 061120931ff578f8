"""The networks of LAC-GAN (Liu, Liu and Wu 2019, section 3.2 and 4.1), all AUs at once.

The paper gives kernels (5x5), layers, and the size of z and of the label code (60), but not
channels, strides or activations. These follow the work that it builds on, CAAE (Zhang, Song
and Qi 2017): stride 2, channels doubled by each layer, tanh at z and at the picture. Rectifiers
leak, since narrow generators died with plain ones.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.transforms.functional import gaussian_blur

from aukit_lacgan.grouped import BatchNorm, GroupedLinear, Statistics, grow, halved, shrink

LAYERS = 5
"""Convolutions of an encoder, deconvolutions of a decoder."""
SHARED = 4
"""Convolutions that a local critic shares with its AU regression; the global critic has as many."""
LATENT_CRITIC = (64, 32, 16, 1)
HIDDEN = 64
"""Features in which a local critic joins a region with its label."""
LEAK = 0.2
COLOURS = 3
MOVING = COLOURS + 2
"""Channels of a generator that also says how pixels move, across and down."""
FAINT = 0.1
"""Factor on the initial weights of the last layer: pictures begin grey, not as noise."""


class Repainting(NamedTuple):
    """The generators' output.

    Attributes:
        latent: (B, A, Z) in -1..1, z.
        pictures: (B, K, A, 3, S, S) in -1..1, one for each of K labels; right inside the region.
    """

    latent: Tensor
    pictures: Tensor


class Verdict(NamedTuple):
    """The local critics' output.

    Attributes:
        realism: (B, A) logits that a region is real and shows its label.
        label: (B, A), label estimated by the regression, ideally in -1..1.
    """

    realism: Tensor
    label: Tensor


def label_code(labels: Tensor, length: int) -> Tensor:
    """(...,) labels in -1..1 as (..., length): the pair (absent, present) over and over."""
    pair = torch.stack([-labels, labels], -1)
    return pair.repeat(*[1] * labels.ndim, length // 2)


def blurred(maps: Tensor, deviation: float) -> Tensor:
    """(..., H, W) maps after a Gaussian blur, up to three deviations wide; unchanged after 0."""
    if not deviation:
        return maps
    side = 2 * math.ceil(3 * deviation) + 1
    soft: Tensor = gaussian_blur(maps, [side, side], [deviation, deviation])
    return soft


class RegionGenerators(nn.Module):
    """The conditional AU region generators (CARG), one for each AU.

    Args:
        aus: number of AUs, A.
        size: side of the pictures, S.
        width: channels of the first convolution.
        latent: dimensions of z and of the label code, Z.
        paints: channels of what they generate, C: colours, and behind them motion if any.
    """

    def __init__(self, aus: int, size: int, width: int, latent: int, paints: int = COLOURS) -> None:
        super().__init__()
        self.aus, self.latent, self.paints = aus, latent, paints
        sides = halved(size, LAYERS)
        channels = [3, *(width << layer for layer in range(LAYERS))]
        self.core = sides[-1]
        flat = channels[-1] * sides[-1] ** 2
        self.encoder = nn.ModuleList(shrink(aus, *pair) for pair in itertools.pairwise(channels))
        self.to_latent = GroupedLinear(aus, flat, latent, gain=1.0)
        self.from_code = GroupedLinear(aus, 2 * latent, flat)
        steps = zip(itertools.pairwise([*channels[:0:-1], paints]), sides[-2::-1], strict=True)
        self.decoder = nn.ModuleList(
            grow(aus, *pair, side, FAINT if side == size else 1.0) for pair, side in steps
        )

    def forward(self, regions: Tensor, labels: Tensor) -> Repainting:
        """Synthesize (B, A, 3, S, S) regions with (B, K, A) labels in -1..1."""
        latent = self.encode(regions)
        codes = label_code(labels, self.latent)
        seeds = torch.cat([latent[:, None].expand_as(codes), codes.to(latent.dtype)], -1)
        pictures = self.decode(seeds.flatten(0, 1))
        return Repainting(latent, pictures.view(*labels.shape[:2], *pictures.shape[1:]))

    def encode(self, regions: Tensor) -> Tensor:
        """(B, A, 3, S, S) to z, (B, A, Z)."""
        maps = regions.flatten(1, 2)
        for layer in self.encoder:
            maps = functional.leaky_relu(layer(maps), LEAK)
        latent: Tensor = self.to_latent(maps.reshape(maps.shape[0], self.aus, -1))
        return latent.tanh()

    def decode(self, codes: Tensor) -> Tensor:
        """(B, A, 2 Z), z and label code, to (B, A, 3, S, S)."""
        side = self.core
        maps: Tensor = self.from_code(codes).reshape(codes.shape[0], -1, side, side)
        for layer in self.decoder:
            maps = layer(functional.leaky_relu(maps, LEAK))
        return maps.tanh().reshape(maps.shape[0], self.aus, self.paints, *maps.shape[2:])


class LatentCritics(nn.Module):
    """D_z: tells z from a uniform prior, one for each AU; four fully connected layers.

    Args:
        aus: number of AUs, A.
        latent: dimensions of z, Z.
    """

    def __init__(self, aus: int, latent: int) -> None:
        super().__init__()
        sizes = itertools.pairwise((latent, *LATENT_CRITIC))
        self.layers = nn.ModuleList(GroupedLinear(aus, *pair) for pair in sizes)

    def forward(self, latent: Tensor) -> Tensor:
        """(B, A, Z) to (B, A) logits."""
        for place, layer in enumerate(self.layers):
            latent = layer(latent if place == 0 else functional.leaky_relu(latent, LEAK))
        return latent[..., 0]


class LocalCritics(nn.Module):
    """D_AU and R, one of each for each AU, on four shared convolutions with batch normalization.

    The label joins behind the shared part, since the regression would read it off before.

    A blur in front of them takes away patterns finer than what AUs look like, in which generators
    otherwise hide labels from everybody but the regression.

    Args:
        aus: number of AUs, A.
        size: side of the pictures, S.
        width: channels of the first convolution.
        code: length of the label code.
        blur: standard deviation of the blur in pixels; 0 for none, as in the paper.
    """

    def __init__(self, aus: int, size: int, width: int, code: int, blur: float = 0.0) -> None:
        super().__init__()
        self.aus, self.code, self.blur = aus, code, blur
        channels = [3, *(width << layer for layer in range(SHARED))]
        flat = channels[-1] * halved(size, SHARED)[-1] ** 2
        pairs = itertools.pairwise(channels)
        self.layers = nn.ModuleList(shrink(aus, *pair, bias=False) for pair in pairs)
        self.norms = nn.ModuleList(BatchNorm(aus * count) for count in channels[1:])
        self.joined = GroupedLinear(aus, flat + code, HIDDEN)
        self.realism = GroupedLinear(aus, HIDDEN, 1, gain=1.0)
        self.regression = GroupedLinear(aus, flat, 1, gain=1.0)

    def forward(self, regions: Tensor, labels: Tensor, statistics: Statistics) -> Verdict:
        """Judge (B, A, 3, S, S) regions with (B, A) labels in -1..1."""
        features = self.features(regions, statistics)
        code = label_code(labels, self.code).to(features.dtype)
        joined = self.joined(torch.cat([features, code], -1))
        realism = self.realism(functional.leaky_relu(joined, LEAK))
        return Verdict(realism[..., 0], self.regression(features)[..., 0])

    def features(self, regions: Tensor, statistics: Statistics) -> Tensor:
        """(B, A, 3, S, S) to (B, A, F)."""
        maps = blurred(regions.flatten(1, 2), self.blur)
        for layer, norm in zip(self.layers, self.norms, strict=True):
            maps = functional.leaky_relu(norm(layer(maps), statistics), LEAK)
        return maps.reshape(maps.shape[0], self.aus, -1)

    def read(self, regions: Tensor) -> Tensor:
        """(B, A) labels estimated by the regressions in real regions; independent of the batch."""
        seen: Tensor = self.regression(self.features(regions, "running"))
        return seen[..., 0]


class GlobalCritic(nn.Module):
    """D_img: tells real faces from composed ones.

    Args:
        size: side of the pictures, S.
        width: channels of the first convolution.
    """

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        channels = [3, *(width << layer for layer in range(SHARED))]
        pairs = itertools.pairwise(channels)
        self.layers = nn.ModuleList(shrink(1, *pair) for pair in pairs)
        self.realism = nn.Linear(channels[-1] * halved(size, SHARED)[-1] ** 2, 1)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) to (B,) logits."""
        for layer in self.layers:
            images = functional.leaky_relu(layer(images), LEAK)
        realism: Tensor = self.realism(images.flatten(1))
        return realism[:, 0]
