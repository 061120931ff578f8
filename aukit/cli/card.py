"""The score card of a synthesizer on the console."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from aukit.card_rows import Entry, digits, tables
from aukit.console import Spread, table

TITLE = "Score card: {faces} faces painted of {people} people whom the synthesizer has never seen"


def show_card(card: Mapping[str, Any]) -> None:
    """Print the measures, then a row for each AU, then what must be known about them."""
    for found in tables(card, TITLE):
        lines = [
            (_name(name, remark), *(_cell(entry) for entry in entries))
            for name, remark, entries in found.rows
        ]
        table(found.title, (found.of, *found.columns), lines, numeric=found.columns)
    for note in card["notes"]:
        click.echo(f"note    {note}")


def _name(name: str, remark: str) -> str:
    return f"{name} [{remark}]" if remark else name


def _cell(entry: Entry | None) -> Spread | str:
    """`1.62 [1.10, 2.05]`; "undefined" where the score is."""
    if entry is None:
        return ""
    value, low, high = (entry.get(part) for part in ("value", "low", "high"))
    if value is None:
        return "undefined"
    if low is None or high is None:
        return digits(value)
    return Spread(digits(value), digits(low, value), digits(high, value))
