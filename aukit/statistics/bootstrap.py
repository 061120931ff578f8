"""Intervals by bootstrap over people: bias-corrected and accelerated, widened for few people.

Frames of one person are correlated, so people are drawn, not frames. A metric is a formula on sums,
so a draw of people is a row of counts, and all draws together are one matrix product.
`scipy.stats.bootstrap` would recompute the statistic of every draw from the people, for one score
and AU at a time; the results are the same (tested).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

Formula = Callable[[Tensor], Mapping[str, Tensor]]
"""Sums (..., A, M) -> score name -> (..., A)."""

# At most this many sums are evaluated at a time: limits memory, not results.
_CHUNK = 4_000_000


@dataclass(frozen=True)
class Scored:
    """A score per AU and its mean over AUs, with intervals.

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
    """Scores over the frames of all people, with BCa intervals over people.

    Undefined scores are left out, not counted as zero: the mean of a draw is over the AUs defined
    in it, and an interval is over the draws in which the score is defined.

    Args:
        sums: (P, A, M) float64; summed terms of each of P people.
        formula: the metric's `value`.
        draws: number of draws.
        seed: seed of the draws; the intervals depend only on it and the sums.
        confidence: nominal coverage of the intervals.

    Returns:
        score name -> values and intervals. The interval is NaN with fewer than two people.
    """
    total = sums.sum(0)
    values = _with_mean(formula(total))
    people = sums.shape[0]
    if people < 2 or draws < 1:
        return {name: _scored(value, *_unknown(value)) for name, value in values.items()}
    drawn = _draw_scores(sums, formula, draw_people(people, draws, seed))
    # Leave each person out once: the jackknife for the acceleration.
    without = _draw_scores(sums, formula, 1 - torch.eye(people, dtype=torch.float64))
    width = reach(people, confidence)
    return {
        name: _scored(value, *bca_interval(value, drawn[name], without[name], width))
        for name, value in values.items()
    }


def reach(people: int, confidence: float) -> float:
    """Half-width of an interval over this many people, in standard deviations.

    Bootstrap intervals of few people are too narrow, since they use normal quantiles and divide by
    n instead of n - 1. The expanded interval of Hesterberg (2015, The American Statistician 69(4),
    371-386) is as wide as Student's t: 3.1 for 95 % and five people.
    """
    from scipy.special import stdtrit

    return math.sqrt(people / (people - 1)) * float(stdtrit(people - 1, (1 + confidence) / 2))


def bca_interval(
    value: Tensor, drawn: Tensor, without: Tensor, width: float
) -> tuple[Tensor, Tensor]:
    """Bias-corrected and accelerated intervals (Efron 1987, JASA 82(397), 171-185).

    Args:
        value: (A,) scores over all people.
        drawn: (D, A) scores of the draws; NaN where undefined (ignored).
        without: (P, A) scores without each person.
        width: standard deviations to either side; 1.96 for 95 % of a normal distribution.

    Returns:
        (A,) lower and upper ends; NaN where no draw is defined.
    """
    known = drawn.isfinite().sum(0)
    # A draw with everyone once equals the value, apart from rounding.
    same = torch.isclose(drawn, value, rtol=1e-9, atol=1e-9)
    below = (~same & (drawn < value)).sum(0) + same.sum(0) / 2
    # If all draws lie on one side, count half a draw on the other.
    bias = torch.special.ndtri((below / known).clamp(0.5 / known, 1 - 0.5 / known))
    acceleration = _acceleration(without)
    low, high = (_shifted(bias, side, acceleration) for side in (bias - width, bias + width))
    known_ends = (_quantile(drawn, torch.special.ndtr(end)) for end in (low, high))
    low, high = (torch.where(value.isnan(), torch.nan, end) for end in known_ends)
    return low, high


def _shifted(bias: Tensor, side: Tensor, acceleration: Tensor) -> Tensor:
    """Quantile of an end after correction; the outermost draw if the correction diverges."""
    rest = 1 - acceleration * side
    return torch.where(rest > 0, bias + side / rest, torch.copysign(torch.tensor(torch.inf), side))


def _acceleration(without: Tensor) -> Tensor:
    """(A,) a sixth of the skewness of the jackknife; 0 where no person changes the score."""
    offset = torch.nan_to_num(without.nanmean(0) - without)
    scale = offset.square().sum(0).pow(1.5)
    return torch.where(scale > 0, offset.pow(3).sum(0) / (6 * scale), 0.0)


def _quantile(drawn: Tensor, place: Tensor) -> Tensor:
    """(A,) the quantile of each column at its own place, linear between draws, ignoring NaN."""
    ordered = drawn.sort(0).values  # NaN are sorted last
    last = (drawn.isfinite().sum(0) - 1).clamp(min=0)
    exact = place.nan_to_num(0) * last
    lower = exact.floor().long()
    upper = torch.minimum(lower + 1, last)
    near, far = (ordered.gather(0, index[None])[0] for index in (lower, upper))
    return torch.lerp(near, far, exact - lower)


def _draw_scores(sums: Tensor, formula: Formula, counts: Tensor) -> dict[str, Tensor]:
    """Score name -> (D, A + 1) scores of D draws, given the counts of people in each draw."""
    flat = sums.flatten(1)
    chunks = torch.split(counts, max(1, _CHUNK // flat.shape[1]))
    parts = [_with_mean(formula((c @ flat).reshape(-1, *sums.shape[1:]))) for c in chunks]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _with_mean(scores: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """(..., A) -> (..., A + 1): append the mean over the AUs where the score is defined."""
    return {
        name: torch.cat([values, values.nanmean(-1, keepdim=True)], -1)
        for name, values in scores.items()
    }


def _unknown(value: Tensor) -> tuple[Tensor, Tensor]:
    return torch.full_like(value, torch.nan), torch.full_like(value, torch.nan)


def _scored(value: Tensor, low: Tensor, high: Tensor) -> Scored:
    means = (float(part[-1]) for part in (value, low, high))
    return Scored(value[:-1], low[:-1], high[:-1], *means)
