"""VGG16 (configuration D of Simonyan and Zisserman 2015) with one six-way head an AU."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models.vgg import make_layers

from aukit.au import MAX_LEVEL
from aukit.errors import DataError
from aukit.models import read_weights

LEVELS = MAX_LEVEL + 1
LAYOUT: tuple[int | str, ...] = (
    *(64, 64, "M", 128, 128, "M", 256, 256, 256, "M"),
    *(512, 512, 512, "M", 512, 512, 512, "M"),
)
HIDDEN = 4096
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Vgg16(nn.Module):
    """VGG16 whose last layer is replaced by six outputs an AU.

    With `width` 1, without batch normalization and at 224 pixels it is torchvision's VGG16 up to
    the last layer, parameter names included, so that published weights fit.

    Args:
        aus: number of AUs, A.
        size: side of the input, pixels.
        width: factor on all channel counts.
        dropout: probability before each of the last two layers.
        batch_norm: normalize after every convolution.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, aus: int, size: int, width: float, dropout: float, batch_norm: bool) -> None:
        super().__init__()
        layout = [scaled(c, width) if isinstance(c, int) else c for c in LAYOUT]
        channels, hidden = scaled(512, width), scaled(HIDDEN, width)
        side = max(1, min(7, size // 32))
        self.features = make_layers(layout, batch_norm=batch_norm)
        self.avgpool = nn.AdaptiveAvgPool2d(side)
        self.classifier = nn.Sequential(
            *(nn.Linear(channels * side * side, hidden), nn.ReLU(True), nn.Dropout(dropout)),
            *(nn.Linear(hidden, hidden), nn.ReLU(True), nn.Dropout(dropout)),
            last := nn.Linear(hidden, aus * LEVELS),
        )
        self.size = size
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(3, 1, 1), persistent=False)
        self.apply(_initialize)
        nn.init.normal_(last.weight, 0, 0.01)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, A, 6) of float images (B, 3, S, S) in 0..1 at the network's own size."""
        features = self.avgpool(self.seen(images))
        logits: Tensor = self.classifier(features.flatten(1))
        return logits.view(len(images), -1, LEVELS)

    def seen(self, images: Tensor) -> Tensor:
        """What the last convolution shows, (B, channels, S / 32, S / 32); input as in `forward`."""
        features: Tensor = self.features((images - self.mean) / self.std)
        return features

    def freeze(self, convolutions: int) -> None:
        """Keep the first convolutions as they are."""
        first = [m for m in self.features if isinstance(m, nn.Conv2d)][:convolutions]
        for convolution in first:
            convolution.requires_grad_(False)

    def load_pretrained(self, path: Path) -> None:
        """Take published weights for everything but the last layer.

        Raises:
            DataError: the file cannot be read, or is of another network.
        """
        given = read_weights(path)
        own = self.state_dict()
        wanted = [key for key in own if not key.startswith("classifier.6.")]
        for key in wanted:
            if key not in given:
                raise DataError(f"{path} has no tensor '{key}': it is no VGG16 of this kind")
            if given[key].shape != own[key].shape:
                raise DataError(
                    f"{path}: '{key}' is {tuple(given[key].shape)}, not {tuple(own[key].shape)}",
                    "pretrained weights fit width 1, size 224 and the same batch_norm only",
                )
        self.load_state_dict({key: given[key] for key in wanted}, strict=False)


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
