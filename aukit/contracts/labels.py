"""AU labels: intensities, and occurrences that are 0 or 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aukit.au import MAX_LEVEL

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Labels:
    """AU codes of a batch.

    Attributes:
        aus: column names, length A.
        values: (B, A) float32 in 0..5, for an occurrence 0 or 1; 0 where the mask is False.
        mask: (B, A) bool, True where the AU was coded.
        occurrence: the AUs labelled with presence only, not intensity.
    """

    aus: tuple[str, ...]
    values: Tensor
    mask: Tensor
    occurrence: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return int(self.values.shape[0])

    def __post_init__(self) -> None:
        expected = (self.values.shape[0], len(self.aus))
        if tuple(self.values.shape) != expected or tuple(self.mask.shape) != expected:
            raise ValueError(
                f"labels of {len(self.aus)} AUs need values and mask of shape {expected}, "
                f"not {tuple(self.values.shape)} and {tuple(self.mask.shape)}"
            )

    @property
    def tops(self) -> tuple[int, ...]:
        """The highest code of each AU: 5, for an occurrence 1."""
        return tuple(1 if au in self.occurrence else MAX_LEVEL for au in self.aus)

    @property
    def shares(self) -> Tensor:
        """(B, A) float32: the codes of either kind scaled to 0..1."""
        return self.values / self.values.new_tensor(self.tops)

    def take(self, rows: Sequence[int] | slice | Tensor) -> Labels:
        """The given rows, in that order; a tensor holds row numbers, or one bool per row."""
        return replace(self, values=self.values[rows], mask=self.mask[rows])

    def select(self, aus: tuple[str, ...]) -> Labels:
        """The same rows for other AUs; AUs not in the labels are masked."""
        columns = [self.aus.index(au) if au in self.aus else -1 for au in aus]
        values = self.values.new_zeros((len(self), len(aus)))
        mask = self.mask.new_zeros((len(self), len(aus)))
        for target, source in enumerate(columns):
            if source >= 0:
                values[:, target] = self.values[:, source]
                mask[:, target] = self.mask[:, source]
        return Labels(aus, values, mask, self.occurrence.intersection(aus))

    def hidden(self) -> Labels:
        """The same number of rows with everything masked."""
        nothing = self.values.new_zeros(self.values.shape)
        return replace(self, values=nothing, mask=nothing.bool())

    def to(self, device: str) -> Labels:
        """The same labels on another device."""
        return replace(self, values=self.values.to(device), mask=self.mask.to(device))
