"""Face sources for estimators: normalized, or with hidden labels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aukit.contracts.faces import FaceBatch, FaceSource
from aukit.contracts.labels import Labels
from aukit.contracts.normalizer import Normalizer
from aukit.data.records import au_columns


class NormalizedFaces:
    """A face source with a normalizer applied.

    Args:
        faces: the source.
        normalizer: a fitted normalizer.
    """

    def __init__(self, faces: FaceSource, normalizer: Normalizer) -> None:
        self._faces = faces
        self._normalizer = normalizer
        self.aus = faces.aus
        self.table = faces.table
        self.labels: Labels = faces.labels

    def __len__(self) -> int:
        return len(self._faces)

    def batch(self, indices: Any) -> FaceBatch:
        """Decode and normalize the rows at `indices`."""
        batch = self._faces.batch(indices)
        return replace(batch, images=self._normalizer.apply(batch))


class UnlabelledFaces:
    """A face source with hidden labels.

    Args:
        faces: the source.
    """

    def __init__(self, faces: FaceSource) -> None:
        self._faces = faces
        self.aus = faces.aus
        self.table = faces.table.drop_columns(list(au_columns(faces.table)))
        self.labels: Labels = faces.labels.hidden()

    def __len__(self) -> int:
        return len(self._faces)

    def batch(self, indices: Any) -> FaceBatch:
        """Decode the rows at `indices` with labels masked."""
        batch = self._faces.batch(indices)
        return replace(batch, labels=batch.labels.hidden())
