"""`aukit benchmark`: the score of a model, or of any program, on the fixed test set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aukit.cli.shared import Place, device_option, json_option, output_option
from aukit.errors import ConfigError

if TYPE_CHECKING:
    from aukit_avatars.benchmark import Frameset

EPILOG = """\b
Another program can be scored, too: let it read the pictures, and give its
table (CSV or Parquet with a column `file`, in the columns of aukit, OpenFace,
py-feat or LibreFace) as --predictions."""


@click.command(epilog=EPILOG)
@click.argument("model", required=False, type=Place(path_type=Path))
@output_option("Gets the test set, once, and the estimates of each model.")
@click.option(
    "--predictions", type=Place(path_type=Path), metavar="TABLE",
    help="Score this table instead of a model.",
)  # fmt: skip
@device_option
@json_option
def benchmark(
    model: Path | None, output: Path, predictions: Path | None, device: str, as_json: bool
) -> None:
    """Score MODEL on the fixed test set of rendered people, beside the results so far.

    MODEL is the folder of a run or of a model that `aukit export` made, or the name of a model that
    comes along. The test set is rendered once: 768 pictures of 24 people whom no other dataset of
    aukit holds. The pictures of one person are read together, without codes. Without MODEL and
    without --predictions, only the test set is made.
    """
    from aukit.cli.console import RichProgress
    from aukit.machine.devices import resolve_device
    from aukit_avatars.benchmark import frameset, score

    if model is not None and predictions is not None:
        raise ConfigError("a model and --predictions were given", "give one of them")
    frames = frameset(output / "frames", resolve_device(device), RichProgress())
    if model is None and predictions is None:
        click.echo(f"pictures  {frames.pictures}")
        click.echo(f"truth     {frames.truth}")
        return
    name = str(model or predictions)
    table = predictions or _estimates(Path(name), frames, output, device)
    found = score(frames, table)
    if as_json:
        from aukit.cli.app import emit_json

        emit_json({"name": name, **found})
    else:
        _show(name, found)


def _estimates(model: Path, frames: Frameset, output: Path, device: str) -> Path:
    """The table of a model's estimates, written beside the test set."""
    from aukit import api
    from aukit.cli.console import RichProgress
    from aukit.media.model import open_model
    from aukit.media.people import Grouping
    from aukit.media.predict import Task, predict_files
    from aukit.registry.loading import default_registry

    opened = open_model(model, default_registry(), device)
    task = Task((str(frames.pictures),), Grouping("best", "folder"))
    executor = api.build("executor", "auto")
    return predict_files(opened, task, output / model.name, executor, RichProgress()).table


def _show(name: str, found: dict[str, Any]) -> None:
    from aukit.cli.console import table
    from aukit_avatars.benchmark import SCORES, rank, results

    for note in found["notes"]:
        click.echo(note)
    each = [(au, *map(_text, found["each"][au].values())) for au in found["aus"]]
    table("Each AU", ("AU", *SCORES), each)
    rows = [
        (one["name"], one["about"], one["frames"], *_columns(one["means"]))
        for one in sorted([{"name": name, "about": "this one", **found}, *results()], key=rank)
    ]
    title = f"Test set {found['version']}: means over FERA's seven AUs, and over all twenty"
    table(title, ("model", "", "frames", *SCORES, "icc of twenty"), rows)
    click.echo("Intervals are 95 % over people.")


def _columns(means: dict[str, Any]) -> list[str]:
    seven, twenty = means["seven"], means["twenty"]
    shown = ["not all"] * 3 if seven is None else list(map(_text, seven.values()))
    return [*shown, "not all" if twenty is None else _text(twenty["icc"])]


def _text(score: dict[str, float | None]) -> str:
    if score["value"] is None:
        return "undefined"
    if score["low"] is None:
        return f"{score['value']:.2f}"
    return f"{score['value']:.2f} ({score['low']:.2f} to {score['high']:.2f})"
