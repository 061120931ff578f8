"""The tables that end a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from aukit.comparison.files import CSV, LATEX, MARKDOWN, REPORT
from aukit.comparison.tables import LEGEND, Table, Text, overview, shown, units
from aukit.console import Spread, table


def show_comparison(document: Mapping[str, Any]) -> None:
    """Print the overview, the first score by AU, what must be known, and where everything is."""
    _show(overview(document))
    if any(cell["scores"] for cell in document["cells"]):
        _show(units(document, shown(document)[0]))
    click.echo(LEGEND.replace("Bold", "Star"))
    for note in document["notes"]:
        click.echo(f"- {note}")
    folder = Path(document["folder"])
    click.echo(f"tables  {folder / MARKDOWN}, {LATEX}, {CSV}")
    click.echo(f"report  {folder / REPORT}")


def _show(shown: Table) -> None:
    rows = [[_cell(cell) for cell in row] for row in shown.rows]
    table(shown.title, shown.columns, rows, numeric=shown.columns[shown.words :])


def _cell(cell: Text) -> str | Spread:
    value = f"{cell.value} *" if cell.best else cell.value
    return Spread(value, cell.low, cell.high) if cell.low else value
