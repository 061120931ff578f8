"""Features of many faces, read in blocks, so that a fit to a large corpus needs little memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

IN_MEMORY = 2**30
"""Bytes of features that are kept in memory; more go to a temporary file."""

BLOCK = 1024
"""Rows that are computed with at a time."""


@dataclass(frozen=True)
class Rows:
    """The features of faces, or their differences from the mean of the same person's.

    Attributes:
        values: (N, D) float32, in memory or mapped from a file.
        means: (P, D) float32, what is subtracted for each person; None: nothing.
        owner: (N,) int64, the person of each row.
    """

    values: Tensor
    means: Tensor | None = None
    owner: Tensor | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def width(self) -> int:
        """D."""
        return self.values.shape[1]

    def blocks(self) -> Iterator[Tensor]:
        """All rows in order, at most `BLOCK` at a time."""
        for start in range(0, len(self), BLOCK):
            rows = self.values[start : start + BLOCK]
            if self.means is not None and self.owner is not None:
                rows = rows - self.means[self.owner[start : start + BLOCK]]
            yield rows

    def mean(self) -> Tensor:
        """(D,) mean of the rows."""
        total = torch.zeros(self.width, dtype=torch.float64)
        for rows in self.blocks():
            total += rows.sum(0, dtype=torch.float64)
        return (total / len(self)).float()

    def spread(self, middle: Tensor) -> Tensor:
        """(D,) standard deviation of the rows about their mean."""
        total = torch.zeros(self.width, dtype=torch.float64)
        for rows in self.blocks():
            total += (rows - middle).square().sum(0, dtype=torch.float64)
        return (total / len(self)).sqrt().float()

    def sample(self, count: int, seed: int) -> Rows:
        """At most `count` of the rows, drawn at random."""
        if len(self) <= count:
            return self
        generator = torch.Generator().manual_seed(seed)
        chosen = torch.randperm(len(self), generator=generator)[:count].sort().values
        owner = None if self.owner is None else self.owner[chosen]
        return replace(self, values=self.values[chosen], owner=owner)

    def differences(self, people: Sequence[str]) -> Rows:
        """The rows without the mean over the rows of the same person.

        Args:
            people: length N.
        """
        place = {person: number for number, person in enumerate(dict.fromkeys(people))}
        owner = torch.tensor([place[person] for person in people], dtype=torch.int64)
        sums = torch.zeros(len(place), self.width)
        for start, rows in zip(range(0, len(self), BLOCK), self.blocks(), strict=True):
            sums.index_add_(0, owner[start : start + BLOCK], rows)
        counts = torch.bincount(owner, minlength=len(place))
        return replace(self, means=sums / counts[:, None], owner=owner)


def gathered(parts: Iterator[Tensor], count: int, folder: Path) -> Tensor:
    """Rows that arrive in parts, one below the other.

    Args:
        parts: (B, D) float32 on the CPU, at least one, `count` rows in total.
        count: N.
        folder: where a temporary file may be made; it has no name and ends with the tensor.

    Returns:
        (N, D) float32; mapped from a file if it is larger than `IN_MEMORY`.
    """
    first = next(parts)
    if count * first.shape[1] * first.element_size() <= IN_MEMORY:
        return torch.cat([first, *parts])
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(first.numpy().tobytes())
        for part in parts:
            file.write(part.numpy().tobytes())
        file.flush()
        # Copy on write: PyTorch knows no tensors that cannot be written.
        return torch.from_numpy(np.memmap(file, np.float32, "c", shape=(count, first.shape[1])))
