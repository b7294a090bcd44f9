"""`lix revert`: take back one commit."""

from __future__ import annotations

import click

from lix_vtab.cli.call import Call, command
from lix_vtab.cli.names import REVISION
from lix_vtab.cli.text import harmless

__all__ = ["revert"]


@command()
@click.argument("revision", metavar="REV", type=REVISION)
def revert(call: Call, revision: str) -> None:
    """Take back what the commit REV changed, by a new commit.

    Exit code 240 when later commits changed the same things.
    """
    before = call.lix.active_version.commit_id
    id = call.lix.revert(revision)
    if id == before:
        call.done(f"nothing to revert: nothing that {harmless(revision)} changed is left", id=id)
        return
    call.done(f"reverted {harmless(revision)} by {call.screen.paint('commit', id)}", id=id)
