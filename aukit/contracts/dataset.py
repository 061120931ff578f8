"""A dataset lists frames with their people and AU codes, and provides the pixels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from aukit.contracts.labels import Labels
from aukit.contracts.landmarker import Faces

if TYPE_CHECKING:
    import pyarrow as pa
    from torch import Tensor


@dataclass(frozen=True)
class Frames:
    """Frames with their pixels.

    Attributes:
        rows: the index rows of these frames, B of them.
        images: length B; uint8 (3, H, W), or None if the picture is unavailable.
        reasons: length B; why the picture is unavailable, else None.
        faces: length B; the dataset's own faces and landmarks; None if it has none.
    """

    rows: pa.Table
    images: tuple[Tensor | None, ...]
    reasons: tuple[str | None, ...]
    faces: tuple[Faces, ...] | None = None


@dataclass(frozen=True)
class Meshes:
    """Pictures of one size, with the mesh of the head in each.

    Attributes:
        rows: the index rows of these pictures, B of them.
        images: (B, 3, H, W) uint8.
        vertices: (B, V, 3) float32. x and y in pixels; z is the distance from the camera in the
            same unit, so that the mesh is similar to the head, up to perspective. Only differences
            in z are meaningful; smaller is nearer.
        landmarks: (B, 68, 2) float32 iBUG points, pixels.
        cover: (B, H, W) float32 in 0..1, how much of each pixel the person covers.
    """

    rows: pa.Table
    images: Tensor
    vertices: Tensor
    landmarks: Tensor
    cover: Tensor


class Dataset(Protocol):
    """A set of frames of people, AU-coded or not.

    Attributes:
        aus: AU columns that are coded anywhere in the dataset, in FACS order.
        landmarks: whether `read` provides the dataset's own landmarks.
    """

    aus: tuple[str, ...]
    landmarks: bool

    def index(self) -> pa.Table:
        """All frames without pixels, in `aukit.data.records.index_schema(aus)`.

        The order is stable, ids are unique, (partition, subject) identifies the person, and AUs
        that were not coded are null.
        """
        ...

    def read(self, rows: pa.Table) -> Iterator[Frames]:
        """The pixels of index rows, streamed in order, in batches of any size."""
        ...


@runtime_checkable
class KnowsSources(Protocol):
    """A dataset that can list its files, on this machine or in a store."""

    def sources(self) -> Iterable[Path]:
        """Every file that `index` or `read` uses, in any order.

        Names, sizes and modification times (in a store: ETags) of these files are part of the keys
        of the stages that read them, so that a corrected label file is noticed; the files are not
        opened. Missing files may be listed too, so that their appearance counts as a change.
        """
        ...


@runtime_checkable
class RendersTruth(Protocol):
    """A dataset that can render a frame with other AUs."""

    def render(self, rows: pa.Table, targets: Labels) -> Frames:
        """Render the given frames with the AUs `targets`.

        AUs that are masked in `targets` keep the frame's own intensity.
        """
        ...


@runtime_checkable
class KnowsMesh(Protocol):
    """A dataset that provides the mesh of each picture.

    Attributes:
        mesh: name of the mesh topology, which defines the meaning of each vertex index; meshes of
            the same name are interchangeable.
    """

    mesh: str

    def meshes(self, rows: pa.Table) -> Iterator[Meshes]:
        """Pictures and meshes of index rows, streamed in order, in batches."""
        ...
