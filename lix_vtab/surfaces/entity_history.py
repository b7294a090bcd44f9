"""`<schema>_history` and `<schema>_at(revision)`: the rows of one schema over time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lix_vtab.session import Session
from lix_vtab.surfaces.at import REVISION, At
from lix_vtab.surfaces.base import ReadOnlySurface
from lix_vtab.surfaces.entity_shape import EntityShape, entity_columns
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


def history_columns(shape: EntityShape) -> tuple[Column, ...]:
    """Return the columns of a schema's history: its properties, then `lixcol_*`."""
    return (*entity_columns(shape, by_version=False)[: len(shape.columns)], *_META)


class EntityHistory(ReadOnlySurface):
    """History of a schema's entities; all properties of a deletion are NULL but its key."""

    def __init__(self, session: Session, shape: EntityShape) -> None:
        self.name = f"{shape.key}_history"
        self.columns = history_columns(shape)
        self._reader = HistoryReader(session, self.columns, schema_key=shape.key, prefix="lixcol_")

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find changes."""
        return self._reader.rows(plan, args)


def entity_at(session: Session, shape: EntityShape) -> At:
    """Build `<schema>_at(revision)`: the columns of the schema's table."""
    columns = (*entity_columns(shape, by_version=False), REVISION)
    reader = Reader(session, columns, schema_key=shape.key)
    return At(session, f"{shape.key}_at", columns, reader.rows_at)
