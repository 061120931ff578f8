"""`aukit data`: inspect any dataset, through the same contract as runs do."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from aukit.cli.app import emit_json
from aukit.cli.commands.data_check import check
from aukit.cli.datasets import (
    SLOT,
    DataCommand,
    index_of,
    opened,
    picture_kind,
    shared,
    sheet_of,
    show_levels,
    write_picture,
)
from aukit.cli.groups import OpenGroup
from aukit.cli.shared import json_option, output_option


@click.group(cls=OpenGroup)
def data() -> None:
    """Inspect and check a dataset.

    The dataset's options are given as in a run: `aukit data info avatars --data.OPTION VALUE`;
    `aukit data info avatars --help` lists them.
    """


data.add_command(check)


@data.command(cls=DataCommand, slots=(SLOT,))
@shared
@json_option
@click.pass_context
def info(ctx: click.Context, name: str, preset: str, seed: int, device: str, as_json: bool) -> None:
    """Count the people, frames and AU intensities of the dataset NAME."""
    from aukit.media.frames import summarize

    choice, dataset = opened(ctx, name, preset, seed, device)
    summary = summarize(index_of(choice, dataset, None))
    if as_json:
        emit_json({"data": choice.to_json(), **asdict(summary)})
        return
    from aukit.cli.console import table

    component = choice.component
    title = f"{component.name} ({component.distribution}): {component.summary}"
    headings = ("partition", "people", "frames", "tasks", "views")
    rows = [
        (part, *(counts[key] for key in headings[1:]))
        for part, counts in summary.partitions.items()
    ]
    rows.append(("all", summary.people, summary.frames, "", ""))
    table(title, headings, rows, numeric=headings[1:])
    show_levels(summary.aus)


@data.command(cls=DataCommand, slots=(SLOT,))
@shared
@output_option("Image file to write (.png or .jpg).", metavar="FILE")
@click.option("--count", type=click.IntRange(1, 10_000), default=32, show_default=True)
@click.option("--partition", metavar="NAME", help="Only this partition: train, valid or test.")
@click.pass_context
def sample(
    ctx: click.Context, name: str, preset: str, seed: int, device: str,
    output: Path, count: int, partition: str | None,
) -> None:  # fmt: skip
    """Draw a contact sheet of frames of the dataset NAME."""
    from aukit.config.choice import named
    from aukit.store.owned import refuse_foreign

    kind = picture_kind(output)
    refuse_foreign(output)
    choice, dataset = opened(ctx, name, preset, seed, device)
    rows = index_of(choice, dataset, partition)
    with named(choice, "read"):
        drawn = sheet_of(dataset, rows, count)
    write_picture(drawn, output, kind)
    click.echo(output)


@data.command(cls=DataCommand, slots=(SLOT,))
@shared
@output_option("Folder for the Parquet files.")
@click.option("--partition", metavar="NAME", help="Only this partition: train, valid or test.")
@click.option("--limit", type=click.IntRange(1), help="At most this many frames, evenly spaced.")
@click.pass_context
def render(
    ctx: click.Context, name: str, preset: str, seed: int, device: str,
    output: Path, partition: str | None, limit: int | None,
) -> None:  # fmt: skip
    """Write the frames of the dataset NAME as Parquet files: PNG images, labels, landmarks.

    Any program that reads Parquet can use the files. If interrupted, repeat the command to
    continue.
    """
    from aukit.cli.console import RichProgress
    from aukit.config.choice import named
    from aukit.media.frames import export, spread
    from aukit.store.owned import remember

    choice, dataset = opened(ctx, name, preset, seed, device)
    index = index_of(choice, dataset, partition)
    rows = index if limit is None else spread(index, limit)
    asked = {**choice.to_json(), "seed": seed, "partition": partition, "limit": limit}
    remember(output / "dataset.json", asked, "frames")
    with named(choice, "render"):
        export(dataset, rows, output, RichProgress())
    click.echo(output)
