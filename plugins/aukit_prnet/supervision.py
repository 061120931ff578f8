"""The supervision of a fit: target maps, their error, and auxiliary outputs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from aukit_prnet.layout import Layout
from aukit_prnet.network import REACH, REDUCTION, PositionMapNet

TAPPED = (3, 6, 9, 11, 13)
"""Layers of the decoder that short cuts leave: the last ones of each size."""

_PERCENT = 100.0


def target_maps(vertices: Tensor, layout: Layout) -> Tensor:
    """The target of the network for meshes in a crop.

    Args:
        vertices: (B, V, 3) pixels of the crop, z in the same unit, smaller is nearer.
        layout: made from this mesh.

    Returns:
        (B, 3, R, R): x, y and z, divided by `REACH` * R; z counts from the nearest point of the
        face. 0 outside the face.
    """
    maps = layout.position_maps(vertices)
    near = layout.vertices_of(maps[:, 2:])[..., 0].amin(1)
    maps[:, 2] = torch.where(layout.valid, maps[:, 2] - near[:, None, None], 0)
    return maps / (REACH * layout.resolution)


def map_loss(predicted: Tensor, target: Tensor, weights: Tensor, kind: str) -> Tensor:
    """Weighted mean error of maps, Feng et al. 2018, equation 1.

    Args:
        predicted, target: (B, 3, R, R).
        weights: (R, R).
        kind: `absolute` or `squared`, of differences in hundredths of the maps' unit.
    """
    error = point_error(predicted, target, kind)
    return (error * weights).sum() / (weights.sum() * error.shape[0] * error.shape[1])


def point_error(predicted: Tensor, target: Tensor, kind: str) -> Tensor:
    """The error of each value, of the shape of both."""
    error = (predicted.float() - target) * _PERCENT
    return error.square() if kind == "squared" else error.abs()


def coarse_loss(coarse: Sequence[Tensor], target: Tensor, weights: Tensor, kind: str) -> Tensor:
    """Mean `map_loss` of (B, 3, r, r) maps; the target is averaged over the blocks of a texel."""
    losses = []
    for found in coarse:
        block = weights.shape[-1] // found.shape[-1]
        mass = functional.avg_pool2d(weights[None, None], block)
        mean = functional.avg_pool2d(target * weights, block) / mass.clamp_min(1e-6)
        losses.append(map_loss(found, mean, mass[0, 0], kind))
    return torch.stack(losses).mean()


class Guided(nn.Module):
    """The network with auxiliary outputs from inner layers.

    The path from the error of a map back to the encoder has twenty layers. Linear layers on some of
    them, discarded after the fit, predict the same map at low resolution (deep supervision: Lee et
    al., "Deeply-Supervised Nets", AISTATS 2015). One on the bottleneck predicts the 68 points,
    which teaches the encoder where faces are from the first steps.

    Args:
        network: what is fitted.
    """

    def __init__(self, network: PositionMapNet) -> None:
        super().__init__()
        self.network = network
        side = network.resolution // REDUCTION
        self.points = nn.Linear(network.width * REDUCTION * side * side, 68 * 3)
        channels = {n: len(_parameters(network, n)["norm.bias"]) for n in TAPPED}
        self.maps = nn.ModuleDict({str(n): nn.Conv2d(c, 3, 1) for n, c in channels.items()})

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """(B, 3, R, R) pictures to maps, (B, 68, 3) points and coarse maps, in the maps' unit."""
        features = self.network.encoder(pictures)
        points = self.points(features.flatten(1)).view(-1, 68, 3)
        coarse = []
        for number, layer in enumerate(self.network.decoder):
            features = layer(features)
            if number in TAPPED:
                coarse.append(self.maps[str(number)](features))
        return features, points, coarse


@torch.no_grad()
def ease(network: PositionMapNet, target: Tensor, layout: Layout) -> None:
    """Initialize the last layers near the identity, with the targets' statistics.

    The last three layers have three channels. With random initialization, rectification would
    discard half of the signal, and thousands of steps would be needed to recover it.

    Args:
        network: fresh.
        target: (B, 3, R, R) some target maps.
        layout: theirs.
    """
    values = layout.vertices_of(target).flatten(0, 1).clamp(0.01, 0.99).logit()
    first, second, last = (_parameters(network, place) for place in (-3, -2, -1))
    for layer in (second, last):
        nn.init.normal_(layer["layer.weight"], std=0.02)
        layer["layer.weight"][range(3), range(3), 1, 1] += 1  # the tap that stays in place
    for layer in (first, second):
        layer["norm.bias"].fill_(2.0)  # so that nearly nothing is negative
    last["norm.weight"].copy_(values.std(0))
    last["norm.bias"].copy_(values.mean(0))


def _parameters(network: PositionMapNet, place: int) -> dict[str, nn.Parameter]:
    """Those of one layer of the decoder, by name."""
    return dict(network.decoder[place].named_parameters())
