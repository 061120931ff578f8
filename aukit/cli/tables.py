"""Tables on the console: the scores of a run, a score card, a comparison."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from aukit.au import describe, is_column
from aukit.cli.console import Spread, table
from aukit.comparison.files import CSV, LATEX, MARKDOWN, REPORT
from aukit.comparison.tables import LEGEND, Table, Text, overview, shown, units
from aukit.report.card_rows import Entry, digits, tables
from aukit.report.score_tables import advantage, mean_remark, presence_remark

Score = Mapping[str, float | None]

HEADLINE = ("icc", "mae", "f1")
"""Scores shown if a run has them; `scores.json` holds all."""

DETECTION = ("f1", "accuracy", "auc")
"""Scores also shown if some AU is labelled with presence only."""


TITLE = "Scores of the test faces, with 95 % intervals over people"


def show_scores(
    scores: Mapping[str, Any], title: str = TITLE, headline: Sequence[str] = HEADLINE
) -> None:
    """Print one row per AU, the mean last.

    Args:
        scores: AU column, or `mean`, -> score name -> `value`, `low`, `high` (None: undefined).
        title: title of the table.
        headline: scores to show if present; if none is, all are shown.

    If a score is undefined for some AUs, the mean is marked with the number of AUs it covers. If
    some AUs are labelled with presence only, detection scores are shown as well, and scores that
    are undefined for every AU are omitted.
    """
    names = [name for name in headline if name in scores["mean"]] or list(scores["mean"])
    if only := scores.get("presence"):
        names = list(dict.fromkeys([*names, *DETECTION]))
        names = [name for name in names if scores["mean"][name]["value"] is not None]
    headings = [name.upper() for name in names]
    rows = [
        (describe(entry), *(cell(scores[entry][name]) for name in names))
        for entry in [*filter(is_column, scores), "mean"]
    ]
    table(title, ("AU", *headings), rows, numeric=headings)
    if remark := mean_remark(scores, names):
        click.echo(f"mean: {remark}")
    if level := scores.get("level"):
        found = ", ".join(f"{name.upper()} {cell(level['mean'][name])}" for name in names)
        click.echo(f"mean with decided levels instead of expected intensities: {found}")
    for line in yardstick_lines(scores, names):
        click.echo(line)
    if views := scores.get("mean of views"):
        found = ", ".join(f"{name.upper()} {cell(views['mean'][name])}" for name in names)
        click.echo(f"mean over the {len(scores['views'])} views: {found}")
    if only:
        click.echo(presence_remark(only))


def yardstick_lines(scores: Mapping[str, Any], names: Sequence[str]) -> Iterator[str]:
    """The mean scores of the simple estimator, and the difference of the first to it."""
    if not (beside := scores.get("yardstick")):
        return
    found = ", ".join(f"{name.upper()} {cell(beside['scores']['mean'][name])}" for name in names)
    yield f"mean of '{beside['estimator']}', fitted on the real training frames: {found}"
    if remark := advantage(beside, names[0]):
        yield remark


def show_dropped(dropped: Mapping[str, int]) -> None:
    """Print how many frames were dropped, and why; print nothing if none was."""
    if dropped:
        rows = sorted(dropped.items(), key=lambda entry: -entry[1])
        table("Dropped frames", ("reason", "frames"), rows, numeric=("frames",))


def cell(score: Score) -> Spread | str:
    """`0.71 [0.62, 0.78]`, stacked in a narrow terminal; `undefined` if the score is."""
    value, low, high = (score.get(part) for part in ("value", "low", "high"))
    if value is None:
        return "undefined"
    if low is None or high is None:
        return f"{value:.2f}"
    return Spread(f"{value:.2f}", f"{low:.2f}", f"{high:.2f}")


CARD_TITLE = "Score card: {faces} faces synthesized from {people} people unseen by the synthesizer"


def show_card(card: Mapping[str, Any]) -> None:
    """Print the measures, then a row per AU, then notes."""
    for found in tables(card, CARD_TITLE):
        lines = [
            (_name(name, remark), *(_card_cell(entry) for entry in entries))
            for name, remark, entries in found.rows
        ]
        table(found.title, (found.of, *found.columns), lines, numeric=found.columns)
    for note in card["notes"]:
        click.echo(f"note    {note}")


def _name(name: str, remark: str) -> str:
    return f"{name} [{remark}]" if remark else name


def _card_cell(entry: Entry | None) -> Spread | str:
    """`1.62 [1.10, 2.05]`; `undefined` if the score is."""
    if entry is None:
        return ""
    value, low, high = (entry.get(part) for part in ("value", "low", "high"))
    if value is None:
        return "undefined"
    if low is None or high is None:
        return digits(value)
    return Spread(digits(value), digits(low, value), digits(high, value))


def show_comparison(document: Mapping[str, Any]) -> None:
    """Print the overview, the first score per AU, notes, and the paths of the results."""
    _show_table(overview(document))
    if any(cell["scores"] for cell in document["cells"]):
        _show_table(units(document, shown(document)[0]))
    click.echo(LEGEND.replace("Bold", "Star"))
    for note in document["notes"]:
        click.echo(f"- {note}")
    folder = Path(document["folder"])
    click.echo(f"tables  {folder / MARKDOWN}, {LATEX}, {CSV}")
    click.echo(f"report  {folder / REPORT}")


def _show_table(shown: Table) -> None:
    rows = [[_compared(cell) for cell in row] for row in shown.rows]
    table(shown.title, shown.columns, rows, numeric=shown.columns[shown.words :])


def _compared(cell: Text) -> str | Spread:
    value = f"{cell.value} *" if cell.best else cell.value
    return Spread(value, cell.low, cell.high) if cell.low else value
