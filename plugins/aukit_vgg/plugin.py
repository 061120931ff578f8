"""Registers the VGG16 estimator and the ImageNet weights that it can start from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from aukit.components import Component
from aukit.hooks import hookimpl
from aukit.weights import Address, Weights


@dataclass(frozen=True)
class VggConfig:
    """Options of the VGG16 estimator; the defaults are the paper's."""

    networks: Literal["per-au", "shared"] = field(
        default="per-au",
        metadata={"help": "one network an AU (paper), or a shared trunk with one head an AU"},
    )
    weights: str = field(
        default="none",
        metadata={
            "help": "start from: vgg16-imagenet (fetched), a .pth or .safetensors path, none"
        },
    )
    frozen: int = field(
        default=2,
        metadata={
            "help": "first convolutions that stay as pretrained; the paper tunes from the 3rd"
        },
    )
    size: int = field(default=224, metadata={"help": "side of the network's input, pixels"})
    width: float = field(default=1.0, metadata={"help": "factor on the number of channels"})
    batch_norm: bool = field(
        default=False, metadata={"help": "batch normalization, for training without weights"}
    )
    dropout: float = field(default=0.5, metadata={"help": "dropout before the last two layers"})
    learning_rate: float = field(default=5e-5, metadata={"help": "of Adam"})
    decay: Literal["none", "cosine"] = field(
        default="none", metadata={"help": "how the learning rate falls over the fit"}
    )
    weight_decay: float = field(default=0.0, metadata={"help": "of Adam"})
    batch: int = field(default=32, metadata={"help": "images a step"})
    epochs: int = field(default=10, metadata={"help": "passes over the planned training set"})
    ticks: int = field(default=10, metadata={"help": "how often to validate and keep the best"})
    augment: bool = field(
        default=False, metadata={"help": "random flip, shift, zoom, light; for small data"}
    )
    compile: bool = field(default=False, metadata={"help": "torch.compile; for long fits"})

    def __post_init__(self) -> None:
        for name in ("size", "batch", "epochs", "ticks"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        if self.size < 32:
            raise ValueError("size must be at least 32: VGG16 halves the image five times")
        if not 0 < self.width <= 4:
            raise ValueError("width must lie in (0, 4]")
        if not 0 <= self.frozen <= 13:
            raise ValueError("frozen must lie in 0..13: VGG16 has 13 convolutions")
        if not 0 <= self.dropout < 1:
            raise ValueError("dropout must lie in [0, 1)")
        if self.learning_rate <= 0:
            raise ValueError("learning_rate must be positive")


QUICK = {
    "networks": "shared",
    "size": 64,
    "width": 0.1875,
    "batch_norm": True,
    "dropout": 0.05,
    "learning_rate": 5e-4,
    "decay": "cosine",
    "epochs": 9,
    "ticks": 8,
    "batch": 16,
}


@hookimpl
def aukit_estimators() -> list[Component]:
    """The estimator."""
    return [
        Component(
            kind="estimator",
            name="vgg16",
            factory="aukit_vgg.estimator:VggEstimator",
            config=VggConfig,
            summary="VGG16 with six levels an AU, fine-tuned from the third convolution",
            presets={"quick": QUICK},
            requires=("torch", "torchvision"),
            tags=("needs-fit", "stochastic"),
            weights_licence="ImageNet weights: BSD-3-Clause (torchvision), by path or fetch only",
            paper="Niinuma et al., Synthetic Expressions are Better Than Real, WACV 2021, 4.2.2",
        )
    ]


@hookimpl
def aukit_weights() -> list[Weights]:
    """torchvision's VGG16 trained on ImageNet."""
    return [
        Weights(
            name="vgg16-imagenet",
            sha256="397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
            bytes=553_433_881,
            licence="BSD-3-Clause (torchvision); trained on ImageNet",
            summary="VGG16, ImageNet-1k, torchvision",
            sources=(Address("https://download.pytorch.org/models/vgg16-397923af.pth"),),
        )
    ]
