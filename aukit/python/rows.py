"""Faces as rows of an array, which scikit-learn cuts into folds, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from aukit import au
from aukit.contracts.faces import FaceBatch
from aukit.contracts.labels import Labels
from aukit.data.kinds import code_fields, kinds_of
from aukit.estimation.images import as_float

CodeScale = Literal["intensity", "occurrence", "range"]

POINTS = 68 * 2
"""Numbers of a face's landmarks in a row."""


def rows_of(faces: FaceBatch) -> NDArray[np.float32]:
    """Registered faces as rows: the picture, then its landmarks.

    Args:
        faces: N faces of S pixels, e.g. `api.register(...).faces`.

    Returns:
        (N, 3 S S + 136) float32: the picture's lines, each pixel R, G, B in 0..1; then x, y of the
        68 landmarks in pixels.
    """
    pictures = as_float(faces.images).permute(0, 2, 3, 1).flatten(1)
    rows: NDArray[np.float32] = torch.cat([pictures, faces.landmarks.flatten(1)], 1).numpy()
    return rows


class RowFaces:
    """Rows of an array as faces (`aukit.contracts.faces.FaceSource`).

    Args:
        rows: (N, S, S, 3) pictures, or (N, D) rows as `aukit.sklearn.AUEstimator` takes them.
        labels: their N labels.
        people: the N person keys.
    """

    def __init__(self, rows: NDArray[Any], labels: Labels, people: Sequence[str]) -> None:
        self._rows = rows
        self.labels = labels
        self.people = people

    @property
    def aus(self) -> tuple[str, ...]:
        """AU columns of the labels."""
        return self.labels.aus

    @property
    def table(self) -> pa.Table:
        """What a balancer may see: names, groups, and codes, null where there are none."""
        unknown = pa.nulls(len(self), pa.string())
        named = {"id": self._ids(range(len(self))), "subject": self.people}
        coded = self.labels.mask.numpy()
        values = self.labels.values.numpy()
        codes = [pa.array(values[:, au], mask=~coded[:, au]) for au in range(len(self.aus))]
        text = [pa.field(name, pa.string()) for name in ("id", "subject", "view", "task")]
        schema = pa.schema([*text, *code_fields(self.aus, kinds_of(self.labels))])
        return pa.table([*named.values(), unknown, unknown, *codes], schema=schema)

    def __len__(self) -> int:
        return len(self._rows)

    def _ids(self, indices: Sequence[int]) -> tuple[str, ...]:
        return tuple(f"rows/{row:09d}" for row in indices)

    def take(self, indices: Sequence[int]) -> RowFaces:
        """Some of the faces, in that order."""
        chosen = list(indices)
        people = [self.people[row] for row in chosen]
        return RowFaces(self._rows[chosen], self.labels.take(chosen), people)

    def batch(self, indices: Sequence[int]) -> FaceBatch:
        """The faces of some rows."""
        chosen = list(indices)
        rows = self._rows[chosen]
        return FaceBatch(
            ids=self._ids(chosen),
            subjects=tuple(self.people[row] for row in chosen),
            images=pictures_of(rows),
            labels=self.labels.take(chosen),
            landmarks=points_of(rows),
        )


def _parts(length: int) -> tuple[int, bool]:
    """How many numbers of a row are its picture, and whether landmarks follow."""
    if length == POINTS:
        return 0, True
    return (length - POINTS, True) if _side(length - POINTS) else (length, False)


def _side(numbers: int) -> int:
    """The side of a square picture of three channels with so many numbers; 0 if there is none."""
    side = math.isqrt(max(numbers, 0) // 3)
    return side if numbers == 3 * side * side else 0


def pictures_of(rows: NDArray[Any]) -> Tensor:
    """(N, 3, S, S) uint8 or float32 pictures of rows."""
    if rows.ndim == 4:
        return _tensor(rows).permute(0, 3, 1, 2)
    count, _ = _parts(rows.shape[1])
    shown = _tensor(rows[:, :count])
    if side := _side(count):
        return shown.reshape(-1, side, side, 3).permute(0, 3, 1, 2)
    side = max(1, math.ceil(math.sqrt(count)))
    grey = torch.nn.functional.pad(shown, (0, side * side - count))
    return grey.reshape(-1, 1, side, side).expand(-1, 3, -1, -1)


def _tensor(values: NDArray[Any]) -> Tensor:
    """A copy: 8 bits stay, other numbers become float32."""
    return torch.from_numpy(values.astype(np.uint8 if values.dtype == np.uint8 else np.float32))


def points_of(rows: NDArray[Any]) -> Tensor:
    """(N, 68, 2) float32 landmarks of rows, NaN where they hold none."""
    if rows.ndim == 2 and _parts(rows.shape[1])[1]:
        return torch.from_numpy(rows[:, -POINTS:].astype(np.float32)).reshape(-1, 68, 2)
    return torch.full((len(rows), 68, 2), torch.nan)


def people_of(groups: NDArray[Any] | None, count: int) -> list[str]:
    """The person keys of so many rows; without groups, each row is somebody else."""
    if groups is None:
        return [f"rows/unknown/{row}" for row in range(count)]
    return [f"rows/known/{person}" for person in groups.tolist()]


@dataclass(frozen=True)
class Codes:
    """What the numbers in y stand for.

    Attributes:
        aus: the A columns.
        occurrence: whether they say presence only.
        low, high: (A,) numbers that stand for no and for the most intensity.
    """

    aus: tuple[str, ...]
    occurrence: bool
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @classmethod
    def of(cls, y: NDArray[np.float64], aus: tuple[str, ...], scale: CodeScale) -> Codes:
        """Those of (N, A) numbers, NaN where an AU is not coded.

        Raises:
            ValueError: the numbers are not of that scale.
        """
        coded = [column[np.isfinite(column)] for column in y.T]
        for name, codes in zip(aus, coded, strict=True):
            if not len(codes):
                raise ValueError(f"y has no code of {name}")
        low, high = (np.array([end(codes) for codes in coded]) for end in (np.min, np.max))
        if scale == "range":
            return cls(aus, False, low, np.where(high > low, high, low + 1))
        top = 1 if scale == "occurrence" else au.MAX_LEVEL
        if low.min() < 0 or high.max() > top:
            raise ValueError(
                f"y has codes from {low.min():g} to {high.max():g}; an {scale} is 0..{top}, and "
                "codes='range' takes any numbers"
            )
        if scale == "occurrence" and not np.isin(np.concatenate(coded), (0, 1)).all():
            raise ValueError("y has codes between 0 and 1; an occurrence is 0 or 1")
        return cls(aus, scale == "occurrence", np.zeros(len(aus)), np.full(len(aus), float(top)))

    @property
    def _top(self) -> int:
        return 1 if self.occurrence else au.MAX_LEVEL

    def labels(self, y: NDArray[np.float64]) -> Labels:
        """Labels of (N, A) numbers."""
        mask = np.isfinite(y)
        shares = (y - self.low) / (self.high - self.low)
        values = torch.from_numpy(np.where(mask, shares * self._top, 0)).float()
        known = frozenset(self.aus if self.occurrence else ())
        return Labels(self.aus, values, torch.from_numpy(mask), known)

    def unlabelled(self, count: int) -> Labels:
        """Labels of so many rows of which nothing is coded."""
        return self.labels(np.full((count, len(self.aus)), np.nan))

    def numbers(self, intensity: Tensor) -> NDArray[np.float64]:
        """(N, A) numbers in the units of y."""
        shares: NDArray[np.float64] = intensity.double().numpy() / self._top
        return shares * (self.high - self.low) + self.low
