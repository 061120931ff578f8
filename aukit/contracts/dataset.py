"""A dataset says which frames exist, who is in them, how they were coded, and brings the pixels."""

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
    """Some frames with their pixels.

    Attributes:
        rows: the index rows of these frames, B of them.
        images: length B; uint8 (3, H, W), or None where the picture cannot be had.
        reasons: length B; why the picture cannot be had, None where it can.
        faces: length B; the dataset's own faces and landmarks, or None if it has none.
    """

    rows: pa.Table
    images: tuple[Tensor | None, ...]
    reasons: tuple[str | None, ...]
    faces: tuple[Faces, ...] | None = None


@dataclass(frozen=True)
class Meshes:
    """Some pictures, all of one size, with the mesh of the head that is in them.

    Attributes:
        rows: the index rows of these pictures, B of them.
        images: (B, 3, H, W) uint8.
        vertices: (B, V, 3) float32. x and y in pixels; z, the distance from the camera, in the same
            unit, so that the mesh is (up to the camera's perspective) a similar copy of the head.
            Only differences of z mean something; smaller is nearer.
        landmarks: (B, 68, 2) float32 iBUG points, pixels.
        cover: (B, H, W) float32 in 0..1, how much of each pixel the person covers.
    """

    rows: pa.Table
    images: Tensor
    vertices: Tensor
    landmarks: Tensor
    cover: Tensor


class Dataset(Protocol):
    """Frames of people, coded or not.

    Attributes:
        aus: AU columns that are coded anywhere in the dataset, in FACS order.
        landmarks: whether `read` brings the dataset's own landmarks.
    """

    aus: tuple[str, ...]
    landmarks: bool

    def index(self) -> pa.Table:
        """All frames without pixels, in `aukit.data.records.index_schema(aus)`.

        The order is stable, ids are unique, (partition, subject) is the person, and AUs that were
        not coded are null.
        """
        ...

    def read(self, rows: pa.Table) -> Iterator[Frames]:
        """The pixels of some index rows, streamed in their order, in batches of any size."""
        ...


@runtime_checkable
class KnowsSources(Protocol):
    """A dataset of files on this machine, which says which they are."""

    def sources(self) -> Iterable[Path]:
        """Every file that `index` or `read` looks into, in any order.

        Names, sizes and times of these files belong to the keys of the stages that read them, so
        that a corrected label file is noticed; they are not opened for it. Files that are missing
        may be named, too: their coming is a change.
        """
        ...


@runtime_checkable
class RendersTruth(Protocol):
    """A dataset that can show the same frame with other AUs."""

    def render(self, rows: pa.Table, targets: Labels) -> Frames:
        """The true pictures of the given frames, had the AUs been `targets`.

        AUs that are masked in `targets` keep the frame's own intensity.
        """
        ...


@runtime_checkable
class KnowsMesh(Protocol):
    """A dataset that knows the mesh behind its pictures.

    Attributes:
        mesh: name of the mesh: what vertex number v means. Meshes of one name can be exchanged.
    """

    mesh: str

    def meshes(self, rows: pa.Table) -> Iterator[Meshes]:
        """Pictures and meshes of some index rows, streamed in their order, in batches."""
        ...
