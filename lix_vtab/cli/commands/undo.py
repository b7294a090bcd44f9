"""`lix undo`: take back the last commits."""

from __future__ import annotations

import click

from lix_vtab.cli.call import Call, command

__all__ = ["undo"]


@command()
@click.argument("steps", type=click.IntRange(min=1), default=1)
def undo(call: Call, steps: int) -> None:
    """Undo the last commit of the active version, or the last STEPS, by a new commit."""
    id = call.lix.undo(steps)
    many = "the last commit" if steps == 1 else f"{steps} commits"
    call.done(f"undid {many} by {call.screen.paint('commit', id)}", id=id)
