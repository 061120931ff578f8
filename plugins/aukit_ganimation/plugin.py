"""Registers GANimation without and with the idiosyncratic loss; nothing heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from aukit.components import Component
from aukit.config.checks import at_least
from aukit.hooks import hookimpl
from aukit.synthesis.options import FitOptions


@dataclass(frozen=True)
class GanimationConfig(FitOptions):
    """Options of GANimation; the defaults are the papers'."""

    noise: float = field(default=0.1, metadata={"help": "uniform noise on target AUs, in 0..1"})
    size: int = field(
        default=224, metadata={"help": "side of the networks' pictures, pixels; a multiple of 4"}
    )
    width: int = field(default=64, metadata={"help": "channels of the generator's first layer"})
    blocks: int = field(default=6, metadata={"help": "residual blocks of the generator"})
    critic_width: int = field(default=64, metadata={"help": "channels of the critic's first layer"})
    depth: int = field(default=6, metadata={"help": "layers of the critic; each halves its map"})
    critic_steps: int = field(default=5, metadata={"help": "critic steps a generator step"})
    attention: bool = field(
        default=False, metadata={"help": "paint through an attention mask, as plain GANimation"}
    )
    composition: Literal["replace", "difference", "motion"] = field(
        default="replace",
        metadata={
            "help": "the picture is what is painted, or changes by what other AUs change, or moves "
            "its pixels before"
        },
    )
    l_adv: float = field(default=1.0, metadata={"help": "weight of the adversarial loss"})
    l_exp: float = field(default=160.0, metadata={"help": "weight of the expression loss"})
    l_idt: float = field(default=10.0, metadata={"help": "weight of the cycle (identity) loss"})
    l_gp: float = field(default=10.0, metadata={"help": "weight of the gradient penalty"})
    l_mask: float = field(
        default=0.1, metadata={"help": "weight of the mean of the attention mask"}
    )
    l_smooth: float = field(
        default=2.5e-4, metadata={"help": "weight of the mask's total variation, mean over faces"}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 1, "width", "critic_width", "depth", "critic_steps")
        at_least(self, 0, "blocks", *LAMBDAS)
        if self.size % 4 or self.size >> self.depth < 1:
            raise ValueError("size must be a multiple of 4 that can be halved `depth` times")


LAMBDAS = ("l_adv", "l_exp", "l_idt", "l_gp", "l_mask", "l_smooth")


@dataclass(frozen=True)
class IdiosyncraticConfig(GanimationConfig):
    """The same options with the pair loss on."""

    l_ids: float = field(default=1.0, metadata={"help": "weight of the idiosyncratic loss"})


# Small networks see few pixels of a person whom they do not know: all others stay, or move along.
# docs/explanation/ganimation.md tells what was tried.
QUICK: dict[str, Any] = {
    "composition": "motion",
    "size": 32,
    "width": 16,
    "blocks": 2,
    "critic_width": 32,
    "depth": 3,
    "l_exp": 6.0,
    "batch": 8,
    "critic_steps": 1,
    "epochs": 7,
    "decay_epochs": 4,
    "learning_rate": 1e-3,
    "ema": 0.998,
    "ticks": 8,
}
QUICK_PAIRS: dict[str, Any] = {
    **QUICK,
    "l_ids": 100.0,
    "l_idt": 0.0,
    "pairs": 1.0,
    "partners": "task",
    "candidates": 6,
    "epochs": 2,
    "decay_epochs": 1,
}

_PAPERS = (
    "Pumarola et al., GANimation, ECCV 2018; "
    "Niinuma et al., Synthetic Expressions are Better Than Real, WACV 2021, 3.2"
)


def _component(
    name: str, config: type[GanimationConfig], summary: str, quick: dict[str, Any]
) -> Component:
    return Component(
        kind="synth",
        name=name,
        factory="aukit_ganimation.synthesizer:Ganimation",
        config=config,
        summary=summary,
        presets={"quick": quick},
        requires=("torch",),
        tags=("needs-fit",),
        paper=_PAPERS,
    )


@hookimpl
def aukit_synthesizers() -> list[Component]:
    """The synthesizer, without and with pairs of one person."""
    plain = "paints AUs with a conditional WGAN-GP"
    paired = "GANimation with the idiosyncratic pair loss"
    return [
        _component("ganimation", GanimationConfig, plain, QUICK),
        _component("ganimation-ids", IdiosyncraticConfig, paired, QUICK_PAIRS),
    ]
