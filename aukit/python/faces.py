"""Stored faces as a torch dataset, also in the workers of a `DataLoader`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypedDict

import torch
from torch import Tensor
from torch.utils.data import Dataset

from aukit.faces.stored import StoredFaces


class Face(TypedDict):
    """One face.

    Attributes:
        id, subject: of its row; the subject is the person key `dataset/partition/subject`.
        image: (3, S, S) uint8, or what the transform makes of it.
        aus: (A,) float32 intensities 0..5, NaN where an AU is not coded.
        landmarks: (68, 2) float32 iBUG points, pixels.
    """

    id: str
    subject: str
    image: Tensor
    aus: Tensor
    landmarks: Tensor


class FaceDataset(Dataset[Face]):
    """Faces of one stage folder.

    Args:
        folder: with `part-*.parquet`, e.g. what a stage left.
        aus: AU columns, the order of `Face.aus`.
        transform: applied to each image.

    Raises:
        DataError: there are no faces.
    """

    def __init__(
        self,
        folder: Path,
        aus: tuple[str, ...],
        transform: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self.folder = folder
        self.aus = aus
        self.transform = transform
        self._length = len(self._faces)

    @functools.cached_property
    def _faces(self) -> StoredFaces:
        return StoredFaces([self.folder], self.aus)

    def __getstate__(self) -> dict[str, object]:
        # A worker opens the files itself: a memory map does not travel.
        return {name: value for name, value in vars(self).items() if name != "_faces"}

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Face:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Face]:
        """Several faces, decoded together."""
        batch = self._faces.batch([range(len(self))[index] for index in indices])
        values = torch.where(batch.labels.mask, batch.labels.values, torch.nan)
        return [
            {
                "id": batch.ids[row],
                "subject": batch.subjects[row],
                "image": batch.images[row] if self.transform is None
                else self.transform(batch.images[row]),
                "aus": values[row],
                "landmarks": batch.landmarks[row],
            }
            for row in range(len(batch))
        ]  # fmt: skip
