"""From the numbers of a run to its charts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from markupsafe import Markup
from numpy.typing import NDArray

from aukit import au, records
from aukit.report import charts
from aukit.report.charts import Series
from aukit.report.data import Curve, Distribution

LEVELS = range(au.MAX_LEVEL + 1)
LEVEL_NAMES = [str(level) for level in LEVELS]
SEQUENCES = 4
"""Sequences that are shown over time."""
UNITS_A_SEQUENCE = 3
SHORTEST_SEQUENCE = 5
POINTS = 400
"""Most points in a line: a screen shows no more."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """A chart with its caption."""

    caption: str
    chart: Markup


@dataclass(frozen=True)
class Estimates:
    """Columns of a table of predictions as arrays.

    Attributes:
        aus: AU columns, length A.
        truth, predicted, level: (N, A) float64; NaN where not coded, or not estimated.
    """

    aus: tuple[str, ...]
    truth: Floats
    predicted: Floats
    level: Floats

    @staticmethod
    def of(table: pa.Table) -> Estimates:
        """The columns of a table in `records.prediction_schema`."""
        aus = records.au_columns(table)
        truth, predicted, level = (
            np.stack([_column(table, f"{name}{suffix}") for name in aus], axis=1)
            for suffix in ("", "_predicted", "_level")
        )
        return Estimates(aus, truth, predicted, level)


def distributions(distribution: Distribution) -> list[Figure]:
    """Uses of each level before and after balancing, one chart an AU."""
    return [
        Figure(
            au.describe(name),
            charts.bars(
                LEVEL_NAMES,
                [("before", before.tolist()), ("after", after.tolist())],
                f"{au.describe(name)}: frames at each level before and after balancing",
                "level",
            ),
        )
        for name, before, after in zip(
            distribution.aus, distribution.before, distribution.after, strict=True
        )
    ]


def agreements(estimates: Estimates) -> list[Figure]:
    """Mean estimate at each true level, with the middle 80 % of frames, one chart an AU."""
    figures = []
    for place, name in enumerate(estimates.aus):
        truth, predicted = estimates.truth[:, place], estimates.predicted[:, place]
        groups = [predicted[np.floor(truth + 0.5) == level] for level in LEVELS]
        shown = [(level, group) for level, group in zip(LEVELS, groups, strict=True) if len(group)]
        if not shown:
            continue
        low, high = zip(*(np.quantile(group, (0.1, 0.9)) for _, group in shown), strict=True)
        means = [float(group.mean()) for _, group in shown]
        series = Series("mean estimate", [level for level, _ in shown], means, low, high)
        title = f"{au.describe(name)}: mean estimate at each true level"
        scale = (0, au.MAX_LEVEL)
        chart = charts.lines(
            [series], title, "true level", x_range=scale, y_range=scale, dots=True, diagonal=True
        )
        figures.append(Figure(au.describe(name), chart))
    return figures


def confusions(estimates: Estimates) -> list[Figure]:
    """Share of estimated levels among the frames of each true level, one chart an AU."""
    figures = []
    for place, name in enumerate(estimates.aus):
        shares = confusion(estimates.truth[:, place], estimates.level[:, place])
        if np.isnan(shares).all():
            continue
        title = f"{au.describe(name)}: estimated level by true level, in % of each row"
        chart = charts.heat_map(
            shares.tolist(), LEVEL_NAMES, title, "estimated level", "true level"
        )
        figures.append(Figure(au.describe(name), chart))
    return figures


def confusion(truth: Floats, level: Floats) -> Floats:
    """(6, 6) share of each estimated level (columns) at each true level (rows).

    Args:
        truth: (N,) intensities; NaN where not coded.
        level: (N,) estimated levels.

    Returns:
        rows that sum to 1; NaN rows where no frame has that true level.
    """
    coded = np.isfinite(truth) & np.isfinite(level)
    rows = np.floor(truth[coded] + 0.5).astype(int)
    counts = np.zeros((len(LEVELS), len(LEVELS)))
    np.add.at(counts, (rows, level[coded].astype(int)), 1)
    totals = counts.sum(1, keepdims=True)
    shares: Floats = counts / np.where(totals > 0, totals, np.nan)
    return shares


def timelines(table: pa.Table, estimates: Estimates) -> list[Figure]:
    """Truth and estimate over time, where most happens: some sequences, some AUs of each."""
    figures = []
    for name, rows in _liveliest(table, estimates):
        order = rows[np.argsort(_times(table)[rows], kind="stable")]
        order = order[:: -(-len(order) // POINTS)]
        for place in _most_active(estimates.truth[order]):
            unit = au.describe(estimates.aus[place])
            times = _times(table)[order].tolist()
            series = [
                Series("truth", times, estimates.truth[order, place].tolist()),
                Series("estimate", times, estimates.predicted[order, place].tolist()),
            ]
            label = "seconds" if _has_seconds(table) else "frame"
            chart = charts.lines(
                series, f"{name}, {unit} over time", label, y_range=(0, au.MAX_LEVEL)
            )
            figures.append(Figure(f"{name} · {unit}", chart))
    return figures


def training(curves: Sequence[Curve]) -> list[Figure]:
    """One chart a curve."""
    figures = []
    for curve in curves:
        if not np.isfinite(np.asarray(curve.values, float)).any():
            continue
        step = -(-len(curve.steps) // POINTS)
        series = Series(curve.name, curve.steps[::step], curve.values[::step])
        chart = charts.lines([series], f"{curve.stage}: {curve.name} over steps", "step")
        figures.append(Figure(f"{curve.stage} · {curve.name}", chart))
    return figures


def _column(table: pa.Table, name: str) -> Floats:
    column = table.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.array(column, np.float64)


def _has_seconds(table: pa.Table) -> bool:
    return bool(table.column("time_s").null_count == 0)


def _times(table: pa.Table) -> Floats:
    return _column(table, "time_s" if _has_seconds(table) else "frame")


def _liveliest(table: pa.Table, estimates: Estimates) -> Iterator[tuple[str, NDArray[np.intp]]]:
    """The sequences whose true intensities vary most, of different people as long as there are."""
    sequences = _sequences(table)
    spread = {
        key: float(np.nan_to_num(_variances(estimates.truth[rows])).sum())
        for key, rows in sequences.items()
        if len(rows) >= SHORTEST_SEQUENCE
    }
    ranked = sorted((key for key in spread if spread[key] > 0), key=lambda k: (-spread[k], k))
    firsts = {min((k for k in ranked if k[0] == person), key=ranked.index) for person, *_ in ranked}
    chosen = sorted(ranked, key=lambda key: key not in firsts)[:SEQUENCES]
    for key in chosen:
        yield " · ".join(part for part in key if part), sequences[key]


def _sequences(table: pa.Table) -> dict[tuple[str, ...], NDArray[np.intp]]:
    """Rows of each (person, task, view)."""
    people = records.person_keys(table)
    others = (table.column(name).fill_null("").to_pylist() for name in ("task", "view"))
    rows: dict[tuple[str, ...], list[int]] = {}
    for row, key in enumerate(zip(people, *others, strict=True)):
        rows.setdefault(key, []).append(row)
    return {key: np.array(found) for key, found in rows.items()}


def _variances(truth: Floats) -> Floats:
    """Variance of each column over its coded rows; NaN where there is none."""
    coded = np.isfinite(truth)
    count = np.where(coded.any(0), coded.sum(0), np.nan)
    values = np.where(coded, truth, 0)
    variances: Floats = (values**2).sum(0) / count - (values.sum(0) / count) ** 2
    return variances


def _most_active(truth: Floats) -> list[int]:
    """The columns that vary most."""
    variances = np.nan_to_num(_variances(truth))
    order = np.argsort(-variances, kind="stable")[:UNITS_A_SEQUENCE]
    return [int(place) for place in order if variances[place] > 0]
