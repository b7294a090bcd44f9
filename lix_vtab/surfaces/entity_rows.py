"""Rows of a schema's tables on their way in: from SQL values to what is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lix_vtab.errors import ConstraintViolation, InvalidValueError
from lix_vtab.model.json import Json, canonical_json, parse_json
from lix_vtab.mutation.catalogue import STORED_SCHEMA
from lix_vtab.mutation.writer import RowWrite, Visible
from lix_vtab.schema import CompiledSchema, Property, from_sql, schema_of_snapshot
from lix_vtab.schema.keys import key_text
from lix_vtab.session import Session
from lix_vtab.storage.rows import Key, Values
from lix_vtab.surfaces.entity_pins import pinned_metadata
from lix_vtab.surfaces.values import flag, json_value, text

__all__ = ["EntityRows", "entity_ids_of"]


class EntityRows:
    """Makes rows of one schema for the table `name`, whose first columns are the properties.

    SQLite does not tell a virtual table which columns an INSERT left out, so NULL leaves a
    property out; one that has to be there and may be null becomes null.
    """

    __slots__ = (
        "_file_id", "_insert", "_metadata", "_name", "_nullable", "_pinned_id", "_plugin_key",
        "_readers", "_session", "schema",
    )  # fmt: skip

    def __init__(self, session: Session, schema: CompiledSchema, name: str) -> None:
        self._session = session
        self._name = name
        self._insert = f"{name} insert"
        self.schema = schema
        pinned = schema.overrides.values.get("entity_id")
        self._pinned_id = None if pinned is None else key_text(pinned)
        self._metadata = pinned_metadata(schema)
        self._file_id = schema.overrides.file_id or "lix"
        self._plugin_key = schema.overrides.plugin_key or "lix"
        self._readers = tuple(
            _reader(property, f"{self._insert} property '{property.name}'")
            for property in schema.properties.values()
        )
        self._nullable = _nullable(schema)

    def inserted(self, fields: Sequence[Any], given: Mapping[str, Any]) -> RowWrite:
        """Return the row of an INSERT; `given` are the columns after the properties.

        It is empty when none of them has a value.
        """
        schema = self.schema if not given else self._addressed(given)
        content = self._content(fields, schema)
        entity_id = self._entity_id(content)
        if given and given["lixcol_entity_id"] is not None:
            entity_id = text(given["lixcol_entity_id"], self._insert, "lixcol_entity_id")
        elif self._pinned_id is not None:
            entity_id = self._pinned_id
        if entity_id is None:
            raise InvalidValueError(
                f"{self._insert} requires entity_id (schema has no x-lix-primary-key)",
                hint="give lixcol_entity_id",
                details={"column": "lixcol_entity_id"},
            )
        row = RowWrite(
            entity_id,
            schema.key,
            self._file_id,
            self._plugin_key,
            schema.version,
            content,
            self._metadata,
            self._session.writer_key,
            schema.overrides.untracked,
        )
        return self._with(row, given) if given else row

    def _addressed(self, given: Mapping[str, Any]) -> CompiledSchema:
        """Return the version of the schema a statement names, which is the newest by default."""
        schema, version = self.schema, given["lixcol_schema_version"]
        if version in (None, schema.version) or schema.key == STORED_SCHEMA:
            return schema
        named = text(version, self._insert, "lixcol_schema_version")
        return self._session.catalogue.get(schema.key, named)

    def _entity_id(self, content: Json) -> str | None:
        try:
            return self.schema.entity_id_of(content)
        except ConstraintViolation as error:
            key = ", ".join(pointer.text[1:] for pointer in self.schema.primary_key)
            missing = error.details["pointer"][1:]
            raise ConstraintViolation(
                f"{self._insert} requires entity_id or all primary-key properties ({key}): cannot "
                f"derive entity_id from null primary-key property '{missing}': {error.message}",
                hint=error.hint,
                details={**error.details, "schema_key": self.schema.key},
            ) from error

    def _with(self, row: RowWrite, given: Mapping[str, Any]) -> RowWrite:
        """Return a new row with what the statement says about it."""
        label = self._insert
        changed: dict[str, Any] = {
            field: text(given[f"lixcol_{field}"], label, f"lixcol_{field}")
            for field in ("file_id", "plugin_key", "schema_version")
            if given[f"lixcol_{field}"] is not None
        }
        if given["lixcol_metadata"] is not None:
            changed["metadata"] = _metadata(given["lixcol_metadata"], label)
        if given["lixcol_untracked"] is not None:
            changed["untracked"] = flag(given["lixcol_untracked"], label, "lixcol_untracked")
        return row._replace(**changed)

    def updated(self, key: Key, visible: Visible, assigned: Mapping[str, Any]) -> RowWrite:
        """Return the row an UPDATE makes of a visible one."""
        label = f"{self._name} update"
        names = self._session.store.names
        values = visible.values
        content, version = self._patched(values, assigned)
        plugin_key = assigned.get("lixcol_plugin_key", names.text(values.plugin_id))
        version = assigned.get("lixcol_schema_version", version)
        return RowWrite(
            key.entity_id,
            self.schema.key,
            names.text(key.file_id),
            text(plugin_key, label, "lixcol_plugin_key"),
            text(version, label, "lixcol_schema_version"),
            content,
            _metadata(assigned.get("lixcol_metadata", values.metadata), label),
            self._session.writer_key,
            visible.untracked,
        )

    def _content(self, fields: Sequence[Any], schema: CompiledSchema) -> dict[str, Json]:
        """Return the snapshot of a new row of a version of the schema."""
        content: dict[str, Json] = {}
        for (name, ready, read), value in zip(self._readers, fields, strict=False):
            if type(value) in ready:
                content[name] = value
            elif value is not None:
                content[name] = read(value)
        content = schema.apply_defaults(content, self._session.writer.source)
        for name in self._nullable if schema is self.schema else _nullable(schema):
            if name not in content:
                content = {**content, name: None}
        if schema.key == STORED_SCHEMA:
            # what is no definition at all has no key either
            schema_of_snapshot(content)
        return content

    def _patched(self, values: Values, assigned: Mapping[str, Any]) -> tuple[Json, str]:
        """Return the snapshot with properties assigned, and the schema version it then has.

        A row whose properties change comes under the newest schema, which knows all the columns.
        """
        before = parse_json(values.snapshot or "{}")
        content = dict(before)
        for name, property in self.schema.properties.items():
            if name not in assigned:
                continue
            if assigned[name] is not None:
                label = f"{self._name} update assignment '{name}'"
                content[name] = from_sql(assigned[name], property, label)
            elif property.required and property.null:
                content[name] = None
            elif content.get(name) is not None:
                del content[name]
        changed = canonical_json(content) != canonical_json(before)
        return content, self.schema.version if changed else values.schema_version


def entity_ids_of(schema: CompiledSchema, values: Mapping[str, Any]) -> list[str]:
    """Return the entity ids a primary key given as SQL values may have, none when no row has it.

    To SQL `true` is 1, so there can be more than one.
    """
    contents: list[dict[str, Json]] = [{}]
    for name, value in values.items():
        if value is None:
            return []
        property = schema.properties[name]
        found = from_sql(value, property, name)
        spelled = [found]
        if property.boolean and type(found) in (int, float) and found in (0, 1):
            spelled = [found, bool(found)] if property.number else [bool(found)]
        contents = [{**content, name: each} for content in contents for each in spelled]
    ids = (schema.entity_id_of(content) for content in contents)
    return [id for id in dict.fromkeys(ids) if id is not None]


def _nullable(schema: CompiledSchema) -> tuple[str, ...]:
    """Return the properties that become null when nothing is said of them."""
    return tuple(p.name for p in schema.properties.values() if p.required and p.null)


def _reader(property: Property, label: str) -> tuple[str, frozenset[type], Callable[[Any], Json]]:
    """Return the name of a property, what turns its SQL values into JSON, and what needs no turn.

    Nearly every value is one that is JSON as it is, as texts are where texts are admitted.
    """
    ready: set[type] = {str} if property.string else set()
    if property.number or not property.boolean:
        ready.add(int)
    return property.name, frozenset(ready), lambda value: from_sql(value, property, label)


def _metadata(value: Any, label: str) -> Json:
    return None if value is None else json_value(value, label, "lixcol_metadata")
