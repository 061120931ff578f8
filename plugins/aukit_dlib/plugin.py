"""Registers dlib's landmarker. The record and its options; nothing heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass, field

from aukit.components import Component
from aukit.config.checks import at_least
from aukit.hooks import hookimpl
from aukit.published import METHOD

FILE = "shape_predictor_68_face_landmarks.dat"


@dataclass(frozen=True)
class DlibOptions:
    """Options of the landmarker."""

    weights: str = field(
        default="",
        metadata={"file": True, "role": METHOD, "help": f"path of {FILE}, which you provide"},
    )
    upsample: int = field(
        default=1,
        metadata={
            "role": METHOD,
            "help": "how often pictures are doubled in size before detection, which finds faces "
            "from 80 pixels",
        },
    )

    def __post_init__(self) -> None:
        at_least(self, 0, "upsample")


@hookimpl
def aukit_landmarkers() -> list[Component]:
    """The landmarks of the first paper."""
    return [
        Component(
            kind="landmarker",
            name="dlib",
            factory="aukit_dlib.landmarker:DlibLandmarker",
            config=DlibOptions,
            summary="dlib's frontal face detector and 68 points; you provide the weights",
            requires=("dlib",),
            install_hint="pip install dlib-bin",
            weights_licence="trained on iBUG 300-W, which excludes commercial use; by path only",
            paper="Kazemi and Sullivan, One Millisecond Face Alignment, CVPR 2014",
        )
    ]
