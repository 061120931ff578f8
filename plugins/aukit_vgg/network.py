"""VGG16 (configuration D of Simonyan and Zisserman 2015) with one head per AU."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn
from torchvision.models.vgg import make_layers

from aukit.estimation.heads import Head
from aukit.estimation.network import Network
from aukit.estimation.pretrained import load_all_but_last

LAYOUT: tuple[int | str, ...] = (
    *(64, 64, "M", 128, 128, "M", 256, 256, 256, "M"),
    *(512, 512, 512, "M", 512, 512, 512, "M"),
)
HIDDEN = 4096
LAST = "classifier.6"


class Vgg16(Network):
    """VGG16 whose last layer is replaced by the outputs of a head for each AU.

    With `width` 1, without batch normalization and at 224 pixels it is torchvision's VGG16 up to
    the last layer, parameter names included, so that published weights fit.

    Args:
        aus: number of AUs, A.
        size: side of the input, pixels.
        width: factor on all channel counts.
        dropout: probability before each of the last two layers.
        batch_norm: normalize after every convolution.
        head: reads the last layer.
    """

    def __init__(
        self,
        aus: int,
        size: int,
        width: float,
        dropout: float,
        batch_norm: bool,
        head: Head,
    ) -> None:
        super().__init__(head)
        layout = [scaled(c, width) if isinstance(c, int) else c for c in LAYOUT]
        channels, hidden = scaled(512, width), scaled(HIDDEN, width)
        side = max(1, min(7, size // 32))
        self.features = make_layers(layout, batch_norm=batch_norm)
        self.avgpool = nn.AdaptiveAvgPool2d(side)
        self.classifier = nn.Sequential(
            *(nn.Linear(channels * side * side, hidden), nn.ReLU(True), nn.Dropout(dropout)),
            *(nn.Linear(hidden, hidden), nn.ReLU(True), nn.Dropout(dropout)),
            last := nn.Linear(hidden, aus * head.outputs),
        )
        self.apply(_initialize)
        nn.init.normal_(last.weight, 0, 0.01)

    def last(self, images: Tensor) -> Tensor:
        """Numbers of the last layer, (B, A * outputs)."""
        numbers: Tensor = self.classifier(self.avgpool(self.features(images)).flatten(1))
        return numbers

    def seen(self, images: Tensor) -> Tensor:
        """(B, channels) means over the picture of what the last convolution shows."""
        shown: Tensor = self.features((images - self.mean) / self.std)
        return shown.mean((2, 3))

    def load_published(self, path: Path) -> None:
        """Load torchvision's weights into everything but the last layer.

        Raises:
            DataError: the file cannot be read, or is of another network.
        """
        hint = "pretrained weights fit width 1, size 224 and the same batch_norm only"
        load_all_but_last(self, LAST, path, "VGG16 of this kind", hint)


def scaled(channels: int, width: float) -> int:
    """A channel count times the width, at least 8 and a multiple of 8."""
    return max(8, round(channels * width / 8) * 8)


def _initialize(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Linear):
        # Not the fixed 0.01 of full-width VGG16: it starves narrow networks of gradient.
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.zeros_(module.bias)
