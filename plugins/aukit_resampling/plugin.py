"""Registers the balancers: `none`, `resample`, `semantic`, `ml-ros` and `ml-rus`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from aukit.components import Component
from aukit.hooks import hookimpl
from aukit.published import METHOD, SIZE, Published, silent


@dataclass(frozen=True)
class NoneConfig:
    """The balancer `none` has no options."""


@dataclass(frozen=True)
class ResampleConfig:
    """Options of the balancer `resample`."""

    per_level: int = field(
        default=5000, metadata={"role": SIZE, "help": "frames per AU at each of the six levels"}
    )
    per_view: bool = field(
        default=False,
        metadata={"role": METHOD, "help": "use this many in each view, if the data has several"},
    )

    def __post_init__(self) -> None:
        if not 1 <= self.per_level <= 1_000_000:
            raise ValueError("per_level must be 1 to 1,000,000")


@dataclass(frozen=True)
class SemanticConfig:
    """Options of the balancer `semantic`."""

    per_level: int = field(
        default=5000,
        metadata={"role": SIZE, "help": "synthetic faces per AU at each of the six levels"},
    )

    def __post_init__(self) -> None:
        if not 1 <= self.per_level <= 1_000_000:
            raise ValueError("per_level must be 1 to 1,000,000")


Labelling = Literal["levels", "classes", "presence"]
_LABELS = "definition of a label: an AU at a level 1 to 5, at a level 0 to 5 (classes), or its "
"presence"


@dataclass(frozen=True)
class MlRosConfig:
    """Options of the balancer `ml-ros`."""

    percent: int = field(
        default=25,
        metadata={
            "role": METHOD,
            "help": "most repeated frames, in percent of the coded frames",
        },
    )
    labels: Labelling = field(default="levels", metadata={"role": METHOD, "help": _LABELS})

    def __post_init__(self) -> None:
        if self.percent < 1:
            raise ValueError("percent must be at least 1")


@dataclass(frozen=True)
class MlRusConfig:
    """Options of the balancer `ml-rus`."""

    percent: int = field(
        default=25,
        metadata={
            "role": METHOD,
            "help": "most frames left out, in percent of the coded frames",
        },
    )
    labels: Labelling = field(default="levels", metadata={"role": METHOD, "help": _LABELS})

    def __post_init__(self) -> None:
        if not 1 <= self.percent < 100:
            raise ValueError("percent must lie in 1..99")


_CHARTE = "Charte et al. 2015 (Neurocomputing 163), ML-ROS and ML-RUS"

_PER_LEVEL = Published(5000, "4.2.2: 5,000 of each AU and intensity")


@hookimpl
def aukit_balancers() -> list[Component]:
    """Use frames as they are, repeat or drop some, or use only synthetic faces."""
    return [
        Component(
            kind="balancer",
            name="none",
            factory="aukit_resampling.balancers:Unbalanced",
            config=NoneConfig,
            summary="every coded frame once, with the skew of the corpus",
        ),
        Component(
            kind="balancer",
            name="resample",
            factory="aukit_resampling.balancers:Resample",
            config=ResampleConfig,
            summary="equal numbers of real frames per AU and level",
            presets={"quick": {"per_level": 150}},
            published={
                "per_level": _PER_LEVEL,
                "per_view": silent(False, "frontal training frames"),
            },
            paper="Niinuma et al. 2021 (WACV), section 4.2.2",
        ),
        Component(
            kind="balancer",
            name="semantic",
            factory="aukit_resampling.semantic:Semantic",
            config=SemanticConfig,
            summary="equal numbers of synthetic faces per AU and level",
            presets={"quick": {"per_level": 150}},
            published={"per_level": _PER_LEVEL},
            beside=("synth",),
            paper="Niinuma et al. 2021 (WACV), section 4.2.2",
        ),
        Component(
            kind="balancer",
            name="ml-ros",
            factory="aukit_resampling.multilabel:MlRos",
            config=MlRosConfig,
            summary="every coded frame, with rare labels repeated",
            paper=_CHARTE,
        ),
        Component(
            kind="balancer",
            name="ml-rus",
            factory="aukit_resampling.multilabel:MlRus",
            config=MlRusConfig,
            summary="coded frames without some that have frequent labels",
            paper=_CHARTE,
        ),
    ]
