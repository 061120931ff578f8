"""`aukit completion`: what a shell reads so that Tab completes commands, options and components."""

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
    """Print what a SHELL reads to complete commands, options and names of components.

    Tab then completes also the options of the components that the line has chosen so far, such as
    --synth.epochs, and their values where there are few.
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, "aukit", VARIABLE).source())
