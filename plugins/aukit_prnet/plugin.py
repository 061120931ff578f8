"""PRNet as an aligner: its record, options and commands; nothing heavy is imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aukit.components import Component, Fitting
from aukit.hooks import hookimpl
from aukit.vision.frontal_options import FrontalOptions
from aukit_prnet.options import Anchored
from aukit_prnet.recipe import PRESETS, FitOptions


@dataclass(frozen=True)
class Options(FrontalOptions):
    """Which weights, and how the face is shown."""

    weights: str = field(
        default="",
        metadata={"file": True, "help": "weights of PRNet, a path; the packaged ones by default"},
    )
    anchor: Anchored = field(
        default="points",
        metadata={
            "help": "how the mesh is brought into line with the landmarks: not at all, turned and "
            "shifted as a whole, or bent towards them besides"
        },
    )
    batch: int = field(default=32, metadata={"help": "faces that the network sees at a time"})

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.batch < 1:
            raise ValueError("batch must be at least 1")


@hookimpl
def aukit_aligners() -> list[Component]:
    """The aligner on PRNet's mesh."""
    return [
        Component(
            kind="aligner",
            name="prnet",
            aliases=("3d",),
            factory="aukit_prnet.align:PrnetAligner",
            config=Options,
            summary="PRNet's dense mesh, turned to the front and painted",
            presets={"quick": {"size": 96}},
            accepts=("ibug-68",),
            tags=("non-planar",),
            weights_licence="Apache-2.0",
            fitting=Fitting("aukit_prnet.fit:PrnetFit", FitOptions, PRESETS),
            paper="Feng et al., Joint 3D Face Reconstruction and Dense Alignment, ECCV 2018",
        )
    ]


@hookimpl
def aukit_commands() -> Mapping[str, tuple[str, str]]:
    """Bringing public weights."""
    return {"prnet": ("aukit_prnet.command:prnet", "Import weights of PRNet.")}
