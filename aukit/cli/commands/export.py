"""`aukit export`: what a run has fitted, as one folder that travels."""

from __future__ import annotations

from pathlib import Path

import click

from aukit.cli.app import App, emit_json
from aukit.cli.shared import Place, json_option, output_option


@click.command()
@click.argument("run", type=Place(path_type=Path), metavar="RUN")
@output_option("A new folder: the model.", metavar="MODEL")
@json_option
@click.pass_context
def export(ctx: click.Context, run: Path, output: Path, as_json: bool) -> None:
    """Make a model that travels of what a run has fitted.

    The folder holds the estimator, and the synthesizer if there is one, how faces are registered,
    and a card: data, people, scores with intervals, limits and licences. `aukit predict --run
    MODEL` estimates with it anywhere as the run would.
    """
    from aukit.media.edit import default_landmarker
    from aukit.runs.export import export_run
    from aukit.store.owned import new_folder

    registry = ctx.ensure_object(App).registry
    with new_folder(output) as aside:
        card = export_run(run, aside, registry, default_landmarker(registry))
    if as_json:
        emit_json({"model": str(output), "aus": card["aus"]})
    else:
        click.echo(output)
