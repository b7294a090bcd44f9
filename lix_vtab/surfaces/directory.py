"""`lix_directory` and `lix_directory_by_version`: directories of one version, and of every one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import apsw

from lix_vtab.filesystem.descriptors import DIRECTORY
from lix_vtab.filesystem.directories import NewDirectory
from lix_vtab.filesystem.values import hidden_flag, json_value
from lix_vtab.session import Session
from lix_vtab.surfaces.planner import Column, Plan
from lix_vtab.surfaces.tree_rows import TreeRows
from lix_vtab.surfaces.tree_writes import TreeWrites
from lix_vtab.surfaces.values import flag, optional_text

__all__ = ["DIRECTORY_COLUMNS", "DirectoryByVersion", "DirectoryRows", "DirectoryTable"]

_HEAD = "(SELECT v.commit_id FROM lix_internal_version v WHERE v.id = {version_id})"

DIRECTORY_COLUMNS = (
    Column("id", "TEXT", "{entity_id}", "entity"),
    Column("parent_id", "TEXT", "{snapshot} ->> '$.parent_id'"),
    Column("name", "TEXT", "{snapshot} ->> '$.name'"),
    Column("path", "TEXT", "{spot}", "path"),
    Column("hidden", "INTEGER", "coalesce({snapshot} ->> '$.hidden', 0)"),
    Column("lixcol_entity_id", "TEXT", "{entity_id}", "entity"),
    Column("lixcol_schema_key", "TEXT", f"'{DIRECTORY}'"),
    Column("lixcol_schema_version", "TEXT", "{schema_version}"),
    Column("lixcol_inherited_from_version_id", "TEXT", "{origin}"),
    Column("lixcol_change_id", "TEXT", "{change_id}"),
    Column("lixcol_created_at", "TEXT", "{created_at}"),
    Column("lixcol_updated_at", "TEXT", "{updated_at}"),
    Column("lixcol_commit_id", "TEXT", _HEAD),
    Column("lixcol_untracked", "INTEGER", "{untracked}"),
    Column("lixcol_metadata", "TEXT", "{metadata}"),
)

VERSION = Column("lixcol_version_id", "TEXT", "{version_id}", "version")


class DirectoryRows(TreeRows):
    """Rows of directories in any scope."""

    __slots__ = ()

    def __init__(
        self,
        session: Session,
        columns: Sequence[Column] = DIRECTORY_COLUMNS,
        *,
        multi: bool = False,
    ) -> None:
        super().__init__(
            session,
            columns,
            schema_key=DIRECTORY,
            find=session.files.lookup.find_directory,
            ending="/",
            multi=multi,
        )


class DirectoryTable(TreeWrites):
    """Directories the active version shows. The root is none of them."""

    name = "lix_directory"
    columns: Sequence[Column] = DIRECTORY_COLUMNS
    conflict_keys: ClassVar[Sequence[Any]] = (("id",), ("path",))
    schema_key = DIRECTORY
    schema_id = 3

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._rows = DirectoryRows(session, self.columns, multi=self.multi)

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find visible directories."""
        return self._rows.rows(plan, args)

    def insert(self, fields: Sequence[Any], conflict: int) -> int:
        """Insert a directory by path, or by name and parent."""
        given = self.given(fields)
        self.refuse_fixed(given, "insert")
        version_id = self.insert_version(given)
        rowid = self.session.files.directories.insert(
            version_id,
            NewDirectory(
                given["path"],
                self.new_id(given),
                optional_text(given["parent_id"], "parent_id"),
                given["name"],
                hidden_flag(given["hidden"]),
                json_value("lixcol_metadata", given["lixcol_metadata"]),
                flag(given["lixcol_untracked"], f"{self.name} insert", "lixcol_untracked"),
                self.session.writer_key,
            ),
            replacing=conflict == apsw.SQLITE_REPLACE,
        )
        return self.public_rowid(version_id, rowid)

    def update(self, rowid: int, fields: Sequence[Any]) -> None:
        """Change a visible directory; an inherited one is copied into the addressed version."""
        version_id, key, visible = self.target(rowid)
        if visible is None:
            return
        assigned = self.assigned(fields)
        self.refuse_identity(assigned, version_id, key, visible)
        if "hidden" in assigned:
            assigned["hidden"] = hidden_flag(assigned["hidden"])
        if "lixcol_metadata" in assigned:
            metadata = assigned.pop("lixcol_metadata")
            assigned["metadata"] = json_value("lixcol_metadata", metadata)
        self.session.files.directories.update(
            version_id, visible, assigned, self.session.writer_key, replacing=self.replaces()
        )

    def delete(self, rowid: int) -> None:
        """Delete a visible directory with everything in it."""
        version_id, key, visible = self.target(rowid)
        if visible is not None:
            self.session.files.directories.delete(
                version_id, key.entity_id, self.session.writer_key
            )


class DirectoryByVersion(DirectoryTable):
    """Directories of every version."""

    name = "lix_directory_by_version"
    columns: Sequence[Column] = (*DIRECTORY_COLUMNS[:8], VERSION, *DIRECTORY_COLUMNS[8:])
    multi = True
    conflict_keys: ClassVar[Sequence[Any]] = (
        ("id", "lixcol_version_id"),
        ("path", "lixcol_version_id"),
    )
