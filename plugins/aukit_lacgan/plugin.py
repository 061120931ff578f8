"""Registers LAC-GAN; nothing heavy is imported."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

from aukit.au import parse_list
from aukit.components import Component
from aukit.config.checks import at_least
from aukit.errors import AukitError
from aukit.hooks import hookimpl
from aukit.published import METHOD, SIZE, Published, inherited, silent
from aukit.synthesis.options import FitOptions

EDGES = "edges"
"""Features that need no weights."""
VGG_FACE = "vgg-face"
"""Placeholder for weights that users provide, as they have no free licence."""


@dataclass(frozen=True)
class LacganConfig(FitOptions):
    """Options of LAC-GAN; `PUBLISHED` has the paper's values."""

    size: int = field(
        default=200, metadata={"role": SIZE, "help": "side of the networks' pictures, pixels"}
    )
    width: int = field(
        default=32, metadata={"role": SIZE, "help": "channels of each network's first layer"}
    )
    latent: int = field(
        default=60, metadata={"role": METHOD, "help": "dimensions of z, and of the label code"}
    )
    centres: Literal["paper", "eacnet", "jaanet"] = field(
        default="paper", metadata={"role": METHOD, "help": "table of the AUs' centres"}
    )
    inner: float = field(
        default=0.8,
        metadata={"role": METHOD, "help": "distance from a centre with full attention, rulers"},
    )
    slope: float = field(
        default=0.8,
        metadata={"role": METHOD, "help": "decrease of attention beyond that, per ruler"},
    )
    reach: float = field(
        default=2.0,
        metadata={"role": METHOD, "help": "distance beyond which there is no attention, rulers"},
    )
    labels: Literal["intensity", "presence"] = field(
        default="intensity",
        metadata={"role": METHOD, "help": "label code: 0..5 as -1..1, or -1 and 1 as in the paper"},
    )
    present: float = field(
        default=2.0, metadata={"role": METHOD, "help": "lowest level that counts as present"}
    )
    composition: Literal["replace", "difference", "motion"] = field(
        default="motion",
        metadata={
            "role": METHOD,
            "help": "replace: generate regions; difference: add the label's change; motion: also "
            "move pixels",
        },
    )
    detail: int = field(
        default=1,
        metadata={"role": SIZE, "help": "factor by which pictures are enlarged to compare pairs"},
    )
    repaint_all: bool = field(
        default=False,
        metadata={
            "role": METHOD,
            "help": "regenerate the regions of unchanged AUs too, as in the paper",
        },
    )
    features: str = field(
        default="edges",
        metadata={
            "file": True,
            "role": METHOD,
            "weights": EDGES,
            "help": "features of the identity loss: VGG16 weights (path or name), or edges",
        },
    )
    features_order: Literal["rgb", "bgr"] = field(
        default="rgb",
        metadata={
            "role": METHOD,
            "help": "colour order of the VGG-Face weights; Caffe's original file needs bgr",
        },
    )
    l_z: float = field(default=0.01, metadata={"role": METHOD, "help": "weight of D_z (lambda 1)"})
    l_local: float = field(
        default=0.1, metadata={"role": METHOD, "help": "weight of D_AU and R (lambda 2)"}
    )
    l_identity: float = field(
        default=0.1, metadata={"role": METHOD, "help": "weight of L_id (lambda 3)"}
    )
    l_smooth: float = field(
        default=0.001, metadata={"role": METHOD, "help": "weight of total variation (lambda 4)"}
    )
    l_au: float = field(
        default=10.0, metadata={"role": METHOD, "help": "weight of R beside D_AU (lambda AU)"}
    )
    l_global: float = field(
        default=0.05, metadata={"role": METHOD, "help": "weight of the whole picture's critic"}
    )
    beta: float = field(
        default=0.1, metadata={"role": METHOD, "help": "weight of the regions' losses (beta)"}
    )
    blur: float = field(
        default=0.0,
        metadata={
            "role": METHOD,
            "help": "standard deviation of a Gaussian blur before D_AU and R, pixels",
        },
    )
    l_ids: float = inherited(FitOptions, "l_ids", 100.0)
    pairs: float = inherited(FitOptions, "pairs", 1.0)
    partners: Literal["person", "task"] = inherited(FitOptions, "partners", "task")
    candidates: int = inherited(FitOptions, "candidates", 20)
    betas: tuple[str, ...] = field(
        default=(),
        metadata={
            "role": METHOD,
            "help": "beta of single AUs, e.g. AU12=0.5,AU4=2; others use beta",
        },
    )
    epochs: int = inherited(FitOptions, "epochs", 20)
    decay_epochs: int = inherited(FitOptions, "decay_epochs", 0)
    learning_rate: float = inherited(FitOptions, "learning_rate", 2e-4)

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 1, "width", "detail")
        at_least(self, 0, "inner", "slope", "blur", *LAMBDAS)
        if self.size < 8:
            raise ValueError("size must be at least 8")
        if self.latent < 2 or self.latent % 2:
            raise ValueError("latent must be even: the label code repeats a pair")
        if 3 * self.blur > self.size - 1:
            raise ValueError("blur must be below a third of size")
        if self.reach <= 0:
            raise ValueError("reach must be positive")
        if self.beta_of and not self.beta > 0:
            raise ValueError("beta must be positive where betas of single AUs are given")
        if not 0 < self.present <= 5:
            raise ValueError("present must lie in (0, 5]")

    @property
    def beta_of(self) -> dict[str, float]:
        """AU column -> its own beta, if it has one."""
        return dict(_weight(text) for text in self.betas)


def _weight(text: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    try:
        (column,), value = parse_list((name,)), float(number)
    except (ValueError, AukitError):
        raise ValueError(f"betas must be like AU12=0.5, not '{text}'") from None
    if not 0 <= value < math.inf:
        raise ValueError("betas must be 0 or more")
    return column, value


LAMBDAS = ("l_z", "l_local", "l_identity", "l_smooth", "l_au", "l_global", "beta")

QUICK: dict[str, Any] = {
    "size": 32,
    "width": 8,
    "detail": 2,
    "batch": 16,
    "epochs": 1,
    "decay_epochs": 1,
    "learning_rate": 1e-3,
    "ema": 0.99,
    "ticks": 6,
}

_UNPAIRED = "3: training needs no pairs of one person"
PUBLISHED: dict[str, Published] = {
    "size": Published(200, "4.1"),
    "width": silent(32),
    "latent": Published(60, "4.1"),
    "centres": Published("paper", "3.1: rules as in EAC-Net; others where it has none"),
    "inner": Published(0.0, "3.1: as in EAC-Net, 1 - 0.07 a pixel within 7 of a face of 100"),
    "slope": Published(1.6, "3.1: as in EAC-Net"),
    "reach": Published(0.3, "3.1: as in EAC-Net"),
    "labels": Published("presence", "3.1: -1 and +1"),
    "present": silent(2.0, "BP4D's occurrence codes; on intensities, B and above"),
    "composition": Published("replace", "eq. 2"),
    "detail": silent(1),
    "repaint_all": Published(True, "eq. 2: the sum goes over all AUs"),
    "features": Published(VGG_FACE, "eq. 4: VGG-Face"),
    "features_order": silent("rgb", "a property of the file of weights"),
    "l_z": Published(0.01, "4.1, lambda 1"),
    "l_local": Published(0.1, "4.1, lambda 2"),
    "l_identity": Published(1.0, "4.1, lambda 3"),
    "l_smooth": Published(0.001, "4.1, lambda 4"),
    "l_au": Published(10.0, "4.1, lambda AU"),
    "l_global": silent(1.0, "eq. 10 omits the weight of the global term"),
    "beta": Published(1.0, "4.1"),
    "betas": Published((), "4.1: the same for all AUs"),
    "blur": Published(0.0, "4.1: critics see the regions as they are"),
    "l_ids": Published(0.0, _UNPAIRED),
    "pairs": Published(0.0, _UNPAIRED),
    "partners": silent("person", _UNPAIRED),
    "candidates": silent(1, _UNPAIRED),
    "noise": Published(0.0, "targets are labels, -1 and +1"),
    "clamp": silent(True, "no noise"),
    "flip": silent(False),
    "batch": silent(25),
    "epochs": silent(20),
    "decay_epochs": silent(0),
    "learning_rate": Published(2e-4, "4.1"),
    "ema": silent(0.0),
    "ticks": silent(20),
    "compile": silent(False),
}


@hookimpl
def aukit_synthesizers() -> list[Component]:
    """The synthesizer."""
    return [
        Component(
            kind="synth",
            name="lacgan",
            factory="aukit_lacgan.synthesizer:Lacgan",
            config=LacganConfig,
            summary="synthesizes each AU inside its own region (LAC-GAN)",
            presets={"quick": QUICK},
            published=PUBLISHED,
            requires=("torch",),
            tags=("needs-fit",),
            paper="Liu, Liu and Wu, Region Based Adversarial Synthesis of Facial Action Units, "
            "MMM 2020",
        )
    ]
