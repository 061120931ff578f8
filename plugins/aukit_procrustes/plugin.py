"""The 2D aligner: its record and options; nothing heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from aukit.components import Component
from aukit.hooks import hookimpl
from aukit.published import METHOD, Published, silent
from aukit.vision.face_options import FaceOptions

_NIINUMA = "Niinuma et al. 2021"


@dataclass(frozen=True)
class Options(FaceOptions):
    """Position of the face in the registered picture, and limits."""

    points: Literal["all", "stable"] = field(
        default="all",
        metadata={
            "role": METHOD,
            "help": "landmarks to fit: all 68, or those that expressions hardly move (corners of "
            "the "
            "eyes, nose)",
        },
    )
    min_eyes: float = field(
        default=10.0,
        metadata={
            "role": METHOD,
            "help": "smallest distance between the outer eye corners, source pixels",
        },
    )
    max_outside: float = field(
        default=0.5,
        metadata={"role": METHOD, "help": "largest share of landmarks outside the picture"},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.min_eyes <= 0:
            raise ValueError("min_eyes must be more than 0")
        if not 0 <= self.max_outside <= 1:
            raise ValueError("max_outside must lie in 0..1")


PUBLISHED = {
    "size": Published(224, f"{_NIINUMA}, 4.2.1; 200 in Liu et al. 2019"),
    "margin": silent(0.09),
    "forehead": silent(0.14),
    "points": Published("all", f"{_NIINUMA}, 4.3: Procrustes on 68 landmarks"),
    "min_eyes": silent(10.0),
    "max_outside": silent(0.5),
}


@hookimpl
def aukit_aligners() -> list[Component]:
    """The Procrustes aligner."""
    return [
        Component(
            kind="aligner",
            name="procrustes",
            aliases=("2d",),
            factory="aukit_procrustes.align:ProcrustesAligner",
            config=Options,
            summary="similarity from 68 landmarks to a frontal template",
            presets={"quick": {"size": 96}},
            published=PUBLISHED,
            accepts=("ibug-68",),
            paper="Gower, Generalized Procrustes analysis, Psychometrika 1975",
        )
    ]
