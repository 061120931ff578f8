"""The `aukit` command: a table of commands, so that `aukit --help` imports none of them."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

import aukit
from aukit.cli.app import App, hyphens
from aukit.cli.groups import load_command
from aukit.faults import interrupts_told_apart
from aukit.machine.parent import end_with_stdin
from aukit.registry.loading import BLOCK_VARIABLE

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("aukit.cli.commands.run:run", "Run a pipeline from frames to scores."),
    "compare": (
        "aukit.cli.commands.compare:compare",
        "Run a grid of configurations and compare their scores.",
    ),
    "plan": ("aukit.cli.commands.plan:plan", "Preview the balanced training set."),
    "align": (
        "aukit.cli.commands.align:align",
        "Register the faces in photos, folders and videos.",
    ),
    "predict": (
        "aukit.cli.commands.predict:predict",
        "Estimate the AU intensities of photos and videos.",
    ),
    "export": (
        "aukit.cli.commands.export:export",
        "Export what a run has fitted as a self-contained model.",
    ),
    "push": ("aukit.cli.commands.push:push", "Upload results to an object store."),
    "evaluate": (
        "aukit.cli.commands.evaluate:evaluate",
        "Score predictions, or a run's synthesizer.",
    ),
    "report": ("aukit.cli.commands.report:report", "Regenerate the report of a finished run."),
    "edit": ("aukit.cli.commands.edit:edit", "Change the AUs of the faces in photos."),
    "fit": ("aukit.cli.commands.fit:fit", "Fit an aligner or a synthesizer alone."),
    "data": ("aukit.cli.commands.data:data", "Inspect and check a dataset."),
    "plugins": (
        "aukit.cli.commands.plugins:plugins",
        "List, explain, check and create components.",
    ),
    "weights": ("aukit.cli.commands.weights:weights", "Download and locate model weights."),
    "runs": (
        "aukit.cli.commands.runs:runs",
        "List runs, and delete stage results that no run needs.",
    ),
    "completion": ("aukit.cli.commands.completion:completion", "Print a shell completion script."),
    "bench": ("aukit.cli.commands.bench:bench", "Measure every stage on this machine."),
    "doctor": (
        "aukit.cli.commands.doctor:doctor",
        "Check devices, packages and disk.",
    ),
}


class CommandTable(click.Group):
    """A group whose commands stand in a table and are imported when used.

    click asks every command for its short help, which would import it; here the table has it.
    """

    def table(self, ctx: click.Context) -> dict[str, tuple[str, str]]:
        """Built-in commands and those of plugins; a plugin cannot replace a built-in one."""
        offered = ctx.ensure_object(App).registry.commands(reserved=COMMANDS)
        return {**COMMANDS, **_single(offered)}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Command names, built-in ones first."""
        return list(self.table(ctx))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        # Built-in commands need no plugins, so that they work in a broken environment.
        entry = COMMANDS.get(cmd_name) or self.table(ctx).get(cmd_name)
        return None if entry is None else load_command(entry[0])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first argument names."""
        name = args[0]
        command = self.get_command(ctx, name)
        if command is None:
            raise unknown_command(name, self.list_commands(ctx))
        return name, command, args[1:]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them, or plugins that cannot add any."""
        added = ctx.ensure_object(App).adding.commands(reserved=COMMANDS)
        table = {**COMMANDS, **_single(added)}
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_) for name, (_, help_) in table.items()])


def _single(commands: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Commands of one word; the others belong to a group (`aukit.cli.groups`)."""
    return {name: entry for name, entry in commands.items() if " " not in name}


def unknown_command(name: str, known: Sequence[str]) -> click.UsageError:
    """The error for a misspelled command."""
    import difflib

    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"commands: {', '.join(known)}"
    return click.UsageError(f"unknown command '{name}'; {hint}")


LEVELS = ("debug", "info", "warning", "error")
"""Values of `--log-level`."""

CONTEXT = {
    "help_option_names": ["-h", "--help"],
    "max_content_width": 100,
    "token_normalize_func": hyphens,
}


@click.group(cls=CommandTable, context_settings=CONTEXT)
@click.version_option(aukit.__version__, "--version", prog_name="aukit")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option(
    "-v", "--verbose", is_flag=True, help="Report plugins that could not be loaded, and why."
)
@click.option(
    "--log-level", type=click.Choice(LEVELS), envvar="AUKIT_LOG_LEVEL", show_envvar=True,
    help="Lowest level shown and logged.  [default: warning; in the log file: info]",
)  # fmt: skip
@click.option(
    "--log-file", type=click.Path(path_type=Path), envvar="AUKIT_LOG_FILE", show_envvar=True,
    metavar="FILE", help="Also append messages to this file.",
)  # fmt: skip
@click.option(
    "--block", multiple=True, metavar="PLUGIN", help="Do not load this plugin (repeatable)."
)
@click.pass_context
def cli(
    ctx: click.Context, debug: bool, verbose: bool, log_level: str | None, log_file: Path | None,
    block: tuple[str, ...],
) -> None:  # fmt: skip
    """Facial action units: register faces, synthesize, balance, estimate, score.

    Without options, `aukit run` runs a whole pipeline on the built-in avatars.
    """
    if block:
        # In the environment, so that worker processes block them as well.
        os.environ[BLOCK_VARIABLE] = ",".join([*block, os.environ.get(BLOCK_VARIABLE, "")])
    if log_level or log_file:
        from aukit.cli.log import logged

        ctx.with_resource(logged(log_level, log_file))
    ctx.obj = App(verbose)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line.

    Args:
        arguments: what follows `aukit`; `sys.argv` if None.

    Returns:
        the exit code: 0 for success; 1 for a failed check or an unexpected error; that of the
        error's class (see `aukit.errors`); 130 when interrupted. A closed pipe (`aukit plugins |
        head`) ends the process quietly with 1; click handles that.
    """
    end_with_stdin()
    for stream in (sys.stdout, sys.stderr):
        # File names may be undecodable: print them with escapes.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    # Also accepted after the command, where people append it after an error.
    rest = [argument for argument in given if argument != "--debug"]
    with interrupts_told_apart():
        try:
            code: Any = cli.main(args=rest, prog_name="aukit", standalone_mode=False)
        except SystemExit:  # raised by a command, or by click when a pipe was closed
            raise
        except BaseException as error:  # a plugin may raise anything
            from aukit.cli.failures import report

            return report(error, debug=len(rest) < len(given))
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    raise SystemExit(main())
