"""`<schema>` and `<schema>_by_version`: the rows of one stored schema, a column per property."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import apsw

from lix_vtab.errors import InvalidValueError, ReadOnlyError, SchemaNotFound
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.mutation.catalogue import STORED_SCHEMA
from lix_vtab.mutation.writer import RowWrite, Visible
from lix_vtab.schema import CompiledSchema
from lix_vtab.session import Session
from lix_vtab.storage.rows import Key
from lix_vtab.surfaces.entity_pins import override_filters
from lix_vtab.surfaces.entity_rows import EntityRows, entity_ids_of
from lix_vtab.surfaces.entity_shape import EntityShape, entity_columns, entity_lookups
from lix_vtab.surfaces.planner import Column, Plan
from lix_vtab.surfaces.reader import Reader
from lix_vtab.surfaces.rowids import join_rowid, split_rowid
from lix_vtab.surfaces.values import text

__all__ = ["Entity", "EntityByVersion"]

_COMPUTED = (
    "lixcol_schema_key",
    "lixcol_created_at",
    "lixcol_updated_at",
    "lixcol_inherited_from_version_id",
    "lixcol_change_id",
)


class _Ready(NamedTuple):
    """What needs the stored schema, not only its shape."""

    generation: int
    schema: CompiledSchema
    rows: EntityRows
    reader: Reader


class Entity:
    """Effective rows of a schema in the active version, or in the version the schema is tied to.

    The columns follow from the shape alone; the schema is looked up when rows are asked for.
    """

    required: Sequence[int] = ()
    sortable = True
    multi = False

    def __init__(self, session: Session, shape: EntityShape) -> None:
        self._session = session
        self.shape = shape
        self.name = shape.key + ("_by_version" if self.multi else "")
        self.columns: Sequence[Column] = entity_columns(shape, by_version=self.multi)
        self.lookups = entity_lookups(shape)
        self._names = [column.name for column in self.columns]
        self._count = len(shape.columns)
        self._meta = self._names[self._count :]
        self._known: _Ready | None = None

    @property
    def schema(self) -> CompiledSchema:
        """Return the newest stored schema of the table."""
        return self._ready().schema

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find visible rows."""
        self._session.store.refresh()
        ready = self._ready()
        return ready.reader.rows(plan, args, ready.schema.home)

    def _ready(self) -> _Ready:
        catalogue = self._session.catalogue
        known = self._known
        if known is None or known.generation != catalogue.generation:
            key = self.shape.key
            schema = catalogue.latest(key)
            if schema is None:
                raise SchemaNotFound(
                    f"schema '{key}' is not stored",
                    hint="lix_register_schema() stores it",
                    details={"schema_key": key},
                )
            rows = EntityRows(self._session, schema, self.name)
            known = _Ready(catalogue.generation, schema, rows, self._make_reader(schema))
            self._known = known
        return known

    def _make_reader(self, schema: CompiledSchema) -> Reader:
        whole = any(column.role == "key" for column in self.columns)
        return Reader(
            self._session,
            self.columns,
            schema_key=schema.key,
            filters=override_filters(schema),
            multi=self.multi,
            entities_of=self._entities_of if whole else None,
            lookups=self.lookups,
        )

    # -- writing

    def insert(self, fields: Sequence[Any], conflict: int) -> int:
        """Insert a row; a key the version already has is an error, or replaced, or ignored."""
        meta = fields[self._count :]
        # nearly every row says nothing about itself
        given: dict[str, Any] = {}
        if meta.count(None) != len(meta):
            given = dict(zip(self._meta, meta, strict=True))
            self._refuse_computed(given)
        row = self._ready().rows.inserted(fields, given)
        version_id = self._insert_version(given.get("lixcol_version_id"))
        if given and given["lixcol_file_id"] is not None and given["lixcol_plugin_key"] is None:
            # what a plugin made of a file goes back into it
            row = self._of_plugin(version_id, row)
        # storing a schema again is fine while it says the same, which its own rules see to
        unique = conflict != apsw.SQLITE_REPLACE and self.shape.key != STORED_SCHEMA
        rowid = self._session.writer.put(version_id, row, unique=unique)
        return self._public_rowid(version_id, rowid)

    def _of_plugin(self, version_id: str, row: RowWrite) -> RowWrite:
        session = self._session
        scope = session.scopes.of(version_id)
        if row.file_id == "lix" or scope is None:
            return row
        plugin_key = session.files.plugin_of(scope, row.file_id, row.schema_key)
        return row if plugin_key is None else row._replace(plugin_key=plugin_key)

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
        row = self._ready().rows.updated(key, visible, assigned)
        # where several versions are written, an inherited row is copied in any case
        inherited = visible.depth > 0
        copies = inherited and (self.multi or not visible.is_row(self._locate(rowid)[1]))
        self._session.writer.put(version_id, row, updates=True, shown=visible, copies=copies)

    def delete(self, rowid: int) -> None:
        """Delete a visible row."""
        session = self._session
        version_id, key, visible = self._target(rowid)
        matched = None
        if visible is None:
            matched = session.writer.matched(self._locate(rowid)[1])
        session.files.directories.about_to_go(version_id, key, visible, session.writer_key)
        session.writer.remove(
            version_id, key, writer_key=session.writer_key, matched=matched, shown=visible
        )

    # -- where a write goes

    def _insert_version(self, given: Any) -> str:
        return self.schema.home or self._session.versions.active_id()

    def _public_rowid(self, version_id: str, rowid: int) -> int:
        return rowid

    def _locate(self, rowid: int) -> tuple[str, int]:
        return self._insert_version(None), rowid

    def _target(self, rowid: int) -> tuple[str, Key, Visible | None]:
        version_id, inner = self._locate(rowid)
        found = self._session.writer.locate(version_id, inner)
        if found is None:
            raise ReadOnlyError(
                f"{self.name} has no row {rowid} that could be written",
                hint="it was deleted, or never there: address it by its key",
            )
        return version_id, *found

    # -- keys

    def entity_id(self, plan: Plan, args: Sequence[Any]) -> str | None:
        """Return the one entity a plan looks for by its whole primary key."""
        return self._ready().reader.entity_id(plan, args)

    def _entities_of(self, values: dict[str, Any]) -> list[str]:
        """Return the entity ids a primary key given as SQL values may have."""
        return entity_ids_of(self.schema, values)

    @property
    def conflict_keys(self) -> tuple[object, ...]:
        """Return what ON CONFLICT can name: the primary key and the unique groups."""
        key = tuple(column.name for column in self.shape.columns if column.key)
        also = ("lixcol_version_id",) if self.multi else ()
        scope = ("lixcol_file_id",)
        # a key that is only inherited is not in the way, a value of a unique group is
        own = "lixcol_inherited_from_version_id IS NULL"
        groups = (((*group, *also), scope, "") for group in self.shape.unique)
        return (((*(key or ("lixcol_entity_id",)), *also), scope, own), *groups)

    # -- refusals

    def _refuse_computed(self, given: dict[str, Any]) -> None:
        for name in _COMPUTED:
            if given[name] is not None:
                raise ReadOnlyError(
                    f"{self.name} insert cannot set {_refused(name)}",
                    hint="leave the column out of the statement",
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
                    f"{self.name} update cannot "
                    + (f"set {_refused(name)}" if name in _COMPUTED else f"change {name}"),
                    hint="delete the row and insert another" if name in current else None,
                    details={"column": name, "value": value},
                )


class EntityByVersion(Entity):
    """Effective rows of a schema in every version."""

    multi = True

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find visible rows of all versions."""
        self._session.store.refresh()
        return self._ready().reader.rows(plan, args)

    def _insert_version(self, given: Any) -> str:
        version_id = given if given is not None else self.schema.home
        if version_id is None:
            raise InvalidValueError(
                f"{self.name} insert requires lixcol_version_id or schema default override",
                hint=f"name the version, or insert into {self.shape.key}",
                details={"column": "lixcol_version_id"},
            )
        return text(version_id, f"{self.name} insert", "lixcol_version_id")

    def _public_rowid(self, version_id: str, rowid: int) -> int:
        place = self._session.store.versions.place(version_id)
        return join_rowid(place[0] if place else 0, rowid)

    def _locate(self, rowid: int) -> tuple[str, int]:
        version_no, inner = split_rowid(rowid)
        return self._session.store.versions.pointer_by_no(version_no).id, inner


def _refused(column: str) -> str:
    """Name a column nobody can set, and say why."""
    if column == "lixcol_schema_key":
        return "schema_key; view schema is fixed"
    return f"{column}; it is computed"
