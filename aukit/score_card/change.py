"""Compares the change of a synthetic face with the true change: amount and direction.

Changes are relative to the same face synthesized at level 0. Errors that are equal at all levels
therefore do not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from aukit.score_card.draws import Draws, entries, entry
from aukit.score_card.pictures import Batch
from aukit.score_card.requests import NONE, Requests
from aukit.statistics.people import score
from aukit.statistics.pictures import face_region

TERMS = 3
"""Summands per picture: <d, d>, <d, t> and <t, t> of the synthetic change d and the true change
t."""

_Shown = tuple[Tensor, Tensor, Tensor]
"""A synthetic picture, the true one, and the face region of the true one."""


class Changes:
    """Collects the summands of single AUs in batches, in the order of the requests."""

    def __init__(self) -> None:
        self._rows: list[Tensor] = []
        self._base: _Shown | None = None

    def see(self, start: int, requests: Requests, pictures: Batch) -> None:
        """See a batch that begins with request number `start`."""
        for place in range(len(pictures.painted)):
            shown = _shown(pictures, place)
            if int(requests.level[start + place]) == 0:
                self._base = shown
            single = int(requests.au[start + place]) != NONE
            self._rows.append(_terms(self._base, shown if single else None))

    def terms(self) -> Tensor:
        """(R, `TERMS`) float64; NaN for vectors and where the truth is unknown."""
        return torch.stack(self._rows)


def _shown(pictures: Batch, place: int) -> _Shown | None:
    truth = pictures.truth
    if truth is None or not bool(truth.ok[place]):
        return None
    face = face_region(truth.landmarks[place : place + 1], truth.images.shape[-1])[0]
    painted, true = pictures.painted[place].double(), truth.images[place].double()
    return painted, true, face & truth.valid[place]


def _terms(base: _Shown | None, shown: _Shown | None) -> Tensor:
    if base is None or shown is None:
        return torch.full((TERMS,), torch.nan, dtype=torch.float64)
    where = base[2] | shown[2]
    done, due = (
        (after - before)[:, where] for before, after in zip(base[:2], shown[:2], strict=True)
    )
    return torch.stack([(done * done).sum(), (done * due).sum(), (due * due).sum()])


def amount(sums: Tensor) -> Tensor:
    """The synthesized share of the true change: <d, t> / <t, t>; 1 is ideal, 0 means no change."""
    return _ratio(sums[..., 1], sums[..., 2])


def direction(sums: Tensor) -> Tensor:
    """The cosine between synthetic and true change; NaN if nothing changes."""
    return _ratio(sums[..., 1], (sums[..., 0] * sums[..., 2]).sqrt())


def _ratio(above: Tensor, below: Tensor) -> Tensor:
    return above / torch.where(below > 0, below, torch.nan)


def change(
    terms: Tensor | None, requests: Requests, people: Sequence[str], draws: Draws
) -> dict[str, Any] | None:
    """Amount and direction of the synthetic change, per AU and as a mean over AUs.

    Args:
        terms: terms from `Changes`; None without the truth.
        requests: the requests.
        people: person of each request.
        draws: draws for the intervals.

    Returns:
        AU or `mean` -> `amount`, `direction`.
    """
    single = (~requests.vectors).nonzero()[:, 0]
    if terms is None or len(single) == 0:
        return None
    spread = torch.zeros((len(requests), len(requests.targets.aus), TERMS), dtype=torch.float64)
    spread[single, requests.au[single]] = terms[single].nan_to_num(0.0)
    found = score(
        spread, people, lambda s: {"amount": amount(s), "direction": direction(s)},
        draws.number, draws.seed,
    )  # fmt: skip
    table: dict[str, Any] = {name: {} for name in ("mean", *requests.targets.aus)}
    for name, scored in found.items():
        table["mean"][name] = entry(scored.mean, scored.mean_low, scored.mean_high)
        for au, value in zip(requests.targets.aus, entries(scored), strict=True):
            table[au][name] = value
    return table
