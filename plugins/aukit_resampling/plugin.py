"""Registers the balancers `none`, `resample` and `semantic`."""

from __future__ import annotations

from dataclasses import dataclass, field

from aukit.components import Component
from aukit.hooks import hookimpl


@dataclass(frozen=True)
class NoneConfig:
    """The balancer `none` has no options."""


@dataclass(frozen=True)
class ResampleConfig:
    """Options of the balancer `resample`."""

    per_level: int = field(
        default=5000, metadata={"help": "frames of each AU at each of the six levels"}
    )

    def __post_init__(self) -> None:
        if self.per_level < 1:
            raise ValueError("per_level must be at least 1")


@dataclass(frozen=True)
class SemanticConfig:
    """Options of the balancer `semantic`."""

    per_level: int = field(
        default=5000, metadata={"help": "synthetic faces of each AU at each of the six levels"}
    )

    def __post_init__(self) -> None:
        if self.per_level < 1:
            raise ValueError("per_level must be at least 1")


@hookimpl
def aukit_balancers() -> list[Component]:
    """Use the frames as they are, equally many of each level, or synthetic faces only."""
    return [
        Component(
            kind="balancer",
            name="none",
            factory="aukit_resampling.balancers:Unbalanced",
            config=NoneConfig,
            summary="every coded frame once: the skew of the corpus as it is",
        ),
        Component(
            kind="balancer",
            name="resample",
            factory="aukit_resampling.balancers:Resample",
            config=ResampleConfig,
            summary="equally many real frames of each AU at each level",
            presets={"quick": {"per_level": 150}, "paper": {"per_level": 5000}},
            paper="Niinuma et al. 2021 (WACV), section 4.2.2",
        ),
        Component(
            kind="balancer",
            name="semantic",
            factory="aukit_resampling.semantic:Semantic",
            config=SemanticConfig,
            summary="equally many synthetic faces of each AU at each level",
            presets={"quick": {"per_level": 100}, "paper": {"per_level": 5000}},
            beside=("synth",),
            paper="Niinuma et al. 2021 (WACV), section 4.2.2",
        ),
    ]
