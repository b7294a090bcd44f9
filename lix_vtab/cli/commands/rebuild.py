"""`lix rebuild`: derive again what is derived."""

from __future__ import annotations

from lix_vtab.cli.call import Call, command
from lix_vtab.cli.progress import spinning

__all__ = ["rebuild"]


@command()
def rebuild(call: Call) -> None:
    """Derive everything derived again from the change log. Repairs what lix check finds there."""
    with spinning("rebuilding", call.lix.connection):
        call.lix.rebuild()
    call.done("rebuilt", rebuilt=True)
