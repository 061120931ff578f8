"""`aukit fit synth`: fit a synthesizer without the rest of a run."""

from __future__ import annotations

from pathlib import Path

import click

from aukit.cli.app import App, emit_json
from aukit.cli.commands.run import RunCommand, layers
from aukit.cli.options import Slot, settings
from aukit.cli.shared import config_option, json_at_end_option, runs_option
from aukit.config.resolve import resolve
from aukit.config.run import ROLE_KINDS

SLOTS = (
    *(Slot((kind,)) for kind in ("data", "landmarker", "aligner", "synth", "executor")),
    *(Slot(("synth-fit", kind)) for kind in ROLE_KINDS),
)


@click.command("synth", cls=RunCommand, slots=SLOTS)
@config_option
@runs_option
@json_at_end_option
@click.pass_context
def synth(ctx: click.Context, config: Path | None, output: Path, as_json: bool) -> None:
    """Fit a synthesizer and nothing else.

    Makes a run folder for `aukit edit`. A later `aukit run` with the same choices and output folder
    reuses the fitted synthesizer. If interrupted, repeat the command to continue. Processes started
    by torchrun share the work.
    """
    from aukit.cli.console import RichProgress
    from aukit.pipeline.execute import fit_synthesizer_alone
    from aukit.pipeline.together import joined

    registry = ctx.ensure_object(App).registry
    resolved = resolve(registry, layers(config, settings(ctx)))
    if joined(resolved):
        return
    folder = fit_synthesizer_alone(resolved, output, registry, RichProgress())
    if as_json:
        emit_json({"run": str(folder)})
        return
    click.echo(f"run   {folder}")
    click.echo(f"use   aukit edit PHOTO --synth {folder} --au 12=4 -o edited.png")
