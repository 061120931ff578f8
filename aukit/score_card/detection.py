"""Detection of presence in synthetic and real faces (Liu et al. 2019, table 1).

The vector requests of a score card have the people and labels of a set of real frames. A judge
detects presence in both sets against the same labels; the gap between its scores is the cost of
synthesis. The aim is a small gap with high scores: a judge that detects nothing has no gap.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from aukit.contracts.labels import Labels
from aukit.score_card.draws import Draws, entries, entry
from aukit.score_card.evidence import Evidence
from aukit.score_card.judges import Seat
from aukit.statistics.detection import TERMS, accuracy, detection_terms, f1
from aukit.statistics.people import score

PRESENT = 2.0
"""Lowest level that counts as present for intensity codes and judges of intensity, as is common for
DISFA; occurrences and judges of presence need none."""

MEASURES = ("f1", "accuracy")
SETS = ("real", "painted", "gap")
"""Real frames, synthetic ones, and real minus synthetic."""


def detection(seat: Seat, evidence: Evidence, draws: Draws) -> dict[str, Any]:
    """F1 and accuracy of presence in real and synthetic faces with the same labels, and their gaps.

    Args:
        seat: a judge that measures intensity.
        evidence: the judges' results.
        draws: draws for the intervals.

    Returns:
        `threshold`, `cuts` of a judge of presence, and for `mean` and each AU: set -> `f1`,
        `accuracy`, each in 0..1 and their gaps in -1..1; undefined if an AU is neither present nor
        detected.
    """
    requests = evidence.requests
    rows = requests.vectors
    aus = tuple(au for au in requests.targets.aus if au in seat.detects)
    people = [who for who, keep in zip(evidence.people, rows, strict=True) if keep]
    columns = [requests.targets.aus.index(au) for au in aus]
    wanted = _present(requests.targets)[rows][:, columns]
    coded = requests.targets.mask[rows][:, columns]
    seen = [
        _of_aus([seat.presence(found[seat.name], au, PRESENT) for au in aus], rows)
        for found in (evidence.real, evidence.painted)
    ]
    # A face the judge cannot judge in one set is left out of both.
    known = coded & seen[0].isfinite() & seen[1].isfinite()
    terms = [detection_terms(wanted, found, known, 1.0) for found in seen]
    scored = score(torch.cat(terms, -1), people, _scores, draws.number, draws.seed)
    table: dict[str, Any] = {"threshold": PRESENT}
    if seat.cuts:
        table["cuts"] = dict(seat.cuts)
    for name in ("mean", *aus):
        table[name] = {key: {} for key in SETS}
    for name, found in scored.items():
        key, measure = name.split()
        table["mean"][key][measure] = entry(found.mean, found.mean_low, found.mean_high)
        for au, value in zip(aus, entries(found), strict=True):
            table[au][key][measure] = value
    return table


def _of_aus(columns: list[Tensor], rows: Tensor) -> Tensor:
    """(V, A) of the vectors' columns."""
    return torch.stack(columns, 1)[rows] if columns else torch.zeros(int(rows.sum()), 0)


def _present(targets: Labels) -> Tensor:
    """(R, A) float32: 1 where a target AU counts as present."""
    cuts = [1.0 if au in targets.occurrence else PRESENT for au in targets.aus]
    return (targets.values >= torch.tensor(cuts)).float()


def _scores(sums: Tensor) -> dict[str, Tensor]:
    real, painted = sums[..., :TERMS], sums[..., TERMS:]
    found: dict[str, Tensor] = {}
    for measure, formula in zip(MEASURES, (f1, accuracy), strict=True):
        ours, theirs = formula(painted), formula(real)
        named = zip(SETS, (theirs, ours, theirs - ours), strict=True)
        found |= {f"{key} {measure}": values for key, values in named}
    return found
