"""Options of fitting PRNet; importable without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class PrnetRecipe:
    """How PRNet is fitted. The defaults make the paper's network on one GPU."""

    width: int = field(default=16, metadata={"help": "channels of the first layer; paper 16"})
    resolution: int = field(default=256, metadata={"help": "side of crop and map; paper 256"})
    steps: int = field(default=60000, metadata={"help": "optimizer steps"})
    batch: int = field(default=32, metadata={"help": "pictures a step"})
    learning_rate: float = field(default=1e-3, metadata={"help": "of Adam, at its highest"})
    warmup: int = field(default=500, metadata={"help": "steps in which the learning rate rises"})
    loss: Literal["squared", "absolute"] = field(
        default="squared", metadata={"help": "of a texel's error, weighted; paper squared"}
    )
    average: float = field(default=0.999, metadata={"help": "decay of the averaged weights; 0 off"})
    momentum: float = field(
        default=0.01, metadata={"help": "of batch normalization; paper 0.001, for long fits only"}
    )
    ticks: int = field(default=20, metadata={"help": "how often to validate"})
    compile: bool = field(default=False, metadata={"help": "torch.compile; for long fits"})

    def __post_init__(self) -> None:
        for name in ("width", "steps", "batch", "ticks"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        if self.resolution < 32 or self.resolution % 32:
            raise ValueError("resolution must be a multiple of 32")
        if self.learning_rate <= 0:
            raise ValueError("learning_rate must be positive")
        if not 0 <= self.average < 1:
            raise ValueError("average must lie in [0, 1)")
        if not 0 < self.momentum <= 1:
            raise ValueError("momentum must lie in (0, 1]")


PRESETS: Mapping[str, Mapping[str, Any]] = {
    "quick": {
        "width": 8, "resolution": 64, "steps": 1500, "batch": 16, "learning_rate": 2e-3,
        "warmup": 100, "average": 0.99, "ticks": 5,
    },
    "paper": {"compile": True},
}  # fmt: skip
