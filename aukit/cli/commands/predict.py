"""`aukit predict`: AU intensities of photos, folders and videos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from aukit.cli.app import App, emit_json
from aukit.cli.choices import choose
from aukit.cli.commands.edit import landmarker_of
from aukit.cli.completion import model_name
from aukit.cli.options import ComponentCommand, Slot, settings
from aukit.cli.shared import Place, device_option, json_at_end_option, output_option
from aukit.defaults import MODEL, OWN_FILES
from aukit.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aukit.media.predict import Result
    from aukit.vision.record import Live


@click.command(
    cls=ComponentCommand, slots=[Slot((kind,)) for kind in OWN_FILES], defaults=OWN_FILES
)
@click.argument("inputs", nargs=-1, type=Place(url=True), metavar="INPUT...")
@click.option(
    "--run", "folder", type=Place(url=True, path_type=Path), default=MODEL, show_default=True,
    metavar="RUN", shell_complete=model_name,
    help="Folder of a finished run or of a model made by `aukit export`, or the name of a "
    "bundled model.",
)  # fmt: skip
@output_option("Folder for predictions.parquet and predictions.csv.")
@click.option(
    "--camera", type=click.IntRange(0), metavar="N", help="Record this camera instead of INPUT."
)
@click.option(
    "--stream", metavar="ADDRESS",
    help="Record this stream instead of INPUT, e.g. rtsp://host/path.",
)  # fmt: skip
@click.option(
    "--seconds", type=click.FloatRange(0, min_open=True), metavar="S",
    help="How long to record.  [default: until the stream ends, or Ctrl-C]",
)  # fmt: skip
@click.option(
    "--faces", type=click.Choice(["best", "all"]), default="best", show_default=True,
    help="best: the best face of a photo, the person seen most in a video.",
)  # fmt: skip
@click.option(
    "--people", type=click.Choice(["file", "folder", "one"]), default="file", show_default=True,
    help="Who is in the files: one person per file, one per folder, or the same one in all.",
)  # fmt: skip
@click.option(
    "--neutral", metavar="FRAME",
    help="Neutral face: frame number within each video, or a picture if there is one person.  "
    "[default: estimated from each person's files]",
)  # fmt: skip
@click.option(
    "--every", type=click.IntRange(1), default=1, metavar="N",
    help="Use every Nth frame of a video.",
)  # fmt: skip
@click.option(
    "--columns", type=click.Choice(["aukit", "openface"]), default="aukit", show_default=True,
    help="Naming scheme of the columns in predictions.csv.",
)  # fmt: skip
@click.option(
    "--overlay", type=Place(path_type=Path), metavar="FILE",
    help="Write the video as .mp4 with faces marked, AUs as bars and their curves over time.",
)  # fmt: skip
@click.option(
    "--report", type=Place(path_type=Path), metavar="FILE",
    help="Write an HTML page with the AU curves, the frames at their peaks and the model card.",
)  # fmt: skip
@click.option(
    "--onnx", is_flag=True,
    help="Run the model's ONNX graph (`aukit export --onnx`) with onnxruntime.",
)  # fmt: skip
@device_option
@json_at_end_option
@click.pass_context
def predict(
    ctx: click.Context, inputs: tuple[str, ...], folder: Path, output: Path,
    faces: Literal["best", "all"], people: Literal["file", "folder", "one"], neutral: str | None,
    every: int, columns: Literal["aukit", "openface"], overlay: Path | None,
    report: Path | None, camera: int | None, stream: str | None, seconds: float | None,
    onnx: bool, device: str, as_json: bool,
) -> None:  # fmt: skip
    """Estimate the AU intensities of faces in photos, videos and folders.

    Faces are registered like the training faces of the run and scored by its fitted estimator.
    Without --run, the bundled model is used; its README states how accurate it is. A camera or
    stream is first recorded to recording.mkv. Writes a row per face, and a row with the reason for
    each frame without an estimate. If interrupted, repeat the command to continue.
    """
    from aukit.cli.console import RichProgress
    from aukit.config.choice import make
    from aukit.media.live import RECORDING, recorded
    from aukit.media.model import open_model
    from aukit.media.overlay import check_overlay, write_overlay
    from aukit.media.people import Grouping
    from aukit.media.predict import Task, predict_files, require_estimates
    from aukit.media.report import check_report, write_predict_report
    from aukit.media.synthesis import default_landmarker
    from aukit.remote.path import place_of
    from aukit.runs.told import told_of
    from aukit.store.files import read_table
    from aukit.store.owned import refuse_foreign, writing

    live = live_source(inputs, camera, stream, seconds)
    inputs = inputs if live is None else (str(output / RECORDING),)
    if overlay is not None:
        check_overlay(inputs, overlay)
    if report is not None:
        check_report(report)
    for path in filter(None, (overlay, report)):
        refuse_foreign(path, map(Path, inputs))
    registry, typed = ctx.ensure_object(App).registry, settings(ctx)
    finder = {k: v for k, v in typed.items() if not k.startswith("executor")}
    model = open_model(folder, registry, device, landmarker_of(registry, finder), onnx)
    if live is not None:
        recorded(live, output, seconds, RichProgress())
    name = typed.get("executor", OWN_FILES["executor"])
    executor = make(choose(registry, "executor", name, typed), model.context)
    rest = int(neutral) if neutral is not None and neutral.isdecimal() else neutral
    task = Task(inputs, Grouping(faces, people), every, rest, columns)
    result = predict_files(model, task, output, executor, RichProgress())
    if overlay is not None and result.faces:
        with writing(overlay):
            rows = read_table(result.table)
            write_overlay(place_of(inputs[0]), rows, every, overlay, RichProgress())
    if report is not None:
        told = told_of(folder, registry, default_landmarker(registry))
        with writing(report):
            write_predict_report(result, told, inputs, report, RichProgress())
    if as_json:
        emit_json(to_json(result))
    else:
        show_result(result)
    require_estimates(result)


def live_source(
    inputs: Sequence[str], number: int | None, address: str | None, seconds: float | None
) -> Live | None:
    """The camera or stream to record; None for files.

    Raises:
        ConfigError: not exactly one kind of input, or `seconds` given for files.
    """
    from aukit.vision.record import Live, camera

    given = [bool(inputs), number is not None, address is not None]
    if sum(given) != 1:
        raise ConfigError(
            "give photos, videos or folders, or --camera, or --stream",
            "one of these, e.g. aukit predict me.mp4 -o estimates",
        )
    if seconds is not None and inputs:
        raise ConfigError("--seconds is for a camera or a stream", "leave it out")
    if number is not None:
        return camera(number)
    return None if address is None else Live(address)


def to_json(result: Result) -> dict[str, Any]:
    """The object that `--json` prints."""
    return {
        "table": str(result.table),
        "csv": str(result.csv),
        "frames": result.frames,
        "faces": result.faces,
        "dropped": dict(result.dropped),
    }


def show_result(result: Result) -> None:
    """Print how many faces were estimated, and how many frames were not and why."""
    from aukit.cli.console import table

    click.echo(f"{result.faces} faces in {result.frames} photos and video frames")
    if result.dropped:
        rows = [(why, n, result.examples[why]) for why, n in result.dropped.most_common()]
        table("Without an estimate", ("reason", "rows", "example"), rows, numeric=("rows",))
    click.echo(f"table  {result.table}")
    click.echo(f"text   {result.csv}")
