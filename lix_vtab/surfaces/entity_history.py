"""`<schema>_history` and `<schema>_at(revision)`: the rows of one schema over time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lix_vtab.errors import SchemaNotFound
from lix_vtab.resolution.scope import Scope
from lix_vtab.schema import CompiledSchema
from lix_vtab.session import Session
from lix_vtab.surfaces.at import REVISION, At
from lix_vtab.surfaces.base import ReadOnlySurface
from lix_vtab.surfaces.entity_pins import override_filters, pinned_values
from lix_vtab.surfaces.entity_rows import entity_ids_of
from lix_vtab.surfaces.entity_shape import EntityShape, entity_columns, entity_lookups
from lix_vtab.surfaces.history_reader import HISTORY_COLUMNS, HistoryReader
from lix_vtab.surfaces.planner import Column, Plan
from lix_vtab.surfaces.reader import Reader

__all__ = ["EntityHistory", "entity_at", "history_columns"]

_META = (
    Column("lixcol_entity_id", "TEXT", "{entity_id}", "entity"),
    Column("lixcol_schema_key", "TEXT", "{schema_key}"),
    Column("lixcol_file_id", "TEXT", "{file_id}", "file"),
    Column("lixcol_version_id", "TEXT", "'global'"),
    Column("lixcol_plugin_key", "TEXT", "{plugin_key}", "plugin"),
    Column("lixcol_schema_version", "TEXT", "{schema_version}"),
    Column("lixcol_change_id", "TEXT", "{change_id}"),
    Column("lixcol_metadata", "TEXT", "{metadata}"),
    *(column._replace(name=f"lixcol_{column.name}") for column in HISTORY_COLUMNS),
)

_FROM_TEXT = dict.fromkeys(("INTEGER", "REAL", "BOOLEAN"), "iif(json_valid({}), ({}) ->> '$', {})")
"""What makes a value of the text it has in a key, by the declared type of its column.

A row of an earlier schema of that name may have had a key of another type.
"""


def history_columns(shape: EntityShape) -> tuple[Column, ...]:
    """Return the columns of a schema's history: its properties, then `lixcol_*`."""
    return (*entity_columns(shape, by_version=False)[: len(shape.columns)], *_META)


class EntityHistory(ReadOnlySurface):
    """History of a schema's entities; all properties of a deletion are NULL but its key.

    It starts at the tip of the version the schema's table shows: of the active one, or of the one
    the schema is tied to.
    """

    def __init__(self, session: Session, shape: EntityShape) -> None:
        self.name = f"{shape.key}_history"
        self.columns = history_columns(shape)
        self._session = session
        self._key = shape.key
        self._reader: HistoryReader | None = None

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find changes."""
        reader = self._reader
        if reader is None:
            # the order of a key's parts is the schema's, which a table outlives no change of
            reader = self._reader = HistoryReader(
                self._session,
                _keyed(self.columns, _schema(self._session, self._key)),
                schema_key=self._key,
                prefix="lixcol_",
                entities_of=entities_of(self._session, self._key),
                pinned=tuple(pinned_values(_schema(self._session, self._key))),
                home=_schema(self._session, self._key).home,
            )
        return reader.rows(plan, args)


def entity_at(session: Session, shape: EntityShape) -> At:
    """Build `<schema>_at(revision)`: the columns of the schema's table, and its indexes."""
    columns = (*entity_columns(shape, by_version=False), REVISION)
    lookups = entity_lookups(shape)
    reader: Reader | None = None

    def rows_at(plan: Plan, args: Sequence[Any], scope: Scope) -> Iterable[Sequence[Any]]:
        nonlocal reader
        if reader is None:
            reader = Reader(
                session,
                columns,
                schema_key=shape.key,
                filters=override_filters(_schema(session, shape.key), live=False),
                entities_of=entities_of(session, shape.key),
                lookups=lookups,
            )
        return reader.rows_at(plan, args, scope)

    return At(session, f"{shape.key}_at", columns, rows_at, lookups=lookups)


def entities_of(session: Session, key: str) -> Callable[[dict[str, Any]], list[str]]:
    """Return what makes entity ids of the primary key of a schema, given as SQL values."""
    return lambda values: entity_ids_of(_schema(session, key), values)


def _schema(session: Session, key: str) -> CompiledSchema:
    schema = session.catalogue.latest(key)
    if schema is None:
        raise SchemaNotFound(
            f"schema '{key}' is not stored",
            hint="lix_register_schema() stores it",
            details={"schema_key": key},
        )
    return schema


def _keyed(columns: Sequence[Column], schema: CompiledSchema) -> list[Column]:
    """Let the parts of a key be read from the entity id where there is no content."""
    names = [pointer.name for pointer in schema.primary_key]
    found = []
    for column in columns:
        if column.role == "key":
            part = f"lix_key_part({{entity_id}}, {names.index(column.name)}, {len(names)})"
            part = _FROM_TEXT.get(column.declared, "{}").replace("{}", part)
            column = column._replace(template=f"coalesce({column.template}, {part})")
        found.append(column)
    return found
