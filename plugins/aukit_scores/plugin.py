"""Registers the metrics `intensity` and `presence`."""

from __future__ import annotations

from dataclasses import dataclass, field

from aukit.au import MAX_LEVEL
from aukit.components import Component
from aukit.hooks import hookimpl
from aukit.published import METHOD


@dataclass(frozen=True)
class IntensityConfig:
    """Options of the metrics `intensity` and `presence`."""

    threshold: float = field(
        default=2.0,
        metadata={
            "role": METHOD,
            "help": "lowest intensity (0..5) that counts as present in F1 and accuracy",
        },
    )

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= MAX_LEVEL:
            raise ValueError(f"threshold must lie above 0 and up to {MAX_LEVEL}")


@hookimpl
def aukit_metrics() -> list[Component]:
    """ICC(3,1), MAE, MSE, PCC, F1, skew-normalised F1 and accuracy."""
    return [
        Component(
            kind="metric",
            name="intensity",
            factory="aukit_scores.intensity:Intensity",
            config=IntensityConfig,
            summary="ICC(3,1), MAE, MSE, PCC of intensity; F1 and accuracy of presence",
            paper="Shrout and Fleiss 1979, Psychological Bulletin 86(2), 420-428",
        ),
        Component(
            kind="metric",
            name="presence",
            factory="aukit_scores.presence:Presence",
            config=IntensityConfig,
            summary="F1, skew-normalised F1 and accuracy of presence only",
            paper="Jeni, Cohn and De la Torre 2013, ACII, 245-251",
        ),
    ]
