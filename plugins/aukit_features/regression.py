"""From the features of a face to the numbers of a head: a ridge, or a small network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from aukit_features.ridge import Linear

WEIGHT, BIAS, OUT_WEIGHT, OUT_BIAS = "weight", "bias", "out_weight", "out_bias"


@dataclass(frozen=True)
class Regression:
    """A linear map, for a network followed by a GELU and a second linear map.

    Attributes:
        first: from D features to H numbers.
        second: from H numbers to T; None for a ridge, whose numbers are the answer, H = T.
    """

    first: Linear
    second: Linear | None = None

    def __call__(self, rows: Tensor) -> Tensor:
        """(N, T) from (N, D) features."""
        return self.answer(self.first(rows))

    def answer(self, numbers: Tensor) -> Tensor:
        """(N, T) from the (N, H) numbers of the first map."""
        return numbers if self.second is None else self.second(functional.gelu(numbers))

    def after(self, reduced: Linear) -> Regression:
        """The composition of a linear map of the features and then this one.

        The large map of a network is rounded to the half precision in which it is saved.
        """
        first = self.first.after(reduced)
        if self.second is None:
            return Regression(first)
        return Regression(Linear(first.weight.half().float(), first.bias), self.second)

    def stretched(self, factors: Tensor, middle: Tensor) -> Regression:
        """The regression with T answers stretched by (T,) `factors` about (T,) `middle`."""
        last = self.second or self.first
        wider = Linear(last.weight * factors, middle + (last.bias - middle) * factors)
        return Regression(wider) if self.second is None else Regression(self.first, wider)

    @property
    def sizes(self) -> tuple[int, int]:
        """H and T."""
        return len(self.first.bias), len((self.second or self.first).bias)

    def tensors(self) -> dict[str, Tensor]:
        """What to save. The large map of a network is in half precision."""
        if self.second is None:
            return {WEIGHT: self.first.weight, BIAS: self.first.bias}
        return {
            WEIGHT: self.first.weight.half(),
            BIAS: self.first.bias,
            OUT_WEIGHT: self.second.weight,
            OUT_BIAS: self.second.bias,
        }

    @staticmethod
    def of(tensors: Mapping[str, Tensor], network: bool) -> Regression:
        """The network or ridge that `tensors` has saved.

        Raises:
            KeyError: a tensor is missing.
        """
        first = Linear(tensors[WEIGHT].float(), tensors[BIAS])
        if not network:
            return Regression(first)
        return Regression(first, Linear(tensors[OUT_WEIGHT], tensors[OUT_BIAS]))
