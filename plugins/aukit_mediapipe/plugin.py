"""MediaPipe's face models as landmarkers, and their mesh as an aligner.

The records and options; nothing heavy is imported.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aukit.components import AUTO, Component
from aukit.hooks import hookimpl
from aukit.published import METHOD, SIZE
from aukit.vision.frontal_options import FrontalOptions

if TYPE_CHECKING:
    from aukit.contracts.weights import Weights

WEIGHTS = "face-landmarker"

# fmt: off
BLENDSHAPE_NAMES = (
    "neutral", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft",
    "browOuterUpRight", "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft",
    "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight",
    "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft",
    "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen",
    "jawRight", "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft",
    "mouthFrownRight", "mouthFunnel", "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight",
    "mouthPressLeft", "mouthPressRight", "mouthPucker", "mouthRight", "mouthRollLower",
    "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft", "mouthSmileRight",
    "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight",
)
"""Names of the 52 columns of the measure `blendshapes`; left and right are the person's."""
# fmt: on


@dataclass(frozen=True)
class Options:
    """Options of both runtimes."""

    weights: str = field(
        default=WEIGHTS,
        metadata={"file": True, "role": METHOD, "help": "model bundle: a known name, or a path"},
    )
    max_faces: int = field(default=16, metadata={"role": SIZE, "help": "most faces per picture"})
    min_detection: float = field(
        default=0.5, metadata={"role": METHOD, "help": "lowest score of a detected face"}
    )
    min_presence: float = field(
        default=0.5,
        metadata={"role": METHOD, "help": "lowest probability that the mesh is on a face"},
    )

    def __post_init__(self) -> None:
        if self.max_faces < 1:
            raise ValueError("max_faces must be at least 1")
        for name in ("min_detection", "min_presence"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be between 0 and 1")


@dataclass(frozen=True)
class LiteRTOptions(Options):
    """Options of the LiteRT runtime."""

    tiles: int = field(
        default=3,
        metadata={
            "role": SIZE,
            "help": "search pictures without a detection in n x n overlapping tiles, up to this n "
            "(1: never); finds smaller faces",
        },
    )
    everywhere: bool = field(
        default=False,
        metadata={"role": METHOD, "help": "search tiles in all pictures, for crowds"},
    )
    threads: int = field(
        default=0, metadata={"role": SIZE, "help": "rows inferred at a time; 0: one per core"}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.tiles < 1 or self.threads < 0:
            raise ValueError("tiles must be at least 1, and threads at least 0")


@dataclass(frozen=True)
class FaceMeshOptions(FrontalOptions):
    """Options of the aligner."""


@dataclass(frozen=True)
class BlendshapeOptions:
    """Options of the judge."""

    weights: str = field(
        default=WEIGHTS,
        metadata={"file": True, "role": METHOD, "help": "model bundle: a known name, or a path"},
    )
    min_presence: float = field(
        default=0.5,
        metadata={"role": METHOD, "help": "lowest probability that the mesh is on a face"},
    )
    threads: int = field(
        default=0, metadata={"role": SIZE, "help": "rows inferred at a time; 0: one per core"}
    )

    def __post_init__(self) -> None:
        if not 0 <= self.min_presence <= 1:
            raise ValueError("min_presence must be between 0 and 1")
        if self.threads < 0:
            raise ValueError("threads must be at least 0")


@hookimpl
def aukit_aligners() -> list[Component]:
    """The aligner on MediaPipe's mesh."""
    return [
        Component(
            kind="aligner",
            name="facemesh",
            factory="aukit_mediapipe.facemesh:FaceMeshAligner",
            config=FaceMeshOptions,
            summary="MediaPipe's face mesh, rotated to frontal and textured",
            presets={"quick": {"size": 96}},
            accepts=("mediapipe-478",),
            tags=("non-planar",),
            paper="Grishchenko et al., Attention Mesh, arXiv:2006.10962",
        )
    ]


@hookimpl
def aukit_landmarkers() -> list[Component]:
    """The two runtimes of the models."""
    return [
        Component(
            kind="landmarker",
            name="mediapipe",
            factory="aukit_mediapipe.landmarker:LiteRTLandmarker",
            config=LiteRTOptions,
            summary="MediaPipe face mesh and blendshapes on LiteRT; no network contact",
            requires=("ai_edge_litert",),
            install_hint="pip install ai-edge-litert",
            weights_licence="Apache-2.0",
            paper="Grishchenko et al., Attention Mesh, arXiv:2006.10962",
        ),
        Component(
            kind="landmarker",
            name="mediapipe-tasks",
            factory="aukit_mediapipe.tasks:TasksLandmarker",
            config=Options,
            summary="the same with Google's package; it reports usage, so LiteRT is the default",
            requires=("mediapipe",),
            install_hint="pip install 'aukit-facs[mediapipe]'",
            weights_licence="Apache-2.0",
            paper="Grishchenko et al., Attention Mesh, arXiv:2006.10962",
        ),
    ]


@hookimpl
def aukit_judges() -> list[Component]:
    """The blendshapes of registered faces."""
    return [
        Component(
            kind="judge",
            name="blendshapes",
            factory="aukit_mediapipe.judge:BlendshapeJudge",
            config=BlendshapeOptions,
            summary="MediaPipe's blendshapes by AU, calibrated on real faces",
            requires=("ai_edge_litert",),
            install_hint="pip install ai-edge-litert",
            tags=(AUTO,),
            weights_licence="Apache-2.0",
            paper="Grishchenko et al., Attention Mesh, arXiv:2006.10962",
        )
    ]


@hookimpl
def aukit_weights() -> list[Weights]:
    """The model bundle of MediaPipe's face landmarker."""
    from aukit.contracts.weights import Bundled, Weights

    return [
        Weights(
            name=WEIGHTS,
            sha256="64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
            bytes=3_758_596,
            licence="Apache-2.0",
            sources=(Bundled("aukit_mediapipe", "data/face_landmarker.task"),),
            summary="MediaPipe face detector, 478-point mesh and 52 blendshapes (float16)",
        )
    ]
