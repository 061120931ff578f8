"""Options shared by all fitted synthesizers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from aukit.config.checks import at_least
from aukit.published import METHOD, SIZE


@dataclass(frozen=True)
class FitOptions:
    """How faces and targets are drawn, and how long networks are trained.

    A synthesizer's own options derive from these; its record has its paper's values.
    """

    l_ids: float = field(
        default=0.0, metadata={"role": METHOD, "help": "weight of the idiosyncratic loss"}
    )
    pairs: float = field(
        default=0.0,
        metadata={
            "role": METHOD,
            "help": "share of a batch whose target is another face of the same person",
        },
    )
    partners: Literal["person", "task"] = field(
        default="person",
        metadata={"role": METHOD, "help": "pairs share the person, or person and task"},
    )
    candidates: int = field(
        default=1,
        metadata={
            "role": METHOD,
            "help": "draw a partner from this many, favouring different AUs; 1: uniformly",
        },
    )
    noise: float = field(
        default=0.0,
        metadata={"role": METHOD, "help": "amplitude of uniform noise on target AUs, scale 0..1"},
    )
    clamp: bool = field(
        default=True, metadata={"role": METHOD, "help": "clamp noisy targets to 0..1"}
    )
    flip: bool = field(default=True, metadata={"role": METHOD, "help": "mirror half of the faces"})
    batch: int = field(default=25, metadata={"role": SIZE, "help": "faces per step"})
    epochs: int = field(
        default=20, metadata={"role": SIZE, "help": "passes at the full learning rate"}
    )
    decay_epochs: int = field(
        default=10, metadata={"role": SIZE, "help": "passes with linear decay to zero"}
    )
    learning_rate: float = field(
        default=1e-4, metadata={"role": SIZE, "help": "learning rate of Adam, all networks"}
    )
    ema: float = field(
        default=0.999,
        metadata={
            "role": SIZE,
            "help": "decay of the averaged generator used for synthesis; 0: use the last one",
        },
    )
    ticks: int = field(
        default=20, metadata={"role": SIZE, "help": "number of reports with preview pictures"}
    )
    compile: bool = field(
        default=False, metadata={"role": SIZE, "help": "use torch.compile; for long fits"}
    )

    def __post_init__(self) -> None:
        at_least(self, 1, "batch", "ticks", "candidates")
        at_least(self, 0, "epochs", "decay_epochs", "noise", "l_ids")
        if self.epochs + self.decay_epochs == 0:
            raise ValueError("epochs and decay_epochs must not both be 0")
        if not 0 <= self.pairs <= 1:
            raise ValueError("pairs must lie in 0..1")
        if self.l_ids > 0 and self.pairs == 0:
            raise ValueError("l_ids compares pairs of one person: set pairs above 0")
        if not 0 <= self.ema < 1:
            raise ValueError("ema must lie in [0, 1)")
        if self.learning_rate <= 0:
            raise ValueError("learning_rate must be positive")
