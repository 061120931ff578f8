"""The table of scores that ends a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aukit.au import describe, is_column
from aukit.console import Spread, table

Score = Mapping[str, float | None]

HEADLINE = ("icc", "mae", "f1")
"""Scores that are shown where a run has them; `scores.json` holds all."""


TITLE = "Scores of the test faces, with 95 % intervals over people"


def show_scores(
    scores: Mapping[str, Any], title: str = TITLE, headline: Sequence[str] = HEADLINE
) -> None:
    """Print one row an AU, the mean last.

    Args:
        scores: AU column, or `mean`, -> score name -> `value`, `low`, `high` (None: undefined).
        title: of the table.
        headline: the scores that are shown, where they are there; else all.
    """
    names = [name for name in headline if name in scores["mean"]] or list(scores["mean"])
    headings = [name.upper() for name in names]
    rows = [
        (describe(entry), *(cell(scores[entry][name]) for name in names))
        for entry in [*filter(is_column, scores), "mean"]
    ]
    table(title, ("AU", *headings), rows, numeric=headings)


def show_dropped(dropped: Mapping[str, int]) -> None:
    """Print how many frames were left out, and why; nothing if none was."""
    if dropped:
        rows = sorted(dropped.items(), key=lambda entry: -entry[1])
        table("Dropped frames", ("reason", "frames"), rows, numeric=("frames",))


def cell(score: Score) -> Spread | str:
    """`0.71 [0.62, 0.78]`, which a narrow terminal may stack; `undefined` where the score is."""
    value, low, high = (score.get(part) for part in ("value", "low", "high"))
    if value is None:
        return "undefined"
    if low is None or high is None:
        return f"{value:.2f}"
    return Spread(f"{value:.2f}", f"{low:.2f}", f"{high:.2f}")
