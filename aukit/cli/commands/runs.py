"""`aukit runs`: list runs, and free disk space that no run needs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aukit.cli.app import emit_json
from aukit.cli.groups import ListedByDefault
from aukit.cli.shared import json_option, runs_option_of

if TYPE_CHECKING:
    from aukit.runs.listing import Listed, Waste

runs_option = runs_option_of("Folder that holds the run folders.")


@click.group(cls=ListedByDefault, subcommand_metavar="[list | clean] ...")
def runs() -> None:
    """List runs, and delete stage results that no run needs."""


@runs.command("list")
@runs_option
@json_option
def list_(output: Path, as_json: bool) -> None:
    """List runs with their scores, size and state."""
    from aukit.runs.listing import document, list_runs

    found = list_runs(output)
    if as_json:
        emit_json({"folder": str(output), "runs": [document(run) for run in found]})
        return
    from aukit.cli.console import table

    names = list(dict.fromkeys(name for run in found for name in run.scores))[:3]
    numeric = (*names, "MB")
    rows = [_row(run, output, names) for run in found]
    table(f"Runs in {output}", ("run", "state", *numeric, "changed"), rows, numeric=numeric)
    for run in (run for run in found if run.error):
        click.echo(f"{run.folder.relative_to(output)}: {run.error}")


def _row(run: Listed, output: Path, names: list[str]) -> tuple[str | None, ...]:
    values = (run.scores.get(name) for name in names)
    return (
        str(run.folder.relative_to(output)),
        run.state,
        *(None if value is None else f"{value:.3f}" for value in values),
        f"{run.bytes / 1e6:.1f}",
        time.strftime("%Y-%m-%d %H:%M", time.localtime(run.time)),
    )


@runs.command()
@runs_option
@click.option("--dry-run", is_flag=True, help="Only show what would be deleted.")
@json_option
def clean(output: Path, dry_run: bool, as_json: bool) -> None:
    """Delete stage results that no run needs.

    Run folders and fitted models are kept, and only what aukit made is ever deleted. Interrupted
    runs can still be continued afterwards. To free more, first delete the folders of runs you no
    longer want.
    """
    from aukit.runs.listing import find_waste, remove

    waste = find_waste(output)
    if not dry_run:
        remove(waste)
    if as_json:
        places = {"deleted" if not dry_run else "to_delete": [str(path) for path in waste.places]}
        emit_json({**places, "bytes": waste.bytes, "models": [str(path) for path in waste.models]})
        return
    show_waste(waste, output, dry_run)


def show_waste(waste: Waste, output: Path, dry_run: bool) -> None:
    """Print what was deleted, or would be."""
    for place in waste.places if dry_run else ():
        click.echo(place.relative_to(output))
    what = "would be freed" if dry_run else "freed"
    click.echo(f"{len(waste.places)} results and files, {waste.bytes / 1e6:.1f} MB {what}")
    if waste.models:
        click.echo(
            f"{len(waste.models)} fitted models that no run refers to are kept in {output}/.stages"
        )
