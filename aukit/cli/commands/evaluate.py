"""`aukit evaluate`: score any predictions, or regenerate a run's score card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from aukit.cli.app import App, emit_json
from aukit.cli.commands.evaluate_tables import show_tables
from aukit.cli.options import ComponentCommand, Slot, settings
from aukit.cli.shared import Place, device_option, json_option
from aukit.config.resolve import nest
from aukit.config.values import COMMAND_LINE
from aukit.errors import ConfigError

OF_RUNS = ("faces", "whole", "export", "published", "device")
OF_TABLES = (
    "person", "estimate", "scale", "truth_scale", "threshold", "cut", "match", "shift", "missing",
    "clip", "face", "draws", "seed", "output",
)  # fmt: skip

EPILOG = """\b
TRUTH and PREDICTIONS are CSV or Parquet files, or folders of them. Columns
may be named as by aukit, OpenFace, py-feat or LibreFace, or plainly: AU01,
AU1 or au_1. With two PREDICTIONS, the scores are the second's minus the
first's on the same frames, with intervals of the paired difference."""


@click.command(
    cls=ComponentCommand,
    slots=[Slot(("judge",))],
    epilog=EPILOG,
    options_metavar="[OPTIONS]",
)
@click.argument(
    "paths", nargs=-1, required=True, type=Place(path_type=Path),
    metavar="RUN | TRUTH PREDICTIONS [PREDICTIONS]",
)  # fmt: skip
@click.option("--person", metavar="COLUMN", help="Tables: column with the person.")
@click.option(
    "--estimate", type=click.Choice(["auto", "intensity", "presence"]), default="auto",
    help="Tables: what to score if both are present.  [default: intensity]",
)  # fmt: skip
@click.option(
    "--scale", type=click.Choice(["auto", "0-5", "0-1"]), default="auto",
    help="Tables: scale of predictions in plain columns.  [default: from the values]",
)  # fmt: skip
@click.option(
    "--truth-scale", type=click.Choice(["auto", "0-5", "0-1"]), default="auto",
    help="Tables: scale of the truth in plain columns.  [default: from the values]",
)  # fmt: skip
@click.option(
    "--threshold", type=float, default=2.0, show_default=True,
    help="Tables: lowest intensity that counts as present.",
)  # fmt: skip
@click.option(
    "--cut", type=click.FloatRange(0, 1), default=0.5, show_default=True,
    help="Tables: lowest probability that counts as present.",
)  # fmt: skip
@click.option(
    "--match", type=click.Choice(["auto", "id", "frame", "order"]), default="auto",
    help="Tables: columns that match frames.  [default: id, else frame, else picture]",
)  # fmt: skip
@click.option(
    "--shift", type=click.IntRange(-(2**31), 2**31), default=0, metavar="N",
    help="Tables: offset added to the frame numbers of the predictions.",
)  # fmt: skip
@click.option(
    "--missing", type=click.Choice(["refuse", "skip"]), default="refuse", show_default=True,
    help="Tables: what to do with coded frames that have no prediction.",
)  # fmt: skip
@click.option("--clip", is_flag=True, help="Tables: clip predictions to 0..5.")
@click.option(
    "--face", metavar="best|FACE",
    help="Tables: which face of a frame with several: the most confident, or a face_id.",
)  # fmt: skip
@click.option(
    "--draws", type=click.IntRange(1, 100_000), default=1000, show_default=True,
    help="Tables: bootstrap draws for the 95 % intervals.",
)  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True,
    help="Tables: seed of the bootstrap.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=Place(path_type=Path), metavar="FILE",
    help="Tables: also write the scores here, in the format of a run's scores.json.",
)  # fmt: skip
@click.option(
    "--faces", type=click.IntRange(1), metavar="N",
    help="Runs: faces per AU and level, and 25 times as many whole faces.  "
    "[default: as in the run]",
)  # fmt: skip
@click.option(
    "--export", type=Place(path_type=Path), metavar="DIR",
    help="Runs: only write the pictures here, for other programs to judge (judge 'outputs').",
)  # fmt: skip
@click.option(
    "--whole", is_flag=True,
    help="Runs: synthesize the labels of every test face, not only of a sample.",
)  # fmt: skip
@click.option(
    "--published", type=click.Path(path_type=Path), metavar="FILE",
    help="Runs: TOML file with published F1 and accuracy, shown for comparison.",
)  # fmt: skip
@device_option
@json_option
@click.pass_context
def evaluate(ctx: click.Context, /, paths: tuple[Path, ...], as_json: bool, **options: Any) -> None:
    """Score any predictions, or the pictures of a run's synthesizer.

    With TRUTH and PREDICTIONS: agreement of the predicted with the true AUs, per AU, view and
    person. No run is needed.

    With RUN, the folder of a run with a synthesizer: regenerate its score card, which measures the
    synthesizer on people it has not seen. Use this to choose other judges or another size. It
    replaces score_card.json and fits nothing.
    """
    judges = nest(settings(ctx))
    if len(paths) == 1:
        _refuse(ctx, OF_TABLES, "tables of predictions, not for a run")
        if paths[0].is_file():
            raise ConfigError(
                f"{paths[0]} is a single table", "give both tables: TRUTH PREDICTIONS"
            )
        _show_card(ctx, paths[0], judges, as_json, **{name: options[name] for name in OF_RUNS})
        return
    if len(paths) > 3:
        raise ConfigError(f"{len(paths)} paths were given", "give TRUTH and one or two PREDICTIONS")
    _refuse(ctx, OF_RUNS, "runs, not for tables of predictions")
    if judges:
        raise ConfigError("--judge is for runs, not for tables of predictions")
    tables = {name: options[name] for name in OF_TABLES}
    show_tables(ctx.ensure_object(App).registry, paths[0], paths[1:], as_json, **tables)


def _refuse(ctx: click.Context, names: Sequence[str], what: str) -> None:
    typed = [n for n in names if ctx.get_parameter_source(n) is ParameterSource.COMMANDLINE]
    if typed:
        raise ConfigError(f"--{typed[0].replace('_', '-')} is for {what}", "aukit evaluate --help")


def _show_card(
    ctx: click.Context,
    run: Path,
    changes: dict[str, Any],
    as_json: bool,
    faces: int | None,
    whole: bool,
    export: Path | None,
    published: Path | None,
    device: str,
) -> None:
    from aukit.cli.console import RichProgress
    from aukit.pipeline.score_card import card_anew
    from aukit.pipeline.score_card import export as export_pictures
    from aukit.runs.names import CARD
    from aukit.score_card.manifest import MANIFEST

    registry = ctx.ensure_object(App).registry
    progress = RichProgress()
    if export is not None:
        count = export_pictures(run, registry, export, progress, device, faces, whole=whole)
        click.echo(f"wrote {count} pictures to {export}, described in {MANIFEST}")
        return
    card, grids = card_anew(
        run,
        registry,
        changes,
        COMMAND_LINE,
        progress,
        device,
        faces,
        whole=whole,
        published=published,
    )
    if as_json:
        emit_json({"run": str(run), "card": dict(card), "grids": str(grids)})
        return
    from aukit.cli.tables import show_card

    show_card(card)
    click.echo(f"card    {run / CARD}")
    click.echo(f"grids   {grids}")
