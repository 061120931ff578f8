"""Registers the estimators `landmarks` and `features`; nothing heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from aukit.components import Component
from aukit.hooks import hookimpl

Reference = Literal["none", "mean", "neutral"]


@dataclass(frozen=True)
class RidgeConfig:
    """Options of the estimator `landmarks`, and of every ridge."""

    head: Literal["ridge", "ordinal"] = field(
        default="ridge",
        metadata={"help": "the intensity by least squares, or one least-squares fit a level"},
    )
    person: Reference = field(
        default="mean",
        metadata={
            "help": "what is taken away of each person: nothing, the mean over the person's faces, "
            "or the faces that are most neutral"
        },
    )
    limits: bool = field(
        default=True,
        metadata={"help": "fit the limits between levels to the validation people"},
    )


@dataclass(frozen=True)
class FeaturesConfig(RidgeConfig):
    """Options of the estimator `features`."""

    backbone: str = field(
        default="mobilenet_v2",
        metadata={"help": "name of a classification network in torchvision.models"},
    )
    weights: str = field(
        default="mobilenet-v2-imagenet",
        metadata={"help": "of the backbone: a name of weights, a path, or none (random)"},
    )
    size: int = field(default=160, metadata={"help": "side of the backbone's input, pixels"})
    maps: int = field(
        default=3,
        metadata={"help": "how many of the backbone's maps are read, the coarsest first"},
    )
    cells: int = field(
        default=6, metadata={"help": "side of the grid that each map is averaged over"}
    )
    landmarks: bool = field(
        default=True, metadata={"help": "read the registered landmarks beside the maps"}
    )
    components: int = field(
        default=768, metadata={"help": "principal components of all that is read"}
    )
    batch: int = field(default=32, metadata={"help": "faces that the backbone sees at a time"})

    def __post_init__(self) -> None:
        for name in ("size", "maps", "cells", "components", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")


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
