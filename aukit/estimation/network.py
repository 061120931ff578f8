"""The network interface of fit and estimator: readings, and features before them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

import torch
from torch import Tensor, nn

from aukit.estimation.heads import Head

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Network(nn.Module, ABC):
    """A backbone whose last layer has the outputs of a head for each AU.

    Args:
        head: reads the last layer; its state is part of the network's.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.head = head
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Readings (B, A, K) of float images (B, 3, S, S) in 0..1 at the network's own size."""
        numbers = self.last((images - self.mean) / self.std)
        # Not len(images), which would fix the batch size of an exported graph.
        readings: Tensor = self.head(numbers.view(images.shape[0], -1, self.head.outputs))
        return readings

    @abstractmethod
    def last(self, images: Tensor) -> Tensor:
        """Outputs of the last layer, (B, A * outputs); images are standardized as for ImageNet."""

    @abstractmethod
    def seen(self, images: Tensor) -> Tensor:
        """(B, D) features before the last layer; images as for `forward`."""

    @abstractmethod
    def load_published(self, path: Path) -> None:
        """Load published weights into everything but the last layer.

        Raises:
            DataError: the file cannot be read or is for another network.
        """

    def freeze(self, convolutions: int) -> None:
        """Freeze the first convolutions."""
        own = [module for module in self.modules() if isinstance(module, nn.Conv2d)]
        for convolution in own[:convolutions]:
            convolution.requires_grad_(False)
