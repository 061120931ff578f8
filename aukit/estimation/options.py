"""Options that every estimator that is a network has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from aukit.config.checks import at_least
from aukit.published import METHOD, SIZE


@dataclass(frozen=True)
class FitOptions:
    """How networks are laid out over the AUs, what they predict, and how they learn it.

    An estimator's own options derive from these and give them its defaults.
    """

    networks: Literal["per-au", "shared"] = field(
        default="per-au",
        metadata={
            "role": METHOD,
            "help": "one network an AU (paper), or a shared trunk with one head an AU",
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
            "help": "start from a .pth or .safetensors path, a name of weights, or none",
        },
    )
    frozen: int = field(
        default=0,
        metadata={"role": METHOD, "help": "first convolutions that stay as pretrained, if weights"},
    )
    size: int = field(
        default=224, metadata={"role": SIZE, "help": "side of the network's input, pixels"}
    )
    labels: Literal["planned", "all"] = field(
        default="planned",
        metadata={
            "role": METHOD,
            "help": "a shared trunk learns from a face the AUs it was planned for (paper), or all "
            "that are coded, each level with the weight that the plan gives it",
        },
    )
    lead_in: float = field(
        default=0.0,
        metadata={
            "role": METHOD,
            "help": "share of the fit at whose start a shared trunk learns all coded AUs of each "
            "face alike, whatever the plan; small or weak training sets need it to start",
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
        metadata={"role": METHOD, "help": "fit the limits between levels to the validation people"},
    )
    learning_rate: float = field(default=5e-5, metadata={"role": SIZE, "help": "of Adam"})
    warmup: int = field(
        default=0,
        metadata={
            "role": SIZE,
            "help": "steps over which the learning rate rises to its full value",
        },
    )
    decay: Literal["none", "cosine"] = field(
        default="none",
        metadata={"role": METHOD, "help": "how the learning rate falls over the fit"},
    )
    weight_decay: float = field(default=0.0, metadata={"role": METHOD, "help": "of Adam"})
    batch: int = field(default=32, metadata={"role": SIZE, "help": "images a step"})
    epochs: int = field(
        default=10, metadata={"role": SIZE, "help": "passes over the planned training set"}
    )
    ticks: int = field(
        default=10, metadata={"role": SIZE, "help": "how often to validate and keep the best"}
    )
    augment: bool = field(
        default=False,
        metadata={"role": METHOD, "help": "random flip, shift, zoom, light; for small data"},
    )
    compile: bool = field(
        default=False, metadata={"role": SIZE, "help": "torch.compile; for long fits"}
    )

    def __post_init__(self) -> None:
        at_least(self, 1, "size", "batch", "epochs", "ticks")
        at_least(self, 0, "frozen", "warmup", "weight_decay")
        if not 0 <= self.lead_in < 1:
            raise ValueError("lead_in must lie in [0, 1): the fit must end on the plan")
        if self.learning_rate <= 0:
            raise ValueError("learning_rate must be positive")
