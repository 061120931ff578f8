"""Means of values per person, with 95 % intervals over people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from aukit.statistics.bootstrap import Formula, Scored, bootstrap


def sums_of_people(terms: Tensor, people: Sequence[str]) -> Tensor:
    """(P, ...) float64: terms (N, ...) summed per person, people sorted by key."""
    places = {name: place for place, name in enumerate(sorted(set(people)))}
    index = torch.tensor([places[name] for name in people], dtype=torch.int64)
    sums = torch.zeros((len(places), *terms.shape[1:]), dtype=torch.float64)
    return sums.index_add_(0, index, terms.double())


def known_terms(values: Tensor) -> Tensor:
    """(..., 2): whether a value is known, and the value, 0 if unknown (NaN)."""
    known = values.isfinite()
    return torch.stack([known.double(), torch.where(known, values.double(), 0.0)], -1)


def known_mean(sums: Tensor) -> Tensor:
    """(...): means from summed `known_terms` (..., 2); NaN if no value is known."""
    return sums[..., 1] / torch.where(sums[..., 0] > 0, sums[..., 0], torch.nan)


def means(values: Tensor, people: Sequence[str], draws: int, seed: int) -> Scored:
    """Means over the rows of (N, K) values, ignoring NaN.

    Returns:
        (K,) means and intervals; NaN if no value is known.
    """
    found = score(known_terms(values), people, lambda s: {"mean": known_mean(s)}, draws, seed)
    return found["mean"]


def score(
    terms: Tensor, people: Sequence[str], formula: Formula, draws: int, seed: int
) -> Mapping[str, Scored]:
    """Scores with intervals from the terms (N, A, M) of rows of people (`statistics.bootstrap`)."""
    return bootstrap(sums_of_people(terms, people), formula, draws, seed)


def ranks(values: Tensor) -> Tensor:
    """(N,) float64: ranks of the values, ties share their mean rank; NaN stays NaN."""
    from scipy.stats import rankdata  # takes seconds to import

    known = torch.where(values.isfinite(), values.double(), torch.nan)
    return torch.from_numpy(rankdata(known.numpy(), nan_policy="omit"))
