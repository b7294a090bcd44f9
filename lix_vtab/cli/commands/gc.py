"""`lix gc`: free what nothing refers to."""

from __future__ import annotations

from lix_vtab.cli.call import Call, command
from lix_vtab.cli.progress import spinning

__all__ = ["gc"]


@command()
def gc(call: Call) -> None:
    """Delete content that no version, commit or untracked row refers to any more."""
    with spinning("collecting", call.lix.connection):
        freed = call.lix.gc()
    call.done(
        f"freed {freed.blobs} contents, {freed.bytes} bytes",
        blobs=freed.blobs,
        chunks=freed.chunks,
        bytes=freed.bytes,
    )
