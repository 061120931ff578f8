"""The score card of a synthesizer on the console."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from aukit.card_rows import (
    COLUMNS,
    DETECTION_COLUMNS,
    UNIT_COLUMNS,
    Entry,
    detections,
    digits,
    summary,
    units,
)
from aukit.console import Spread, table


def show_card(card: Mapping[str, Any]) -> None:
    """Print the measures, then a row for each AU, then what must be known about them."""
    requests = card["requests"]
    rows = summary(card)
    if rows:
        used = [name for name in COLUMNS if any(name in row.cells for row in rows)]
        title = f"Score card: {requests['levels'] + requests['vectors']} faces painted of "
        title += f"{requests['people']} people whom the synthesizer has never seen"
        lines = [
            (_name(row.name, row.remark), *(_cell(row.cells, n) for n in used)) for row in rows
        ]
        table(title, ("measure", *used), lines, numeric=used)
    for judge, found in units(card).items():
        lines = [(name, *(_entry(entry) for entry in entries)) for name, entries in found]
        table(f"Each AU, judged by {judge}", ("AU", *UNIT_COLUMNS), lines, numeric=UNIT_COLUMNS)
    for judge, found in detections(card).items():
        lines = [(name, *(_entry(entry) for entry in entries)) for name, entries in found]
        title = f"Presence in real and painted faces with the same labels, judged by {judge}"
        table(title, ("AU", *DETECTION_COLUMNS), lines, numeric=DETECTION_COLUMNS)
    for note in card["notes"]:
        click.echo(f"note    {note}")


def _name(name: str, remark: str) -> str:
    return f"{name} [{remark}]" if remark else name


def _cell(cells: Mapping[str, Entry], column: str) -> Spread | str:
    return _entry(cells[column]) if column in cells else ""


def _entry(entry: Entry) -> Spread | str:
    """`1.62 [1.10, 2.05]`; "undefined" where the score is."""
    value, low, high = (entry.get(part) for part in ("value", "low", "high"))
    if value is None:
        return "undefined"
    if low is None or high is None:
        return digits(value)
    return Spread(digits(value), digits(low, value), digits(high, value))
