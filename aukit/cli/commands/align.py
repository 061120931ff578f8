"""`aukit align`: register the faces of photos, folders and videos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from aukit.cli.app import App, emit_json
from aukit.cli.choices import choose, context_of
from aukit.cli.options import ComponentCommand, Slot, settings
from aukit.cli.shared import Place, device_option, json_at_end_option, output_option, sizes_option
from aukit.config.options import preset_of_hardware
from aukit.defaults import ALIGN
from aukit.errors import ConfigError
from aukit.views import parse_views

if TYPE_CHECKING:
    from aukit.media.align import Result


@click.command(cls=ComponentCommand, slots=[Slot((kind,)) for kind in ALIGN], defaults=ALIGN)
@click.argument("inputs", nargs=-1, required=True, type=Place(url=True), metavar="INPUT...")
@output_option("Folder for faces.parquet, aligned/*.png and overview.png.")
@click.option(
    "--faces", type=click.Choice(["best", "all"]), default="best", show_default=True,
    help="best: the best face of a photo, the person seen most in a video.",
)  # fmt: skip
@click.option(
    "--every", type=click.IntRange(1), default=1, metavar="N",
    help="Use every Nth frame of a video.",
)  # fmt: skip
@click.option(
    "--png/--no-png", default=None, help="Also write each face as PNG.  [default: for photos only]"
)
@click.option(
    "--views", metavar="VIEWS",
    help="Render each face from these views, one row per view: fera17, or pitch,yaw in degrees, "
        'e.g. "0,0 -20,40". Needs a 3D aligner.',
)  # fmt: skip
@sizes_option(None)
@device_option
@json_at_end_option
@click.pass_context
def align(
    ctx: click.Context, inputs: tuple[str, ...], output: Path, faces: Literal["best", "all"],
    every: int, png: bool | None, views: str | None, preset: str | None, device: str, as_json: bool,
) -> None:  # fmt: skip
    """Register the faces in photos, videos and folders of them.

    Writes one Parquet table: a row per face, and a row with the reason for each frame without one.
    If interrupted, repeat the command to continue.
    """
    from aukit.cli.console import RichProgress
    from aukit.config.choice import make
    from aukit.media.align import Task, align_files, require_faces

    registry = ctx.ensure_object(App).registry
    typed = settings(ctx)
    names = {**ALIGN, **{kind: typed[kind] for kind in ALIGN if kind in typed}}
    if names["landmarker"] == "none":
        raise ConfigError("photos and videos come without landmarks", "leave out --landmarker none")
    sizes = preset_of_hardware() if preset == "auto" else preset or ""
    chosen = {kind: choose(registry, kind, name, typed, sizes) for kind, name in names.items()}
    context = context_of(device, 0)
    how = (chosen["landmarker"], chosen["aligner"], context)
    shown = parse_views(views) if views is not None else ()
    task = Task(inputs, *how, faces=faces, every=every, views=shown, pictures=png)
    result = align_files(task, output, make(chosen["executor"], context), RichProgress())
    if as_json:
        emit_json(to_json(result))
    else:
        show_result(result)
    require_faces(result)


def to_json(result: Result) -> dict[str, Any]:
    """The object that `--json` prints."""
    return {
        "faces": str(result.table),
        "overview": None if result.overview is None else str(result.overview),
        "frames": result.frames,
        "registered": result.faces,
        "dropped": dict(result.dropped),
        "passed_over": dict(result.passed_over),
    }


def show_result(result: Result) -> None:
    """Print how many faces were registered, and how many frames were dropped and why."""
    from aukit.cli.console import table

    click.echo(f"{result.faces} faces in {result.frames} photos and video frames")
    if result.dropped:
        rows = [(why, n, result.examples[why]) for why, n in result.dropped.most_common()]
        table("Dropped", ("reason", "rows", "example"), rows, numeric=("rows",))
    if result.passed_over:
        kinds = ", ".join(
            f"{kind or 'no suffix'} {n}" for kind, n in result.passed_over.most_common(5)
        )
        click.echo(f"skipped {result.passed_over.total()} other files ({kinds})")
    click.echo(f"table     {result.table}")
    if result.overview is not None:
        click.echo(f"overview  {result.overview}")
