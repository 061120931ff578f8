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
    """A batch of registered faces; rows with a reason hold zeros and must be dropped.

    Attributes:
        images: (B, 3, S, S) uint8.
        valid: (B, S, S) bool, True where a pixel comes from the source picture.
        transforms: (B, 3, 3) float32, source pixels -> aligned pixels (homogeneous).
        landmarks: (B, 68, 2) float32 iBUG points, aligned pixels.
        reasons: length B; None for a valid row, else why it is dropped.
        occlusion: (B,) float32 in 0..1, share of the face region not visible in the picture: turned
            away, outside the picture, or covered by something; NaN or None if unknown.
    """

    images: Tensor
    valid: Tensor
    transforms: Tensor
    landmarks: Tensor
    reasons: tuple[str | None, ...]
    occlusion: Tensor | None = None


class Aligner(Protocol):
    """Registers one face per image.

    An aligner that applies more than a planar transform (3D registration) has the tag `non-planar`.
    Its `transforms` are then the closest similarities, and the conformance checks do not compare
    its pictures with pictures warped by them.
    """

    def align(self, images: Sequence[Tensor], faces: Sequence[Faces]) -> Aligned:
        """Register a batch.

        Args:
            images: B uint8 tensors (3, H, W), any sizes.
            faces: B `Faces` of length one, or zero if no face was found.

        Returns:
            B rows in the same order. Bad pictures do not raise; their rows have a reason.
        """
        ...

    def describe(self) -> Mapping[str, Any]:
        """The alignment as JSON values; models compare it to refuse differently aligned faces."""
        ...


@runtime_checkable
class ShowsViews(Aligner, Protocol):
    """An aligner that can also render a face in other views, as 3D aligners do."""

    def views(
        self, images: Sequence[Tensor], faces: Sequence[Faces], views: Sequence[View]
    ) -> list[Aligned]:
        """Render each face in several views.

        Args:
            images, faces: as for `Aligner.align`.
            views: pitch and yaw in degrees, see `aukit.views`.

        Returns:
            one `Aligned` of B rows per view, in order; the frontal view equals the result of
            `align`.
        """
        ...


@dataclass(frozen=True)
class Way:
    """Maps the pixels of a picture to its registered face.

    Attributes:
        left, top: pixel of the picture at the origin of the tables.
        places: (h, w, 2) float32, x and y in aligned pixels; NaN where the picture shows no face.
        inset: (h, w) float32, distance inside the outline of the face, in face widths.
    """

    left: int
    top: int
    places: Tensor
    inset: Tensor


@runtime_checkable
class LeadsBack(Aligner, Protocol):
    """A `non-planar` aligner that can map a picture to its registered face."""

    def way(self, image: Tensor, face: Faces) -> Way:
        """The mapping for one face.

        Args:
            image: uint8 (3, H, W).
            face: one face that `align` accepts.
        """
        ...


class FitsAligner(Protocol):
    """Trains an aligner's weights on a dataset with meshes (`Component.fitting`)."""

    def fit(self, dataset: KnowsMesh, train: pa.Table, valid: pa.Table, session: Session) -> None:
        """Fit on index rows of a dataset.

        Args:
            dataset: provides pictures and meshes.
            train: rows to train on.
            valid: rows of other people for validation; may be empty.
            session: device, progress, and a folder for checkpoints.

        Raises:
            ConfigError: the aligner cannot learn the dataset's mesh.
        """
        ...

    def save(self, folder: Path) -> Path:
        """Write the weights and their card; return the path to give as the aligner's option."""
        ...
