"""`lix_directory_at(revision)`: directories as they were."""

from __future__ import annotations

from lix_vtab.session import Session
from lix_vtab.surfaces.at import REVISION, At
from lix_vtab.surfaces.directory import DIRECTORY_COLUMNS, DirectoryRows
from lix_vtab.surfaces.file_at import then

__all__ = ["directory_at"]


def directory_at(session: Session) -> At:
    """Build the table: the columns of `lix_directory`."""
    columns = (*map(then, DIRECTORY_COLUMNS), REVISION)
    return At(session, "lix_directory_at", columns, DirectoryRows(session, columns).at)
