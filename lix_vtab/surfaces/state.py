"""`lix_state`, `lix_state_by_version` and the stored half of `lix_internal_state_vtable`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

import apsw

from lix_vtab.errors import InvalidValueError, ReadOnlyError, SchemaValidationError
from lix_vtab.model.json import Json
from lix_vtab.mutation.catalogue import STORED_SCHEMA
from lix_vtab.mutation.writer import RowWrite, Visible
from lix_vtab.session import Session
from lix_vtab.storage.rows import Key
from lix_vtab.surfaces.planner import Column, Plan
from lix_vtab.surfaces.reader import Reader
from lix_vtab.surfaces.rowids import join_rowid, split_rowid
from lix_vtab.surfaces.values import flag, json_value, optional_text, text

__all__ = ["STATE_COLUMNS", "State", "StateByVersion", "StoredState"]

STATE_COLUMNS = (
    Column("entity_id", "TEXT", "{entity_id}", "entity"),
    Column("schema_key", "TEXT", "{schema_key}", "schema"),
    Column("file_id", "TEXT", "{file_id}", "file"),
    Column("version_id", "TEXT", "{version_id}", "version"),
    Column("plugin_key", "TEXT", "{plugin_key}", "plugin"),
    Column("snapshot_content", "TEXT", "{snapshot}"),
    Column("schema_version", "TEXT", "{schema_version}"),
    Column("created_at", "TEXT", "{created_at}"),
    Column("updated_at", "TEXT", "{updated_at}"),
    Column("inherited_from_version_id", "TEXT", "{origin}"),
    Column("change_id", "TEXT", "{change_id}"),
    Column("commit_id", "TEXT", "{commit_id}"),
    Column("untracked", "INTEGER", "{untracked}"),
    Column("writer_key", "TEXT", "{writer_key}"),
    Column("metadata", "TEXT", "{metadata}"),
)

_READ_ONLY = ("created_at", "updated_at", "inherited_from_version_id", "change_id", "commit_id")
_TEXT = frozenset([str])
_WRITTEN = (
    "version_id", "entity_id", "schema_key", "file_id", "plugin_key", "schema_version",
    "snapshot_content", "metadata", "writer_key", "untracked",
)  # fmt: skip
_IDENTITY = ("entity_id", "schema_key", "file_id", "version_id")


class State:
    """Effective rows of the active version."""

    name = "lix_state"
    label = "lix_state"
    columns: Sequence[Column] = STATE_COLUMNS
    required: Sequence[int] = ()
    sortable = True
    multi = False
    raw = False
    states = frozenset(["snapshot_content"])
    conflict_keys: Sequence[object] = (
        # a row that is only inherited is not in the way: inserting makes an own one
        (
            ("schema_key", "file_id", "entity_id"),
            ("version_id",),
            "inherited_from_version_id IS NULL",
        ),
    )

    def __init__(self, session: Session) -> None:
        self._session = session
        self._insert_label = f"{self.label} insert"
        self._place = {column.name: n for n, column in enumerate(self.columns)}
        self._schema_place = self._place["schema_key"]
        self._written = itemgetter(*(self._place[name] for name in _WRITTEN))
        computed = [name for name in _READ_ONLY if name in self._place]
        self._computed = itemgetter(*(self._place[name] for name in computed))
        self._nothing = (None,) * len(computed)
        self._reader = self._make_reader()

    def _make_reader(self) -> Reader:
        return Reader(self._session, self.columns)

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find visible rows."""
        return self._reader.rows(plan, args)

    # -- writing

    def insert(self, fields: Sequence[Any], conflict: int) -> int:
        """Insert or replace a row: state tables always upsert, except under OR IGNORE."""
        if self._computed(fields) != self._nothing:
            self._refuse_computed(fields)
        if fields[self._schema_place] == STORED_SCHEMA:
            # schemas are global, whatever version is active
            version_id, *values = self._written(self._complete(fields))
        else:
            version_id, *values = self._written(fields)
            version_id = self._insert_version(version_id)
        rowid = self._session.writer.put(
            version_id,
            self._row(*values),
            defaults=True,
            unique=conflict == apsw.SQLITE_IGNORE,
            raw=self.raw,
        )
        return self._public_rowid(version_id, rowid)

    def _complete(self, fields: Sequence[Any]) -> list[Any]:
        given = dict(zip(self._place, fields, strict=True))
        given = self._session.stored_schemas.complete(given)
        return [given.get(name) for name in self._place]

    def update(self, rowid: int, fields: Sequence[Any]) -> None:
        """Change a visible row; an inherited one is copied into the addressed version."""
        version_id, key, visible = self._target(rowid)
        if visible is None:
            return
        assigned = {
            name: value
            for (name, _), value in zip(self._place.items(), fields, strict=True)
            if value is not apsw.no_change
        }
        self._refuse_assignments(assigned, version_id, key, visible)
        if "snapshot_content" in assigned and assigned["snapshot_content"] is None:
            writer_key = self._writer_key(assigned)
            self._session.files.directories.about_to_go(version_id, key, visible, writer_key)
            self._session.writer.remove(version_id, key, writer_key=writer_key, raw=self.raw)
            return
        self._session.writer.put(
            version_id,
            self._changed(key, visible, assigned),
            raw=self.raw,
            updates=True,
            shown=visible,
            copies=self._copies(visible, rowid),
        )

    def _copies(self, visible: Visible, rowid: int) -> bool:
        """Tell whether an update copies an inherited row even if nothing changes.

        Where several versions are written it does: the row's origin may just have been changed by
        the same statement.
        """
        return visible.depth > 0 and (self.multi or not visible.is_row(self._locate(rowid)[1]))

    def delete(self, rowid: int) -> None:
        """Delete a visible row."""
        session = self._session
        version_id, key, visible = self._target(rowid)
        matched = None
        if visible is None and not self.raw:
            matched = session.writer.matched(self._locate(rowid)[1])
        session.files.directories.about_to_go(version_id, key, visible, session.writer_key)
        session.writer.remove(
            version_id,
            key,
            writer_key=session.writer_key,
            raw=self.raw,
            matched=matched,
            shown=visible,
        )

    # -- where a write goes

    def _insert_version(self, given: Any) -> str:
        if given is not None:
            raise ReadOnlyError(
                "lix_state insert cannot set version_id; active version is resolved automatically",
                hint="insert into lix_state_by_version",
                details={"column": "version_id", "value": given},
            )
        return self._session.versions.active_id()

    def _public_rowid(self, version_id: str, rowid: int) -> int:
        return rowid

    def _locate(self, rowid: int) -> tuple[str, int]:
        return self._session.versions.active_id(), rowid

    def _target(self, rowid: int) -> tuple[str, Key, Visible | None]:
        version_id, inner = self._locate(rowid)
        found = self._session.writer.locate(version_id, inner, raw=self.raw)
        if found is None:
            raise ReadOnlyError(
                f"{self.label} has no row {rowid} that could be written",
                hint="it was deleted, or never there: address it by its key",
            )
        return version_id, *found

    # -- what is written

    def _row(
        self,
        entity_id: Any,
        schema_key: Any,
        file_id: Any,
        plugin_key: Any,
        schema_version: Any,
        content: Any,
        metadata: Any,
        writer_key: Any,
        untracked: Any,
    ) -> RowWrite:
        label = self._insert_label
        parsed = _content(content, label, schema_key, schema_version)
        if entity_id is None and parsed is not None and schema_key and schema_version:
            schema = self._session.catalogue.get(schema_key, schema_version)
            if isinstance(parsed, dict):
                # the key may be a default
                parsed = schema.apply_defaults(parsed, self._session.writer.source)
            entity_id = schema.entity_id_of(parsed)
        names = (entity_id, schema_key, file_id, plugin_key, schema_version)
        if set(map(type, names)) != _TEXT:
            for value, column in zip(names, _WRITTEN[1:], strict=False):
                text(value, label, column)
        return RowWrite(
            entity_id,
            schema_key,
            file_id,
            plugin_key,
            schema_version,
            parsed,
            None if metadata is None else json_value(metadata, label, "metadata"),
            self._session.writer_key
            if writer_key is None
            else optional_text(writer_key, "writer_key"),
            untracked is not None and flag(untracked, label, "untracked"),
        )

    def _changed(self, key: Key, visible: Visible, assigned: dict[str, Any]) -> RowWrite:
        label = f"{self.label} update"
        names = self._session.store.names
        values = visible.values
        content = assigned.get("snapshot_content", values.snapshot)
        metadata = assigned.get("metadata", values.metadata)
        version = assigned.get("schema_version", values.schema_version)
        return RowWrite(
            key.entity_id,
            names.text(key.schema_id),
            names.text(key.file_id),
            text(assigned["plugin_key"], label, "plugin_key")
            if "plugin_key" in assigned
            else names.text(values.plugin_id),
            text(version, label, "schema_version"),
            _content(content, label, names.text(key.schema_id), version),
            None if metadata is None else json_value(metadata, label, "metadata"),
            self._writer_key(assigned),
            visible.untracked,
        )

    def _writer_key(self, assigned: dict[str, Any]) -> str | None:
        if "writer_key" in assigned:
            return optional_text(assigned["writer_key"], "writer_key")
        return self._session.writer_key

    # -- refusals

    def _refuse_computed(self, fields: Sequence[Any]) -> None:
        given = dict(zip(self._place, fields, strict=True))
        for name in _READ_ONLY:
            if given.get(name) is not None:
                raise ReadOnlyError(
                    f"{self.label} insert cannot set {name}; it is computed",
                    hint=f"leave {name} out",
                    details={"column": name},
                )

    def _refuse_assignments(
        self, assigned: dict[str, Any], version_id: str, key: Key, visible: Visible
    ) -> None:
        names = self._session.store.names
        current = {
            "entity_id": key.entity_id,
            "schema_key": names.text(key.schema_id),
            "file_id": names.text(key.file_id),
            "version_id": version_id,
            "untracked": int(visible.untracked),
        }
        for name, value in assigned.items():
            if name == "version_id" and not self.multi:
                raise ReadOnlyError(
                    f"{self.label} update cannot set version_id; "
                    "active version is resolved automatically",
                    hint="insert the row into lix_state_by_version",
                    details={"column": name, "value": value},
                )
            if name in current and value != current[name]:
                raise ReadOnlyError(
                    f"{self.label} update cannot change {name}",
                    hint="delete the row and insert another"
                    if name in _IDENTITY
                    else "insert the row with the other value",
                    details={"column": name, "value": value},
                )
            if name in _READ_ONLY:
                raise ReadOnlyError(
                    f"{self.label} update cannot set {name}; it is computed",
                    hint="leave the column out of the statement",
                    details={"column": name},
                )


class StateByVersion(State):
    """Effective rows of every version."""

    name = "lix_state_by_version"
    label = "lix_state_by_version"
    multi = True
    conflict_keys = (
        (
            ("schema_key", "file_id", "entity_id", "version_id"),
            (),
            "inherited_from_version_id IS NULL",
        ),
    )

    def _make_reader(self) -> Reader:
        return Reader(self._session, self.columns, multi=True)

    def _insert_version(self, given: Any) -> str:
        if given is None:
            raise InvalidValueError(
                f"{self.label} insert requires version_id",
                hint="name the version, or insert into lix_state",
                details={"column": "version_id"},
            )
        return text(given, f"{self.label} insert", "version_id")

    def _public_rowid(self, version_id: str, rowid: int) -> int:
        place = self._session.store.versions.place(version_id)
        return join_rowid(place[0] if place else 0, rowid)

    def _locate(self, rowid: int) -> tuple[str, int]:
        version_no, inner = split_rowid(rowid)
        return self._session.store.versions.pointer_by_no(version_no).id, inner


_VTABLE_ORDER = (
    "entity_id", "schema_key", "file_id", "version_id", "plugin_key", "snapshot_content",
    "metadata", "schema_version", "created_at", "updated_at", "inherited_from_version_id",
    "change_id", "writer_key", "untracked",
)  # fmt: skip
_BY_NAME = {column.name: column for column in STATE_COLUMNS}


class StoredState(StateByVersion):
    """Rows as versions hold them: own rows only, tombstones included, any version id."""

    name = "lix_internal_state_vtable"
    label = "vtable"
    columns: Sequence[Column] = tuple(_BY_NAME[name] for name in _VTABLE_ORDER)
    raw = True

    def _make_reader(self) -> Reader:
        return Reader(self._session, self.columns, multi=True, own=True)


def _content(value: Any, label: str, schema_key: Any, schema_version: Any) -> Json:
    """Return the content a row is given, None for a tombstone."""
    if value is None:
        return None
    content = json_value(value, label, "snapshot_content")
    if content is None:
        raise SchemaValidationError(
            f"{label}: snapshot_content does not match schema '{schema_key}' ({schema_version}): "
            "null is not of type 'object'",
            hint="a tombstone is NULL, not JSON null",
            details={"column": "snapshot_content", "schema_key": schema_key},
        )
    return content
