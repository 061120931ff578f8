"""`aukit weights`: download and locate published weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aukit.cli.app import App, emit_json
from aukit.cli.completion import weights_name
from aukit.cli.shared import Place, json_option
from aukit.errors import ConfigError

if TYPE_CHECKING:
    from aukit.contracts.weights import Weights


@click.group()
def weights() -> None:
    """Download and locate model weights.

    Nothing is downloaded except by `aukit weights fetch`.
    """


@weights.command("list")
@json_option
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List known weights and whether they are on this machine."""
    from aukit.registry.weights import store

    found = [_summary(entry) for entry in _known(ctx).values()]
    if as_json:
        emit_json({"folder": str(store()), "weights": found})
        return
    from aukit.cli.console import table

    rows = [
        (w["name"], f"{w['bytes'] / 1e6:.1f}", w["licence"], w["state"], w["summary"])
        for w in found
    ]
    headings = ("name", "MB", "licence", "state", "summary")
    table(f"Weights in {store()}", headings, rows, numeric=("MB",))


@weights.command()
@click.argument("name", shell_complete=weights_name)
@click.option(
    "--from",
    "--path",
    "path",
    type=Place(path_type=Path),
    metavar="PATH",
    help="Import a local copy instead of downloading.",
)
@json_option
@click.pass_context
def fetch(ctx: click.Context, name: str, path: Path | None, as_json: bool) -> None:
    """Download the weights NAME and verify their SHA-256."""
    from aukit.cli.console import RichProgress, say
    from aukit.registry import weights as library

    found = library.fetch(_one(ctx, name), path, say, RichProgress())
    if as_json:
        emit_json({"name": name, "path": str(found)})
    else:
        click.echo(found)


@weights.command()
@click.argument("name", shell_complete=weights_name)
@json_option
@click.pass_context
def path(ctx: click.Context, name: str, as_json: bool) -> None:
    """Print the path of the weights NAME; an error if they are not on this machine."""
    found = ctx.ensure_object(App).registry.resolve_weights(name)
    if as_json:
        emit_json({"name": name, "path": str(found)})
    else:
        click.echo(found)


def _known(ctx: click.Context) -> dict[str, Weights]:
    return ctx.ensure_object(App).registry.weights()


def _one(ctx: click.Context, name: str) -> Weights:
    import difflib

    known = _known(ctx)
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known) or 'none'}"
    raise ConfigError(f"unknown weights '{name}'", hint)


def _summary(entry: Weights) -> dict[str, Any]:
    return {
        "name": entry.name,
        "bytes": entry.bytes,
        "licence": entry.licence,
        "state": state(entry),
        "summary": entry.summary,
        "sources": [str(source) for source in entry.sources],
        "sha256": entry.sha256,
    }


def state(entry: Weights) -> str:
    """`here`, `damaged`, or how to get them."""
    from aukit.registry.weights import checksum, is_bundled, location

    file = location(entry)
    if not file.is_file():
        return f"not here: aukit weights fetch {entry.name}"
    if checksum(file) == entry.sha256:
        return "here"
    return "damaged: install again" if is_bundled(entry) else "damaged: fetch again"
