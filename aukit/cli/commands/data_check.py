"""`aukit data check`: check files and labels before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aukit.cli.app import emit_json
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
from aukit.cli.shared import Place, json_option
from aukit.config.choice import Choice

if TYPE_CHECKING:
    from aukit.data.check import Checked


@click.command(cls=DataCommand, slots=(SLOT,))
@shared
@click.option(
    "--decode", type=click.IntRange(0), default=0, help="Decode this many frames of each video."
)
@click.option(
    "--sheet",
    type=Place(path_type=Path),
    metavar="FILE",
    help="Also write a contact sheet of frames with their codes.",
)
@click.option(
    "--write-manifest",
    type=Place(path_type=Path),
    metavar="FILE",
    help="Write a manifest of all files; later runs verify it with --data.manifest FILE.",
)
@json_option
@click.pass_context
def check(
    ctx: click.Context, name: str, preset: str, seed: int, device: str, decode: int,
    sheet: Path | None, write_manifest: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Check all files and labels of the dataset NAME before anything runs.

    Reads headers and labels; decodes pictures only with --decode. Exit code 1: a finding makes data
    unusable or wrong.
    """
    from aukit.config.choice import named
    from aukit.data import check as checks
    from aukit.data import manifest
    from aukit.store.owned import refuse_foreign, writing

    kind = picture_kind(sheet) if sheet is not None else None
    for path in (sheet, write_manifest):
        if path is not None:
            refuse_foreign(path)
    choice, dataset = opened(ctx, name, preset, seed, device)
    index = index_of(choice, dataset, None)
    with named(choice, "check"):
        report = checks.check(dataset, index, decode)
    if sheet is not None:
        write_picture(sheet_of(dataset, checks.coded(index), 32), sheet, kind)
    if write_manifest is not None:
        with writing(write_manifest):
            manifest.write(write_manifest, checks.with_sources(dataset, name))
    if as_json:
        emit_json({"data": choice.to_json(), **report.to_json()})
    else:
        show_check(choice, report)
    return 0 if report.usable else 1


def show_check(choice: Choice, report: Checked) -> None:
    """Print the findings of a check."""
    from aukit.cli.console import table

    component = choice.component
    title = f"{component.name}: {component.summary}"
    rows = [(what, found, wanted or "") for what, found, wanted in report.counts]
    table(title, ("", "here", "published"), rows, numeric=("here", "published"))
    show_levels(report.aus)
    if report.findings:
        headings = ("severity", "finding", "count", "files", "example")
        found = [(f.weight, f.what, f.count, f.places, f.example) for f in report.findings]
        table("Findings", headings, found, numeric=("count", "places"))
    for label, text in (("Terms", report.licence), ("Cite", report.citation)):
        if text:
            click.echo(f"{label}: {text}")
    click.echo(report.verdict)
