"""LAC-GAN as a graph of tensors."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from aukit.synthesis.batches import filled, scaled
from aukit.vision.resize import resized
from aukit_lacgan.networks import LocalCritics
from aukit_lacgan.painting import as_labels, estimate, repaint
from aukit_lacgan.plugin import LacganConfig


class Repainting(nn.Module):
    """Synthesizes the regions of AUs that change; uncoded AUs are estimated by the regressions.

    Args:
        networks: `generators`, `local` and `regions`.
        config: how faces are composed.
        only: (A,) bool, AUs that are present or absent.
    """

    def __init__(self, networks: nn.ModuleDict, config: LacganConfig, only: Tensor) -> None:
        super().__init__()
        self.networks, self.config, self.only = networks, config, only

    def forward(self, images: Tensor, landmarks: Tensor, shown: Tensor, wanted: Tensor) -> Tensor:
        """Synthesized faces, as specified by `Painter.repainting`."""
        regions, size, side = self.networks["regions"], self.config.size, images.shape[-1]
        small = resized(images, size)
        attention = regions(scaled(landmarks, size / side), size)
        critics = cast(LocalCritics, self.networks["local"])
        shown = filled(shown, estimate(critics, small, attention))
        shown = torch.where(self.only, shown.round(), shown)
        wanted = filled(wanted, shown)
        labels = as_labels(shown, self.config), as_labels(wanted, self.config)
        painting = repaint(
            self.networks["generators"], small, attention, *labels, self.config, restore=False
        )
        touched = regions(landmarks, side) * painting.part[:, :, None, None]
        inside = (touched > 0).any(1, keepdim=True)
        return torch.where(inside, painting.change.on(images), images)
