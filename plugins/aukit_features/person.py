"""What is usual for a person, in the inputs of an estimator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from aukit_features.plugin import Reference

NEUTRAL_SHARE = 0.2
"""Share of a person's faces, the most neutral ones, whose mean is the person at rest."""

DOUBT = 2.0
"""How many faces of a person weigh as much as knowing nothing of the person."""


@dataclass(frozen=True)
class Usual:
    """One person.

    Attributes:
        rows: (D,) usual inputs.
        trust: 0..1, how much is known.
    """

    rows: Tensor
    trust: float


def usual(
    rows: Tensor, people: Sequence[str], activity: Tensor, reference: Reference
) -> dict[str, Usual]:
    """Person -> what is usual.

    Args:
        rows: (N, D) inputs.
        people: length N.
        activity: (N,) how much a face moves; the least are the most neutral.
        reference: `mean` or `neutral`.
    """
    found = {}
    for person in dict.fromkeys(people):
        mine = torch.tensor([row for row, who in enumerate(people) if who == person])
        chosen = mine if reference == "mean" else _calmest(mine, activity)
        # A person's only face says as little of what is usual for the person as none.
        trust = (len(mine) - 1) / (len(mine) - 1 + DOUBT)
        found[person] = Usual(rows[chosen].mean(0), trust)
    return found


def _calmest(mine: Tensor, activity: Tensor) -> Tensor:
    count = max(1, round(NEUTRAL_SHARE * len(mine)))
    return mine[activity[mine].argsort(stable=True)[:count]]


def known(people: Sequence[str], usual: Mapping[str, Usual], width: int) -> tuple[Tensor, Tensor]:
    """(B, D) what is usual for each face's person, and (B,) trust; zeros for strangers."""
    nobody = Usual(torch.zeros(width), 0.0)
    each = [usual.get(person, nobody) for person in people]
    return torch.stack([one.rows for one in each]), torch.tensor([one.trust for one in each])
