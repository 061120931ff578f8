"""Options of aligners that show a mesh from the front; nothing heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from aukit.published import METHOD
from aukit.vision.face_options import FaceOptions

Fit = Literal["similarity", "affine"]
Occlusion = Literal["black", "mirror"]


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

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.min_eyes <= 0:
            raise ValueError("min_eyes must be more than 0")
        if not 0 < self.max_turn <= 90:
            raise ValueError("max_turn must lie in 0..90")
        for name in ("max_outside", "min_visible"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in 0..1")
