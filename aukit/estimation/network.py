"""What the fit and the estimator need of a network: readings, and what it sees before them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

import torch
from torch import Tensor, nn

from aukit.estimation.heads import Head

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Network(nn.Module, ABC):
    """A backbone whose last layer gives the numbers of a head for each AU.

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
        # Not len(images), which would fix the size of the batch where the graph is exported.
        readings: Tensor = self.head(numbers.view(images.shape[0], -1, self.head.outputs))
        return readings

    @abstractmethod
    def last(self, images: Tensor) -> Tensor:
        """Numbers of the last layer, (B, A * outputs); images standardized as on ImageNet."""

    @abstractmethod
    def seen(self, images: Tensor) -> Tensor:
        """(B, D) what the network sees before it decides; images as in `forward`."""

    @abstractmethod
    def load_published(self, path: Path) -> None:
        """Take published weights for everything but the last layer.

        Raises:
            DataError: the file cannot be read, or is of another network.
        """

    def freeze(self, convolutions: int) -> None:
        """Keep the first convolutions as they are."""
        own = [module for module in self.modules() if isinstance(module, nn.Conv2d)]
        for convolution in own[:convolutions]:
            convolution.requires_grad_(False)
