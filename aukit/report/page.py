"""Renders a report and writes it in one step."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from aukit import au
from aukit.report import figures
from aukit.report.card import card_section
from aukit.report.charts import whisker
from aukit.report.data import ReportData
from aukit.report.figures import Figure
from aukit.store import write_text

_SIGNATURES = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg", b"RIFF": "webp"}


@dataclass(frozen=True)
class Cell:
    """A score in a table: its text, its interval's text, and the interval drawn."""

    value: str
    interval: str
    chart: Markup


def write_report(data: ReportData, path: Path) -> None:
    """Write a report as one HTML file, aside and renamed."""
    write_text(path, render(data))


def render(data: ReportData) -> str:
    """The page: valid HTML5 without scripts, links to styles, fonts or pictures elsewhere."""
    environment = Environment(
        loader=PackageLoader("aukit.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_uri"] = data_uri
    style = resources.files("aukit.report").joinpath("style.css").read_text(encoding="utf-8")
    context = {
        "data": data,
        "style": Markup(style),
        "sections": _sections(data),
        "card": card_section(data.card),
    }
    return environment.get_template("page.html").render(context | _scores(data.scores))


def data_uri(image: bytes) -> str:
    """An encoded picture as a `data:` address.

    Raises:
        ValueError: it is neither PNG, JPEG nor WebP.
    """
    for signature, kind in _SIGNATURES.items():
        if image.startswith(signature):
            return f"data:image/{kind};base64,{base64.b64encode(image).decode('ascii')}"
    raise ValueError("a report shows PNG, JPEG and WebP pictures only")


@dataclass(frozen=True)
class Section:
    """Charts under a heading.

    Attributes:
        anchor: for the table of contents.
        title, note: heading, and how to read the charts.
        legend: names of the series, in the order of their colours.
        figures: the charts.
    """

    anchor: str
    title: str
    note: str
    legend: tuple[str, ...]
    figures: Sequence[Figure]


def _sections(data: ReportData) -> dict[str, Section]:
    made = [Section("training", "Training", "", (), figures.training(data.curves))]
    if data.distribution is not None:
        note = "Coded training frames, and uses in the balanced set. The axis is logarithmic."
        shown = figures.distributions(data.distribution)
        legend = ("before balancing", "after")
        made.append(Section("labels", "Label distribution", note, legend, shown))
    if data.predictions is not None and data.predictions.num_rows:
        made += _of_predictions(data.predictions)
    return {section.anchor: section for section in made if section.figures}


def _of_predictions(table: Any) -> Iterable[Section]:
    estimates = figures.Estimates.of(table)
    note = "Mean estimate at each true level; the bars hold the middle 80 % of the frames."
    shown = figures.agreements(estimates)
    yield Section("agreement", "Predicted against true", note, (), shown)
    note = "Frames of each true level (row) by estimated level (column), in %; rows add up to 100."
    shown = figures.confusions(estimates)
    yield Section("confusion", "Confusion of levels", note, (), shown)
    note = "The sequences in which most happens, and the AUs that change most in them."
    shown = figures.timelines(table, estimates)
    yield Section("time", "Over time", note, ("truth", "estimate"), shown)


def _scores(scores: Mapping[str, Any]) -> dict[str, Any]:
    """What the template shows of the scores: `measures`, `rows`, `headline`, `units`, `views`."""
    units = [name for name in scores if au.is_column(name)]
    names = [*units, "mean"] if scores else []
    measures = list(scores.get("mean", {}))
    spans = {measure: _span(scores[name][measure] for name in names) for measure in measures}
    rows = [
        (
            name if name == "mean" else au.describe(name),
            [_cell(scores[name][measure], spans[measure]) for measure in measures],
        )
        for name in names
    ]
    titles = [name.upper() if len(name) <= 4 else name for name in measures]
    views = {
        view: [_number(table[name][measures[0]]["value"]) for name in names]
        for view, table in scores.get("views", {}).items()
    }
    headline = dict(zip(titles, rows[-1][1], strict=True)) if rows else {}
    return {"measures": titles, "rows": rows, "headline": headline, "units": units, "views": views}


def _cell(entry: Mapping[str, float | None], span: tuple[float, float]) -> Cell:
    value, low, high = (entry[key] for key in ("value", "low", "high"))
    if value is None:
        return Cell(_number(None), "undefined", Markup(""))
    interval = "" if low is None else f"{_number(low)} to {_number(high)}"
    return Cell(_number(value), interval, whisker(value, low, high, span))


def _span(entries: Iterable[Mapping[str, float | None]]) -> tuple[float, float]:
    """Limits of the drawn intervals of one score: 0 to 1, wider where the score is."""
    ends = [value for entry in entries for value in entry.values() if value is not None]
    return (min([0.0, *ends]), max([1.0, *ends]))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
