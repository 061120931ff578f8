"""Networks of torchvision that predict AU intensities."""

from __future__ import annotations

from collections.abc import Sequence

from aukit.estimation.estimator import NetworkEstimator
from aukit.estimation.heads import head_of
from aukit_torchvision.network import Backbone
from aukit_torchvision.plugin import TorchvisionConfig


class TorchvisionEstimator(NetworkEstimator):
    """AU intensity by a classification network of torchvision.

    Args:
        config: options.
        context: device and weights.
    """

    config: TorchvisionConfig

    def build(self, occurrence: Sequence[bool]) -> Backbone:
        """A network for some AUs.

        Raises:
            DataError: the backbone cannot take pictures of this size.
        """
        config, head = self.config, head_of(self.config.head, occurrence)
        return Backbone(config.backbone, len(occurrence), config.size, head)
