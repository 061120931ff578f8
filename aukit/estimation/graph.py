"""The networks of an estimator as one graph of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn

from aukit.contracts.graph import Graph, Tensors
from aukit.estimation.calibration import levels_above
from aukit.estimation.network import Network
from aukit.vision.resize import resized

ABOUT = {
    "images": "registered faces, RGB, 0..1; normalized if the model has a normalizer",
    "intensity": "expected intensity of each AU, 0..5; probability for an occurrence",
    "level": "decided level of each AU, 0..5; 0 or 1 for an occurrence",
}


class _Reading(nn.Module):
    def __init__(self, networks: Sequence[Network], limits: Tensor | None, size: int) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self.limits = limits
        self.size = size

    def forward(self, given: Tensors) -> tuple[Tensor, Tensor]:
        pictures = resized(given["images"], self.size)
        found = [self._of(network, pictures) for network in self.networks]
        intensity, level = (torch.cat(parts, 1) for parts in zip(*found, strict=True))
        return intensity, level if self.limits is None else levels_above(intensity, self.limits)

    @staticmethod
    def _of(network: nn.Module, pictures: Tensor) -> tuple[Tensor, Tensor]:
        assert isinstance(network, Network)
        readings = network(pictures)
        return network.head.intensity(readings), network.head.level(readings)


def graph_of(
    networks: Sequence[Network], limits: Tensor | None, size: int, images: Tensor
) -> Graph:
    """A graph from faces to intensities and levels.

    Args:
        networks: networks of all AUs.
        limits: (A, 5) thresholds between levels; None: the head's own rule.
        size: side of the networks' input, pixels.
        images: (B, 3, S, S) float in 0..1, an example.
    """
    copies = [deepcopy(network).cpu() for network in networks]
    module = _Reading(copies, limits, size).eval()
    return Graph(module, {"images": images}, ("intensity", "level"), ABOUT)
