"""`aukit push`: upload results to an object store."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from aukit.cli.app import emit_json
from aukit.cli.shared import Place, json_option


@click.command()
@click.argument("folder", type=Place(path_type=Path), metavar="FOLDER")
@click.argument("url", type=Place(url=True), metavar="URL")
@json_option
def push(folder: Path, url: str, as_json: bool) -> None:
    """Upload a run, an exported model or the results of a command to an object store.

    FOLDER is a run folder, a model made by `aukit export`, or the output folder of a command such
    as `aukit predict`. URL is a folder such as s3://lab/results/0001, which need not exist. Files
    there that aukit did not upload are never replaced. Files that are there already are not
    uploaded again. If interrupted, repeat the command to continue. `aukit predict --run URL` and
    `aukit edit --synth URL` use an uploaded model.
    """
    from aukit.errors import ConfigError
    from aukit.remote.path import RemotePath, place_of
    from aukit.remote.push import push as upload
    from aukit.runs.made import files_made

    target = place_of(url)
    if not isinstance(target, RemotePath):
        raise ConfigError(f"{url} is no URL of a store", "give one such as s3://lab/results/0001")
    done = upload(folder, files_made(folder), target)
    if as_json:
        emit_json({"url": str(target), **asdict(done)})
    else:
        click.echo(f"files uploaded: {len(done.uploaded)}, unchanged: {len(done.unchanged)}")
        click.echo(target)
