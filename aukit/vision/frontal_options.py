"""Options of aligners that render a mesh in frontal view; nothing heavy is imported."""

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
    """Rendering of the face, and limits."""

    fit: Fit = field(
        default="similarity",
        metadata={
            "role": METHOD,
            "help": "how the mesh is mapped to frontal: similarity keeps its shape",
        },
    )
    occlusion: Occlusion = field(
        default="black",
        metadata={"role": METHOD, "help": "parts hidden in the picture: black, or mirrored"},
    )
    outline: Outline = field(
        default="face",
        metadata={
            "role": METHOD,
            "help": "outline of the face: a smooth line defined on the mean face, or the edge of "
            "the "
            "mesh",
        },
    )
    hairline: bool = field(
        default=True,
        metadata={
            "role": METHOD,
            "help": "show the forehead up to the hairline, with a smaller face; otherwise "
            "`forehead` "
            "sets how much is shown",
        },
    )
    hair: Hair = field(
        default="black",
        metadata={
            "role": METHOD,
            "help": "pixels over the forehead without the colour of the face (hair, caps): "
            "black, or "
            "shown",
        },
    )
    min_eyes: float = field(
        default=10.0,
        metadata={
            "role": METHOD,
            "help": "smallest distance between the outer eye corners, source pixels",
        },
    )
    max_turn: float = field(
        default=80.0,
        metadata={"role": METHOD, "help": "largest angle between the face and the camera, degrees"},
    )
    max_outside: float = field(
        default=0.5,
        metadata={"role": METHOD, "help": "largest share of landmarks outside the picture"},
    )
    min_visible: float = field(
        default=0.25,
        metadata={
            "role": METHOD,
            "help": "smallest share of the rendered face visible in the picture",
        },
    )

    max_misfit: float = field(
        default=0.13,
        metadata={
            "role": METHOD,
            "help": "largest distance between a mesh and the mean face, in eye distances; rejects "
            "meshes without the shape of a face",
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
