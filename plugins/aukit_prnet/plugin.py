"""PRNet as an aligner: its record, options and commands; nothing heavy is imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aukit.components import Component, Fitting
from aukit.hooks import hookimpl
from aukit.published import METHOD, SIZE, Published, silent
from aukit.vision.frontal_options import FrontalOptions
from aukit_prnet.options import Anchored
from aukit_prnet.recipe import FIT_PUBLISHED, PRESETS, FitOptions


@dataclass(frozen=True)
class Options(FrontalOptions):
    """Weights, and rendering of the face."""

    weights: str = field(
        default="",
        metadata={
            "file": True,
            "role": METHOD,
            "help": "path of PRNet weights; by default the bundled ones",
        },
    )
    anchor: Anchored = field(
        default="points",
        metadata={
            "role": METHOD,
            "help": "how the mesh is fitted to the landmarks: not at all, by a rigid motion, or "
            "by a "
            "rigid motion and bending",
        },
    )
    batch: int = field(
        default=32, metadata={"role": SIZE, "help": "faces per batch of the network"}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.batch < 1:
            raise ValueError("batch must be at least 1")


_NIINUMA = "Niinuma et al. 2021"
PUBLISHED = {
    "size": Published(224, f"{_NIINUMA}, 4.2.1"),
    "margin": silent(0.09),
    "forehead": silent(0.14),
    "fit": Published("affine", "PRNet's own code, which 3.1 uses"),
    "occlusion": Published("black", f"{_NIINUMA}, 4.6"),
    "outline": silent("face"),
    "hairline": silent(True),
    "hair": silent("black"),
    "min_eyes": silent(10.0),
    "max_turn": silent(80.0),
    "max_outside": silent(0.5),
    "min_visible": silent(0.25),
    "max_misfit": silent(0.13),
    "weights": Published(
        "PRNet's published weights, provided by you (`aukit prnet`)",
        f"{_NIINUMA}, 3.1",
        "brought",
    ),
    "anchor": Published("none", f"{_NIINUMA}, 3.1: the mesh is read off the picture alone"),
    "batch": silent(32),
}


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
            summary="PRNet's dense mesh, rotated to frontal and textured",
            presets={"quick": {"size": 96}},
            published=PUBLISHED,
            accepts=("ibug-68",),
            tags=("non-planar",),
            weights_licence="Apache-2.0",
            fitting=Fitting("aukit_prnet.fit:PrnetFit", FitOptions, PRESETS, FIT_PUBLISHED),
            paper="Feng et al., Joint 3D Face Reconstruction and Dense Alignment, ECCV 2018",
        )
    ]


@hookimpl
def aukit_commands() -> Mapping[str, tuple[str, str]]:
    """The command that imports public weights."""
    return {"prnet": ("aukit_prnet.command:prnet", "Import weights of PRNet.")}
