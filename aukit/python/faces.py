"""Stored faces as a torch dataset that also works in `DataLoader` workers."""

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
    """A registered face.

    Attributes:
        id, subject: id of its row; person key `dataset/partition/subject`.
        image: (3, S, S) uint8, or the result of the transform.
        aus: (A,) float32 intensities 0..5, NaN where an AU is not coded.
        landmarks: (68, 2) float32 iBUG points, aligned pixels.
    """

    id: str
    subject: str
    image: Tensor
    aus: Tensor
    landmarks: Tensor


class FaceDataset(Dataset[Face]):
    """The faces in a stage folder.

    Args:
        folder: folder with `part-*.parquet`, e.g. the result of a stage.
        aus: AU columns, in the order of `Face.aus`.
        transform: applied to each image.

    Raises:
        DataError: the folder has no faces.
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
        # A worker opens the files itself: memory maps cannot be pickled.
        return {name: value for name, value in vars(self).items() if name != "_faces"}

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Face:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Face]:
        """Several faces, decoded as one batch."""
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
