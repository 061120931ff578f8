"""Registered faces as input of models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from aukit.contracts.labels import Labels

if TYPE_CHECKING:
    import pyarrow as pa
    from torch import Tensor


@dataclass(frozen=True)
class FaceBatch:
    """A batch of registered faces.

    Attributes:
        ids: record ids, length B.
        subjects: the person keys (`dataset/partition/subject`), length B.
        images: (B, 3, S, S) uint8, or float after a normalizer.
        labels: AU intensities and mask.
        landmarks: (B, 68, 2) float32 iBUG points, aligned pixels; NaN if unknown (`aukit edit
            --aligned`).
    """

    ids: tuple[str, ...]
    subjects: tuple[str, ...]
    images: Tensor
    labels: Labels
    landmarks: Tensor

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: Sequence[int]) -> FaceBatch:
        """The faces at `rows`, in that order."""
        chosen = list(rows)
        return FaceBatch(
            ids=tuple(self.ids[row] for row in chosen),
            subjects=tuple(self.subjects[row] for row in chosen),
            images=self.images[chosen],
            labels=self.labels.take(chosen),
            landmarks=self.landmarks[chosen],
        )


class FaceSource(Protocol):
    """Registered faces for a component: random access, bounded memory."""

    @property
    def aus(self) -> tuple[str, ...]:
        """AU columns of the labels."""
        ...

    @property
    def table(self) -> pa.Table:
        """The rows without pixels, in index order."""
        ...

    @property
    def labels(self) -> Labels:
        """Labels of all rows, on the CPU."""
        ...

    def __len__(self) -> int: ...

    def batch(self, indices: Sequence[int]) -> FaceBatch:
        """Decode the rows at `indices`, in that order, on the CPU."""
        ...
