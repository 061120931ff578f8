"""The 3D aligner of the paper: PRNet's mesh, rotated to frontal and textured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from aukit.contracts.aligner import Aligned, Way
from aukit.contracts.context import Context
from aukit.contracts.landmarker import Faces
from aukit.views import FRONTAL, View
from aukit.vision.frontal import FrontalView
from aukit_prnet import weights
from aukit_prnet.plugin import Options
from aukit_prnet.predict import Predictor


class PrnetAligner:
    """Regresses a dense mesh and renders it in frontal view."""

    def __init__(self, config: Options, context: Context) -> None:
        self._config = config
        self._context = context

    @cached_property
    def weights(self) -> weights.Weights:
        """The weights in use.

        Raises:
            MissingWeights: there are none.
            DataError: they are damaged, or of another architecture.
        """
        chosen = self._config.weights
        return weights.load(Path(self._context.weights(chosen)) if chosen else weights.PACKAGED)

    @cached_property
    def predictor(self) -> Predictor:
        """The predictor of the meshes."""
        options = self._config
        return Predictor(self.weights, self._context.device, options.batch, options.anchor)

    @cached_property
    def view(self) -> FrontalView:
        """The renderer of the meshes."""
        return FrontalView.of(self.weights.layout.template, self._config, self._context.device)

    def describe(self) -> Mapping[str, Any]:
        """Everything that affects the appearance of an accepted face."""
        used = {"layout": self.weights.layout.name, "weights": self.weights.sha256}
        used["anchor"] = self._config.anchor
        return {"aligner": "prnet", **used, **self.view.describe()}

    def align(self, images: Sequence[Tensor], faces: Sequence[Faces]) -> Aligned:
        """Register one face per image; see `aukit.contracts.aligner.Aligner`."""
        return self.views(images, faces, (FRONTAL,))[0]

    def views(
        self, images: Sequence[Tensor], faces: Sequence[Faces], views: Sequence[View]
    ) -> list[Aligned]:
        """Render each face in several views; see `aukit.contracts.aligner.ShowsViews`."""
        meshes, reasons = self.predictor.meshes(images, faces)
        return self.view.show(images, meshes, views, reasons)

    def way(self, image: Tensor, face: Faces) -> Way:
        """Map the picture's pixels to the registered face; see `LeadsBack`."""
        return self.view.way(image, self.meshes([image], [face])[0])

    def meshes(self, images: Sequence[Tensor], faces: Sequence[Faces]) -> Tensor:
        """(B, V, 3) float32 source pixels, z smaller nearer; zeros where there is no mesh."""
        return self.predictor.meshes(images, faces)[0]
