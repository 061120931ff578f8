"""`aukit export`: what a run has fitted, as one folder that travels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from aukit.cli.app import App, emit_json
from aukit.cli.shared import Place, json_option, output_option


@click.command()
@click.argument("run", type=Place(path_type=Path), metavar="RUN")
@output_option("A new folder: the model.", metavar="MODEL")
@click.option(
    "--onnx", is_flag=True,
    help="Add ONNX forms of the estimator and the synthesizer, checked against torch.",
)  # fmt: skip
@json_option
@click.pass_context
def export(ctx: click.Context, run: Path, output: Path, onnx: bool, as_json: bool) -> None:
    """Make a model that travels of what a run has fitted.

    The folder holds the estimator, and the synthesizer if there is one, how faces are registered,
    and a card: data, people, scores with intervals, limits and licences. `aukit predict --run
    MODEL` estimates with it anywhere as the run would. RUN may also be a model itself, to add ONNX.
    """
    from aukit.media.synthesis import default_landmarker
    from aukit.runs.export import export_model
    from aukit.store.owned import new_folder

    registry = ctx.ensure_object(App).registry
    with new_folder(output) as aside:
        card = export_model(run, aside, registry, default_landmarker(registry), onnx)
    graphs = card.get("onnx", {})
    if as_json:
        emit_json({"model": str(output), "aus": card["aus"], "onnx": graphs})
        return
    click.echo(output)
    for kind, graph in graphs.items():
        click.echo(f"{kind}: {_told(graph)}")


def _told(graph: Mapping[str, Any] | None) -> str:
    if graph is None:
        return "offers no ONNX form"
    worst = graph["largest difference from torch"]
    return f"{graph['file']}, at most {worst:.1g} from torch"
