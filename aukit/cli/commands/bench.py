"""`aukit bench`: measure the cost of every stage on this machine."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from aukit.cli.app import App, emit_json
from aukit.cli.shared import device_option, json_option
from aukit.errors import ConfigError

if TYPE_CHECKING:
    from aukit.bench.stages import Row

STAGES = ("render", "landmarks", "align", "rasterize", "synth", "estimator", "score")


@click.command()
@device_option
@click.option(
    "--stage",
    "stages",
    multiple=True,
    type=click.Choice(STAGES),
    help="Measure only this stage (repeatable).",
)
@click.option(
    "--preset",
    type=click.Choice(("quick", "full", "paper")),
    default="quick",
    show_default=True,
    help="Preset of the components.",
)
@click.option(
    "--rounds", default=5, show_default=True, help="Rounds to measure; the fastest counts."
)
@json_option
@click.pass_context
def bench(
    ctx: click.Context,
    device: str,
    stages: tuple[str, ...],
    preset: str,
    rounds: int,
    as_json: bool,
) -> None:
    """Measure every stage beside a reference operation of known cost.

    On the CPU, times are processor time, which other load on the machine hardly affects. On an
    accelerator they are wall-clock time, and the CPU is measured as well.
    """
    from aukit.bench.stages import Bench
    from aukit.machine.devices import resolve_device

    if rounds < 1:
        raise ConfigError(f"--rounds is {rounds}: at least one round is needed")
    registry, resolved = ctx.ensure_object(App).registry, resolve_device(device)
    names = [resolved] if resolved == "cpu" else [resolved, "cpu"]
    rows = {name: list(Bench(registry, name, preset, rounds).rows(stages)) for name in names}
    if as_json:
        emit_json({name: [asdict(row) for row in found] for name, found in rows.items()})
        return
    for name, found in rows.items():
        show(name, found)


def show(device: str, rows: list[Row]) -> None:
    """Print the measurements of one device."""
    from aukit.cli.console import table

    cells = [
        (
            row.stage,
            row.what,
            "" if row.ms is None else f"{row.ms:.3g}",
            "" if row.ratio is None else f"{row.ratio:.3g}",
            row.note or row.beside,
        )
        for row in rows
    ]
    table(f"Stages on {device}", ("stage", "what", "ms", "times", "beside"), cells)
