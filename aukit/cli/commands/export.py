"""`aukit export`: package what a run has fitted as a self-contained model folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from aukit.cli.app import App, emit_json
from aukit.cli.shared import Place, json_option, output_option


@click.command()
@click.argument("run", type=Place(path_type=Path), metavar="RUN")
@output_option("New folder for the model.", metavar="MODEL")
@click.option(
    "--onnx", is_flag=True,
    help="Also export the estimator and the synthesizer to ONNX, checked against torch.",
)  # fmt: skip
@json_option
@click.pass_context
def export(ctx: click.Context, run: Path, output: Path, onnx: bool, as_json: bool) -> None:
    """Export what a run has fitted as a self-contained model.

    The folder holds the estimator, the synthesizer if the run has one, the settings of face
    registration, and a model card: data, people, scores with intervals, limits and licences. On any
    machine, `aukit predict --run MODEL` gives the same estimates as the run. RUN may also be an
    exported model, to add ONNX to it.
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
        return "cannot be exported to ONNX"
    worst = graph["largest difference from torch"]
    return f"{graph['file']}, differs from torch by at most {worst:.1g}"
