"""`aukit data imitate`: imitations of corpora, to test without them."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("name")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, metavar="FOLDER",
    help="New folder for the corpus.",
)  # fmt: skip
@click.option(
    "--people", type=click.IntRange(3), default=4, show_default=True, help="Number of people."
)
@click.option(
    "--frames", type=click.IntRange(6), default=8, show_default=True, help="Frames per recording."
)
@click.option(
    "--size",
    type=click.IntRange(32),
    default=176,
    show_default=True,
    help="Side of the pictures, pixels.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of people and performances.")
@click.option(
    "--tidy",
    is_flag=True,
    help="Leave out the quirks of real files.",
)
def imitate(
    name: str, output: Path, people: int, frames: int, size: int, seed: int, tidy: bool
) -> None:
    """Build a corpus of avatars with the layout of the corpus NAME.

    Names, containers and labels are like the real ones, so that runs and readers can be tested
    before the corpus is available. `.imitation/truth.parquet` holds the expected result of a
    reader.
    """
    from aukit_corpora.actors import Cast
    from aukit_corpora.imitate import imitate as build

    build(name, output, Cast(people, frames=frames, size=size, seed=seed), quirks=not tidy)
    click.echo(output)
    click.echo(f"use it with: --data {name} --data.root {output}")
