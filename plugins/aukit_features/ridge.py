"""Weighted ridge regression in closed form, with the penalty chosen on held-out people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

PENALTIES = tuple(
    10.0**power for power in (-6, -5, -4.5, -4, -3.5, -3, -2.5, -2, -1.5, -1, -0.5, 0, 1)
)
"""What is tried, in units of the largest eigenvalue of the inputs' covariance."""

FOLDS = 4
"""Into how many groups training people are divided where there are no validation people."""


@dataclass(frozen=True)
class Linear:
    """A linear map with an offset.

    Attributes:
        weight: (D, T) float32.
        bias: (T,) float32.
    """

    weight: Tensor
    bias: Tensor

    def __call__(self, rows: Tensor) -> Tensor:
        return rows @ self.weight + self.bias

    def after(self, first: Linear) -> Linear:
        """The composition of `first` and then this map."""
        return Linear(first.weight @ self.weight, self(first.bias))


@dataclass(frozen=True)
class Problem:
    """What a ridge is fitted to.

    Attributes:
        rows: (N, D) float32 inputs.
        targets: (N, A, T) float32, T numbers of each of A outputs.
        weights: (N, A) float32, how much a row counts for an output; 0 where it is unknown.
    """

    rows: Tensor
    targets: Tensor
    weights: Tensor

    def take(self, chosen: Tensor) -> Problem:
        """Some of the rows."""
        return Problem(self.rows[chosen], self.targets[chosen], self.weights[chosen])


def solve(problem: Problem, penalties: Sequence[float] = PENALTIES) -> Iterator[Linear]:
    """One ridge for each penalty (Hoerl and Kennard 1970, equation 2.1), with weighted rows.

    The inputs' weighted covariance is decomposed once for all outputs that weigh rows alike.

    Args:
        problem: every output has a row of positive weight.
        penalties: in units of the covariance's largest eigenvalue.

    Returns:
        maps to (A * T,) numbers, in the order of the penalties.
    """
    kinds, kind_of = torch.unique(problem.weights, dim=1, return_inverse=True)
    outputs = problem.targets.shape[1]
    parts = [_Alike(problem, kinds[:, k], kind_of == k) for k in range(kinds.shape[1])]
    for penalty in penalties:
        found = {c: linear for part in parts for c, linear in part.solve(penalty)}
        yield Linear(
            torch.cat([found[c].weight for c in range(outputs)], 1),
            torch.cat([found[c].bias for c in range(outputs)]),
        )


class _Alike:
    """The ridges of outputs that weigh rows alike."""

    def __init__(self, problem: Problem, weights: Tensor, chosen: Tensor) -> None:
        used = weights > 0
        share = weights[used].double() / weights[used].double().sum()
        rows = problem.rows[used].double()
        self.columns = chosen.nonzero()[:, 0].tolist()
        targets = problem.targets[used][:, chosen].double()
        self.row_mean = share @ rows
        self.target_mean = torch.einsum("n,nat->at", share, targets)
        rows = (rows - self.row_mean) * share.sqrt()[:, None]
        targets = (targets - self.target_mean) * share.sqrt()[:, None, None]
        self.values, self.vectors = torch.linalg.eigh(rows.T @ rows)
        self.moments = self.vectors.T @ torch.einsum("nd,nat->dat", rows, targets).flatten(1)

    def solve(self, penalty: float) -> Iterator[tuple[int, Linear]]:
        """(column, its ridge)."""
        floor = penalty * self.values[-1].clamp_min(1e-12)
        weight = self.vectors @ (self.moments / (self.values.clamp_min(0) + floor)[:, None])
        bias = self.target_mean.flatten() - self.row_mean @ weight
        each = self.target_mean.shape[1]
        for place, column in enumerate(self.columns):
            mine = slice(place * each, (place + 1) * each)
            yield column, Linear(weight[:, mine].float(), bias[mine].float())


def choose_on(
    problem: Problem, rows: Tensor, score: Callable[[Tensor], float]
) -> tuple[float, Linear]:
    """The best penalty on the (M, D) rows of other people, and its ridge."""
    tried = list(zip(PENALTIES, solve(problem), strict=True))
    return max(tried, key=lambda one: score(one[1](rows)))


def choose_within(
    problem: Problem, people: Sequence[str], score: Callable[[Tensor], float]
) -> tuple[float, Linear]:
    """The same by cross-validation over groups of training people.

    Args:
        problem: what to fit.
        people: length N, whose row it is.
        score: of (N, A * T) predictions, each by ridges that do not know the row's person.
    """
    known = sorted(set(people))
    group = torch.tensor([known.index(person) % FOLDS for person in people])
    left_out = [
        torch.zeros(len(people), problem.targets[0].numel()) for _ in PENALTIES
    ]  # penalty -> predictions
    for fold in sorted(set(group.tolist())):
        rest = problem.take(group != fold)
        # Where a group holds all that is known of an output, its ridges stay out of the choice.
        if bool((rest.weights > 0).any(0).all()):
            for predictions, linear in zip(left_out, solve(rest), strict=True):
                predictions[group == fold] = linear(problem.rows[group == fold])
    scores = [score(predictions) for predictions in left_out]
    best = PENALTIES[scores.index(max(scores))]
    return best, next(solve(problem, [best]))
