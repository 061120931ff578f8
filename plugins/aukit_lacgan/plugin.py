"""Registers LAC-GAN; nothing heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from aukit.components import Component
from aukit.config.checks import at_least
from aukit.hooks import hookimpl
from aukit.synthesis.options import FitOptions


@dataclass(frozen=True)
class LacganConfig(FitOptions):
    """Options of LAC-GAN; the defaults are the paper's where it gives them."""

    size: int = field(default=200, metadata={"help": "side of the networks' pictures, pixels"})
    width: int = field(default=32, metadata={"help": "channels of each network's first layer"})
    latent: int = field(default=60, metadata={"help": "dimensions of z, and of the label code"})
    centres: Literal["paper", "eacnet", "jaanet"] = field(
        default="paper", metadata={"help": "table of the AUs' centres"}
    )
    inner: float = field(
        default=0.6, metadata={"help": "full attention so near to a centre, rulers"}
    )
    slope: float = field(default=1.25, metadata={"help": "loss of attention beyond, a ruler"})
    reach: float = field(default=1.4, metadata={"help": "no attention farther away, rulers"})
    labels: Literal["intensity", "presence"] = field(
        default="intensity", metadata={"help": "0..5 as -1..1, or -1 and 1 as in the paper"}
    )
    present: float = field(default=2.0, metadata={"help": "lowest level that counts as present"})
    composition: Literal["replace", "difference", "motion"] = field(
        default="replace",
        metadata={
            "help": "regions become what is painted, change by what the label changes, or move too"
        },
    )
    detail: int = field(
        default=1, metadata={"help": "pairs are compared on pictures larger by so much"}
    )
    repaint_all: bool = field(
        default=False, metadata={"help": "paint the regions of unchanged AUs too, as the paper"}
    )
    features: str = field(
        default="",
        metadata={"file": True, "help": "VGG16 weights of the identity loss; none: edges"},
    )
    features_order: Literal["rgb", "bgr"] = field(
        default="rgb", metadata={"help": "colours of VGG-Face weights; Caffe's own want bgr"}
    )
    l_z: float = field(default=0.01, metadata={"help": "weight of D_z (lambda 1)"})
    l_local: float = field(default=0.1, metadata={"help": "weight of D_AU and R (lambda 2)"})
    l_identity: float = field(default=1.0, metadata={"help": "weight of L_id (lambda 3)"})
    l_smooth: float = field(
        default=0.001, metadata={"help": "weight of total variation (lambda 4)"}
    )
    l_au: float = field(default=10.0, metadata={"help": "weight of R beside D_AU (lambda AU)"})
    l_global: float = field(default=1.0, metadata={"help": "weight of the whole picture's critic"})
    beta: float = field(default=1.0, metadata={"help": "weight of the regions' losses (beta)"})
    epochs: int = field(default=20, metadata={"help": "passes at the full learning rate"})
    decay_epochs: int = field(default=0, metadata={"help": "passes while it falls to zero"})
    learning_rate: float = field(default=2e-4, metadata={"help": "of Adam, all networks"})

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 1, "width", "detail")
        at_least(self, 0, "inner", "slope", *LAMBDAS)
        if self.size < 8:
            raise ValueError("size must be at least 8")
        if self.latent < 2 or self.latent % 2:
            raise ValueError("latent must be even: the label code repeats a pair")
        if self.reach <= 0:
            raise ValueError("reach must be positive")
        if not 0 < self.present <= 5:
            raise ValueError("present must lie in (0, 5]")


LAMBDAS = ("l_z", "l_local", "l_identity", "l_smooth", "l_au", "l_global", "beta")

QUICK: dict[str, Any] = {
    "size": 32,
    "width": 8,
    "inner": 0.8,
    "slope": 0.8,
    "reach": 2.0,
    "composition": "motion",
    "detail": 2,
    "l_ids": 100.0,
    "pairs": 1.0,
    "partners": "task",
    "candidates": 20,
    "beta": 0.1,
    "l_identity": 0.1,
    "l_global": 0.05,
    "batch": 16,
    "epochs": 1,
    "decay_epochs": 1,
    "learning_rate": 1e-3,
    "ema": 0.99,
    "ticks": 6,
}
"""Pairs of one recording teach most within minutes, so that the other losses weigh little here."""


@hookimpl
def aukit_synthesizers() -> list[Component]:
    """The synthesizer."""
    return [
        Component(
            kind="synth",
            name="lacgan",
            factory="aukit_lacgan.synthesizer:Lacgan",
            config=LacganConfig,
            summary="paints each AU inside its own region (LAC-GAN)",
            presets={"quick": QUICK},
            requires=("torch",),
            tags=("needs-fit",),
            paper="Liu, Liu and Wu, Region Based Adversarial Synthesis of Facial Action Units, "
            "MMM 2020",
        )
    ]
