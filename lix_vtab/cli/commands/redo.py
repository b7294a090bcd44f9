"""`lix redo`: do again what was undone."""

from __future__ import annotations

import click

from lix_vtab.cli.call import Call, command

__all__ = ["redo"]


@command()
@click.argument("steps", type=click.IntRange(min=1), default=1)
def redo(call: Call, steps: int) -> None:
    """Do again what was undone last, or the last STEPS, by a new commit."""
    id = call.lix.redo(steps)
    many = "what was undone last" if steps == 1 else f"{steps} times"
    call.done(f"redid {many} by {call.screen.paint('commit', id)}", id=id)
