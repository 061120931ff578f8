"""`aukit edit`: change the AUs of the faces in photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aukit import au
from aukit.cli.app import App, emit_json
from aukit.cli.choices import choose
from aukit.cli.options import ComponentCommand, Slot, settings
from aukit.cli.shared import Place, device_option, json_at_end_option, output_option
from aukit.defaults import EDIT
from aukit.errors import ConfigError

if TYPE_CHECKING:
    from aukit.config.choice import Choice
    from aukit.media.edit_files import Written
    from aukit.media.portraits import Refused
    from aukit.registry.loading import Registry


def intensities(texts: Sequence[str], option: str) -> dict[str, float]:
    """`("12=4", "AU6=2.5")` -> `{"AU12": 4.0, "AU06": 2.5}`.

    Raises:
        ConfigError: a text is not AU=LEVEL, the AU is unknown or given twice, or the level is
            outside 0..5.
    """
    found: dict[str, float] = {}
    for text in texts:
        name, _, value = text.partition("=")
        column = au.parse(name)
        try:
            level = float(value)
        except ValueError:
            raise ConfigError(f"{option} {text}: expected AU=LEVEL, e.g. {option} 12=4") from None
        if not 0 <= level <= au.MAX_LEVEL:
            raise ConfigError(f"{option} {text}: intensities range from 0 to {au.MAX_LEVEL}")
        if column in found:
            raise ConfigError(f"{option} names {column} twice")
        found[column] = level
    return found


@click.command(cls=ComponentCommand, slots=[Slot(("landmarker",))], defaults=EDIT)
@click.argument("inputs", nargs=-1, required=True, type=Place(url=True), metavar="PHOTO...")
@click.option(
    "--synth", "folder", type=Place(url=True, path_type=Path), required=True, metavar="RUN",
    help="Folder of the run or exported model whose synthesizer to use.",
)  # fmt: skip
@click.option(
    "--au", "wishes", multiple=True, metavar="AU=LEVEL",
    help="Target intensity (0 to 5) of an AU, e.g. 12=4 or 6=2.5 (repeatable). Other AUs are kept.",
)  # fmt: skip
@output_option(
    "Picture (.png, .jpg), animation towards the target AUs (.gif, .mp4), or folder.",
    metavar="PATH",
)
@click.option("--strip", metavar="AU", help="Show levels 0 to 5 of this AU side by side.")
@click.option(
    "--from", "start", multiple=True, metavar="AU=LEVEL",
    help="Intensity at the start of an animation (repeatable).  [default: 0]",
)  # fmt: skip
@click.option(
    "--frames", type=click.IntRange(2, 10_000), default=24, show_default=True, metavar="N",
    help="Frames of an animation from start to end; it then plays backwards.",
)  # fmt: skip
@click.option(
    "--format", "kind", type=click.Choice(["png", "jpg", "gif", "mp4"]), default="png",
    show_default=True, help="Format of the files in an output folder.",
)  # fmt: skip
@click.option("--aligned", is_flag=True, help="The photos are already registered faces.")
@click.option("--paste", is_flag=True, help="Paste the edited face back into its photo.")
@device_option
@json_at_end_option
@click.pass_context
def edit(
    ctx: click.Context, inputs: tuple[str, ...], folder: Path, wishes: tuple[str, ...],
    output: Path, strip: str | None, start: tuple[str, ...], frames: int, kind: str,
    aligned: bool, paste: bool, device: str, as_json: bool,
) -> None:  # fmt: skip
    """Change the AUs of the faces in photos.

    Each photo is registered like the training faces of the run and edited by the run's fitted
    synthesizer. The result is the registered face, or with --paste the whole photo.
    """
    wish, begin = intensities(wishes, "--au"), intensities(start, "--from")
    shown = None if strip is None else au.parse(strip)
    from aukit.cli.console import RichProgress
    from aukit.media.edit import Editor
    from aukit.media.edit_files import Task, check, edit_files

    task = Task(
        inputs, output, wish, begin, shown, frames, f".{kind}", aligned=aligned, pasted=paste
    )
    check(task)
    registry = ctx.ensure_object(App).registry
    editor = Editor.open(folder, registry, device, landmarker_of(registry, settings(ctx)))
    results = edit_files(editor, task, RichProgress())
    if as_json:
        emit_json({"photos": [to_json(result) for result in results]})
    else:
        show_results(results)


def landmarker_of(registry: Registry, typed: Mapping[str, Any]) -> Choice | None:
    """The landmarker chosen on the command line by name or by options; None for the run's own.

    Raises:
        ConfigError: the name is `none` or unknown, or an option is unknown.
    """
    name = typed.get("landmarker", EDIT["landmarker"] if typed else None)
    if name == "none":
        raise ConfigError("photos come without landmarks", "leave out --landmarker none")
    return None if name is None else choose(registry, "landmarker", name, typed)


def to_json(result: Written | Refused) -> dict[str, str | None]:
    """The object that `--json` prints for a photo."""
    output, reason = getattr(result, "output", None), getattr(result, "reason", None)
    return {
        "input": str(result.path),
        "output": None if output is None else str(output),
        "reason": reason,
    }


def show_results(results: Sequence[Written | Refused]) -> None:
    """Print the files written, and the photos without a face to edit."""
    entries = [to_json(result) for result in results]
    for entry in entries:
        if entry["output"] is not None:
            click.echo(entry["output"])
    for entry in entries:
        if entry["reason"] is not None:
            click.echo(f"{entry['input']}: {entry['reason']}", err=True)
