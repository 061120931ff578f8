"""From the judges' results to the scores of a score card, as JSON values.

Every score comes with its references: the unchanged input, real faces, and the true pictures if
known. None means undefined.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from aukit.errors import DataError
from aukit.score_card.draws import Draws, Entry, entries, entry
from aukit.score_card.evidence import COPIED, MEASURES, PAINTED, REGIONS, Evidence
from aukit.score_card.judges import Seat
from aukit.statistics.agreement import agreement_terms, icc, mae, pcc
from aukit.statistics.bootstrap import Scored
from aukit.statistics.frechet import Distance, distance_between
from aukit.statistics.people import means, ranks, score

CODEC = "png"
"""Codec of stored faces: lossless, so that it does not affect distances."""

CHANGES = (3, 5)
"""Levels to which an AU is set from 0 for cross-talk."""


def distance(seat: Seat, evidence: Evidence, *, strict: bool) -> dict[str, Any]:
    """Fréchet distances between the vectors' pictures and the real faces with the same labels.

    Args:
        seat: a judge that measures features.
        evidence: the judges' results.
        strict: refuse too few pictures if the judge was chosen by name; else they are flagged.

    Raises:
        DataError: with `strict` and a judge chosen by name, fewer pictures than features.
    """
    name, vectors = seat.name, evidence.requests.vectors
    people = [who for who, is_vector in zip(evidence.people, vectors, strict=True) if is_vector]
    real = evidence.real[name][vectors]
    sets = {
        "painted": (evidence.painted[name][vectors], people),
        "copied": (evidence.copied[name][vectors], people),
        "real": (evidence.spare[name], evidence.spare_people),
    }
    if evidence.truth is not None:
        sets["truth"] = (evidence.truth[name][vectors], people)
    enough = len(real) >= real.shape[1]
    if strict and seat.asked and not enough:
        raise DataError(
            f"{seat.judge.names[0]} needs at least {real.shape[1]} pictures, but there are "
            f"{len(real)}",
            "request more with --faces, or choose features with fewer dimensions",
        )
    found = {key: _distance(*_known(*given), *_known(real, people)) for key, given in sets.items()}
    return {
        "name": f"{seat.judge.names[0]}, {CODEC}",
        "dimensions": real.shape[1],
        "pictures": {"painted": len(real), "real": len(evidence.spare[name])},
        "enough": enough,
        **found,
    }


def _known(values: Tensor, people: Sequence[str]) -> tuple[Tensor, list[str]]:
    known = values.isfinite().all(1)
    return values[known], [who for who, keep in zip(people, known, strict=True) if keep]


def _distance(one: Tensor, people: Sequence[str], other: Tensor, others: Sequence[str]) -> Entry:
    if min(len(one), len(other)) < 2:
        return entry(*(float("nan"),) * 3)
    found: Distance = distance_between(one, other, people, others)
    return entry(found.value, found.low, found.high)


def agreement(seat: Seat, evidence: Evidence, draws: Draws) -> dict[str, Any]:
    """Requested against judged intensities, for levels and for vectors.

    ICC and MAE use the scale 0..5, PCC and Spearman's rank correlation the judge's own scale. If
    codes or judge have presence only, there is no ICC and no MAE. The intervals of Spearman's
    correlation treat the ranks as fixed.
    """
    vectors = evidence.requests.vectors
    seen = {"painted": evidence.painted, "copied": evidence.copied}
    if evidence.truth is not None:
        seen["truth"] = evidence.truth
    levels = {key: _agreement(seat, evidence, s, ~vectors, draws) for key, s in seen.items()}
    seen["real"] = evidence.real
    whole = {key: _agreement(seat, evidence, s, vectors, draws) for key, s in seen.items()}
    return {"levels": levels, "vectors": whole}


def _agreement(
    seat: Seat, evidence: Evidence, seen: Mapping[str, Tensor], rows: Tensor, draws: Draws
) -> dict[str, Any]:
    asked = evidence.requests.targets
    aus = tuple(au for au in asked.aus if au in seat.judge.names)
    people = [who for who, keep in zip(evidence.people, rows, strict=True) if keep]
    own = _of_aus(seen[seat.name], seat.judge.names, aus)[rows].double()
    levels = _of_aus(seat.levels(seen[seat.name]), seat.judge.names, aus)[rows]
    asked = asked.take(rows).select(aus)
    table: dict[str, Any] = {name: {} for name in ("mean", *aus)}
    wanted = asked.values.double()
    scaled = torch.tensor([au not in asked.occurrence and au not in seat.cuts for au in aus])
    for formula, truth, values in (
        (_on_levels, wanted, levels.where(scaled, torch.nan)),
        (_linear, wanted, own),
        (_of_ranks, _ranks(wanted, asked.mask), _ranks(own, asked.mask)),
    ):
        terms = agreement_terms(truth, values, asked.mask & values.isfinite() & truth.isfinite())
        _enter(table, aus, score(terms, people, formula, *_pair(draws)))
    return table


def _on_levels(sums: Tensor) -> dict[str, Tensor]:
    return {"icc": icc(sums), "mae": mae(sums)}


def _linear(sums: Tensor) -> dict[str, Tensor]:
    return {"pcc": pcc(sums)}


def _of_ranks(sums: Tensor) -> dict[str, Tensor]:
    return {"spearman": pcc(sums)}


def _pair(draws: Draws) -> tuple[int, int]:
    return draws.number, draws.seed


def _enter(table: dict[str, Any], aus: Sequence[str], found: Mapping[str, Scored]) -> None:
    for name, scored in found.items():
        table["mean"][name] = entry(scored.mean, scored.mean_low, scored.mean_high)
        for au, value in zip(aus, entries(scored), strict=True):
            table[au][name] = value


def _ranks(values: Tensor, mask: Tensor) -> Tensor:
    shown = torch.where(mask, values, torch.nan)
    return torch.stack([ranks(column) for column in shown.unbind(1)], 1)


def _of_aus(seen: Tensor, names: Sequence[str], aus: Sequence[str]) -> Tensor:
    """(N, A) columns of AUs, NaN for those the judge does not cover."""
    lost = seen.new_full((len(seen),), torch.nan)
    return torch.stack([seen[:, names.index(a)] if a in names else lost for a in aus], 1)


def identity(seat: Seat, evidence: Evidence, draws: Draws) -> dict[str, Any]:
    """Identity distances: synthetic to input faces, and between real faces."""
    name, vectors = seat.name, evidence.requests.vectors
    people = [who for who, is_vector in zip(evidence.people, vectors, strict=True) if is_vector]
    given, real = evidence.copied[name][vectors], evidence.real[name][vectors]
    stranger = _strangers(people)
    apart = torch.stack(
        [
            (evidence.painted[name][vectors] - given).norm(dim=1),
            (real - given).norm(dim=1),
            _apart(real, given, stranger),
        ],
        1,
    )
    keys = ("painted from given", "same person, real", "other person, real")
    scored = means(apart, people, *_pair(draws))
    return {"name": seat.judge.names[0], **dict(zip(keys, entries(scored), strict=True))}


def _apart(one: Tensor, other: Tensor, partner: Sequence[int]) -> Tensor:
    if not partner:
        return other.new_full((len(other),), torch.nan)
    apart: Tensor = (one[list(partner)] - other).norm(dim=1)
    return apart


def _strangers(people: Sequence[str]) -> list[int]:
    """For each row the next row of another person; empty if there is only one person."""
    count = len(people)
    ahead = [
        next((k % count for k in range(i + 1, i + count) if people[k % count] != people[i]), None)
        for i in range(count)
    ]
    return [] if None in ahead else [row for row in ahead if row is not None]


def closeness(evidence: Evidence, asked: Tensor, draws: Draws) -> dict[str, Any] | None:
    """L1, PSNR and SSIM against the truth, synthetic and copied, for requests that change the face.

    Args:
        evidence: the judges' results; without closeness the result is None.
        asked: (R,) bool, requests for a change.
        draws: draws for the intervals.

    Returns:
        group -> region -> `painted`, `copied` -> measure, and `gain` over copied, in dB
        for PSNR. Groups are `all`, `vectors`, each AU and each level; None without the truth.
    """
    if evidence.closeness is None:
        return None
    requests = evidence.requests
    groups = {"all": asked, "vectors": asked & requests.vectors}
    for column, au in enumerate(requests.targets.aus):
        groups[au] = asked & (requests.au == column)
    for level in range(1, 6):
        groups[f"level {level}"] = asked & (requests.level == level)
    return {
        name: _closeness(evidence.closeness[rows], evidence.people, rows, draws)
        for name, rows in groups.items()
        if rows.any()
    }


def _closeness(near: Tensor, people: Sequence[str], rows: Tensor, draws: Draws) -> dict[str, Any]:
    gain = near[:, PAINTED] - near[:, COPIED]
    values = torch.stack([near[:, PAINTED], near[:, COPIED], gain], 1)
    own = [who for who, keep in zip(people, rows, strict=True) if keep]
    found = iter(entries(means(values.flatten(1), own, *_pair(draws))))
    table: dict[str, Any] = {region: {} for region in REGIONS}
    for key in ("painted", "copied", "gain"):
        for region in REGIONS:
            table[region][key] = {measure: next(found) for measure in MEASURES}
    return {"requests": int(rows.sum()), **table}
