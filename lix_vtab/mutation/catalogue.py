"""Stored schemas, compiled once and forgotten when one of them changes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from lix_vtab.errors import SchemaNotFound
from lix_vtab.model.json import Json, canonical_json, parse_json
from lix_vtab.resolution.scope import Scopes
from lix_vtab.resolution.visible import Query
from lix_vtab.schema.builtin import BUILTIN_KEYS, compiled_builtin
from lix_vtab.schema.compiled import CompiledSchema, compile_schema
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.names import LIX
from lix_vtab.storage.rows import Key
from lix_vtab.storage.store import Store
from lix_vtab.storage.versions import GLOBAL

__all__ = ["STORED_SCHEMA", "Catalogue"]

STORED_SCHEMA = "lix_stored_schema"

_ALL = Query(("{snapshot}",), 1, keys=("x.schema_id = ?1",))
_TEXTS = Query(("{entity_id}", "{snapshot}"), 1, keys=("x.schema_id = ?1",))
_IDS = Query(("{entity_id}",), 1, keys=("x.schema_id = ?1",), deleted=True)
_OF_KEY = Query(
    ("{snapshot}",), 3, keys=("x.schema_id = ?1", "x.entity_id >= ?2", "x.entity_id < ?3")
)


class Catalogue:
    """The schemas of one database: builtin ones, and those stored in the global version."""

    __slots__ = (
        "_exact", "_ids", "_latest", "_scopes", "_stamp", "_store", "_volatile", "_written",
        "generation",
    )  # fmt: skip

    def __init__(self, store: Store, scopes: Scopes) -> None:
        self._store = store
        self._scopes = scopes
        self._exact: dict[tuple[str, str], CompiledSchema] = {}
        self._latest: dict[str, CompiledSchema] = {}
        self._ids: str | None = None
        self._stamp: object = None
        self._volatile: object = None
        self._written = False
        self.generation = 0
        store.on_foreign_write(self._reconsider)
        store.on_replace(self.forget)
        store.transaction.on_rollback(self._undone)
        store.transaction.after_commit(self._undone)

    def get(self, key: str, version: str) -> CompiledSchema:
        """Return the schema rows of `(key, version)` must satisfy."""
        if self._written:
            self.current()
        known = self._exact.get((key, version))
        if known is None:
            known = self._exact[(key, version)] = self._load(key, version)
        return known

    def latest(self, key: str) -> CompiledSchema | None:
        """Return the newest stored version of a schema."""
        self.current()
        known = self._latest.get(key)
        if known is None:
            known = max(self.versions(key), key=lambda schema: int(schema.version), default=None)
            if known is not None:
                self._latest[key] = known
        return known

    def current(self) -> int:
        """Return a number that is another whenever the stored schemas may be.

        While a schema was written inside a savepoint, which may be undone without a word, only the
        database knows.
        """
        if self._written and not self._store.transaction.settled:
            # a row that is written again in one commit keeps its number, so its size has to tell
            stamp = (self._read_stamp(), sum(len(text) for (text,) in self._rows(_ALL)))
            if stamp != self._volatile:
                self._volatile = stamp
                self.forget()
        return self.generation

    def definitions(self, *mentioning: str) -> list[dict[str, Json]]:
        """Return the newest definition of each key whose text mentions one of some words.

        They are shared: do not change them.
        """
        newest: dict[str, tuple[int, str]] = {}
        for id, text in self._rows(_TEXTS):
            key, _, version = id.rpartition("~")
            newest[key] = max(newest.get(key, (0, "")), (int(version), text))
        return [
            _definition_in(text)
            for _, text in newest.values()
            if any(word in text for word in mentioning)
        ]

    def texts(self, key: str) -> list[str]:
        """Return the snapshots of every stored version of a schema."""
        return [text for (text,) in self._rows(_OF_KEY, *_versions_of(key))]

    def newest_definition(self, key: str) -> dict[str, Json] | None:
        """Return the newest stored definition of a key, without compiling it."""
        found = [_definition_in(text) for text in self.texts(key)]
        return max(found, key=lambda value: int(value["x-lix-version"]), default=None)

    def versions(self, key: str) -> Iterator[CompiledSchema]:
        """Yield every stored version of a schema."""
        return self._stored(_OF_KEY, *_versions_of(key))

    def stored(self) -> Iterator[CompiledSchema]:
        """Yield every stored schema, builtin ones included."""
        yield from self._stored(_ALL)

    def _stored(self, query: Query, *params: str) -> Iterator[CompiledSchema]:
        for (snapshot,) in self._rows(query, *params):
            definition = parse_json(snapshot)["value"]
            identity = (definition["x-lix-key"], definition["x-lix-version"])
            known = self._exact.get(identity) or _builtin(*identity)
            yield known or self.compile(definition)

    def _rows(self, query: Query, *params: str) -> list[tuple[str, ...]]:
        """Read the rows of stored schemas in the global version."""
        scope = self._scopes.of(GLOBAL)
        if scope is None:
            return []
        store = self._store
        schema_id = store.names.find(STORED_SCHEMA)
        view = scope.view(schema_id, store.overlay.occupied())
        sql = query.sql(store.db, view.shape, len(scope.chain))
        return store.connection.execute(sql, (schema_id, *params, *view.params)).fetchall()

    def schema_ids(self) -> str:
        """Return the interned ids of all schema keys as a JSON array.

        Those that are stored no more count too: rows of theirs are in the past.
        """
        self.current()
        if self._ids is None:
            names = self._store.names
            ids = {names.find(id.rpartition("~")[0]) for (id,) in self._rows(_IDS)}
            self._ids = canonical_json(sorted(ids))
        return self._ids

    def holds(self, definition: dict[str, Json]) -> bool:
        """Tell whether exactly this definition is stored, or is one of ours."""
        key, version = definition.get("x-lix-key"), definition.get("x-lix-version")
        if not isinstance(key, str) or not isinstance(version, str):
            return False
        builtin = _builtin(key, version)
        known = self.definition(key, version) if builtin is None else dict(builtin.definition)
        # to Python, true is 1
        return known == definition and canonical_json(known) == canonical_json(definition)

    def compile(self, definition: dict[str, Json]) -> CompiledSchema:
        """Compile a definition, once for each text."""
        return _compiled(canonical_json(definition))

    def changed(self) -> None:
        """Drop what is known because a stored schema is written."""
        self._written = True
        self.forget()

    def forget(self) -> None:
        """Drop what is known about which schemas are stored."""
        self._exact.clear()
        self._latest.clear()
        self._ids = None
        self.generation += 1
        self._store.transaction.stale()

    @property
    def settled(self) -> bool:
        """Tell whether no schema was written that could still be undone."""
        return not self._written

    def _undone(self) -> None:
        # also after a commit: a savepoint may have been undone without a word
        if self._written:
            self._written = self._store.transaction.active
            self.forget()

    def _reconsider(self) -> None:
        """Forget only if what another connection committed changed a schema."""
        stamp = self._read_stamp()
        if stamp != self._stamp:
            self._stamp = stamp
            self.forget()

    def _read_stamp(self) -> object:
        """Return what differs whenever the stored schemas do."""
        store = self._store
        place = store.versions.place(GLOBAL)
        if place is None:
            return None
        sql = qualify(
            "SELECT count(*), max(change_no), sum(live) FROM lix_internal_tip "
            "WHERE segment_id = ? AND schema_id = ?",
            store.db,
        )
        params = (place[1], store.names.find(STORED_SCHEMA))
        return (place[1], *store.connection.execute(sql, params).get)

    def _load(self, key: str, version: str) -> CompiledSchema:
        # the row of a schema bears the version of that schema, and all are of one kind
        builtin = compiled_builtin(key) if key == STORED_SCHEMA else _builtin(key, version)
        if builtin is not None:
            return builtin
        definition = self.definition(key, version)
        if definition is None:
            raise SchemaNotFound(
                f"schema '{key}' ({version}) is not stored",
                hint="store it with INSERT INTO lix_stored_schema(value) VALUES (...)",
                details={"schema_key": key, "schema_version": version},
            )
        return self.compile(definition)

    def definition(self, key: str, version: str) -> dict[str, Json] | None:
        """Return what is stored of a schema, None when nothing is."""
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
        definition: dict[str, Json] = parse_json(row.values.snapshot)["value"]
        return definition


def _versions_of(key: str) -> tuple[str, str]:
    """Return the bounds between which the entity ids of all versions of a schema lie."""
    return f"{key}~", f"{key}\x7f"


def _definition_in(snapshot: str) -> dict[str, Json]:
    """Return the definition a stored schema holds; the same ones are asked for again and again."""
    return _remembered(snapshot) if len(snapshot) < 1 << 14 else _parsed(snapshot)


def _parsed(snapshot: str) -> dict[str, Json]:
    definition: dict[str, Json] = parse_json(snapshot)["value"]
    return definition


_remembered = lru_cache(maxsize=512)(_parsed)


@lru_cache(maxsize=256)
def _compiled(text: str) -> CompiledSchema:
    """Compile a definition given as canonical JSON, once for all databases of the process."""
    return compile_schema(parse_json(text))


def _builtin(key: str, version: str) -> CompiledSchema | None:
    found = compiled_builtin(key) if key in BUILTIN_KEYS else None
    return found if found is not None and found.version == version else None
