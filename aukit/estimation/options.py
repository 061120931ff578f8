"""Options shared by all neural network estimators."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from aukit.config.checks import at_least
from aukit.published import METHOD, SIZE


@dataclass(frozen=True)
class FitOptions:
    """The layout of networks over AUs, their kind of output, and their training.

    An estimator's own options derive from these and set its defaults.
    """

    networks: Literal["per-au", "shared"] = field(
        default="per-au",
        metadata={
            "role": METHOD,
            "help": "one network per AU (paper), or a shared trunk with one head per AU",
        },
    )
    head: Literal["softmax", "ordinal", "regression"] = field(
        default="softmax",
        metadata={
            "role": METHOD,
            "help": "six levels (paper), five ordered thresholds (CORAL), or the intensity",
        },
    )
    weights: str = field(
        default="none",
        metadata={
            "file": True,
            "role": METHOD,
            "weights": "none",
            "help": "initial weights: path of a .pth or .safetensors file, a name, or none",
        },
    )
    frozen: int = field(
        default=0,
        metadata={"role": METHOD, "help": "number of first convolutions to freeze, if pretrained"},
    )
    size: int = field(
        default=224, metadata={"role": SIZE, "help": "side of the network's input, pixels"}
    )
    labels: Literal["planned", "all"] = field(
        default="planned",
        metadata={
            "role": METHOD,
            "help": "AUs a shared trunk learns from a face: those it was planned for (paper), or "
            "all coded "
            "ones, with each level weighted as in the plan",
        },
    )
    lead_in: float = field(
        default=0.0,
        metadata={
            "role": METHOD,
            "help": "initial share of the fit in which a shared trunk learns all coded AUs of "
            "each face "
            "equally, ignoring the plan; helps small or weak training sets to start",
        },
    )
    class_weights: Literal["none", "balanced"] = field(
        default="none",
        metadata={
            "role": METHOD,
            "help": "balanced: rare levels of the planned training set weigh more",
        },
    )
    calibrate: bool = field(
        default=True,
        metadata={
            "role": METHOD,
            "help": "fit the thresholds between levels on the validation people",
        },
    )
    learning_rate: float = field(
        default=5e-5, metadata={"role": SIZE, "help": "learning rate of Adam"}
    )
    warmup: int = field(
        default=0,
        metadata={
            "role": SIZE,
            "help": "steps over which the learning rate ramps up",
        },
    )
    decay: Literal["none", "cosine"] = field(
        default="none",
        metadata={"role": METHOD, "help": "decay of the learning rate over the fit"},
    )
    weight_decay: float = field(
        default=0.0, metadata={"role": METHOD, "help": "weight decay of Adam"}
    )
    batch: int = field(default=32, metadata={"role": SIZE, "help": "images per step"})
    epochs: int = field(
        default=10, metadata={"role": SIZE, "help": "passes over the planned training set"}
    )
    ticks: int = field(
        default=10,
        metadata={
            "role": SIZE,
            "help": "number of validations during the fit; the best step is kept",
        },
    )
    augment: bool = field(
        default=False,
        metadata={
            "role": METHOD,
            "help": "random flips, shifts, zooms and light; for small datasets",
        },
    )
    compile: bool = field(
        default=False, metadata={"role": SIZE, "help": "use torch.compile; for long fits"}
    )

    def __post_init__(self) -> None:
        at_least(self, 1, "size", "batch", "epochs", "ticks")
        at_least(self, 0, "frozen", "warmup", "weight_decay")
        if not 0 <= self.lead_in < 1:
            raise ValueError("lead_in must lie in [0, 1): the fit must end on the plan")
        if self.learning_rate <= 0:
            raise ValueError("learning_rate must be positive")
