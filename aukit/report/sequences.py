"""Truth and estimate over time, for a few sequences chosen by a rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from numpy.typing import NDArray

from aukit import au
from aukit.report import charts
from aukit.report.charts import Series
from aukit.report.figures import POINTS, Estimates, Figure, Group, short_names
from aukit.statistics.agreement import TERMS, agreement_terms, icc

SHORTEST = 5
"""Fewest frames of a sequence to be ranked."""
SHORT = 12
"""If the median sequence has fewer frames, the sequences of a person are concatenated."""
UNITS = 3
"""AUs shown per sequence."""

RULE = (
    "Out of {count:,} sequences in which an AU with at least {shortest} coded frames changes, "
    "those with the highest, the median and the lowest agreement (mean ICC(3,1) of the AUs that "
    "change). For each, the {units} AUs that change most. The choice is automatic."
)
JOINED = " Since recordings are short, those of a person are concatenated."

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Ranked:
    """The ranked sequences, best first.

    Attributes:
        names: name of each.
        rows: table rows of each, in time order.
        agreement: agreement of each.
        joined: whether recordings of a person are concatenated.
    """

    names: list[str]
    rows: list[Rows]
    agreement: list[float]
    joined: bool


def timelines(table: pa.Table, estimates: Estimates) -> tuple[str, list[Group]]:
    """Charts of the sequences with the best, the median and the worst agreement.

    Args:
        table: predictions (`records.prediction_schema`).
        estimates: its columns.

    Returns:
        the rule of the choice as text, and a group of charts per sequence.
    """
    ranked = rank(table, estimates)
    count = len(ranked.names)
    rule = RULE.format(count=count, shortest=SHORTEST, units=UNITS)
    picks = {0: "best", (count - 1) // 2: "median", count - 1: "worst"} if count else {}
    if count == 2:
        picks = {0: "best", 1: "worst"}
    rule += JOINED if ranked.joined else ""
    return rule, [_group(table, estimates, ranked, *pick) for pick in picks.items()]


def rank(table: pa.Table, estimates: Estimates) -> Ranked:
    """The sequences by agreement, without those that are too short or do not change."""
    keys, index = _keys(table, ("task", "view"))
    joined = len(index) > 0 and float(np.median(np.bincount(index))) < SHORT
    order = np.lexsort((_times(table), index))
    if joined:
        keys, index = _keys(table, ("view",))
        order = order[np.argsort(index[order], kind="stable")]
    agreement = _agreement(estimates, index, len(keys))
    names = _names(keys)
    rows = np.split(order, np.cumsum(np.bincount(index, minlength=len(keys)))[:-1])
    good = [place for place in range(len(keys)) if np.isfinite(agreement[place])]
    good.sort(key=lambda place: (-agreement[place], names[place]))
    return Ranked(
        [names[place] for place in good],
        [rows[place] for place in good],
        [float(agreement[place]) for place in good],
        joined,
    )


def _keys(table: pa.Table, columns: tuple[str, ...]) -> tuple[list[str], Rows]:
    """The distinct (person, ...) keys of a table, and the key index of each row."""
    wanted = ("dataset", "partition", "subject", *columns)
    texts = [pc.fill_null(table.column(name).cast(pa.string()), "") for name in wanted]
    people = pc.binary_join_element_wise(*texts[:3], "/")
    joined = pc.binary_join_element_wise(people, *texts[3:], "\n")
    encoded = pa.chunked_array(joined.chunks, pa.string()).combine_chunks().dictionary_encode()
    index = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return encoded.dictionary.to_pylist(), index


def _names(keys: list[str]) -> list[str]:
    people = short_names(key.split("\n")[0] for key in keys)
    parts = [key.split("\n") for key in keys]
    return [" · ".join([people[person], *filter(None, rest)]) for person, *rest in parts]


def _agreement(estimates: Estimates, index: Rows, count: int) -> NDArray[np.float64]:
    """(S,) mean ICC of the AUs that change in each sequence; NaN where none does."""
    where = torch.from_numpy(index)
    found = np.full((count, len(estimates.aus)), np.nan)
    for place in range(len(estimates.aus)):
        truth = torch.from_numpy(estimates.truth[:, place])
        predicted = torch.from_numpy(estimates.predicted[:, place])
        terms = agreement_terms(truth, predicted, truth.isfinite() & predicted.isfinite())
        sums = torch.zeros(count, TERMS, dtype=torch.float64).index_add_(0, where, terms)
        frames, x, xx = sums[:, 0], sums[:, 1], sums[:, 3]
        changes = (frames >= SHORTEST) & (xx * frames - x * x > 1e-9 * xx * frames)
        found[:, place] = torch.where(changes, icc(sums), torch.nan).numpy()
    known = np.isfinite(found)
    means: NDArray[np.float64] = np.nansum(found, 1) / np.where(known.any(1), known.sum(1), np.nan)
    return means


def _group(table: pa.Table, estimates: Estimates, ranked: Ranked, place: int, which: str) -> Group:
    rows = ranked.rows[place]
    every = -(-len(rows) // POINTS)
    note = (
        f"Agreement {ranked.agreement[place]:.2f}, number {place + 1:,} of {len(ranked.rows):,}; "
    )
    note += f"{len(rows):,} frames" + (f", every {every}th drawn" if every > 1 else "")
    title = f"The {which}: {ranked.names[place]}"
    drawn = list(_charts(table, estimates, rows[::every], ranked.joined, title))
    return Group(drawn, title, note + ".", ("truth", "estimate"))


def _charts(
    table: pa.Table, estimates: Estimates, rows: Rows, joined: bool, title: str
) -> Iterator[Figure]:
    part = table.select(["task", "frame", "time_s"]).take(pa.array(rows))
    seconds = not joined and part.column("time_s").null_count == 0
    label = "seconds" if seconds else "frame, one recording after the other" if joined else "frame"
    times = np.arange(len(rows), dtype=np.float64) if joined else _times(part)
    breaks = _breaks(part) if joined else []
    for place in _most_active(estimates.truth[rows]):
        unit = au.describe(estimates.aus[place])
        series = [
            _series(name, times, values[rows, place], breaks)
            for name, values in (("truth", estimates.truth), ("estimate", estimates.predicted))
        ]
        scale = (0, estimates.top(place))
        chart = charts.lines(series, f"{title}, {unit} over time", label, y_range=scale)
        yield Figure(unit, chart)


def _breaks(part: pa.Table) -> list[int]:
    """Indices at which a new recording begins."""
    tasks = part.column("task").to_pylist()
    return [row for row in range(1, len(tasks)) if tasks[row] != tasks[row - 1]]


def _series(
    name: str, times: NDArray[np.float64], values: NDArray[np.float64], breaks: list[int]
) -> Series:
    """A line with breaks between recordings."""
    gaps = np.insert(values, breaks, np.nan)
    return Series(name, np.insert(times, breaks, times[breaks]).tolist(), gaps.tolist())


def _times(table: pa.Table) -> NDArray[np.float64]:
    known = table.column("time_s").null_count == 0
    column = table.column("time_s" if known else "frame").cast(pa.float64())
    return np.array(column.to_numpy(zero_copy_only=False), np.float64)


def _most_active(truth: NDArray[np.float64]) -> list[int]:
    """The columns that vary most over their coded rows."""
    coded = np.isfinite(truth)
    count = np.where(coded.any(0), coded.sum(0), 1)
    values = np.where(coded, truth, 0)
    variances = (values**2).sum(0) / count - (values.sum(0) / count) ** 2
    order = np.argsort(-variances, kind="stable")[:UNITS]
    return [int(place) for place in order if variances[place] > 1e-12]
