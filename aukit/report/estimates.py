"""A page about estimates of photos and videos: curves, peaks, gaps, and the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from aukit import au
from aukit.report import charts
from aukit.report.charts import Series
from aukit.report.figures import Figure, Group
from aukit.report.page import Section, render_page
from aukit.report.score_tables import score_tables
from aukit.store.files import write_text

POINTS = 240
"""Most points of a curve, since there is one curve per AU and person."""

CONTENTS = (
    (
        "Estimates",
        (
            ("time", "Over time"),
            ("peaks", "Peaks"),
            ("photos", "Photos"),
            ("missing", "Without an estimate"),
        ),
    ),
    ("Model", (("scores", "Scores"), ("model", "Card"))),
)

Floats = NDArray[np.float64]
Pictures = Sequence[tuple[bytes, str]]


@dataclass(frozen=True)
class Curves:
    """One person over time.

    Attributes:
        title: file, and number of the face.
        seconds: (N,) times in seconds, or frame numbers.
        values: (N, A) estimates; NaN if missing.
        timed: whether `seconds` holds times.
    """

    title: str
    seconds: Floats
    values: Floats
    timed: bool


@dataclass(frozen=True)
class EstimatesPage:
    """The content of the page.

    Attributes:
        title: heading.
        facts: label -> text.
        notes: warnings.
        aus: AU columns, length A.
        tops: AU -> upper end of its scale.
        people: curves of people, those seen most first.
        peaks: title of a person -> frames with the strongest AUs.
        photos: photos, with their strongest AUs.
        missing: reason, rows and an example.
        scores: scores of the model, usually in the form of `scoring.score_predictions`.
        card: model card as text.
    """

    title: str
    facts: Mapping[str, str]
    notes: Sequence[str]
    aus: tuple[str, ...]
    tops: Mapping[str, float]
    people: Sequence[Curves]
    peaks: Mapping[str, Pictures]
    photos: Pictures
    missing: Sequence[tuple[str, int, str]]
    scores: Mapping[str, Any]
    card: str


def write_estimates_page(page: EstimatesPage, path: Path) -> None:
    """Write the page as one HTML file, atomically."""
    scores = score_tables(page.scores)
    present = {
        "time": page.people,
        "peaks": page.peaks,
        "photos": page.photos,
        "missing": page.missing,
        "scores": scores,
        "model": page.card,
    }
    context = {
        "page": page,
        "time": _over_time(page),
        "scores": scores,
        "missing": [(reason, f"{count:,}", file) for reason, count, file in page.missing],
    }
    shown = [anchor for anchor, content in present.items() if content]
    write_text(
        path, render_page("estimates.html", page.title, page.facts, shown, context, CONTENTS)
    )


def _over_time(page: EstimatesPage) -> Section:
    note = (
        "The estimated intensity, 0..5, or the probability for an AU that is either present or "
        "absent. "
        "A point that stands for several frames is their mean, and its bar spans the lowest to the "
        "highest."
    )
    groups = [Group(list(_charts(page, one)), one.title, _length(one)) for one in page.people]
    return Section("time", "Over time", note, groups)


def _length(one: Curves) -> str:
    known = int(np.isfinite(one.values).any(1).sum())
    return f"{known:,} frames with an estimate, of {len(one.seconds):,}."


def _charts(page: EstimatesPage, one: Curves) -> Iterator[Figure]:
    label = "seconds" if one.timed else "frame"
    for column, name in enumerate(page.aus):
        yield Figure(
            au.describe(name),
            curve(one.seconds, one.values[:, column], name, page.tops[name], label, one.title),
        )


def curve(seconds: Floats, values: Floats, name: str, top: float, label: str, title: str) -> Markup:
    """A chart of one AU; long curves are binned.

    Args:
        seconds: (N,) times, N at least 1.
        values: (N,) estimates, NaN if missing.
        name: AU column.
        top: upper end of the scale.
        label: label of the time axis.
        title: title of the person.
    """
    x, mean, low, high = binned(seconds, values, POINTS)
    whole = len(x) == len(seconds)
    ends = (None, None) if whole else (low.tolist(), high.tolist())
    series = Series(name, x.tolist(), mean.tolist(), *ends)
    said = f"{title}, {au.describe(name)} over time"
    span = (float(x[0]), float(max(x[-1], x[0] + 1e-3)))
    return charts.lines([series], said, label, x_range=span, y_range=(0, top), dots=len(x) == 1)


def binned(seconds: Floats, values: Floats, most: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Time, mean, minimum and maximum of equal bins of frames; NaN for bins without values.

    Args:
        seconds, values: (N,) times and values.
        most: most bins.
    """
    size = -(-len(values) // most)
    padded = np.full((-(-len(values) // size), size), np.nan)
    padded.flat[: len(values)] = values
    known = np.isfinite(padded)
    count = np.where(known.any(1), known.sum(1), np.nan)
    mean = np.where(known, padded, 0).sum(1) / count
    low = np.where(known, padded, np.inf).min(1)
    high = np.where(known, padded, -np.inf).max(1)
    empty = ~known.any(1)
    low[empty] = high[empty] = np.nan
    return seconds[::size], mean, low, high
