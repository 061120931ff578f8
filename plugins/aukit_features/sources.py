"""Faces as a fit reads them: in batches, some of them, or mirrored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from aukit.contracts.faces import FaceBatch, FaceSource

BATCH = 64
"""Faces that are decoded at a time."""

# iBUG points in the order in which a mirrored face shows them.
_JAW_BROWS = (*range(16, -1, -1), *range(26, 16, -1))
_NOSE = (*range(27, 31), *range(35, 30, -1))
_EYES = (45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40)
_LIPS = (*range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1))
OTHER_SIDE = (*_JAW_BROWS, *_NOSE, *_EYES, *_LIPS)


class Some:
    """Some of the faces of a source.

    Args:
        faces: the source.
        rows: which of its rows, in this order.
    """

    def __init__(self, faces: FaceSource, rows: Sequence[int]) -> None:
        self._faces, self._rows = faces, list(rows)
        self.aus, self.table = faces.aus, faces.table.take(self._rows)
        self.labels = faces.labels.take(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def batch(self, indices: Sequence[int]) -> FaceBatch:
        """Decode the rows at `indices` of these."""
        return self._faces.batch([self._rows[i] for i in indices])


class Mirrored:
    """A source of mirrored faces. AU codes are not side-specific, so they remain valid.

    Args:
        faces: the source.
    """

    def __init__(self, faces: FaceSource) -> None:
        self._faces = faces
        self.aus, self.table, self.labels = faces.aus, faces.table, faces.labels

    def __len__(self) -> int:
        return len(self._faces)

    def batch(self, indices: Sequence[int]) -> FaceBatch:
        """Decode the rows at `indices` and mirror them."""
        plain = self._faces.batch(indices)
        landmarks = plain.landmarks[:, list(OTHER_SIDE)]
        landmarks[..., 0] = plain.images.shape[-1] - 1 - landmarks[..., 0]
        return replace(plain, images=plain.images.flip(-1), landmarks=landmarks)


def batches(faces: FaceSource) -> Iterator[FaceBatch]:
    """All faces of a source in order, at most `BATCH` at a time."""
    for start in range(0, len(faces), BATCH):
        yield faces.batch(range(start, min(start + BATCH, len(faces))))
