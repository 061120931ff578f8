"""`aukit prnet`: import weights published for other programs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

LICENCE = (
    "the public PRNet weights derive from data that excludes commercial use; aukit neither "
    "ships nor fetches them"
)


@click.group()
def prnet() -> None:
    """Import weights of PRNet."""


@prnet.command("import")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option(
    "--layout",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    required=True,
    help="The uv-data folder that belongs to the weights.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("prnet-public.safetensors"),
    metavar="FILE",
    show_default=True,
    help="File for the weights; their card is written beside it.",
)
@click.option("--sha256", metavar="HEX", help="Refuse a checkpoint with another SHA-256.")
def import_(checkpoint: Path, layout: Path, output: Path, sha256: str | None) -> None:
    """Convert public weights for the aligner prnet.

    CHECKPOINT is the path of a TensorFlow checkpoint without .index, or a .pth file with the state
    dict of a PyTorch port. TensorFlow is not needed.
    """
    from aukit_prnet.checkpoint import read
    from aukit_prnet.layout import Layout
    from aukit_prnet.weights import save

    uv = Layout.public(layout)
    published = read(checkpoint, uv.resolution)
    if sha256 is not None:
        _require(sha256.lower(), published.sha256)
    card = {
        "imported_from": dict(published.sha256),
        "licence": LICENCE,
    }
    save(output, published.network, card, uv)
    for name, value in published.sha256.items():
        click.echo(f"{value}  {name}")
    click.echo(f"licence: {LICENCE}")
    click.echo(f"use them with: --aligner prnet --aligner.weights {output}")


def _require(wanted: str, found: Mapping[str, str]) -> None:
    from aukit.errors import DataError

    if wanted not in found.values():
        listed = ", ".join(f"{name} {value}" for name, value in found.items())
        raise DataError(f"no file of the checkpoint has the sha256 {wanted}: {listed}")
