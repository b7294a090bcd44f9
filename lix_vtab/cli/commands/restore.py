"""`lix restore`: back to how things were."""

from __future__ import annotations

import click

from lix_vtab.cli.call import Call, command
from lix_vtab.cli.names import FILE_PATH, REVISION
from lix_vtab.cli.text import harmless

__all__ = ["restore"]


@command(
    examples=(
        "lix restore v1                # everything, as it was at the checkpoint v1",
        "lix restore HEAD~2 /docs/     # what is below /docs/, as it was two commits ago",
    )
)
@click.argument("revision", metavar="REV", type=REVISION)
@click.argument("paths", nargs=-1, type=FILE_PATH)
def restore(call: Call, revision: str, paths: tuple[str, ...]) -> None:
    """Make the active version show what REV shows, by a new commit: everything, or PATHS only.

    Directories end in a slash. Nothing is lost: what was there before stays in the history.
    """
    before = call.lix.active_version.commit_id
    id = call.lix.restore(revision, list(paths) or None)
    what = ", ".join(map(harmless, paths)) or "everything"
    if id == before:
        call.done(f"nothing to restore: {what} is as it was at {harmless(revision)}", id=id)
        return
    shown = call.screen.paint("commit", id)
    call.done(f"restored {what} from {harmless(revision)} by {shown}", id=id)
