"""Faces as differences from one reference face per person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from aukit.contracts.faces import FaceSource
from aukit.errors import DataError

DARK = 4
"""A pixel whose brightest channel is below this (of 255) shows nothing: aligners fill with black
what the source does not show, and synthesizers reproduce that black nearly as black."""
MIDDLE = 0.5
"""Where there is no difference, and where none is known."""
BATCH = 32


def seen(images: Tensor) -> Tensor:
    """(B, S, S) bool: which pixels of uint8 faces (B, 3, S, S) show anything."""
    return images.amax(1) >= DARK


def difference(images: Tensor, reference: Tensor, known: Tensor, contrast: float) -> Tensor:
    """The difference from a reference, centred at `MIDDLE`.

    Args:
        images: (B, 3, S, S) uint8 faces.
        reference: (B, 3, S, S) float in 0..255, for each face its own.
        known: (B, S, S) bool, pixels that the reference shows.
        contrast: factor on the differences.

    Returns:
        (B, 3, S, S) float32, 0.5 +- contrast at most; 0.5 where the face or its reference shows
        nothing.
    """
    change = (images.float() - reference) / 255
    both = (seen(images) & known)[:, None]
    return MIDDLE + contrast * torch.where(both, change, 0.0)


class People:
    """Indices of people in tensors with one entry per person.

    Args:
        keys: person keys (`dataset/partition/subject`), in the order of the entries.
    """

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._places = {key: place for place, key in enumerate(keys)}

    def __len__(self) -> int:
        return len(self._places)

    @property
    def keys(self) -> list[str]:
        """Person keys, in the order of the entries."""
        return list(self._places)

    def add(self, keys: Iterable[str]) -> int:
        """Give the people who have none a place; returns how many these were."""
        before = len(self)
        for key in keys:
            self._places.setdefault(key, len(self._places))
        return len(self) - before

    def places(self, keys: Sequence[str]) -> Tensor:
        """(B,) places.

        Raises:
            DataError: no face of a person has been seen.
        """
        if missing := sorted(set(keys) - set(self._places)):
            raise DataError(
                f"the normalizer was not fitted on {missing[0]}",
                "fit it on frames of that person first; no labels are needed",
            )
        return torch.tensor([self._places[key] for key in keys], dtype=torch.int64)


def check_size(known: Tensor, size: tuple[int, ...]) -> None:
    """Refuse faces that are not as large as those before.

    Raises:
        DataError: they are not.
    """
    if len(known) and tuple(known.shape[1:]) != size:
        sizes = [f"{shape[-1]}x{shape[-2]}" for shape in (known.shape, size)]
        raise DataError(
            f"a person's faces have {sizes[1]} pixels, those of others {sizes[0]}",
            "use one face size for the aligners of all roles",
        )


def batches(faces: FaceSource, rows: Sequence[int]) -> Iterator[tuple[slice, Tensor]]:
    """Some faces in a stream: places among `rows`, and their images (B, 3, S, S)."""
    for start in range(0, len(rows), BATCH):
        part = slice(start, start + BATCH)
        yield part, faces.batch(rows[part]).images
