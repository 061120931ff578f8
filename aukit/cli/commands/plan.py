"""`aukit plan`: preview the balanced training set, without registering or fitting anything."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aukit.cli.app import App, emit_json
from aukit.cli.commands.run import SLOTS, RunCommand, layers
from aukit.cli.options import settings
from aukit.cli.shared import config_option, json_option, output_option
from aukit.config.resolve import resolve

if TYPE_CHECKING:
    from aukit.pipeline.plan_alone import Planned


@click.command(cls=RunCommand, slots=SLOTS)
@config_option
@output_option("Folder for plan.parquet and plan.html.", default="plan")
@click.option("--csv", is_flag=True, help="Also write plan.csv.")
@json_option
@click.pass_context
def plan(ctx: click.Context, config: Path | None, output: Path, csv: bool, as_json: bool) -> None:
    """Plan a training set and show how it changes the label distribution.

    Takes the options of `aukit run` and plans what that run would train on. Only labels are read,
    so this takes seconds.
    """
    from aukit.pipeline.plan_alone import names_of, plan_alone, write_plan
    from aukit.store.owned import Output

    Output(output).refuse_foreign(names_of(csv))
    registry = ctx.ensure_object(App).registry
    typed = settings(ctx)
    resolved = resolve(registry, layers(config, typed))
    planned = plan_alone(resolved)
    balancer = resolved.need("balancer").component.name
    title = f"Plan of {balancer} on {resolved.roles['train'].data.component.name}"
    page = write_plan(planned, output, title, command_of(config, typed), csv=csv)
    if as_json:
        emit_json(document_of(planned, output))
        return
    show_plan(planned, title)
    click.echo(f"plan    {output / 'plan.parquet'}")
    click.echo(f"page    {page}")


def command_of(config: Path | None, typed: Mapping[str, Any]) -> str:
    """The command line that reproduces this plan."""
    file = [] if config is None else ["--config", str(config)]
    options = [word for name, value in typed.items() for word in (f"--{name}", str(value))]
    return shlex.join(["aukit", "plan", *file, *options])


def document_of(planned: Planned, output: Path) -> dict[str, object]:
    """The JSON document of a plan."""
    parts = zip(planned.aus, planned.distribution.before, planned.distribution.after, strict=True)
    return {
        "plan": str(output / "plan.parquet"),
        "people": planned.people,
        "frames": planned.frames,
        "rows": planned.plan.num_rows,
        "painted": planned.painted,
        "views": planned.views,
        "levels": {
            name: {"before": before.tolist(), "after": after.tolist()}
            for name, before, after in parts
        },
        "notes": planned.notes,
    }


def show_plan(planned: Planned, title: str) -> None:
    """Print the counts of each AU and level before and after balancing."""
    from aukit.cli.console import table
    from aukit.report.plan import COLUMNS, count_rows

    table(f"{title}: frames → uses", COLUMNS, count_rows(planned.distribution), COLUMNS[1:])
    click.echo(", ".join(f"{name}: {count}" for name, count in planned.facts.items()))
    for note in planned.notes:
        click.echo(f"note    {note}")
