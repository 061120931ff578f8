"""Percentile intervals by bootstrap over people.

Frames of one person are alike, so people are drawn, not frames. A metric is a formula on sums,
so a draw of people is a row of counts, and all draws together are one matrix product.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

Formula = Callable[[Tensor], Mapping[str, Tensor]]
"""Sums (..., A, M) -> score name -> (..., A)."""

# Draws that are evaluated together hold at most this many sums: bounds memory, not results.
_CHUNK = 4_000_000


@dataclass(frozen=True)
class Scored:
    """A score of each AU, and of their mean, with intervals.

    Attributes:
        value, low, high: (A,) float64; NaN where undefined.
        mean, mean_low, mean_high: over the AUs where the score is defined; NaN if there is none.
    """

    value: Tensor
    low: Tensor
    high: Tensor
    mean: float
    mean_low: float
    mean_high: float


def draw_people(people: int, draws: int, seed: int) -> Tensor:
    """How often each person occurs in each draw, with replacement: (draws, people) float64."""
    random = np.random.default_rng(seed)
    counts = random.multinomial(people, np.full(people, 1 / people), size=draws)
    return torch.from_numpy(counts.astype(np.float64))


def bootstrap(
    sums: Tensor, formula: Formula, draws: int, seed: int, confidence: float = 0.95
) -> dict[str, Scored]:
    """Scores of everybody's frames together, with percentile intervals over people.

    Undefined scores are left out of a draw, not counted as zero: the mean of a draw is over the
    AUs that are defined in it, and an interval is over the draws where the score is defined.

    Args:
        sums: (P, A, M) float64; summed terms of each of P people.
        formula: the metric's `value`.
        draws: number of draws.
        seed: the intervals are a function of the sums and this.
        confidence: share of the draws inside the interval.

    Returns:
        score name -> values and intervals. The interval is NaN with fewer than two people.
    """
    values = dict(formula(sums.sum(0)))
    if sums.shape[0] < 2 or draws < 1:
        drawn = {name: score.new_full((1, len(score)), torch.nan) for name, score in values.items()}
    else:
        drawn = _draw_scores(sums, formula, draw_people(sums.shape[0], draws, seed))
    tails = torch.tensor([(1 - confidence) / 2, (1 + confidence) / 2], dtype=torch.float64)
    return {name: _scored(values[name], drawn[name], tails) for name in values}


def _draw_scores(sums: Tensor, formula: Formula, counts: Tensor) -> dict[str, Tensor]:
    flat = sums.flatten(1)
    chunks = torch.split(counts, max(1, _CHUNK // flat.shape[1]))
    parts = [formula((chunk @ flat).reshape(-1, *sums.shape[1:])) for chunk in chunks]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _scored(value: Tensor, drawn: Tensor, tails: Tensor) -> Scored:
    low, high = torch.nanquantile(drawn, tails, dim=0)
    mean_low, mean_high = torch.nanquantile(drawn.nanmean(1), tails)
    mean = value.nanmean()
    return Scored(value, low, high, float(mean), float(mean_low), float(mean_high))
