"""GANimation as a graph of tensors."""

from __future__ import annotations

from torch import Tensor, nn

from aukit.synthesis.batches import filled
from aukit.vision.resize import resized
from aukit_ganimation.fit import estimate
from aukit_ganimation.networks import repaint
from aukit_ganimation.plugin import GanimationConfig


class Repainting(nn.Module):
    """Synthesizes faces; uncoded AUs are estimated by the critic.

    Args:
        networks: `generator` and `critic`.
        config: how faces are composed.
    """

    def __init__(self, networks: nn.ModuleDict, config: GanimationConfig) -> None:
        super().__init__()
        self.networks, self.config = networks, config

    def forward(self, images: Tensor, landmarks: Tensor, shown: Tensor, wanted: Tensor) -> Tensor:
        """Synthesized faces, as specified by `Painter.repainting`; landmarks are ignored."""
        size, composition = self.config.size, self.config.composition
        shown = filled(shown, estimate(self.networks["critic"], resized(images, size)))
        wanted = filled(wanted, shown)
        generator = self.networks["generator"]
        return repaint(generator, images, shown, wanted, composition, size).image
