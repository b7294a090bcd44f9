"""`lix checkpoint`: mark a place to come back to."""

from __future__ import annotations

import click

from lix_vtab.cli.call import Call, command
from lix_vtab.cli.text import harmless

__all__ = ["checkpoint"]


@command()
@click.argument("name", required=False)
@click.option("-m", "--message", help="Say what it is.")
@click.option("--list", "listing", is_flag=True, help="List the checkpoints there are.")
def checkpoint(call: Call, name: str | None, message: str | None, listing: bool) -> None:
    """Mark where the active version stands, with a NAME and a message if you like."""
    if listing:
        _list(call)
        return
    made = call.lix.create_checkpoint(name, message)
    shown = f" {call.screen.paint('label', harmless(name))}" if name else ""
    commit = call.screen.paint("commit", made.id)
    call.done(f"checkpoint{shown} at {commit}", id=made.id, name=name, message=message)


def _list(call: Call) -> None:
    result = call.lix.execute(
        "SELECT k.id, k.name, k.message, v.name AS version, k.change_count, k.created_at"
        " FROM lix_checkpoint k LEFT JOIN lix_version v ON v.id = k.version_id"
        " ORDER BY k.created_at, k.id"
    )
    call.screen.rows(result.columns, result.rows)
