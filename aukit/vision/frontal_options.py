"""Options of aligners that show a mesh from the front; nothing heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Fit = Literal["similarity", "affine"]
Occlusion = Literal["black", "mirror"]


@dataclass(frozen=True)
class FrontalOptions:
    """How the face is shown, and what is refused."""

    size: int = field(default=224, metadata={"help": "side of the registered face in pixels"})
    margin: float = field(
        default=0.09, metadata={"help": "free share of the width on either side of the jaw"}
    )
    forehead: float = field(
        default=0.14, metadata={"help": "free share of the height above the brows"}
    )
    fit: Fit = field(
        default="similarity",
        metadata={"help": "how the mesh is turned to the front: similarity keeps its shape"},
    )
    occlusion: Occlusion = field(
        default="black", metadata={"help": "parts that the picture hides: black, or mirrored"}
    )
    min_eyes: float = field(
        default=10.0, metadata={"help": "least distance of the outer eye corners, source pixels"}
    )
    max_turn: float = field(
        default=80.0, metadata={"help": "largest angle between the face and the camera, degrees"}
    )
    max_outside: float = field(
        default=0.5, metadata={"help": "largest share of landmarks beyond the picture"}
    )
    min_visible: float = field(
        default=0.25, metadata={"help": "least share of the shown face that the picture shows"}
    )

    def __post_init__(self) -> None:
        if self.size < 16:
            raise ValueError("size must be at least 16")
        if not (0 <= self.margin < 0.5 and 0 <= self.forehead < 1):
            raise ValueError("margin must lie in 0..0.5 and forehead in 0..1")
        if self.min_eyes <= 0:
            raise ValueError("min_eyes must be more than 0")
        if not 0 < self.max_turn <= 90:
            raise ValueError("max_turn must lie in 0..90")
        for name in ("max_outside", "min_visible"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in 0..1")
