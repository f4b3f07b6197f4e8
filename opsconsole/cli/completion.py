"""``opsconsole completion``: what a shell reads to complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from opsconsole.cli.base import say

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_OPSCONSOLE_COMPLETE"
"""By which click's script asks the program what may come next."""


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion_command(context: click.Context, shell: str) -> None:
    """Print what completes commands and options: eval "$(opsconsole completion bash)"."""
    made = get_completion_class(shell)
    assert made is not None
    say(made(context.find_root().command, {}, "opsconsole", VARIABLE).source())
