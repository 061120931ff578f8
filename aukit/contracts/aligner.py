"""An aligner turns frames into registered faces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from aukit.contracts.landmarker import Faces
from aukit.views import View

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    from torch import Tensor

    from aukit.contracts.dataset import KnowsMesh
    from aukit.contracts.session import Session


@dataclass(frozen=True)
class Aligned:
    """A batch of registered faces; rows with a reason hold zeros and are to be dropped.

    Attributes:
        images: (B, 3, S, S) uint8.
        valid: (B, S, S) bool, pixels that show the source picture.
        transforms: (B, 3, 3) float32, source pixels -> aligned pixels (homogeneous).
        landmarks: (B, 68, 2) float32 iBUG points, aligned pixels.
        reasons: length B; None for a good row, else why it is dropped.
        occlusion: (B,) float32 in 0..1, share of the face's region that the picture does not show:
            turned away, beyond the picture, or taken for something else than the face; NaN or None
            where the aligner cannot tell.
    """

    images: Tensor
    valid: Tensor
    transforms: Tensor
    landmarks: Tensor
    reasons: tuple[str | None, ...]
    occlusion: Tensor | None = None


class Aligner(Protocol):
    """Registers one face an image.

    An aligner that does more than a transform of the plane (3D registration) has the tag
    `non-planar`. Its `transforms` are then the nearest similarities, and the conformance checks do
    not compare its pictures with what those would give.
    """

    def align(self, images: Sequence[Tensor], faces: Sequence[Faces]) -> Aligned:
        """Register a batch.

        Args:
            images: B uint8 tensors (3, H, W), any sizes.
            faces: B `Faces` of length one, or zero where no face was found.

        Returns:
            B rows in the same order. Never raises for a picture: it gives a reason.
        """
        ...

    def describe(self) -> Mapping[str, Any]:
        """What a model must know to refuse faces that were aligned otherwise (JSON values)."""
        ...


@runtime_checkable
class ShowsViews(Aligner, Protocol):
    """An aligner that can also show a face from other sides; 3D aligners have it."""

    def views(
        self, images: Sequence[Tensor], faces: Sequence[Faces], views: Sequence[View]
    ) -> list[Aligned]:
        """Show each face in several views.

        Args:
            images, faces: as for `Aligner.align`.
            views: pitch and yaw in degrees, see `aukit.views`.

        Returns:
            one `Aligned` of B rows a view, in order; the frontal view is what `align` returns.
        """
        ...


@dataclass(frozen=True)
class Way:
    """Where in a registered face the pixels of its picture lie.

    Attributes:
        left, top: pixel of the picture that the table begins with.
        places: (h, w, 2) float32 x and y in aligned pixels; NaN where the picture shows no face.
        inset: (h, w) float32, how far inside the outline of the face, in widths of it.
    """

    left: int
    top: int
    places: Tensor
    inset: Tensor


@runtime_checkable
class LeadsBack(Aligner, Protocol):
    """A `non-planar` aligner that knows the way from a picture to its registered face."""

    def way(self, image: Tensor, face: Faces) -> Way:
        """The way of one face.

        Args:
            image: uint8 (3, H, W).
            face: one face that `align` accepts.
        """
        ...


class FitsAligner(Protocol):
    """Makes weights for an aligner from a dataset that knows its meshes (`Component.fitting`)."""

    def fit(self, dataset: KnowsMesh, train: pa.Table, valid: pa.Table, session: Session) -> None:
        """Fit on some index rows of a dataset.

        Args:
            dataset: brings pictures and meshes.
            train: rows to learn from.
            valid: rows of other people to follow the error on; may be empty.
            session: device, progress, and a folder for whatever lets a later attempt continue.

        Raises:
            ConfigError: the dataset's mesh is not one that the aligner can learn.
        """
        ...

    def save(self, folder: Path) -> Path:
        """Write the weights and their card; returns what the aligner's options take."""
        ...
