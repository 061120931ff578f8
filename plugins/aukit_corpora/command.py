"""`aukit data imitate`: rehearse without the corpora."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("name")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, metavar="FOLDER",
    help="Where to build it: a new folder.",
)  # fmt: skip
@click.option("--people", type=click.IntRange(3), default=4, show_default=True, help="How many.")
@click.option(
    "--frames", type=click.IntRange(6), default=8, show_default=True, help="Of each recording."
)
@click.option(
    "--size", type=click.IntRange(32), default=176, show_default=True, help="Side of the pictures."
)
@click.option("--seed", default=0, show_default=True, help="Of people and performances.")
@click.option(
    "--tidy",
    is_flag=True,
    help="Without the quirks of real files.",
)
def imitate(
    name: str, output: Path, people: int, frames: int, size: int, seed: int, tidy: bool
) -> None:
    """Build a corpus of avatars in the layout of the corpus NAME.

    Names, containers and labels are as in the real one, so that runs and readers can be tried
    before it is there. What a reader has to make of it lies in `.imitation/truth.parquet`.
    """
    from aukit_corpora.actors import Cast
    from aukit_corpora.imitate import imitate as build

    build(name, output, Cast(people, frames=frames, size=size, seed=seed), quirks=not tidy)
    click.echo(output)
    click.echo(f"use it with: --data {name} --data.root {output}")
