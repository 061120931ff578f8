"""Cross-talk: AUs that move although another one was set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from aukit.score_card.draws import Draws, entries
from aukit.score_card.evidence import Evidence
from aukit.score_card.judges import Seat
from aukit.score_card.scores import CHANGES, _of_aus, _pair
from aukit.statistics.people import known_mean, known_terms, score


def cross_talk(seat: Seat, evidence: Evidence, draws: Draws) -> dict[str, Any]:
    """Mean change of each AU (columns) when one (rows) is set, in the judge's levels.

    The matrices come with three means over their entries: of the AU itself, of the absolute change
    of the others, and of the absolute difference of the others from the truth.
    """
    aus = evidence.requests.targets.aus
    result: dict[str, Any] = {"aus": list(aus)}
    before = _of_aus(seat.levels(evidence.copied[seat.name]), seat.judge.names, aus)
    for level in CHANGES:
        terms = {
            key: _change_terms(evidence, level, _of_aus(after, seat.judge.names, aus) - before)
            for key, after in _after(seat, evidence).items()
        }
        result[str(level)] = _change_table(terms, evidence.people, draws)
    return result


def _after(seat: Seat, evidence: Evidence) -> dict[str, Tensor]:
    after = {"painted": seat.levels(evidence.painted[seat.name])}
    if evidence.truth is not None:
        after["truth"] = seat.levels(evidence.truth[seat.name])
    return after


def _change_terms(evidence: Evidence, level: int, change: Tensor) -> Tensor:
    """(R, A, A, 2): `known_terms` of the changes, in the row of the AU set."""
    requests = evidence.requests
    count = len(requests.targets.aus)
    spread = torch.full((len(requests), count, count), torch.nan, dtype=torch.float64)
    rows = ((requests.level == level) & ~requests.vectors).nonzero()[:, 0]
    spread[rows, requests.au[rows]] = change[rows]
    return known_terms(spread)


def _change_table(
    terms: Mapping[str, Tensor], people: Sequence[str], draws: Draws
) -> dict[str, Any]:
    table: dict[str, Any] = {}
    count = next(iter(terms.values())).shape[1]
    joined = torch.cat([part.flatten(1, 2) for part in terms.values()], 1)
    matrices = known_mean(joined.sum(0)).view(len(terms), count, count)
    for key, matrix in zip(terms, matrices, strict=True):
        table[key] = [[None if v != v else v for v in row] for row in matrix.tolist()]
    found = score(joined, people, lambda sums: _summaries(sums, list(terms)), *_pair(draws))
    table["summary"] = {name: entries(scored)[0] for name, scored in found.items()}
    return table


def _summaries(sums: Tensor, keys: Sequence[str]) -> dict[str, Tensor]:
    """Scalars of summed `known_terms` (..., K A A, 2), each (..., 1)."""
    count = round((sums.shape[-2] / len(keys)) ** 0.5)
    matrices = known_mean(sums).reshape(*sums.shape[:-2], len(keys), count, count)
    itself = torch.eye(count, dtype=torch.bool)
    found = {}
    for place, key in enumerate(keys):
        matrix = matrices[..., place, :, :]
        found[f"{key}, the AU itself"] = matrix[..., itself].nanmean(-1, keepdim=True)
        found[f"{key}, other AUs"] = matrix[..., ~itself].abs().nanmean(-1, keepdim=True)
    if "truth" in keys:
        apart = (matrices[..., 0, :, :] - matrices[..., keys.index("truth"), :, :]).abs()
        found["other AUs, painted from truth"] = apart[..., ~itself].nanmean(-1, keepdim=True)
    return found
