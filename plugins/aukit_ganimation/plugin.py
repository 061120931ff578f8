"""Registers GANimation without and with the idiosyncratic loss; nothing heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from aukit.components import Component
from aukit.config.checks import at_least
from aukit.hooks import hookimpl
from aukit.published import METHOD, SIZE, Published, inherited, silent
from aukit.synthesis.options import FitOptions


@dataclass(frozen=True)
class GanimationConfig(FitOptions):
    """Options of GANimation; `PUBLISHED` has the papers' values."""

    noise: float = inherited(FitOptions, "noise", 0.1)
    size: int = field(
        default=224,
        metadata={"role": SIZE, "help": "side of the networks' pictures, pixels; a multiple of 4"},
    )
    width: int = field(
        default=64, metadata={"role": SIZE, "help": "channels of the generator's first layer"}
    )
    blocks: int = field(
        default=6, metadata={"role": SIZE, "help": "residual blocks of the generator"}
    )
    critic_width: int = field(
        default=64, metadata={"role": SIZE, "help": "channels of the critic's first layer"}
    )
    depth: int = field(
        default=6, metadata={"role": SIZE, "help": "layers of the critic; each halves its map"}
    )
    critic_steps: int = field(
        default=1, metadata={"role": METHOD, "help": "critic steps per generator step"}
    )
    affine: bool = field(
        default=True,
        metadata={
            "role": METHOD,
            "help": "learn scale and shift in the generator's normalization layers",
        },
    )
    attention: bool = field(
        default=False,
        metadata={
            "role": METHOD,
            "help": "generate through an attention mask, as in plain GANimation",
        },
    )
    composition: Literal["replace", "difference", "motion"] = field(
        default="motion",
        metadata={
            "role": METHOD,
            "help": "replace: generate the picture; difference: add the change between AUs to the "
            "input; motion: also move its pixels first",
        },
    )
    l_adv: float = field(
        default=1.0, metadata={"role": METHOD, "help": "weight of the adversarial loss"}
    )
    l_exp: float = field(
        default=6.0, metadata={"role": METHOD, "help": "weight of the expression loss"}
    )
    l_idt: float = field(
        default=10.0, metadata={"role": METHOD, "help": "weight of the cycle (identity) loss"}
    )
    l_gp: float = field(
        default=10.0, metadata={"role": METHOD, "help": "weight of the gradient penalty"}
    )
    l_mask: float = field(
        default=0.1, metadata={"role": METHOD, "help": "weight of the mean of the attention mask"}
    )
    l_smooth: float = field(
        default=2.5e-4,
        metadata={"role": METHOD, "help": "weight of the mask's total variation, mean over faces"},
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
    """The same options, with defaults for pairs from one recording."""

    l_ids: float = inherited(GanimationConfig, "l_ids", 100.0)
    l_idt: float = inherited(GanimationConfig, "l_idt", 0.0)
    pairs: float = inherited(GanimationConfig, "pairs", 1.0)
    partners: Literal["person", "task"] = inherited(GanimationConfig, "partners", "task")
    candidates: int = inherited(GanimationConfig, "candidates", 6)


# Small networks see few pixels of an unknown person; the others are kept or moved.
# docs/explanation/ganimation.md describes the experiments.
QUICK: dict[str, Any] = {
    "size": 32,
    "width": 16,
    "blocks": 2,
    "critic_width": 32,
    "depth": 3,
    "batch": 8,
    "epochs": 7,
    "decay_epochs": 4,
    "learning_rate": 1e-3,
    "ema": 0.998,
    "ticks": 8,
}
QUICK_PAIRS: dict[str, Any] = {**QUICK, "epochs": 2, "decay_epochs": 1}

_CODE = "the code referenced in 4.2.1"
PUBLISHED: dict[str, Published] = {
    "l_ids": Published(0.0, "4.4: off in the baseline"),
    "pairs": Published(0.0, "targets are AUs of other random faces (the code referenced in 4.2.1)"),
    "partners": Published("person", "3.2: source and target of the same subject"),
    "candidates": Published(1, _CODE),
    "noise": Published(0.1, _CODE),
    "clamp": Published(False, _CODE),
    "flip": Published(True, _CODE),
    "batch": Published(25, _CODE),
    "epochs": Published(20, _CODE),
    "decay_epochs": Published(10, _CODE),
    "learning_rate": Published(1e-4, _CODE),
    "ema": Published(0.0, "the last generator synthesizes (the code referenced in 4.2.1)"),
    "ticks": silent(20),
    "compile": silent(False),
    "size": Published(224, "4.2.1"),
    "width": Published(64, _CODE),
    "blocks": Published(6, _CODE),
    "critic_width": Published(64, _CODE),
    "depth": Published(6, _CODE),
    "critic_steps": Published(5, _CODE),
    "affine": Published(False, "the code referenced in 4.2.1; GANimation's own is affine"),
    "attention": Published(False, "4.3: the mask and the colour term are left out"),
    "composition": Published("replace", "3.2: the generator makes the picture"),
    "l_adv": Published(1.0, "4.3"),
    "l_exp": Published(160.0, "4.3"),
    "l_idt": Published(10.0, "4.3"),
    "l_gp": Published(10.0, _CODE),
    "l_mask": silent(0.1, "no mask; GANimation's weight"),
    "l_smooth": silent(2.5e-4, "no mask; GANimation's weight divided by the number of faces"),
}
PUBLISHED_PAIRS = {
    **PUBLISHED,
    "l_ids": Published(1.0, "4.4, eq. 5"),
    "pairs": silent(0.5, "share not stated; half is our choice"),
}

_PAPERS = (
    "Pumarola et al., GANimation, ECCV 2018; "
    "Niinuma et al., Synthetic Expressions are Better Than Real, WACV 2021, 3.2"
)


def _component(
    name: str,
    config: type[GanimationConfig],
    summary: str,
    quick: dict[str, Any],
    published: dict[str, Published],
) -> Component:
    return Component(
        kind="synth",
        name=name,
        factory="aukit_ganimation.synthesizer:Ganimation",
        config=config,
        summary=summary,
        presets={"quick": quick},
        published=published,
        requires=("torch",),
        tags=("needs-fit",),
        paper=_PAPERS,
    )


@hookimpl
def aukit_synthesizers() -> list[Component]:
    """The synthesizer, with and without pairs of one person."""
    plain = "synthesizes AUs with a conditional WGAN-GP"
    paired = "GANimation with the idiosyncratic pair loss"
    return [
        _component("ganimation", GanimationConfig, plain, QUICK, PUBLISHED),
        _component("ganimation-ids", IdiosyncraticConfig, paired, QUICK_PAIRS, PUBLISHED_PAIRS),
    ]
