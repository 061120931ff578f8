"""From the numbers of a run to its charts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from markupsafe import Markup
from numpy.typing import NDArray

from aukit import au
from aukit.data import records
from aukit.data.kinds import au_kinds, estimate_kinds, tops
from aukit.report import charts
from aukit.report.charts import Series
from aukit.report.data import Curve, Distribution
from aukit.report.heat_maps import heat_map

LEVELS = range(au.MAX_LEVEL + 1)
LEVEL_NAMES = [str(level) for level in LEVELS]
POINTS = 400
"""Most points in a line; more would not be visible."""
PRESENT = 0.5
"""Intensity from which an AU counts as present: halves round up to level 1."""
FEW_POINTS = 20
"""Most points drawn as dots."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """A chart with its caption."""

    caption: str
    chart: Markup


@dataclass(frozen=True)
class Group:
    """A group of charts.

    Attributes:
        figures: the charts.
        title, note: heading and remark; empty for none.
        legend: names of the series, in the order of their colours.
    """

    figures: Sequence[Figure]
    title: str = ""
    note: str = ""
    legend: Sequence[str] = ()


@dataclass(frozen=True)
class Estimates:
    """Columns of a table of predictions as arrays.

    Attributes:
        aus: AU columns, length A.
        truth, predicted, level: (N, A) float64; NaN where not coded or not estimated. If only one
            side is an intensity, it is scaled to 0..1.
        tops: the highest code of each AU: 5, of an occurrence 1; 5 where nothing is said.
    """

    aus: tuple[str, ...]
    truth: Floats
    predicted: Floats
    level: Floats
    tops: tuple[int, ...] = ()

    def top(self, place: int) -> int:
        """The highest code of the AU at a place."""
        return self.tops[place] if self.tops else au.MAX_LEVEL

    @staticmethod
    def of(table: pa.Table) -> Estimates:
        """The columns of a table in `records.prediction_schema`."""
        aus = records.au_columns(table)
        truth, predicted, level = (
            np.stack([_column(table, f"{name}{suffix}") for name in aus], axis=1)
            for suffix in ("", "_predicted", "_level")
        )
        known = np.array(tops(au_kinds(table), aus))
        estimated = np.array(tops(estimate_kinds(table), aus))
        least = np.minimum(known, estimated)
        truth = truth * least / known
        predicted, level = predicted * least / estimated, level * least / estimated
        return Estimates(aus, truth, predicted, level, tuple(least.tolist()))


def distributions(distribution: Distribution) -> list[Figure]:
    """Uses of each level before and after balancing, one chart per AU."""
    figures = []
    for place, name in enumerate(distribution.aus):
        codes = slice(distribution.top(place) + 1)
        before, after = (part[place, codes] for part in (distribution.before, distribution.after))
        chart = charts.bars(
            LEVEL_NAMES[codes],
            [("before", before.tolist()), ("after", after.tolist())],
            f"{au.describe(name)}: frames at each level before and after balancing",
            "level",
        )
        figures.append(Figure(au.describe(name), chart))
    return figures


def agreements(estimates: Estimates) -> list[Figure]:
    """Mean estimate at each true level, with the middle 80 % of frames, one chart per AU."""
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
        scale = (0, estimates.top(place))
        chart = charts.lines(
            [series], title, "true level", x_range=scale, y_range=scale, dots=True, diagonal=True
        )
        figures.append(Figure(au.describe(name), chart))
    return figures


def confusions(estimates: Estimates) -> list[Figure]:
    """Share of estimated levels among the frames of each true level, one chart per AU."""
    figures = []
    for place, name in enumerate(estimates.aus):
        codes = slice(estimates.top(place) + 1)
        counts = confusion(estimates.truth[:, place], estimates.level[:, place])[codes, codes]
        totals = counts.sum(1)
        if not totals.any():
            continue
        shares = counts / np.where(totals > 0, totals, np.nan)[:, None]
        title = f"{au.describe(name)}: estimated level by true level, in % of each row"
        chart = heat_map(
            shares.tolist(),
            LEVEL_NAMES[codes],
            title,
            "estimated level",
            "true level",
            totals.tolist(),
        )
        figures.append(Figure(au.describe(name), chart))
    return figures


def confusion(truth: Floats, level: Floats) -> NDArray[np.int64]:
    """(6, 6) frames with each estimated level (columns) at each true level (rows).

    Args:
        truth: (N,) intensities; NaN where not coded.
        level: (N,) estimated levels.
    """
    coded = np.isfinite(truth) & np.isfinite(level)
    rows = np.floor(truth[coded] + 0.5).astype(int)
    counts = np.zeros((len(LEVELS), len(LEVELS)), np.int64)
    np.add.at(counts, (rows, level[coded].astype(int)), 1)
    return counts


def gaps(estimates: Estimates) -> Iterator[str]:
    """Gaps in the scored frames that make scores undefined or unreliable."""
    for place, name in enumerate(estimates.aus):
        truth = estimates.truth[:, place]
        if not np.isfinite(truth).any():
            yield f"{name} is coded in no scored frame, so its scores are undefined."
        elif not (truth >= PRESENT).any():
            yield f"{name} is present in no scored frame, so some of its scores are undefined."


def training(curves: Sequence[Curve]) -> list[Group]:
    """A chart per scalar of each fit; the networks of a fit share a chart."""
    fits: dict[str, dict[str, list[Curve]]] = {}
    for curve in curves:
        if np.isfinite(np.asarray(curve.values, float)).any():
            fits.setdefault(curve.stage, {}).setdefault(curve.name, []).append(curve)
    return [_fit(stage, numbers) for stage, numbers in fits.items()]


def _fit(stage: str, numbers: Mapping[str, Sequence[Curve]]) -> Group:
    parts = list(dict.fromkeys(curve.part for found in numbers.values() for curve in found))
    figures = []
    for name, found in numbers.items():
        # In legend order, with a gap for networks that lack this scalar.
        series = [_points(part, [c for c in found if c.part == part]) for part in parts]
        few = max(len(one.x) for one in series) <= FEW_POINTS
        chart = charts.lines(series, f"{stage}: {name} over steps", "step", dots=few)
        figures.append(Figure(name, chart))
    return Group(figures, stage, legend=tuple(parts) if len(parts) > 1 else ())


def _points(name: str, curves: Sequence[Curve]) -> Series:
    steps, values = (curves[0].steps, curves[0].values) if curves else ((), ())
    every = max(1, -(-len(steps) // POINTS))
    return Series(name, steps[::every], values[::every])


def short_names(keys: Iterable[str]) -> dict[str, str]:
    """`dataset/partition/subject` without the parts that all have in common."""
    split = {key: key.split("/", 2) for key in keys}
    common = 0
    while common < 2 and len({tuple(parts[: common + 1]) for parts in split.values()}) == 1:
        common += 1
    return {key: "/".join(parts[common:]) for key, parts in split.items()}


def _column(table: pa.Table, name: str) -> Floats:
    column = table.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.array(column, np.float64)
