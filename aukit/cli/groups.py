"""Command groups that plugins can extend."""

from __future__ import annotations

import importlib
import re

import click

from aukit.cli.app import App
from aukit.errors import PluginError
from aukit.faults import is_interrupt, reason


def load_command(target: str) -> click.Command:
    """The command at `package.module:attribute`.

    Raises:
        PluginError: it cannot be imported, or is not a click command.
    """
    module, _, attribute = target.partition(":")
    try:
        command = getattr(importlib.import_module(module), attribute)
    except BaseException as error:
        if is_interrupt(error):
            raise
        raise PluginError(f"command '{target}' cannot be imported: {reason(error)}") from error
    if not isinstance(command, click.Command):
        raise PluginError(f"command '{target}' is a {type(command).__name__}, not a click command")
    return command


class ListedByDefault(click.Group):
    """A group that defaults to its subcommand `list`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the subcommand; any other word is an argument of `list`."""
        if args[0] in self.commands:
            return super().resolve_command(ctx, args)
        return "list", self.commands["list"], args

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Without a subcommand, list everything."""
        if not args or (args[0].startswith("-") and not set(args) & set(ctx.help_option_names)):
            args = ["list", *args]
        return super().parse_args(ctx, args)


class OpenGroup(click.Group):
    """A group to which plugins add commands, by the hook `aukit_commands`: `"data imitate"`.

    Nothing is overridden silently: a name that is built in, or that two plugins offer, is spelled
    `distribution/imitate`.
    """

    def offered(self, ctx: click.Context) -> dict[str, tuple[str, str]]:
        """Commands of plugins: name -> target and short help."""
        own = [f"{self.name} {name}" for name in self.commands]
        found = {}
        for name, entry in ctx.ensure_object(App).registry.commands(reserved=own).items():
            if match := re.fullmatch(rf"(.+/)?{self.name} (\S+)", name):
                found[(match[1] or "") + match[2]] = entry
        return found

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Built-in commands, then those of plugins."""
        return [*super().list_commands(ctx), *sorted(self.offered(ctx))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a built-in command or one of a plugin."""
        if (own := super().get_command(ctx, cmd_name)) is not None:
            return own
        entry = self.offered(ctx).get(cmd_name)
        return None if entry is None else load_command(entry[0])

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing those of plugins."""
        width = formatter.width - 6 - max(map(len, self.list_commands(ctx)))
        rows = [(name, own.get_short_help_str(width)) for name, own in self.commands.items()]
        rows += [(name, text) for name, (_, text) in sorted(self.offered(ctx).items())]
        with formatter.section("Commands"):
            formatter.write_dl(sorted(rows))
