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
    "compare": ("aukit.cli.commands.compare:compare", "Run a grid of choices and compare them."),
    "plan": ("aukit.cli.commands.plan:plan", "Balance the labels alone, and look at the plan."),
    "align": (
        "aukit.cli.commands.align:align",
        "Register the faces of photos, folders and videos.",
    ),
    "predict": (
        "aukit.cli.commands.predict:predict",
        "Estimate the AU intensities of photos and videos.",
    ),
    "export": (
        "aukit.cli.commands.export:export",
        "Make a model that travels of what a run has fitted.",
    ),
    "evaluate": (
        "aukit.cli.commands.evaluate:evaluate",
        "Score predictions, or a run's synthesizer.",
    ),
    "report": ("aukit.cli.commands.report:report", "Regenerate the report of a finished run."),
    "edit": ("aukit.cli.commands.edit:edit", "Give the faces of photos other AUs."),
    "fit": ("aukit.cli.commands.fit:fit", "Fit an aligner or a synthesizer alone."),
    "data": ("aukit.cli.commands.data:data", "Look at a dataset."),
    "plugins": ("aukit.cli.commands.plugins:plugins", "List and explain what is installed."),
    "weights": ("aukit.cli.commands.weights:weights", "Fetch and find model weights."),
    "runs": ("aukit.cli.commands.runs:runs", "List runs, and free what none of them needs."),
    "completion": ("aukit.cli.commands.completion:completion", "Let a shell complete commands."),
    "bench": ("aukit.cli.commands.bench:bench", "Measure every stage on this machine."),
    "doctor": (
        "aukit.cli.commands.doctor:doctor",
        "Check devices, packages and disk.",
    ),
}


class CommandTable(click.Group):
    """A group whose commands are named in a table and imported when used.

    click asks every command for its short help; here the table has it.
    """

    def table(self, ctx: click.Context) -> dict[str, tuple[str, str]]:
        """Our commands and those of plugins; a plugin cannot replace ours."""
        offered = ctx.ensure_object(App).registry.commands(reserved=COMMANDS)
        # Names of two words belong to a group (`aukit.cli.groups`).
        return {**COMMANDS, **{name: e for name, e in offered.items() if " " not in name}}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Command names, ours first."""
        return list(self.table(ctx))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        # Ours are found without loading plugins, so that a broken environment can be looked into.
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
        """List the commands without importing them."""
        table = self.table(ctx)
        with formatter.section("Commands"):
            formatter.write_dl([(name, table[name][1]) for name in self.list_commands(ctx)])


def unknown_command(name: str, known: Sequence[str]) -> click.UsageError:
    """The error for a misspelled command."""
    import difflib

    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"commands: {', '.join(known)}"
    return click.UsageError(f"unknown command '{name}'; {hint}")


LEVELS = ("debug", "info", "warning", "error")
"""Of `--log-level`."""

CONTEXT = {
    "help_option_names": ["-h", "--help"],
    "max_content_width": 100,
    "token_normalize_func": hyphens,
}


@click.group(cls=CommandTable, context_settings=CONTEXT)
@click.version_option(aukit.__version__, "--version", prog_name="aukit")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option("-v", "--verbose", is_flag=True, help="Say which plugins are not in use, and why.")
@click.option(
    "--log-level", type=click.Choice(LEVELS), envvar="AUKIT_LOG_LEVEL", show_envvar=True,
    help="Least messages shown, and written to the log.  [default: warning; of a file: info]",
)  # fmt: skip
@click.option(
    "--log-file", type=click.Path(path_type=Path), envvar="AUKIT_LOG_FILE", show_envvar=True,
    metavar="FILE", help="Write messages to the end of this file as well.",
)  # fmt: skip
@click.option("--block", multiple=True, metavar="PLUGIN", help="Leave a plugin out (repeatable).")
@click.pass_context
def cli(
    ctx: click.Context, debug: bool, verbose: bool, log_level: str | None, log_file: Path | None,
    block: tuple[str, ...],
) -> None:  # fmt: skip
    """Facial action units: register faces, synthesize, balance, estimate, score.

    `aukit run` without options runs a whole pipeline on the built-in avatars.
    """
    if block:
        # In the environment, so that worker processes leave them out as well.
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
        the exit code: 0, 1 for a verdict of "not well" or an unforeseen error, else that of the
        kind of error (see `aukit.errors`), 130 when interrupted. A reader that goes away
        (`aukit plugins | head`) ends the process quietly with 1; click sees to that.
    """
    end_with_stdin()
    for stream in (sys.stdout, sys.stderr):
        # Names of files may be what no terminal can show: written as escapes then.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    # Accepted behind the command too, where people append it after an error.
    rest = [argument for argument in given if argument != "--debug"]
    with interrupts_told_apart():
        try:
            code: Any = cli.main(args=rest, prog_name="aukit", standalone_mode=False)
        except SystemExit:  # of a command, or of click where a reader went away
            raise
        except BaseException as error:  # a plugin may raise anything at all
            from aukit.cli.failures import report

            return report(error, debug=len(rest) < len(given))
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    raise SystemExit(main())
