"""Reading state rows for a plan: the part all state-shaped surfaces share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

import orjson

from lix_vtab.errors import LixError
from lix_vtab.resolution.scope import Scope
from lix_vtab.resolution.visible import Query
from lix_vtab.session import Session
from lix_vtab.storage.names import LIX
from lix_vtab.surfaces.planner import Column, Plan, Term

__all__ = ["VERSION_SHIFT", "Reader", "affine", "join_rowid", "split_rowid"]

VERSION_SHIFT = 40
"""Rowids of tables that show several versions carry the version's number above this bit."""

_INTERNED = {"schema": "x.schema_id", "file": "x.file_id", "plugin": "{plugin}"}


class _Bound(NamedTuple):
    """The arguments of one execution, made ready."""

    params: list[Any]
    versions: list[str] | None
    schema_id: int | None
    file_id: int | None


class Reader:
    """Finds state rows. `schema_key` fixes the schema, `filters` are conditions that always hold.

    `multi` shows the rows of many versions, `own` only what versions hold themselves (tombstones
    included). `entity_of` makes an entity id of the values of all columns with role `key`.
    """

    __slots__ = (
        "_columns",
        "_entity_of",
        "_filters",
        "_keys",
        "_multi",
        "_own",
        "_schema_key",
        "_session",
        "_version_column",
    )

    def __init__(
        self,
        session: Session,
        columns: Sequence[Column],
        *,
        schema_key: str | None = None,
        filters: Sequence[str] = (),
        multi: bool = False,
        own: bool = False,
        entity_of: Callable[[dict[str, Any]], str | None] | None = None,
    ) -> None:
        self._session = session
        self._columns = columns
        self._schema_key = schema_key
        self._filters = tuple(filters)
        self._multi = multi
        self._own = own
        self._entity_of = entity_of
        self._keys = frozenset(n for n, column in enumerate(columns) if column.role == "key")
        self._version_column = next(
            (n for n, column in enumerate(columns) if column.role == "version"), -1
        )

    def rows(
        self, plan: Plan, args: Sequence[Any], version_id: str | None = None
    ) -> Iterable[Sequence[Any]]:
        """Find rows; `version_id` is read unless the surface shows many versions."""
        session = self._session
        session.store.refresh()
        bound = self._bind(plan, args)
        if bound is None:
            return ()
        if not self._multi:
            wanted = version_id or session.versions.active_id()
            if bound.versions is not None and wanted not in bound.versions:
                return ()
            scope = session.scopes.of(wanted)
            return () if scope is None else self.read(plan, bound, scope)
        versions = bound.versions
        if versions is None:
            versions = self._all_versions()
        if len(versions) == 1:
            return self._version(plan, bound, versions[0])
        return chain.from_iterable(self._version(plan, bound, v) for v in versions)

    def rows_at(self, plan: Plan, args: Sequence[Any], scope: Scope) -> Iterable[Sequence[Any]]:
        """Find rows of a scope given by the caller, such as that of a commit."""
        bound = self._bind(plan, args)
        return () if bound is None else self.read(plan, bound, scope)

    def read(self, plan: Plan, bound: _Bound, scope: Scope) -> Iterable[Sequence[Any]]:
        """Run the query of a plan on one scope."""
        store = self._session.store
        in_file = bound.file_id is not None and bound.file_id != LIX
        query = plan.compiled.get(in_file)
        if query is None:
            query = plan.compiled[in_file] = self._query(plan, in_file=in_file)
        assert isinstance(query, Query)
        view = scope.view(bound.schema_id, store.overlay.occupied())
        params = [*bound.params]
        if self._multi:
            params.append(scope.version_no << VERSION_SHIFT)
        params += view.params
        return store.connection.execute(query.sql(store.db, view.shape, len(scope.chain)), params)

    def _version(self, plan: Plan, bound: _Bound, version_id: str) -> Iterable[Sequence[Any]]:
        scope = self._session.scopes.of(version_id)
        if scope is None or self._session.store.versions.deleted(version_id):
            return ()
        return self.read(plan, bound, scope.own() if self._own else scope)

    def _all_versions(self) -> list[str]:
        return [pointer.id for pointer in self._session.store.versions.pointers()]

    # -- binding

    def _bind(self, plan: Plan, args: Sequence[Any]) -> _Bound | None:
        """Turn Filter arguments into SQL parameters; None when nothing can match."""
        names = self._session.store.names
        params: list[Any] = []
        versions: list[str] | None = None
        schema_id = file_id = None
        if self._schema_key is not None:
            schema_id = names.find(self._schema_key)
            params.append(schema_id)
        for term in plan.terms:
            column = self._columns[term.column]
            value = args[term.argument]
            if column.role == "version":
                versions = _narrow(versions, value)
                continue
            if column.role == "argument":
                continue
            if column.role in _INTERNED and term.operator in ("=", "IS", "IN"):
                if term.operator == "IN":
                    params.append(_listed(names.find(v) for v in value if isinstance(v, str)))
                    continue
                id = names.find(value) if isinstance(value, str) else -1
                if id == -1:
                    return None
                params.append(id)
                if column.role == "schema":
                    schema_id = id
                elif column.role == "file":
                    file_id = id
            elif term.operator == "IN":
                params.append(_listed(affine(v, "TEXT") for v in value if v is not None))
            elif term.operator not in ("IS NULL", "IS NOT NULL"):
                params.append(affine(value, column.declared))
        if self._searches_by_entity(plan):
            params.append(self._session.catalogue.schema_ids())
        if self._searches_by_key(plan):
            entity_id = self._key_of(plan, args)
            if entity_id is None:
                return None
            params.append(entity_id)
        if plan.limit is not None:
            params.append(args[plan.limit])
        if plan.offset is not None:
            params.append(args[plan.offset])
        return _Bound(params, versions, schema_id, file_id)

    def _searches_by_entity(self, plan: Plan) -> bool:
        """Tell whether the entity is known but neither schema nor file, so no index prefix fits."""
        roles = {
            self._columns[t.column].role for t in plan.terms if t.operator in ("=", "IS", "IN")
        }
        return (
            "entity" in roles
            and not roles & {"schema", "file"}
            and self._schema_key is None
            and not self._own
        )

    def _searches_by_key(self, plan: Plan) -> bool:
        """Tell whether every part of the primary key is known, so the entity id is."""
        given = {t.column for t in plan.terms if t.operator == "="}
        return self._entity_of is not None and bool(self._keys) and self._keys <= given

    def _key_of(self, plan: Plan, args: Sequence[Any]) -> str | None:
        assert self._entity_of is not None
        values = {
            self._columns[t.column].name: affine(args[t.argument], self._columns[t.column].declared)
            for t in plan.terms
            if t.column in self._keys and t.operator == "="
        }
        try:
            return self._entity_of(values)
        except LixError:
            return None

    # -- building

    def _query(self, plan: Plan, *, in_file: bool) -> Query:
        keys: list[str] = []
        filters = list(self._filters)
        number = 0
        if self._schema_key is not None:
            number += 1
            keys.append(f"x.schema_id = ?{number}")
        for term in plan.terms:
            column = self._columns[term.column]
            if column.role in ("version", "argument"):
                continue
            if term.operator in ("IS NULL", "IS NOT NULL"):
                filters.append(f"({column.template}) {term.operator}")
                continue
            number += 1
            condition = _condition(column, term, number)
            (keys if condition.startswith("x.") else filters).append(condition)
        if self._searches_by_entity(plan):
            number += 1
            keys.append(f"x.schema_id IN (SELECT value FROM json_each(?{number}))")
        if self._searches_by_key(plan):
            number += 1
            keys.append(f"x.entity_id = ?{number}")
        if in_file:
            keys.append("x.file_id <> 1")
        limit = ""
        if plan.limit is not None:
            number += 1
            limit = f" LIMIT ?{number}"
        if plan.offset is not None:
            number += 1
            limit += f" OFFSET ?{number}"
        rowid = "{rowid}"
        if self._multi:
            number += 1
            rowid = (
                f"CASE WHEN {{rowid}} < 0 THEN {{rowid}} - ?{number} ELSE {{rowid}} + ?{number} END"
            )
        return Query(
            (*self._outputs(plan), rowid),
            number,
            tuple(keys),
            tuple(filters),
            tuple(f"{column + 1}{' DESC' if desc else ''}" for column, desc in plan.order),
            limit,
            deleted=self._own,
        )

    def _outputs(self, plan: Plan) -> Iterator[str]:
        needed = {*plan.columns, *(column for column, _ in plan.order)}
        for number in range(max(needed, default=-1) + 1):
            yield (self._columns[number].template or "NULL") if number in needed else "NULL"


def _condition(column: Column, term: Term, number: int) -> str:
    interned = _INTERNED.get(column.role)
    if term.operator == "IN":
        left = interned or ("x.entity_id" if column.role == "entity" else f"({column.template})")
        return f"{left} IN (SELECT value FROM json_each(?{number}))"
    if interned and term.operator in ("=", "IS"):
        return f"{interned} = ?{number}"
    if column.role == "entity":
        return f"x.entity_id {term.operator} ?{number}"
    return f"({column.template}) {term.operator} ?{number}"


def _narrow(versions: list[str] | None, value: Any) -> list[str]:
    wanted = (
        [v for v in value if isinstance(v, str)]
        if not isinstance(value, str) and hasattr(value, "__iter__")
        else [value]
        if isinstance(value, str)
        else []
    )
    return wanted if versions is None else [v for v in versions if v in wanted]


def _listed(values: Iterable[Any]) -> str:
    return orjson.dumps([v for v in values if not isinstance(v, bytes)]).decode()


def affine(value: Any, declared: str) -> Any:
    """Convert a constraint's value as SQLite would before comparing it with a column.

    SQLite hands values to virtual tables as they are, and applies the column's affinity only when
    it compares itself.
    """
    if declared == "TEXT":
        if type(value) is int:
            return str(value)
        if type(value) is float:
            return format(value, ".15g") if value != int(value) else f"{value:.1f}"
        return value
    if declared in ("INTEGER", "REAL", "NUMERIC", "BOOLEAN") and isinstance(value, str):
        for convert in (int, float):
            try:
                return convert(value)
            except ValueError:
                continue
    return value


def join_rowid(version_no: int, rowid: int) -> int:
    """Combine a version's number and a rowid inside it."""
    shifted = version_no << VERSION_SHIFT
    return rowid - shifted if rowid < 0 else rowid + shifted


def split_rowid(rowid: int) -> tuple[int, int]:
    """Undo `join_rowid`.

    >>> split_rowid(join_rowid(3, -7))
    (3, -7)
    """
    version_no, inner = divmod(abs(rowid), 1 << VERSION_SHIFT)
    return version_no, -inner if rowid < 0 else inner
