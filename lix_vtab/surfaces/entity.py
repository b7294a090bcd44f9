"""`<schema>` and `<schema>_by_version`: the rows of one stored schema, a column per property."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apsw

from lix_vtab.errors import InvalidValueError, ReadOnlyError
from lix_vtab.model.json import Json, canonical_json, parse_json
from lix_vtab.mutation.catalogue import STORED_SCHEMA
from lix_vtab.mutation.writer import RowWrite, Visible
from lix_vtab.schema import CompiledSchema, from_sql, schema_of_snapshot
from lix_vtab.session import Session
from lix_vtab.storage.rows import Key, Values
from lix_vtab.surfaces.planner import Column, Plan
from lix_vtab.surfaces.reader import Reader, join_rowid, split_rowid
from lix_vtab.surfaces.values import flag, json_value, text

__all__ = ["Entity", "EntityByVersion", "entity_columns", "property_template"]

_META = (
    Column("lixcol_entity_id", "TEXT", "{entity_id}", "entity"),
    Column("lixcol_schema_key", "TEXT", "{schema_key}"),
    Column("lixcol_file_id", "TEXT", "{file_id}", "file"),
    Column("lixcol_version_id", "TEXT", "{version_id}", "version"),
    Column("lixcol_plugin_key", "TEXT", "{plugin_key}", "plugin"),
    Column("lixcol_schema_version", "TEXT", "{schema_version}"),
    Column("lixcol_created_at", "TEXT", "{created_at}"),
    Column("lixcol_updated_at", "TEXT", "{updated_at}"),
    Column("lixcol_inherited_from_version_id", "TEXT", "{origin}"),
    Column("lixcol_change_id", "TEXT", "{change_id}"),
    Column("lixcol_untracked", "INTEGER", "{untracked}"),
    Column("lixcol_metadata", "TEXT", "{metadata}"),
)

_COMPUTED = (
    "lixcol_schema_key",
    "lixcol_created_at",
    "lixcol_updated_at",
    "lixcol_inherited_from_version_id",
    "lixcol_change_id",
)


def property_template(name: str) -> str:
    """Return the template of a first-level property's value.

    >>> property_template("name")
    "{snapshot} ->> '$.name'"
    """
    if name.isidentifier() and name.isascii():
        return f"{{snapshot}} ->> '$.{name}'"
    # names JSON paths cannot spell are looked up by a function of ours
    return f"lix_json_text({{snapshot}}, {_literal(name)})"


def entity_columns(schema: CompiledSchema, *, by_version: bool) -> tuple[Column, ...]:
    """Return the columns of a schema's tables: properties sorted by name, then `lixcol_*`."""
    return (*_properties(schema), *(c for c in _META if by_version or c.role != "version"))


def _properties(schema: CompiledSchema) -> Iterator[Column]:
    key = schema.primary_key
    for name, property in schema.properties.items():
        declared = property.sql_type
        if len(key) == 1 and key[0].name == name and property.admits == {"string"}:
            yield Column(name, "TEXT", "{entity_id}", "entity")
        else:
            role = "key" if any(pointer.name == name for pointer in key) else ""
            yield Column(name, declared, property_template(name), role)


class Entity:
    """Effective rows of a schema in the active version, or in the version the schema is tied to."""

    required: Sequence[int] = ()
    sortable = True
    multi = False

    def __init__(self, session: Session, schema: CompiledSchema) -> None:
        self._session = session
        self.schema = schema
        self.name = schema.key + ("_by_version" if self.multi else "")
        self.columns: Sequence[Column] = entity_columns(schema, by_version=self.multi)
        self._names = [column.name for column in self.columns]
        self._count = len(schema.properties)
        self._overrides = schema.overrides
        self._reader = Reader(
            session,
            self.columns,
            schema_key=schema.key,
            filters=list(_override_filters(schema, by_version=self.multi)),
            multi=self.multi,
            entity_of=self._entity_of if self._has_keys() else None,
        )
        self.conflict_keys = self._conflict_keys()

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find visible rows."""
        return self._reader.rows(plan, args, self._overrides.version_id)

    # -- writing

    def insert(self, fields: Sequence[Any], conflict: int) -> int:
        """Insert a row; a key the version already has is an error, or replaced, or ignored."""
        given = dict(zip(self._names, fields, strict=True))
        self._refuse_computed(given)
        version_id = self._insert_version(given.get("lixcol_version_id"))
        row = self._row(given)
        # storing a schema again is fine while it says the same, which its own rules see to
        unique = conflict != apsw.SQLITE_REPLACE and self.schema.key != STORED_SCHEMA
        rowid = self._session.writer.put(version_id, row, unique=unique)
        return self._public_rowid(version_id, rowid)

    def update(self, rowid: int, fields: Sequence[Any]) -> None:
        """Change properties or metadata of a visible row."""
        version_id, key, visible = self._target(rowid)
        if visible is None or visible.values.snapshot is None:
            return
        assigned = {
            name: value
            for name, value in zip(self._names, fields, strict=True)
            if value is not apsw.no_change
        }
        self._refuse_assignments(assigned, version_id, key, visible)
        row = self._changed(key, visible, assigned)
        same = visible if visible.is_row(self._locate(rowid)[1]) else None
        self._session.writer.put(version_id, row, updates=True, visible=same)

    def delete(self, rowid: int) -> None:
        """Delete a visible row."""
        version_id, key, _ = self._target(rowid)
        self._session.writer.remove(version_id, key, writer_key=self._session.writer_key)

    # -- what is written

    def _content(self, given: dict[str, Any]) -> dict[str, Json]:
        """Return the snapshot of a new row: NULL leaves a property out."""
        label = f"{self.name} insert"
        properties = self.schema.properties
        content = {
            name: from_sql(given[name], property, f"{label} property '{name}'")
            for name, property in properties.items()
            if given[name] is not None
        }
        content = self.schema.apply_defaults(content, self._session.writer.source)
        missing = {
            name: None
            for name, property in properties.items()
            if property.required and property.null and name not in content
        }
        return {**content, **missing} if missing else content

    def _row(self, given: dict[str, Any]) -> RowWrite:
        label = f"{self.name} insert"
        overrides = self._overrides
        content = self._content(given)
        if self.schema.key == STORED_SCHEMA:
            # what is no definition at all has no key either
            schema_of_snapshot(content)
        entity_id = self.schema.entity_id_of(content)
        if given["lixcol_entity_id"] is not None:
            entity_id = text(given["lixcol_entity_id"], label, "lixcol_entity_id")
        if entity_id is None:
            raise InvalidValueError(
                f"{label} requires entity_id (schema has no x-lix-primary-key)",
                hint="give lixcol_entity_id",
                details={"column": "lixcol_entity_id"},
            )
        metadata = given["lixcol_metadata"]
        untracked = given["lixcol_untracked"]
        return RowWrite(
            entity_id,
            self.schema.key,
            text(given["lixcol_file_id"] or overrides.file_id or "lix", label, "lixcol_file_id"),
            text(
                given["lixcol_plugin_key"] or overrides.plugin_key or "lix",
                label,
                "lixcol_plugin_key",
            ),
            text(
                given["lixcol_schema_version"] or self.schema.version,
                label,
                "lixcol_schema_version",
            ),
            content,
            None if metadata is None else json_value(metadata, label, "lixcol_metadata"),
            self._session.writer_key,
            overrides.untracked
            if untracked is None
            else flag(untracked, label, "lixcol_untracked"),
        )

    def _changed(self, key: Key, visible: Visible, assigned: dict[str, Any]) -> RowWrite:
        label = f"{self.name} update"
        names = self._session.store.names
        values = visible.values
        content, version = self._patched(values, assigned)
        metadata = assigned.get("lixcol_metadata", values.metadata)
        return RowWrite(
            key.entity_id,
            self.schema.key,
            names.text(key.file_id),
            text(
                assigned.get("lixcol_plugin_key", names.text(values.plugin_id)),
                label,
                "lixcol_plugin_key",
            ),
            text(assigned.get("lixcol_schema_version", version), label, "lixcol_schema_version"),
            content,
            None if metadata is None else json_value(metadata, label, "lixcol_metadata"),
            self._session.writer_key,
            visible.untracked,
        )

    def _patched(self, values: Values, assigned: dict[str, Any]) -> tuple[dict[str, Json], str]:
        """Return the snapshot with properties assigned, and the schema version it then has.

        NULL takes a property out, unless it has to be there. A row whose properties change comes
        under the newest schema, which knows all the columns.
        """
        before = parse_json(values.snapshot or "{}")
        content = dict(before)
        for name, property in self.schema.properties.items():
            if name not in assigned:
                continue
            if assigned[name] is not None:
                label = f"{self.name} update assignment '{name}'"
                content[name] = from_sql(assigned[name], property, label)
            elif property.required and property.null:
                content[name] = None
            elif content.get(name) is not None:
                del content[name]
        changed = canonical_json(content) != canonical_json(before)
        return content, self.schema.version if changed else values.schema_version

    # -- where a write goes

    def _insert_version(self, given: Any) -> str:
        return self._overrides.version_id or self._session.versions.active_id()

    def _public_rowid(self, version_id: str, rowid: int) -> int:
        return rowid

    def _locate(self, rowid: int) -> tuple[str, int]:
        return self._insert_version(None), rowid

    def _target(self, rowid: int) -> tuple[str, Key, Visible | None]:
        session = self._session
        version_id, inner = self._locate(rowid)
        if inner < 0:
            overlay = session.store.overlay.by_no(-inner)
            key = None if overlay is None else overlay.key
        else:
            key = session.store.rows.key_of(inner)
        if key is None:
            raise ReadOnlyError(f"{self.name} has no row {rowid} that could be written")
        return version_id, key, session.writer.visible(version_id, key)

    # -- keys

    def _has_keys(self) -> bool:
        return any(column.role == "key" for column in self.columns)

    def _entity_of(self, values: dict[str, Any]) -> str | None:
        """Return the entity id of a primary key given as SQL values; None when none has it."""
        content: dict[str, Json] = {}
        for name, value in values.items():
            if value is None:
                return None
            content[name] = from_sql(value, self.schema.properties[name], name)
        return self.schema.entity_id_of(content)

    def _conflict_keys(self) -> tuple[object, ...]:
        names = tuple(pointer.name for pointer in self.schema.primary_key if pointer.name)
        if not names or len(names) != len(self.schema.primary_key):
            names = ("lixcol_entity_id",)
        own = "lixcol_inherited_from_version_id IS NULL"
        scope = ("lixcol_file_id",)
        if self.multi:
            return (((*names, "lixcol_version_id"), scope, own),)
        return ((names, scope, own),)

    # -- refusals

    def _refuse_computed(self, given: dict[str, Any]) -> None:
        for name in _COMPUTED:
            if given[name] is not None:
                raise ReadOnlyError(
                    f"{self.name} insert cannot set {name}; it is computed"
                    + ("; view schema is fixed" if name == "lixcol_schema_key" else ""),
                    details={"column": name},
                )

    def _refuse_assignments(
        self, assigned: dict[str, Any], version_id: str, key: Key, visible: Visible
    ) -> None:
        current = {
            "lixcol_entity_id": key.entity_id,
            "lixcol_file_id": self._session.store.names.text(key.file_id),
            "lixcol_version_id": version_id,
            "lixcol_untracked": int(visible.untracked),
        }
        for name, value in assigned.items():
            if name in _COMPUTED or (name in current and value != current[name]):
                raise ReadOnlyError(
                    f"{self.name} update cannot change {name}"
                    + ("; view schema is fixed" if name == "lixcol_schema_key" else ""),
                    hint="delete the row and insert another" if name in current else None,
                    details={"column": name, "value": value},
                )


class EntityByVersion(Entity):
    """Effective rows of a schema in every version."""

    multi = True

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find visible rows of all versions."""
        return self._reader.rows(plan, args)

    def _insert_version(self, given: Any) -> str:
        version_id = given if given is not None else self._overrides.version_id
        if version_id is None:
            raise InvalidValueError(
                f"{self.name} insert requires lixcol_version_id or schema default override",
                hint=f"name the version, or insert into {self.schema.key}",
                details={"column": "lixcol_version_id"},
            )
        return text(version_id, f"{self.name} insert", "lixcol_version_id")

    def _public_rowid(self, version_id: str, rowid: int) -> int:
        place = self._session.store.versions.place(version_id)
        return join_rowid(place[0] if place else 0, rowid)

    def _locate(self, rowid: int) -> tuple[str, int]:
        version_no, inner = split_rowid(rowid)
        return self._session.store.versions.pointer_by_no(version_no).id, inner


def _override_filters(schema: CompiledSchema, *, by_version: bool) -> Iterator[str]:
    """Yield the conditions `x-lix-override-lixcols` puts on every row a table shows."""
    fields = {
        "file_id": "{file_id}",
        "plugin_key": "{plugin_key}",
        "entity_id": "{entity_id}",
        "metadata": "{metadata}",
        "untracked": "{untracked}",
        "inherited_from_version_id": "{origin}",
    }
    for name, field in fields.items():
        if name in schema.overrides.values:
            value = schema.overrides.values[name]
            if value is None:
                yield f"{field} IS NULL"
            else:
                yield f"{field} = {_literal(value)}"


def _literal(value: Json) -> str:
    if isinstance(value, str):
        # braces would be taken for fields of a template
        escaped = value.replace("'", "''")
        escaped = escaped.replace("{", "'||char(123)||'").replace("}", "'||char(125)||'")
        return f"('{escaped}')"
    return str(int(value)) if isinstance(value, bool) else repr(value)
