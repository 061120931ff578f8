"""A person's usual features: subtracted from inputs in a fit, from outputs in prediction.

A ridge is linear, so subtracting the same from all inputs of a person shifts the person's outputs.
The shift is best estimated from the outputs: an AU is at rest in some of a person's faces, so a low
quantile of its outputs corresponds to 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from aukit_features.plugin import Reference

QUANTILE = 0.25
"""Share of a person's faces in which an AU counts as at rest."""

DOUBT = 2.0
"""How many faces of a person weigh as much as knowing nothing of the person."""


@dataclass(frozen=True)
class Usual:
    """One person.

    Attributes:
        zero: (T,) outputs of a ridge that mean 0 for this person.
        trust: 0..1, how much is known.
    """

    zero: Tensor
    trust: float


def differences(rows: Tensor, people: Sequence[str]) -> Tensor:
    """(N, D) rows without the mean over the rows of the same person."""
    found = rows.clone()
    for mine in _each(people).values():
        found[mine] -= rows[mine].mean(0)
    return found


def usual(numbers: Tensor, people: Sequence[str], reference: Reference) -> dict[str, Usual]:
    """Person -> calibration.

    Args:
        numbers: (N, T) outputs of a ridge.
        people: length N.
        reference: the `mean` output, or a low quantile, which stands for `rest`.
    """
    found = {}
    for person, mine in _each(people).items():
        own = numbers[mine]
        level = own.mean(0) if reference == "mean" else own.quantile(QUANTILE, 0)
        # A person's only face says as little of what is usual for the person as none.
        found[person] = Usual(level, (len(mine) - 1) / (len(mine) - 1 + DOUBT))
    return found


def _each(people: Sequence[str]) -> dict[str, list[int]]:
    """Person -> rows."""
    found: dict[str, list[int]] = {}
    for row, person in enumerate(people):
        found.setdefault(person, []).append(row)
    return found


def known(people: Sequence[str], usual: Mapping[str, Usual], width: int) -> tuple[Tensor, Tensor]:
    """(B, T) what is usual for each face's person, and (B,) trust; zeros for strangers."""
    nobody = Usual(torch.zeros(width), 0.0)
    each = [usual.get(person, nobody) for person in people]
    return torch.stack([one.zero for one in each]), torch.tensor([one.trust for one in each])
