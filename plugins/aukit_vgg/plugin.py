"""Registers the VGG16 estimator and the ImageNet weights that it can start from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from aukit.components import Component
from aukit.contracts.weights import Address, Weights
from aukit.estimation.options import FitOptions
from aukit.hooks import hookimpl
from aukit.published import METHOD, SIZE, Published, inherited, silent

IMAGENET = "vgg16-imagenet"


@dataclass(frozen=True)
class VggConfig(FitOptions):
    """Options of the VGG16 estimator; `PUBLISHED` has the paper's values."""

    weights: str = field(
        default="none",
        metadata={
            "file": True,
            "role": METHOD,
            "weights": "none",
            "help": "initial weights: vgg16-imagenet (fetched), path of a .pth or .safetensors "
            "file, or none",
        },
    )
    frozen: int = field(
        default=2,
        metadata={
            "role": METHOD,
            "help": "number of first convolutions to freeze; the paper tunes from the 3rd",
        },
    )
    networks: Literal["per-au", "shared"] = inherited(FitOptions, "networks", "shared")
    labels: Literal["planned", "all"] = inherited(FitOptions, "labels", "all")
    lead_in: float = inherited(FitOptions, "lead_in", 0.33)
    decay: Literal["none", "cosine"] = inherited(FitOptions, "decay", "cosine")
    width: float = field(
        default=1.0, metadata={"role": SIZE, "help": "factor on the number of channels"}
    )
    batch_norm: bool = field(
        default=True,
        metadata={"role": METHOD, "help": "use batch normalization, for training from scratch"},
    )
    dropout: float = field(
        default=0.05, metadata={"role": METHOD, "help": "dropout before the last two layers"}
    )

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
    "size": 64,
    "width": 0.1875,
    "learning_rate": 5e-4,
    "epochs": 9,
    "ticks": 8,
    "batch": 16,
}

_ONE_PER_AU = "3.3: one network per AU"
PUBLISHED = {
    "networks": Published("per-au", "3.3, 4.2.2"),
    "head": Published("softmax", "4.2.2: a 6-length one-hot representation"),
    "weights": Published(IMAGENET, "4.2.2: pre-trained on ImageNet"),
    "frozen": Published(2, "4.2.2: fine-tuned from the third convolution"),
    "size": Published(224, "4.2.1"),
    "labels": Published("planned", _ONE_PER_AU),
    "lead_in": Published(0.0, _ONE_PER_AU),
    "class_weights": Published("none", "4.2.2: the training set is balanced instead"),
    "calibrate": silent(False),
    "learning_rate": Published(5e-5, "4.2.2"),
    "warmup": silent(0),
    "decay": silent("none"),
    "weight_decay": silent(0.0),
    "batch": silent(32),
    "epochs": silent(10),
    "ticks": silent(10),
    "augment": silent(False),
    "compile": silent(False),
    "width": Published(1.0, "4.2.2: VGG16"),
    "batch_norm": Published(False, "4.2.2: VGG16"),
    "dropout": Published(0.5, "4.2.2"),
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
            summary="VGG16 with six levels per AU, fine-tuned from the third convolution",
            presets={"quick": QUICK},
            published=PUBLISHED,
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
            name=IMAGENET,
            sha256="397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
            bytes=553_433_881,
            licence="BSD-3-Clause (torchvision); trained on ImageNet",
            summary="VGG16, ImageNet-1k, torchvision",
            sources=(Address("https://download.pytorch.org/models/vgg16-397923af.pth"),),
        )
    ]
