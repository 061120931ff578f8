"""VGG16 networks that predict AU intensities.

Niinuma et al. 2021, section 4.2.2: six levels an AU (0, A..E), last layer replaced, fine-tuned
from the third convolution with dropout 0.5 and Adam at 5e-5, one network an AU. The shared trunk
with one head an AU is ours: the same training sets, in one pass for all AUs.
"""

from __future__ import annotations

from collections.abc import Sequence

from aukit.estimation.estimator import NetworkEstimator
from aukit.estimation.heads import head_of
from aukit_vgg.network import Vgg16
from aukit_vgg.plugin import VggConfig


class VggEstimator(NetworkEstimator):
    """AU intensity by VGG16.

    Args:
        config: options.
        context: device and weights.
    """

    config: VggConfig

    def build(self, occurrence: Sequence[bool]) -> Vgg16:
        """A network for some AUs."""
        config, aus = self.config, len(occurrence)
        head = head_of(config.head, occurrence)
        return Vgg16(aus, config.size, config.width, config.dropout, config.batch_norm, head)
