"""Stored schemas, compiled once and forgotten when one of them changes."""

from __future__ import annotations

from collections.abc import Iterator

from lix_vtab.errors import SchemaNotFound
from lix_vtab.model.json import canonical_json, parse_json
from lix_vtab.resolution.scope import Scopes
from lix_vtab.resolution.visible import Query
from lix_vtab.schema.builtin import compiled_builtins
from lix_vtab.schema.compiled import CompiledSchema, compile_schema
from lix_vtab.storage.names import LIX
from lix_vtab.storage.rows import Key
from lix_vtab.storage.store import Store
from lix_vtab.storage.versions import GLOBAL

__all__ = ["STORED_SCHEMA", "Catalogue"]

STORED_SCHEMA = "lix_stored_schema"

_ALL = Query(("{snapshot}",), 1, keys=("x.schema_id = ?1",))


class Catalogue:
    """The schemas of one database: builtin ones, and those stored in the global version."""

    __slots__ = ("_compiled", "_exact", "_ids", "_latest", "_scopes", "_store", "generation")

    def __init__(self, store: Store, scopes: Scopes) -> None:
        self._store = store
        self._scopes = scopes
        self._exact: dict[tuple[str, str], CompiledSchema] = {}
        self._latest: dict[str, CompiledSchema] = {}
        # by text, so that forgetting what is stored does not mean compiling it again
        self._compiled: dict[str, CompiledSchema] = {}
        self._ids: str | None = None
        self.generation = 0
        store.on_foreign_write(self.forget)
        store.transaction.on_rollback(self.forget)

    def get(self, key: str, version: str) -> CompiledSchema:
        """Return the schema rows of `(key, version)` must satisfy."""
        known = self._exact.get((key, version))
        if known is None:
            known = self._load(key, version)
            if self._store.transaction.settled:
                self._exact[(key, version)] = known
        return known

    def latest(self, key: str) -> CompiledSchema | None:
        """Return the newest stored version of a schema."""
        known = self._latest.get(key)
        if known is None:
            found = [schema for schema in self.stored() if schema.key == key]
            known = max(found, key=lambda schema: int(schema.version), default=None)
            if known is not None and self._store.transaction.settled:
                self._latest[key] = known
        return known

    def stored(self) -> Iterator[CompiledSchema]:
        """Yield every stored schema, builtin ones included."""
        scope = self._scopes.of(GLOBAL)
        if scope is None:
            return
        schema_id = self._store.names.find(STORED_SCHEMA)
        view = scope.view(schema_id, self._store.overlay.occupied())
        sql = _ALL.sql(self._store.db, view.shape, len(scope.chain))
        found = self._store.connection.execute(sql, (schema_id, *view.params)).fetchall()
        for (snapshot,) in found:
            definition = parse_json(snapshot)["value"]
            yield self.get(definition["x-lix-key"], definition["x-lix-version"])

    def schema_ids(self) -> str:
        """Return the interned ids of all stored schema keys as a JSON array."""
        if self._ids is None:
            ids = {self._store.names.find(schema.key) for schema in self.stored()}
            text = canonical_json(sorted(ids))
            if not self._store.transaction.settled:
                return text
            self._ids = text
        return self._ids

    def forget(self) -> None:
        """Drop compiled schemas because a stored one changed or was undone."""
        self._exact.clear()
        self._latest.clear()
        self._ids = None
        self.generation += 1

    def _load(self, key: str, version: str) -> CompiledSchema:
        builtin = compiled_builtins().get(key)
        if builtin is not None and builtin.version == version:
            return builtin
        definition = self._definition(key, version)
        if definition is None:
            raise SchemaNotFound(
                f"schema '{key}' ({version}) is not stored",
                hint="store it with INSERT INTO lix_stored_schema(value) VALUES (...)",
                details={"schema_key": key, "schema_version": version},
            )
        known = self._compiled.get(definition)
        if known is None:
            known = self._compiled[definition] = compile_schema(parse_json(definition)["value"])
        return known

    def _definition(self, key: str, version: str) -> str | None:
        store = self._store
        place = store.versions.place(GLOBAL)
        if place is None:
            return None
        row = store.rows.find(
            store.segments.lineage(place[1]),
            Key(store.names.find(STORED_SCHEMA), f"{key}~{version}", LIX),
        )
        if row is None or row.values.snapshot is None:
            return None
        return row.values.snapshot
