"""The section of a report on each person's scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aukit.report import charts
from aukit.report.charts import Series
from aukit.report.figures import POINTS, Figure, short_names

MOST_ROWS = 20
"""Most people listed; if there are more, half from each end are listed."""
DOTS = 100
"""Most people drawn as dots."""

NOTE = (
    "{measure} of each person's own frames (mean over AUs), from the lowest to the highest. "
    "A person shows few levels of few AUs, so the score of one person is far less certain than "
    "that of all frames."
)
CUT = " The table lists the {half} lowest and the {half} highest of {count:,} people."
UNDEFINED = " It is undefined for {count:,} of {people:,} people, who are left out here."


@dataclass(frozen=True)
class PeopleSection:
    """The content of the section.

    Attributes:
        note: how to read it.
        legend: names of the series.
        figures: one chart; none for a single person.
        columns, rows: a table.
    """

    note: str
    legend: Sequence[str]
    figures: Sequence[Figure]
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def people_section(scores: Mapping[str, Any], titles: Mapping[str, str]) -> PeopleSection | None:
    """The section of the people in `scores["people"]`; None without any.

    Args:
        scores: result of `scoring.score_predictions`.
        titles: score name -> heading; people are ranked by the first.
    """
    people: Mapping[str, Any] = scores.get("people", {})
    if not people or not titles:
        return None
    first = next(iter(titles))
    values = {name: _value(entry, first) for name, entry in people.items()}
    known = [name for name, value in values.items() if value is not None]
    ranked = sorted(known, key=lambda name: (values[name] or 0.0, name))
    note = NOTE.format(measure=titles[first])
    if len(ranked) < len(people):
        note += UNDEFINED.format(count=len(people) - len(ranked), people=len(people))
    listed = ranked
    if len(ranked) > MOST_ROWS:
        half = MOST_ROWS // 2
        listed = ranked[:half] + ranked[-half:]
        note += CUT.format(half=half, count=len(ranked))
    names = short_names(people)
    rows = [[names[name], *_row(people[name], titles)] for name in listed]
    columns = ["person", "frames", *titles.values()]
    pooled = scores["mean"][first]["value"]
    drawn = _chart([values[name] or 0.0 for name in ranked], pooled, titles[first])
    legend = ("each person", "all frames together") if drawn else ()
    return PeopleSection(note, legend, drawn, columns, rows)


def _value(entry: Mapping[str, Any], measure: str) -> float | None:
    found = entry["mean"].get(measure, {}).get("value")
    return None if found is None else float(found)


def _row(entry: Mapping[str, Any], titles: Mapping[str, str]) -> list[str]:
    shown = (_value(entry, measure) for measure in titles)
    texts = ["undefined" if value is None else f"{value:.3f}" for value in shown]
    return [f"{entry['frames']:,}", *texts]


def _chart(values: Sequence[float], pooled: float | None, title: str) -> list[Figure]:
    if len(values) < 2:
        return []
    shown = np.unique(np.linspace(0, len(values) - 1, POINTS).round().astype(int)).tolist()
    ends = (1, len(values))
    level = math.nan if pooled is None else pooled
    series = [
        Series("each person", [place + 1 for place in shown], [values[place] for place in shown]),
        Series("all frames together", ends, (level, level)),
    ]
    drawn = charts.lines(
        series, f"{title} of {len(values)} people", "people", dots=len(values) <= DOTS
    )
    return [Figure(f"{title} of {len(values):,} people", drawn)]
