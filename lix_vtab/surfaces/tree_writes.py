"""What the writable tables of files and directories share: rows, versions, fixed columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import apsw

from lix_vtab.errors import ConstraintViolation, InvalidValueError, ReadOnlyError
from lix_vtab.filesystem.refusals import immutable_id
from lix_vtab.mutation.writer import Visible
from lix_vtab.session import Session
from lix_vtab.storage.rows import Key
from lix_vtab.surfaces.planner import Column
from lix_vtab.surfaces.rowids import join_rowid, split_rowid
from lix_vtab.surfaces.values import optional_text, text

__all__ = ["TreeWrites"]

_COMPUTED = (
    "lixcol_inherited_from_version_id",
    "lixcol_change_id",
    "lixcol_created_at",
    "lixcol_updated_at",
    "lixcol_commit_id",
    "lixcol_plugin_error",
)
_FIXED = {"lixcol_file_id": "lix", "lixcol_plugin_key": "lix", "lixcol_schema_version": "1"}
_UNUSUAL = ("lixcol_schema_key", *_FIXED, *_COMPUTED)


class TreeWrites:
    """Finds the row a write is about and refuses what cannot be written."""

    name = ""
    columns: Sequence[Column] = ()
    required: Sequence[int] = ()
    sortable = True
    multi = False
    schema_key = ""
    schema_id = 0

    def __init__(self, session: Session) -> None:
        self.session = session
        self._names = [column.name for column in self.columns]

    # -- which row, which version

    def given(self, fields: Sequence[Any]) -> dict[str, Any]:
        """Return the fields of an insert by column name."""
        return dict(zip(self._names, fields, strict=True))

    def assigned(self, fields: Sequence[Any]) -> dict[str, Any]:
        """Return the fields an update assigns."""
        return {
            name: value
            for name, value in zip(self._names, fields, strict=True)
            if value is not apsw.no_change
        }

    def target(self, rowid: int) -> tuple[str, Key, Visible | None]:
        """Return the version and key of a row, and what the version shows for it."""
        session = self.session
        version_id, inner = session.versions.active_id(), rowid
        if self.multi:
            version_no, inner = split_rowid(rowid)
            version_id = session.store.versions.pointer_by_no(version_no).id
        key: Key | None
        if inner < 0:
            overlay = session.store.overlay.by_no(-inner)
            key = None if overlay is None else overlay.key
        else:
            key = session.store.rows.key_of(inner)
        if key is None or key.schema_id != self.schema_id:
            raise ReadOnlyError(
                f"{self.name} has no row {rowid} that could be written",
                hint="it was deleted, or never there: address it by id or path",
            )
        return version_id, key, session.writer.visible(version_id, key)

    def insert_version(self, given: Mapping[str, Any]) -> str:
        """Return the version an insert goes to."""
        if not self.multi:
            return self.session.versions.active_id()
        if given["lixcol_version_id"] is None:
            raise InvalidValueError(
                f"{self.name} insert requires lixcol_version_id or version_id",
                hint=f"name the version, or insert into {self.name.removesuffix('_by_version')}",
                details={"column": "lixcol_version_id"},
            )
        return text(given["lixcol_version_id"], f"{self.name} insert", "lixcol_version_id")

    def public_rowid(self, version_id: str, rowid: int) -> int:
        """Return the rowid the table shows for a stored row."""
        if not self.multi:
            return rowid
        place = self.session.store.versions.place(version_id)
        return join_rowid(place[0] if place else 0, rowid)

    def replaces(self) -> bool:
        """Tell whether the running statement says OR REPLACE."""
        return self.session.connection.vtab_on_conflict() == apsw.SQLITE_REPLACE

    # -- values

    def new_id(self, given: Mapping[str, Any]) -> str | None:
        """Return the id an insert gives, None when one is to be generated."""
        id = optional_text(given["id"], "id")
        entity_id = optional_text(given["lixcol_entity_id"], "lixcol_entity_id")
        if id is not None and entity_id is not None and id != entity_id:
            raise ConstraintViolation(
                f"{self.name} insert: lixcol_entity_id '{entity_id}' differs from id '{id}'",
                hint="leave lixcol_entity_id out",
                details={"column": "lixcol_entity_id"},
            )
        if id == "":
            raise InvalidValueError(
                f"{self.name} insert: id cannot be empty", hint="leave it out to have one generated"
            )
        return id or entity_id

    def writer_key(self, given: Mapping[str, Any]) -> str | None:
        """Return the writer key of a write: its own, or the session's."""
        own = given.get("lixcol_writer_key")
        return self.session.writer_key if own is None else optional_text(own, "lixcol_writer_key")

    # -- refusals

    def refuse_fixed(self, given: Mapping[str, Any], verb: str) -> None:
        """Refuse values for columns that are computed or always the same."""
        if not any(map(given.get, _UNUSUAL)):
            return
        if given["lixcol_schema_key"] not in (None, self.schema_key):
            self._refuse(
                "lixcol_schema_key",
                f"{self.schema_key} {verb} cannot set schema_key; view schema is fixed",
            )
        for name, right in _FIXED.items():
            if given.get(name) not in (None, right):
                self._refuse(name, f"{self.name} {verb} cannot set {name}; it is always '{right}'")
        for name in _COMPUTED:
            if given.get(name) is not None:
                self._refuse(name, f"{self.name} {verb} cannot set {name}; it is computed")

    def refuse_identity(
        self, assigned: dict[str, Any], version_id: str, key: Key, visible: Visible
    ) -> None:
        """Refuse to change what tells one row from another; drop what is assigned unchanged."""
        for name in ("id", "lixcol_entity_id"):
            if assigned.pop(name, key.entity_id) != key.entity_id:
                raise immutable_id(self.name)
        if assigned.pop("lixcol_version_id", version_id) != version_id:
            self._refuse(
                "lixcol_version_id",
                f"{self.name} update cannot set version_id; a row stays in its version",
            )
        flagged = assigned.pop("lixcol_untracked", None)
        if flagged is not None and flagged != int(visible.untracked):
            self._refuse(
                "lixcol_untracked",
                f"{self.name} update cannot change lixcol_untracked",
            )
        if assigned.pop("lixcol_schema_key", self.schema_key) != self.schema_key:
            self._refuse(
                "lixcol_schema_key",
                f"{self.schema_key} update cannot set schema_key; view schema is fixed",
            )
        for name, right in _FIXED.items():
            if assigned.pop(name, right) != right:
                self._refuse(name, f"{self.name} update cannot set {name}; it is always '{right}'")
        for name in _COMPUTED:
            if name in assigned:
                self._refuse(name, f"{self.name} update cannot set {name}; it is computed")

    def _refuse(self, column: str, message: str) -> NoReturn:
        raise ReadOnlyError(
            message, hint="leave the column out of the statement", details={"column": column}
        )
