"""The scores of a run as the tables of a report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from aukit import au
from aukit.report.charts import whisker
from aukit.report.svg import Range

UNDEFINED = "undefined"
LEVELS = "with decided levels instead of expected intensities"


@dataclass(frozen=True)
class Cell:
    """A score in a table: its text, its interval as text, and as a chart."""

    value: str
    interval: str
    chart: Markup


@dataclass(frozen=True)
class Row:
    """A row of scores.

    Attributes:
        name, remark: name of the row, and a remark.
        cells: one per measure.
        total: whether it summarizes the other rows.
    """

    name: str
    cells: Sequence[Cell]
    remark: str = ""
    total: bool = False


@dataclass(frozen=True)
class ScoreTables:
    """The score tables of the report.

    Attributes:
        measures: headings.
        intervals: whether there are any.
        units: a row per AU, and the means.
        views: a row per view; empty if there is only one view.
        names: AU columns, and the mean.
        units_of_views: per view its name, then the first measure of each of `names`.
    """

    measures: Sequence[str]
    intervals: bool
    units: Sequence[Row]
    views: Sequence[Row]
    names: list[str]
    units_of_views: Sequence[Sequence[str]]


def headings(scores: Mapping[str, Any]) -> dict[str, str]:
    """Name of each score -> its heading."""
    measures = scores.get("mean", {})
    if scores.get("presence"):  # omit scores that no AU has
        measures = {name: found for name, found in measures.items() if found["value"] is not None}
    return {name: name.upper() if len(name) <= 4 else name for name in measures}


def score_tables(scores: Mapping[str, Any]) -> ScoreTables | None:
    """The tables for a result of `scoring.score_predictions`; None without scores."""
    titles = headings(scores)
    if not titles:
        return None
    names = [*filter(au.is_column, scores), "mean"]
    views: Mapping[str, Any] = scores.get("views", {})
    tables = [scores, *views.values()]
    spans = {m: _span(table[name][m] for table in tables for name in names) for m in titles}
    first = next(iter(titles))

    def cells(table: Mapping[str, Any], name: str) -> list[Cell]:
        return [score_cell(table[name][measure], spans[measure]) for measure in titles]

    units = [_unit(name, cells(scores, name)) for name in names[:-1]]
    units.append(Row("mean", cells(scores, "mean"), mean_remark(scores, list(titles)), total=True))
    if "level" in scores:
        units.append(Row("mean", cells(scores["level"], "mean"), LEVELS, total=True))
    if beside := scores.get("yardstick"):
        remark = f"fitted on the real training frames; {advantage(beside, first)}"
        units.append(
            Row(f"mean of {beside['estimator']}", cells(beside["scores"], "mean"), remark, True)
        )
    return ScoreTables(
        measures=list(titles.values()),
        intervals=any(cell.interval for row in units for cell in row.cells),
        units=units,
        views=[
            *(Row(view, cells(table, "mean")) for view, table in views.items()),
            *_mean_of_views(scores, cells),
        ],
        names=names,
        units_of_views=[
            [view, *(_number(table[name][first]["value"]) for name in names)]
            for view, table in views.items()
        ],
    )


def _mean_of_views(
    scores: Mapping[str, Any], cells: Callable[[Mapping[str, Any], str], list[Cell]]
) -> Iterator[Row]:
    """The row in which all views have equal weight, if there are several."""
    if "mean of views" in scores:
        yield Row("mean of views", cells(scores["mean of views"], "mean"), total=True)


def _unit(name: str, cells: Sequence[Cell]) -> Row:
    return Row(name, cells, au.describe(name).removeprefix(name).strip())


def mean_remark(scores: Mapping[str, Any], measures: Sequence[str]) -> str:
    """The number of AUs behind the means if some are undefined, e.g. `ICC of 11 of 12 AUs`."""
    units = [scores[name] for name in scores if au.is_column(name)]
    titles = headings(scores)
    known = {m: sum(unit[m]["value"] is not None for unit in units) for m in measures}
    few = [f"{titles[m]} of {known[m]} of {len(units)}" for m in measures if known[m] < len(units)]
    return f"{', '.join(few)} AUs" if few else ""


def advantage(beside: Mapping[str, Any], measure: str) -> str:
    """How much higher the run's mean score is than the yardstick's, `+0.19 (0.16 to 0.22)`.

    Args:
        beside: `yardstick` of a run's scores.
        measure: name of the score.
    """
    entry = beside["difference"]["mean"].get(measure, {})
    value, low, high = (entry.get(part) for part in ("value", "low", "high"))
    if value is None:
        return "difference to this run undefined"
    interval = "" if low is None or high is None else f" ({low:+.2f} to {high:+.2f})"
    return f"{measure.upper()} of this run minus that: {value:+.2f}{interval}"


def presence_remark(only: Sequence[str]) -> str:
    """Why some AUs have no intensity scores."""
    return f"only presence is labelled for {', '.join(only)}: F1, accuracy and AUC, no ICC or "
    "errors"


def score_cell(entry: Mapping[str, float | None], span: Range) -> Cell:
    """A score as a cell.

    Args:
        entry: `value`, `low` and `high`; None where undefined.
        span: limits of the chart.
    """
    value, low, high = (entry.get(key) for key in ("value", "low", "high"))
    if value is None:
        return Cell(UNDEFINED, "", Markup(""))
    interval = "" if low is None or high is None else f"{_number(low)} to {_number(high)}"
    return Cell(_number(value), interval, whisker(value, low, high, span))


def _span(entries: Iterable[Mapping[str, float | None]]) -> Range:
    """Limits of the drawn intervals of one score: 0 to 1, wider where the score is."""
    keys = ("value", "low", "high")
    ends = [end for entry in entries for key in keys if (end := entry.get(key)) is not None]
    return (min([0.0, *ends]), max([1.0, *ends]))


def _number(value: float | None) -> str:
    return UNDEFINED if value is None else f"{round(value, 3) + 0.0:.3f}"  # no -0
