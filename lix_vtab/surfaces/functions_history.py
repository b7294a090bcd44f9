"""SQL functions on history: rebuilding, checkpoints, restoring, undoing."""

from __future__ import annotations

from lix_vtab.session import Session
from lix_vtab.storage.rebuild import rebuild
from lix_vtab.surfaces.functions import SqlFunction

__all__ = ["history_functions"]


def history_functions(session: Session) -> list[SqlFunction]:
    """Return the functions on history."""

    def rebuild_rows() -> int:
        """Derive everything derived again from the change log; return the number of rows."""
        return rebuild(session.store)

    return [SqlFunction("lix_rebuild", rebuild_rows, 0, writes=True)]
