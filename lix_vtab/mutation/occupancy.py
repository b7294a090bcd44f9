"""Finding versions that still show rows of a schema."""

from __future__ import annotations

from lix_vtab.resolution.scope import Scopes
from lix_vtab.resolution.visible import Query
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.store import Store

__all__ = ["Occupancy"]

_ANY = Query(("1",), 1, ("x.schema_id = ?1",), limit=" LIMIT 1")
_OF_VERSION = Query(("1",), 2, ("x.schema_id = ?1",), ("{schema_version} = ?2",), limit=" LIMIT 1")

# Most schemas that go never had a row anywhere, which a look into each segment tells.
_ANYWHERE = (
    "SELECT EXISTS (SELECT 1 FROM lix_internal_segment s WHERE EXISTS ("
    "SELECT 1 FROM lix_internal_tip t WHERE t.segment_id = s.id AND t.schema_id = ?1)) "
    "OR EXISTS (SELECT 1 FROM lix_internal_overlay WHERE schema_id = ?1)"
)


class Occupancy:
    """Looks for rows of a schema in all versions of one database."""

    __slots__ = ("_scopes", "_store")

    def __init__(self, store: Store, scopes: Scopes) -> None:
        self._store = store
        self._scopes = scopes

    def find(self, schema_key: str, schema_version: str | None = None) -> str | None:
        """Return the id of a version that shows a row, tracked or not, or None.

        With `schema_version` only rows of that version of the schema count.
        """
        store = self._store
        schema_id = store.names.find(schema_key)
        sql = qualify(_ANYWHERE, store.db)
        if not store.connection.execute(sql, (schema_id,)).get:
            return None
        query = _ANY if schema_version is None else _OF_VERSION
        given = (schema_id,) if schema_version is None else (schema_id, schema_version)
        for pointer in store.versions.pointers():
            scope = self._scopes.of(pointer.id)
            if scope is None or store.versions.deleted(pointer.id):
                continue
            view = scope.view(schema_id, store.overlay.occupied())
            text = query.sql(store.db, view.shape, len(scope.chain))
            if store.connection.execute(text, (*given, *view.params)).fetchone() is not None:
                return pointer.id
        return None
