"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Body = TypeVar("Body", bound=Callable[..., Any])

config_option = click.option(
    "--config", type=click.Path(path_type=Path), metavar="FILE", help="A run file."
)
device_option = click.option(
    "--device", default="auto", help="auto, cpu, cuda, mps.  [default: auto]"
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
json_at_end_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object at the end."
)


def output_option(
    help: str, default: str | None = None, metavar: str = "DIR"
) -> Callable[[Body], Body]:
    """Where a command writes: `-o`, which must be given unless it has a default."""
    path = click.Path(path_type=Path)
    if default is None:
        return click.option("-o", "--output", type=path, required=True, metavar=metavar, help=help)
    return click.option(
        "-o", "--output", type=path, default=default, show_default=True, metavar=metavar, help=help
    )


runs_option = output_option("Where run folders are made.", default="runs")
