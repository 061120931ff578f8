"""A person's usual features: subtracted from inputs in a fit, from outputs in prediction.

What is left of an offset is best estimated from the outputs: an AU is at rest in some of a person's
faces, so a low quantile of its outputs corresponds to 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from aukit_features.regression import Regression

QUANTILE = 0.25
"""Share of a person's faces in which an AU counts as at rest."""

DOUBT = 2.0
"""How many faces of a person weigh as much as knowing nothing of the person."""


@dataclass(frozen=True)
class Usual:
    """One person.

    Attributes:
        middle: (H,) what is subtracted from the numbers of a regression's first map.
        zero: (T,) answers of the regression, after this subtraction, that mean 0 for this person.
        trust: 0..1, how much is known.
    """

    middle: Tensor
    zero: Tensor
    trust: float


def usual(
    numbers: Tensor,
    people: Sequence[str],
    regression: Regression,
    reference: Literal["mean", "rest", "at rest"],
) -> dict[str, Usual]:
    """Person -> calibration.

    The first map of a regression is linear: subtracting the mean from its numbers does the same as
    subtracting it from the features.

    Args:
        numbers: (N, H) numbers of the regression's first map.
        people: length N.
        regression: fitted to differences from a person's mean.
        reference: what means 0: the `mean` face, a low quantile of the answers, which stands for
            `rest`, or all of these faces, which are known to be `at rest`.
    """
    found = {}
    for person, mine in _each(people).items():
        own = numbers[mine]
        middle = own.mean(0) - regression.first.bias
        # A person's only face says as little of what is usual for the person as none.
        trust = 1.0 if reference == "at rest" else (len(mine) - 1) / (len(mine) - 1 + DOUBT)
        found[person] = Usual(middle, _zero(own - middle, regression, reference), trust)
    return found


def _zero(numbers: Tensor, regression: Regression, reference: str) -> Tensor:
    """(T,) the answers that mean 0."""
    if reference == "rest":
        return regression.answer(numbers).quantile(QUANTILE, 0)
    middle = regression.answer(regression.first.bias[None])[0]
    # The offset of a regression is what it expects of the mean face.
    return middle if reference == "at rest" else torch.zeros_like(middle)


def _each(people: Sequence[str]) -> dict[str, list[int]]:
    """Person -> rows."""
    found: dict[str, list[int]] = {}
    for row, person in enumerate(people):
        found.setdefault(person, []).append(row)
    return found


def known(
    people: Sequence[str], usual: Mapping[str, Usual], sizes: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor]:
    """(B, H), (B, T) and (B,): `middle`, `zero` and `trust` of each face's person; zeros for
    strangers."""
    nobody = Usual(torch.zeros(sizes[0]), torch.zeros(sizes[1]), 0.0)
    each = [usual.get(person, nobody) for person in people]
    return (
        torch.stack([one.middle for one in each]),
        torch.stack([one.zero for one in each]),
        torch.tensor([one.trust for one in each]),
    )
