"""Networks of torchvision that predict AU intensities."""

from __future__ import annotations

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

    def build(self, aus: int) -> Backbone:
        """A network for a number of AUs.

        Raises:
            DataError: the backbone cannot take pictures of this size.
        """
        config = self.config
        return Backbone(config.backbone, aus, config.size, head_of(config.head, aus))
