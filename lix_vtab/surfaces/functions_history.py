"""SQL functions on history: rebuilding, checkpoints, restoring, undoing."""

from __future__ import annotations

from lix_vtab.errors import InvalidValueError
from lix_vtab.history.checkpoint import create_checkpoint
from lix_vtab.session import Session
from lix_vtab.storage.rebuild import rebuild
from lix_vtab.surfaces.functions import SqlFunction

__all__ = ["history_functions"]


def history_functions(session: Session) -> list[SqlFunction]:
    """Return the functions on history."""

    def rebuild_rows() -> int:
        """Derive everything derived again from the change log; return the number of rows."""
        return rebuild(session.store)

    def checkpoint(name: str | None = None, message: str | None = None) -> str:
        """Create a checkpoint of the active version and return its commit id."""
        for label, value in (("name", name), ("message", message)):
            if value is not None and not isinstance(value, str):
                raise InvalidValueError(
                    f"lix_create_checkpoint: {label} must be a string, got {value!r}"
                )
        active = session.versions.active_id()
        return create_checkpoint(session.store, active, name=name, message=message).id

    return [
        SqlFunction("lix_rebuild", rebuild_rows, 0, writes=True),
        SqlFunction("lix_create_checkpoint", checkpoint, writes=True),
    ]
