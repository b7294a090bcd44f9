"""Finding the rows that rules are about: rivals, targets and referring rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from lix_vtab.model.json import Json, parse_json
from lix_vtab.model.keys import join_entity_id
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.mutation.constraint_rules import Group, Reference
from lix_vtab.mutation.writer import DERIVED
from lix_vtab.resolution.scope import Scope
from lix_vtab.resolution.visible import Query
from lix_vtab.schema.coerce import SqlValue
from lix_vtab.schema.groups import comparable, group_value, member_values
from lix_vtab.schema.keys import key_text
from lix_vtab.storage.ddl import qualify, quote
from lix_vtab.storage.index_tables import WITH_VALUE
from lix_vtab.storage.rows import Key
from lix_vtab.storage.store import Store

__all__ = ["Coming", "Row", "Search"]

_OUTPUTS = ("{entity_id}", "{file}", "{snapshot}", "{untracked}")
_BY_VALUE = Query(
    _OUTPUTS,
    3,
    ("x.schema_id = ?1",),
    (WITH_VALUE.replace("@group", "?2").replace("@values", "= ?3"),),
)
_BY_ENTITY = Query(_OUTPUTS, 2, ("x.schema_id = ?1", "x.entity_id = ?2"))

_ANYWHERE = (
    "SELECT 1 FROM lix_internal_index WHERE group_id = ? AND value = ? "
    "AND (entity_id IS NOT ? OR file_id IS NOT ?) LIMIT 1"
)
_HOLDERS = "SELECT DISTINCT holder FROM lix_internal_index WHERE group_id = ? AND value = ?"


class Row(NamedTuple):
    """A visible row."""

    key: Key
    content: Json
    untracked: bool


class Coming:
    """Rows that are being written: they count as if they were there, and hide what they replace."""

    __slots__ = ("_by_entity", "_by_group", "_rows")

    def __init__(self, rows: Mapping[Key, tuple[Json, bool]] | None = None) -> None:
        self._rows = dict(rows or {})
        self._by_entity: dict[tuple[int, str], list[Row]] = {}
        for key, (content, untracked) in self._rows.items():
            if content is not None:
                known = self._by_entity.setdefault((key.schema_id, key.entity_id), [])
                known.append(Row(key, content, untracked))
        self._by_group: dict[Group, dict[str, list[Row]]] = {}

    def only(self, keep: Callable[[Key], bool]) -> Coming:
        """Return the rows whose keys pass a test."""
        return Coming({key: row for key, row in self._rows.items() if keep(key)})

    def without(self, keys: Iterable[Key]) -> Coming:
        """Return the same rows, with some others going at the same time."""
        return Coming({**self._rows, **dict.fromkeys(keys, (None, False))})

    def replaces(self, row: Row) -> bool:
        """Tell whether a stored row is written anew or removed."""
        return row.key in self._rows

    def named(self, schema_id: int, entity_id: str) -> list[Row]:
        """Return the rows of an entity."""
        return self._by_entity.get((schema_id, entity_id), [])

    def having(self, schema_id: int, group: Group, wanted: str) -> list[Row]:
        """Return the rows with a value in a group."""
        known = self._by_group.get(group)
        if known is None:
            known = self._by_group[group] = {}
            for rows in self._by_entity.values():
                for row in rows:
                    values = member_values(group.pointers, row.content)
                    if row.key.schema_id == schema_id and values is not None:
                        known.setdefault(comparable(values), []).append(row)
        return known.get(wanted, [])


class Search:
    """Looks at the effective rows of a version as they will be once `Coming` is written."""

    __slots__ = ("_anywhere", "_holders", "_store")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._anywhere = qualify(_ANYWHERE, store.db)
        self._holders = qualify(_HOLDERS, store.db)

    def is_free(self, group: Group, value: SqlValue, key: Key | None = None) -> bool:
        """Tell whether no row anywhere ever had a value in a group, apart from that of a key."""
        place = (None, None) if key is None else (key.entity_id, key.file_id)
        return self._store.connection.run(self._anywhere, (group.id, value, *place)).get is None

    def holders(self, group: Group, values: list[Json]) -> frozenset[int]:
        """Return where rows lie that have, or once had, given values in a group."""
        given = (group.id, group_value(values))
        found = self._store.connection.execute(self._holders, given).fetchall()
        return frozenset(holder for (holder,) in found)

    def having(
        self, scope: Scope, group: Group, values: list[Json], coming: Coming
    ) -> Iterator[Row]:
        """Yield the rows with given values in a group."""
        store = self._store
        wanted = comparable(values)
        schema_id = store.names.find(group.schema_key)
        value = group_value(values)
        if not self.is_free(group, value):
            for row in self._rows(_BY_VALUE, scope, schema_id, group.id, value):
                found = member_values(group.pointers, row.content)
                if not coming.replaces(row) and found and comparable(found) == wanted:
                    yield row
        yield from coming.having(schema_id, group, wanted)

    def targets(
        self, scope: Scope, reference: Reference, values: list[Json], coming: Coming
    ) -> Iterator[Row]:
        """Yield the rows a reference with given values may mean."""
        if reference.to_state:
            yield from self._anything(scope, values, coming)
        elif reference.target is not None:
            yield from self.having(scope, reference.target, values, coming)
        else:
            schema_id = self._store.names.find(reference.target_key)
            wanted = comparable(values)
            id = join_entity_id(map(key_text, values))
            for row in self._named(scope, schema_id, id, coming):
                found = member_values(reference.target_properties, row.content)
                if found is not None and comparable(found) == wanted:
                    yield row

    def derived(self, reference: Reference, values: list[Json]) -> bool:
        """Tell whether bookkeeping that is derived has the target of a reference."""
        key, properties = reference.target_key, reference.target_properties
        if reference.to_state:
            key = str(values[1])
            known = key in DERIVED and values[2] == "lix"
            return known and self._exists(key, {"lixcol_entity_id": values[0]})
        if key not in DERIVED:
            return False
        return self._exists(key, dict(zip((p.path[-1] for p in properties), values, strict=True)))

    def _anything(self, scope: Scope, values: list[Json], coming: Coming) -> Iterator[Row]:
        if not all(isinstance(value, str) for value in values):
            return
        names = self._store.names
        entity_id, schema_key, file_id = values
        for row in self._named(scope, names.find(schema_key), entity_id, coming):
            if row.key.file_id == names.find(file_id):
                yield row

    def _named(self, scope: Scope, schema_id: int, id: str, coming: Coming) -> Iterator[Row]:
        """Yield the rows of an entity, under any file."""
        for row in self._rows(_BY_ENTITY, scope, schema_id, id):
            if not coming.replaces(row):
                yield row
        yield from coming.named(schema_id, id)

    def _rows(self, query: Query, scope: Scope, schema_id: int, *given: Any) -> list[Row]:
        store = self._store
        view = scope.view(schema_id, store.overlay.occupied())
        sql = query.sql(store.db, view.shape, len(scope.chain))
        found = store.connection.execute(sql, (schema_id, *given, *view.params)).fetchall()
        return [
            Row(Key(schema_id, entity_id, file_id), parse_json(snapshot), bool(untracked))
            for entity_id, file_id, snapshot, untracked in found
        ]

    def _exists(self, table: str, columns: Mapping[str, Json]) -> bool:
        where = " AND ".join(f"{quote(name)} = ?" for name in columns)
        sql = f"SELECT 1 FROM {quote(self._store.db)}.{quote(table)} WHERE {where} LIMIT 1"
        return self._store.connection.execute(sql, tuple(columns.values())).fetchone() is not None
