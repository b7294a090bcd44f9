"""`lix_file` and `lix_file_by_version`: files of the active version, and of every version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import apsw

from lix_vtab.errors import InvalidValueError, ReadOnlyError
from lix_vtab.filesystem.descriptors import FILE
from lix_vtab.filesystem.files import NewFile
from lix_vtab.filesystem.paths import FilePath, split_name
from lix_vtab.filesystem.refusals import no_path
from lix_vtab.filesystem.values import content_bytes, hidden_flag, json_value
from lix_vtab.session import Session
from lix_vtab.surfaces.base import Cursor
from lix_vtab.surfaces.planner import Column, Plan
from lix_vtab.surfaces.tree_rows import TreeCursor, TreeRows
from lix_vtab.surfaces.tree_writes import TreeWrites
from lix_vtab.surfaces.values import flag, optional_text

__all__ = ["FILE_COLUMNS", "FileByVersion", "FileRows", "FileTable"]

_HEAD = "(SELECT v.commit_id FROM lix_internal_version v WHERE v.id = {version_id})"

FILE_COLUMNS = (
    Column("id", "TEXT", "{entity_id}", "entity"),
    Column("directory_id", "TEXT", "{snapshot} ->> '$.directory_id'"),
    Column("name", "TEXT", "{snapshot} ->> '$.name'"),
    Column("extension", "TEXT", "{snapshot} ->> '$.extension'"),
    Column("path", "TEXT", "{spot}", "path"),
    Column("data", "BLOB", "{entity_id}", "lazy"),
    Column("metadata", "TEXT", "nullif({snapshot} -> '$.metadata', 'null')"),
    Column("hidden", "INTEGER", "coalesce({snapshot} ->> '$.hidden', 0)"),
    Column("lixcol_entity_id", "TEXT", "{entity_id}", "entity"),
    Column("lixcol_schema_key", "TEXT", f"'{FILE}'"),
    Column("lixcol_file_id", "TEXT", "'lix'"),
    Column("lixcol_plugin_key", "TEXT", "'lix'"),
    Column("lixcol_schema_version", "TEXT", "{schema_version}"),
    Column("lixcol_inherited_from_version_id", "TEXT", "{origin}"),
    Column("lixcol_change_id", "TEXT", "{change_id}"),
    Column("lixcol_created_at", "TEXT", "{created_at}"),
    Column("lixcol_updated_at", "TEXT", "{updated_at}"),
    Column("lixcol_commit_id", "TEXT", _HEAD),
    Column("lixcol_writer_key", "TEXT", "{writer_key}"),
    Column("lixcol_untracked", "INTEGER", "{untracked}"),
    Column("lixcol_metadata", "TEXT", "{metadata}"),
    Column("lixcol_plugin_error", "TEXT", "{entity_id}", "lazy"),
)

VERSION = Column("lixcol_version_id", "TEXT", "{version_id}", "version")


class FileRows(TreeRows):
    """Rows of files in any scope."""

    __slots__ = ()

    def __init__(
        self, session: Session, columns: Sequence[Column] = FILE_COLUMNS, *, multi: bool = False
    ) -> None:
        files = session.files
        super().__init__(
            session,
            columns,
            schema_key=FILE,
            find=files.lookup.find,
            multi=multi,
            lazy={"data": files.contents.read, "lixcol_plugin_error": files.contents.error},
        )


class FileTable(TreeWrites):
    """Files the active version shows."""

    name = "lix_file"
    columns: Sequence[Column] = FILE_COLUMNS
    cursor: type[Cursor] = TreeCursor
    conflict_keys: ClassVar[Sequence[Any]] = (("id",), ("path",))
    schema_key = FILE
    schema_id = 2

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._rows = FileRows(session, self.columns, multi=self.multi)

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find visible files."""
        return self._rows.rows(plan, args)

    def insert(self, fields: Sequence[Any], conflict: int) -> int:
        """Insert a file; directories on its way are made."""
        given = self.given(fields)
        self.refuse_fixed(given, "insert")
        version_id = self.insert_version(given)
        if given["path"] is None:
            raise no_path(self.name)
        if given["name"] is not None or given["extension"] is not None:
            self._refuse_contradiction(given)
        rowid = self.session.files.files.insert(
            version_id,
            NewFile(
                given["path"],
                content_bytes(given["data"]),
                self.new_id(given),
                json_value("metadata", given["metadata"]),
                hidden_flag(given["hidden"]),
                json_value("lixcol_metadata", given["lixcol_metadata"]),
                flag(given["lixcol_untracked"], f"{self.name} insert", "lixcol_untracked"),
                self.writer_key(given),
            ),
            replacing=conflict == apsw.SQLITE_REPLACE,
        )
        return self.public_rowid(version_id, rowid)

    def update(self, rowid: int, fields: Sequence[Any]) -> None:
        """Change a visible file; an inherited one is copied into the addressed version."""
        version_id, key, visible = self.target(rowid)
        if visible is None:
            return
        assigned = self.assigned(fields)
        self.refuse_identity(assigned, version_id, key, visible)
        self.session.files.files.update(
            version_id,
            visible,
            _converted(assigned),
            self.writer_key(assigned),
            replacing=self.replaces(),
        )

    def delete(self, rowid: int) -> None:
        """Delete a visible file and its content."""
        version_id, key, visible = self.target(rowid)
        if visible is not None:
            self.session.files.files.delete(version_id, key.entity_id, self.session.writer_key)

    def _refuse_contradiction(self, given: Mapping[str, Any]) -> None:
        """Refuse a name or extension that is not the path's."""
        name, extension = split_name(FilePath.parse(given["path"]).segment)
        for column, right in (("name", name), ("extension", extension)):
            if given[column] is not None and given[column] != right:
                raise InvalidValueError(
                    f"{self.name} insert: {column} '{given[column]}' does not match path "
                    f"'{given['path']}'",
                    hint=f"leave {column} out: path says it all",
                    details={"column": column},
                )


class FileByVersion(FileTable):
    """Files of every version."""

    name = "lix_file_by_version"
    columns: Sequence[Column] = (*FILE_COLUMNS[:11], VERSION, *FILE_COLUMNS[11:])
    multi = True
    conflict_keys: ClassVar[Sequence[Any]] = (
        ("id", "lixcol_version_id"),
        ("path", "lixcol_version_id"),
    )


def _converted(assigned: Mapping[str, Any]) -> dict[str, Any]:
    """Turn assigned columns into what a file writer takes."""
    given: dict[str, Any] = {}
    for name, value in assigned.items():
        if name == "data":
            given["data"] = content_bytes(value)
        elif name == "metadata":
            given["metadata"] = json_value("metadata", value)
        elif name == "hidden":
            given["hidden"] = hidden_flag(value)
        elif name == "lixcol_metadata":
            given["row_metadata"] = json_value("lixcol_metadata", value)
        elif name in ("path", "directory_id", "name", "extension"):
            given[name] = value
        elif name == "lixcol_writer_key":
            optional_text(value, name)
        elif name == "lixcol_plugin_error":
            raise ReadOnlyError(
                "lix_file update cannot set lixcol_plugin_error; it is computed",
                hint="leave the column out: it says what the plugin said",
                details={"column": name},
            )
    return given
