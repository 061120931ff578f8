"""Features of MobileNetV2, a small network trained on ImageNet."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import mobilenet_v2

from aukit.contracts.context import Context
from aukit.contracts.judge import Measures
from aukit.errors import DataError
from aukit.store.models import read_weights
from aukit_judges.plugin import MobileNetConfig

SIZE = 224
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class MobileNetJudge:
    """The 1280 pooled features of MobileNetV2.

    Raises:
        MissingWeights: the weights are not on this machine.
    """

    measures: Measures = "features"
    calibrated = False
    names: tuple[str, ...] = ("Fréchet distance, MobileNetV2 of ImageNet",)

    def __init__(self, config: MobileNetConfig, context: Context) -> None:
        self._path = context.weights(config.weights)
        self._device = context.device

    @cached_property
    def _network(self) -> nn.Module:
        network = mobilenet_v2(weights=None)
        try:
            network.load_state_dict(read_weights(self._path))
        except RuntimeError as error:
            raise DataError(f"{self._path} does not hold a MobileNetV2 of torchvision") from error
        features: nn.Module = network.features.eval().to(self._device)
        return features

    @torch.inference_mode()
    def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
        """(B, 1280) float32 features of uint8 faces (B, 3, S, S)."""
        given = images.to(self._device).float() / 255
        seen = functional.interpolate(
            given, (SIZE, SIZE), mode="bilinear", antialias=True, align_corners=False
        )
        mean, std = (torch.tensor(v, device=self._device).view(3, 1, 1) for v in (MEAN, STD))
        features: Tensor = self._network((seen - mean) / std).mean((2, 3))
        return features.cpu()
