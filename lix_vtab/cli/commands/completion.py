"""`lix completion`: completion in bash, zsh and fish."""

from __future__ import annotations

import os

import click
from click.shell_completion import get_completion_class

from lix_vtab.cli.call import Call, command
from lix_vtab.cli.failures import Failure

__all__ = ["completion"]

_SHELLS = ("bash", "zsh", "fish")


@command(
    examples=(
        'eval "$(lix completion bash)"    # in ~/.bashrc',
        'eval "$(lix completion zsh)"     # in ~/.zshrc',
        "lix completion fish | source   # in ~/.config/fish/config.fish",
    )
)
@click.argument("shell", required=False, type=click.Choice(_SHELLS))
def completion(call: Call, shell: str | None) -> None:
    """Print the script that makes a shell complete commands, versions, paths and schemas.

    SHELL is the one of $SHELL when left out.
    """
    name = shell or os.path.basename(os.environ.get("SHELL", ""))
    cls = get_completion_class(name)
    if cls is None:
        raise Failure(f"no completion for the shell '{name}'", hint=f"one of {', '.join(_SHELLS)}")
    root = click.get_current_context().find_root().command
    script = cls(root, {}, "lix", "_LIX_COMPLETE")
    call.screen.write(script.source_template % script.source_vars())
