"""A dataset says which frames exist, who is in them, how they were coded, and brings the pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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


class Dataset(Protocol):
    """Frames of people, coded or not.

    Attributes:
        aus: AU columns that are coded anywhere in the dataset, in FACS order.
        landmarks: whether `read` brings the dataset's own landmarks.
    """

    aus: tuple[str, ...]
    landmarks: bool

    def index(self) -> pa.Table:
        """All frames without pixels, in `aukit.records.index_schema(aus)`.

        The order is stable, ids are unique, (partition, subject) is the person, and AUs that were
        not coded are null.
        """
        ...

    def read(self, rows: pa.Table) -> Iterator[Frames]:
        """The pixels of some index rows, streamed in their order, in batches of any size."""
        ...


@runtime_checkable
class RendersTruth(Protocol):
    """A dataset that can show the same frame with other AUs."""

    def render(self, rows: pa.Table, targets: Labels) -> Frames:
        """The true pictures of the given frames, had the AUs been `targets`.

        AUs that are masked in `targets` keep the frame's own intensity.
        """
        ...
