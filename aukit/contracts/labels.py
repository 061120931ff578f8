"""AU labels on their way through the program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Labels:
    """AU intensities of a batch.

    Attributes:
        aus: column names, length A.
        values: (B, A) float32, 0..5; 0 where the mask is False.
        mask: (B, A) bool, True where the AU was coded.
    """

    aus: tuple[str, ...]
    values: Tensor
    mask: Tensor

    def __len__(self) -> int:
        return int(self.values.shape[0])

    def __post_init__(self) -> None:
        expected = (self.values.shape[0], len(self.aus))
        if tuple(self.values.shape) != expected or tuple(self.mask.shape) != expected:
            raise ValueError(
                f"labels of {len(self.aus)} AUs need values and mask of shape {expected}, "
                f"not {tuple(self.values.shape)} and {tuple(self.mask.shape)}"
            )

    def take(self, rows: Sequence[int] | slice | Tensor) -> Labels:
        """Some rows, in that order; a tensor holds their numbers, or a bool for each row."""
        return Labels(self.aus, self.values[rows], self.mask[rows])

    def select(self, aus: tuple[str, ...]) -> Labels:
        """The same rows for other AUs; those that are not here come back uncoded."""
        columns = [self.aus.index(au) if au in self.aus else -1 for au in aus]
        values = self.values.new_zeros((len(self), len(aus)))
        mask = self.mask.new_zeros((len(self), len(aus)))
        for target, source in enumerate(columns):
            if source >= 0:
                values[:, target] = self.values[:, source]
                mask[:, target] = self.mask[:, source]
        return Labels(aus, values, mask)

    def hidden(self) -> Labels:
        """As many rows, of which nothing is coded."""
        return Labels(
            self.aus, self.values.new_zeros(self.values.shape), self.mask.new_zeros(self.mask.shape)
        )

    def to(self, device: str) -> Labels:
        """The same labels on another device."""
        return Labels(self.aus, self.values.to(device), self.mask.to(device))
