"""Registers the VGG16 estimator and the ImageNet weights that it can start from."""

from __future__ import annotations

from dataclasses import dataclass, field

from aukit.components import Component
from aukit.contracts.weights import Address, Weights
from aukit.estimation.options import FitOptions
from aukit.hooks import hookimpl


@dataclass(frozen=True)
class VggConfig(FitOptions):
    """Options of the VGG16 estimator; the defaults are the paper's."""

    weights: str = field(
        default="none",
        metadata={
            "file": True,
            "help": "start from: vgg16-imagenet (fetched), a .pth or .safetensors path, none",
        },
    )
    frozen: int = field(
        default=2,
        metadata={
            "help": "first convolutions that stay as pretrained; the paper tunes from the 3rd"
        },
    )
    width: float = field(default=1.0, metadata={"help": "factor on the number of channels"})
    batch_norm: bool = field(
        default=False, metadata={"help": "batch normalization, for training without weights"}
    )
    dropout: float = field(default=0.5, metadata={"help": "dropout before the last two layers"})

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size < 32:
            raise ValueError("size must be at least 32: VGG16 halves the image five times")
        if not 0 < self.width <= 4:
            raise ValueError("width must lie in (0, 4]")
        if not 0 <= self.frozen <= 13:
            raise ValueError("frozen must lie in 0..13: VGG16 has 13 convolutions")
        if not 0 <= self.dropout < 1:
            raise ValueError("dropout must lie in [0, 1)")


QUICK = {
    "networks": "shared",
    "size": 64,
    "width": 0.1875,
    "batch_norm": True,
    "dropout": 0.05,
    # A face of a small plan teaches few AUs; without these two, a narrow network may never start.
    "labels": "all",
    "lead_in": 0.33,
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
