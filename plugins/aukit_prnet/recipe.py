"""Options of fitting PRNet; importable without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aukit.published import METHOD, SIZE, Published, silent


@dataclass(frozen=True)
class FitOptions:
    """Options of fitting PRNet. The defaults give the paper's network on one GPU."""

    width: int = field(
        default=16, metadata={"role": SIZE, "help": "channels of the first layer; paper 16"}
    )
    resolution: int = field(
        default=256, metadata={"role": SIZE, "help": "side of crop and map; paper 256"}
    )
    steps: int = field(default=60000, metadata={"role": SIZE, "help": "optimizer steps"})
    batch: int = field(default=32, metadata={"role": SIZE, "help": "pictures per step"})
    learning_rate: float = field(
        default=1e-3, metadata={"role": SIZE, "help": "peak learning rate of Adam"}
    )
    warmup: int = field(
        default=1000,
        metadata={"role": SIZE, "help": "warm-up steps: rising learning rate, no augmentation"},
    )
    loss: Literal["absolute", "squared"] = field(
        default="absolute",
        metadata={"role": METHOD, "help": "error function; paper: squared"},
    )
    guide: float = field(
        default=0.5,
        metadata={"role": METHOD, "help": "weight of the auxiliary outputs; 0: none"},
    )
    average: float = field(
        default=0.999,
        metadata={"role": SIZE, "help": "decay of the averaged weights; 0: use the last ones"},
    )
    momentum: float = field(
        default=0.01,
        metadata={
            "role": SIZE,
            "help": "momentum of batch normalization; paper 0.001, for long fits",
        },
    )
    ticks: int = field(default=50, metadata={"role": SIZE, "help": "number of validations"})
    start: str = field(
        default="",
        metadata={
            "file": True,
            "role": METHOD,
            "help": "initial weights, of the same width and resolution; none: from scratch",
        },
    )
    compile: bool = field(
        default=False, metadata={"role": SIZE, "help": "use torch.compile; for long fits"}
    )

    def __post_init__(self) -> None:
        for name in ("width", "steps", "batch", "ticks"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        if self.resolution < 32 or self.resolution % 32:
            raise ValueError("resolution must be a multiple of 32")
        if self.learning_rate <= 0:
            raise ValueError("learning_rate must be positive")
        if self.warmup < 0 or self.guide < 0:
            raise ValueError("warmup and guide must not be negative")
        if not 0 <= self.average < 1:
            raise ValueError("average must lie in [0, 1)")
        if not 0 < self.momentum <= 1:
            raise ValueError("momentum must lie in (0, 1]")


PRESETS: Mapping[str, Mapping[str, Any]] = {
    "quick": {
        "width": 8, "resolution": 64, "steps": 2000, "batch": 16, "learning_rate": 3e-3,
        "warmup": 200, "average": 0.99, "momentum": 0.05, "ticks": 5,
    },
}  # fmt: skip
"""`quick` shows within minutes that it works; the packaged weights took longer, see the docs."""

_FENG = "Feng et al. 2018, 3.3"
_CODE = "the code of Feng et al. 2018"
FIT_PUBLISHED = {
    "width": Published(16, _CODE),
    "resolution": Published(256, "Feng et al. 2018, 3.1"),
    "steps": silent(60000),
    "batch": silent(32),
    "learning_rate": silent(1e-3),
    "warmup": silent(1000),
    "loss": Published("squared", _FENG),
    "guide": Published(0.0, "Feng et al. 2018, 3.2: no short cuts"),
    "average": silent(0.999),
    "momentum": Published(0.001, _CODE),
    "ticks": silent(50),
    "start": Published("", _FENG),
    "compile": silent(True),
}
