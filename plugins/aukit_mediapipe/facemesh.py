"""3D registration with MediaPipe's face mesh from the landmarker, without a network of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from aukit.contracts.aligner import Aligned, Way
from aukit.contracts.context import Context
from aukit.contracts.landmarker import MEDIAPIPE478, Faces
from aukit.errors import ConfigError
from aukit.views import FRONTAL, View
from aukit.vision.frontal import FrontalView
from aukit.vision.registered import NO_FACE
from aukit_mediapipe.canonical import POINTS, template
from aukit_mediapipe.plugin import FaceMeshOptions


class FaceMeshAligner:
    """Renders the mesh of 468 landmarks in frontal view."""

    def __init__(self, config: FaceMeshOptions, context: Context) -> None:
        self._config = config
        self._device = context.device

    @cached_property
    def view(self) -> FrontalView:
        """The renderer of the meshes."""
        return FrontalView.of(template(), self._config, self._device)

    def describe(self) -> Mapping[str, Any]:
        """Everything that affects the appearance of an accepted face."""
        return {"aligner": "facemesh", **self.view.describe()}

    def align(self, images: Sequence[Tensor], faces: Sequence[Faces]) -> Aligned:
        """Register one face per image; see `aukit.contracts.aligner.Aligned`.

        Raises:
            ConfigError: the faces have no landmarks of MediaPipe's mesh.
        """
        return self.views(images, faces, (FRONTAL,))[0]

    def views(
        self, images: Sequence[Tensor], faces: Sequence[Faces], views: Sequence[View]
    ) -> list[Aligned]:
        """Render each face in several views; see `aukit.contracts.aligner.ShowsViews`."""
        reasons = [None if len(face) else NO_FACE for face in faces]
        return self.view.show(images, self.meshes(images, faces), views, reasons)

    def way(self, image: Tensor, face: Faces) -> Way:
        """Map the picture's pixels to the registered face; see `LeadsBack`."""
        return self.view.way(image, self.meshes([image], [face])[0])

    def meshes(self, images: Sequence[Tensor], faces: Sequence[Faces]) -> Tensor:
        """(B, 468, 3) float32 source pixels, z smaller nearer; zeros where there is no face."""
        return torch.stack([_mesh(face) for face in faces])


def _mesh(face: Faces) -> Tensor:
    """(468, 3) source pixels, zeros for no face."""
    if len(face) == 0:
        return torch.zeros(POINTS, 3)
    if MEDIAPIPE478 not in face.landmarks:
        found = ", ".join(face.landmarks) or "none"
        raise ConfigError(
            f"aligner 'facemesh' needs {MEDIAPIPE478} landmarks; the faces have: {found}",
            "choose a landmarker that finds them: --landmarker mediapipe",
        )
    return face.landmarks[MEDIAPIPE478][0, :POINTS].float().cpu()
