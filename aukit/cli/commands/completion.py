"""`aukit completion`: shell completion of commands, options and component names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

VARIABLE = "_AUKIT_COMPLETE"

EPILOG = """\b
bash   eval "$(aukit completion bash)"             in ~/.bashrc
zsh    eval "$(aukit completion zsh)"              in ~/.zshrc
fish   aukit completion fish | source              in ~/.config/fish/config.fish"""


@click.command(epilog=EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.

    Tab then completes commands, options and component names. It also completes the options of
    components chosen on the line so far, such as --synth.epochs, and the values of options that
    have only a few.
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, "aukit", VARIABLE).source())
