"""`lix_state_at(revision)`: the state of a commit."""

from __future__ import annotations

from lix_vtab.session import Session
from lix_vtab.surfaces.at import REVISION, At
from lix_vtab.surfaces.reader import Reader
from lix_vtab.surfaces.state import STATE_COLUMNS

__all__ = ["state_at"]


def state_at(session: Session) -> At:
    """Build the table: the columns of `lix_state`, rows of the commit's own line."""
    columns = (*STATE_COLUMNS, REVISION)
    return At(session, "lix_state_at", columns, Reader(session, columns).rows_at)
