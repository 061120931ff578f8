"""Options of aligners that show a mesh from the front; nothing heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from aukit.published import METHOD
from aukit.vision.face_options import FaceOptions

Fit = Literal["similarity", "affine"]
Occlusion = Literal["black", "mirror"]
Outline = Literal["face", "mesh"]
Hair = Literal["black", "shown"]


@dataclass(frozen=True)
class FrontalOptions(FaceOptions):
    """How the face is shown, and what is refused."""

    fit: Fit = field(
        default="similarity",
        metadata={
            "role": METHOD,
            "help": "how the mesh is turned to the front: similarity keeps its shape",
        },
    )
    occlusion: Occlusion = field(
        default="black",
        metadata={"role": METHOD, "help": "parts that the picture hides: black, or mirrored"},
    )
    outline: Outline = field(
        default="face",
        metadata={
            "role": METHOD,
            "help": "where the face ends: at a smooth line drawn once on the mean face, or as far "
            "as the mesh reaches",
        },
    )
    hairline: bool = field(
        default=True,
        metadata={
            "role": METHOD,
            "help": "show the forehead up to the hairline, for which the face is drawn smaller; "
            "else `forehead` says how much of it",
        },
    )
    hair: Hair = field(
        default="black",
        metadata={
            "role": METHOD,
            "help": "what covers the forehead and has not the colour of the face (hair, caps): "
            "black, or shown",
        },
    )
    min_eyes: float = field(
        default=10.0,
        metadata={"role": METHOD, "help": "least distance of the outer eye corners, source pixels"},
    )
    max_turn: float = field(
        default=80.0,
        metadata={"role": METHOD, "help": "largest angle between the face and the camera, degrees"},
    )
    max_outside: float = field(
        default=0.5,
        metadata={"role": METHOD, "help": "largest share of landmarks beyond the picture"},
    )
    min_visible: float = field(
        default=0.25,
        metadata={"role": METHOD, "help": "least share of the shown face that the picture shows"},
    )

    max_misfit: float = field(
        default=0.13,
        metadata={
            "role": METHOD,
            "help": "largest distance between a mesh and the mean face, in distances of the eyes: "
            "what is no face has no face's shape",
        },
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_misfit <= 0:
            raise ValueError("max_misfit must be more than 0")
        if self.min_eyes <= 0:
            raise ValueError("min_eyes must be more than 0")
        if not 0 < self.max_turn <= 90:
            raise ValueError("max_turn must lie in 0..90")
        for name in ("max_outside", "min_visible"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in 0..1")
