"""Options that every fitted synthesizer has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from aukit.config.checks import at_least
from aukit.published import METHOD, SIZE


@dataclass(frozen=True)
class FitOptions:
    """How faces and targets are drawn, and how long networks learn from them.

    A synthesizer's own options derive from these; its record says what its paper has for them.
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
        metadata={"role": METHOD, "help": "pairs are of one person, or of one person's same task"},
    )
    candidates: int = field(
        default=1,
        metadata={
            "role": METHOD,
            "help": "a partner is drawn from so many, the likelier the more its AUs differ; 1: any",
        },
    )
    noise: float = field(
        default=0.0, metadata={"role": METHOD, "help": "uniform noise on target AUs, in 0..1"}
    )
    clamp: bool = field(
        default=True, metadata={"role": METHOD, "help": "keep targets with their noise in 0..1"}
    )
    flip: bool = field(default=True, metadata={"role": METHOD, "help": "mirror half of the faces"})
    batch: int = field(default=25, metadata={"role": SIZE, "help": "faces a step"})
    epochs: int = field(
        default=20, metadata={"role": SIZE, "help": "passes at the full learning rate"}
    )
    decay_epochs: int = field(
        default=10, metadata={"role": SIZE, "help": "passes while it falls to zero"}
    )
    learning_rate: float = field(
        default=1e-4, metadata={"role": SIZE, "help": "of Adam, all networks"}
    )
    ema: float = field(
        default=0.999,
        metadata={
            "role": SIZE,
            "help": "averaging of the generator that synthesizes; 0: the last one synthesizes",
        },
    )
    ticks: int = field(
        default=20, metadata={"role": SIZE, "help": "how often to report and show pictures"}
    )
    compile: bool = field(
        default=False, metadata={"role": SIZE, "help": "torch.compile; for long fits"}
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
