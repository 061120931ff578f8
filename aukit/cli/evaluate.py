"""`aukit evaluate`: the score card of a run's synthesizer, made anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from aukit.cli.app import App, emit_json
from aukit.cli.options import ComponentCommand, Slot, settings
from aukit.config import COMMAND_LINE
from aukit.errors import DataError
from aukit.run_config import nest


@click.command(cls=ComponentCommand, slots=[Slot(("judge",))])
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option(
    "--faces", type=click.IntRange(1), metavar="N",
    help="Faces for each AU and level, and 25 times as many whole faces.  [default: as in the run]",
)  # fmt: skip
@click.option(
    "--export", type=click.Path(path_type=Path), metavar="DIR",
    help="Only write all pictures there, to be judged by other programs (judge 'outputs').",
)  # fmt: skip
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, mps.")
@click.option("--json", "as_json", is_flag=True, help="Print the card as one JSON object.")
@click.pass_context
def evaluate(
    ctx: click.Context,
    run: Path,
    faces: int | None,
    export: Path | None,
    device: str,
    as_json: bool,
) -> None:
    """Score what a synthesizer paints of people whom it has never seen.

    RUN is the folder of a run with a synthesizer. Its score card, score_card.json, is replaced by
    that of other judges or of another size; nothing is fitted.
    """
    from aukit.console import RichProgress
    from aukit.pipeline.finished import open_run
    from aukit.pipeline.score_card import CARD, CardStage

    registry = ctx.ensure_object(App).registry
    changes: dict[str, Any] = nest(settings(ctx))
    progress = RichProgress()
    work, prepared, fitted = open_run(run, registry, changes, COMMAND_LINE, progress, device)
    stage = CardStage(work, prepared, fitted, faces, strict=True)
    if export is not None:
        count = stage.export(export)
        click.echo(f"wrote {count} pictures to {export}")
        return
    found = stage.run()
    if found is None:
        raise DataError(f"run {run} was made with --card 0", "say how many: --faces 6")
    card, grids = found
    if as_json:
        emit_json({"run": str(run), "card": dict(card), "grids": str(grids)})
        return
    from aukit.cli.card import show_card

    show_card(card)
    click.echo(f"card    {run / CARD}")
    click.echo(f"grids   {grids}")
