"""`aukit report`: regenerate the report of a finished run."""

from __future__ import annotations

from pathlib import Path

import click

from aukit.cli.app import App, emit_json
from aukit.cli.shared import Place, json_at_end_option
from aukit.errors import ConfigError


@click.command()
@click.argument("run", type=Place(path_type=Path), metavar="RUN")
@click.option(
    "-o", "--output", type=Place(path_type=Path), metavar="FILE",
    help="File to write.  [default: report.html in the run folder]",
)  # fmt: skip
@json_at_end_option
@click.pass_context
def report(ctx: click.Context, run: Path, output: Path | None, as_json: bool) -> None:
    """Regenerate the report of a finished run.

    RUN is a run folder. Only the page is generated, from the results stored there. Use it after
    `aukit evaluate` has regenerated the score card, or after upgrading aukit.
    """
    from aukit.cli.console import RichProgress
    from aukit.comparison.planned import COMPARISON
    from aukit.pipeline.report.gather import rewrite
    from aukit.store.owned import refuse_foreign

    if (run / COMPARISON).is_file():
        raise ConfigError(
            f"{run} is the folder of a comparison, not of a run",
            "repeat its `aukit compare` command: that regenerates the report and reruns nothing "
            "finished",
        )
    if output is not None and output.resolve() != (run / "report.html").resolve():
        refuse_foreign(output)
    registry = ctx.ensure_object(App).registry
    path = rewrite(run, output or run / "report.html", registry, RichProgress())
    if as_json:
        emit_json({"run": str(run), "report": str(path)})
        return
    click.echo(f"report  {path}")
