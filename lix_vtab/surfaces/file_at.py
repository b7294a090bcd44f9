"""`lix_file_at(revision)`: files as they were, byte for byte."""

from __future__ import annotations

from lix_vtab.session import Session
from lix_vtab.surfaces.at import REVISION, At
from lix_vtab.surfaces.file import FILE_COLUMNS, FileRows
from lix_vtab.surfaces.planner import Column
from lix_vtab.surfaces.tree_rows import TreeCursor

__all__ = ["file_at", "then"]


def file_at(session: Session) -> At:
    """Build the table: the columns of `lix_file`."""
    columns = (*map(then, FILE_COLUMNS), REVISION)
    return At(session, "lix_file_at", columns, FileRows(session, columns).at, TreeCursor)


def then(column: Column) -> Column:
    """Return a column of a live table as it shows the past: the commit is that of the row."""
    if column.name == "lixcol_commit_id":
        return column._replace(template="{commit_id}")
    return column
