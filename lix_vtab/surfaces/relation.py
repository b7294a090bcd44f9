"""Reading rows that are derived from the physical tables on the spot.

A `Relation` is one or more `Branch`es (joins over physical tables) whose rows have the same named
fields. Columns are templates over those fields, as in `resolution.visible`; what a plan asks for
becomes conditions inside every branch, so that each look-up uses the index it should.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any

import orjson

from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.keys import split_entity_id
from lix_vtab.model.patterns import pattern
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.resolution.visible import Query
from lix_vtab.session import Session
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.versions import DESCRIPTOR, GLOBAL
from lix_vtab.surfaces.affinity import affine, as_text
from lix_vtab.surfaces.planner import Column, Plan, Term

__all__ = ["DELETED", "LISTED", "Branch", "Relation", "followed_by", "joined_id"]

LISTED = "{listed}"
"""Condition of a branch: the version `v` has a live descriptor."""

DELETED = "{deleted}"
"""Condition of a branch: the version `v` had a descriptor and lost it."""

_INTERNED = {
    "{schema_key}": "schema_no",
    "{file_id}": "file_no",
    "{plugin_key}": "plugin_no",
}
_FIELD = pattern(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Branch:
    """A join over physical tables, and the SQL of each field over it.

    Fields `schema_no`, `file_no` and `plugin_no` give the interned numbers behind `schema_key`,
    `file_id` and `plugin_key`, which is what equality then compares. `rowid` must be unique within
    the relation.
    """

    source: str
    fields: Mapping[str, str]
    where: tuple[str, ...] = ()


class _Compiled(NamedTuple):
    """SQL made ready; `listing` says that it asks for descriptors of versions."""

    sql: str
    listing: bool


@dataclass(frozen=True, slots=True)
class _Condition:
    """A condition over fields; `?` stands for its parameter."""

    template: str
    value: Any = None
    bound: bool = True


class Relation:
    """Rows of branches, read for plans over `columns`.

    `key` names the fields that make up the entity id, in order: a look-up by entity id then
    becomes one by those fields.
    """

    __slots__ = ("_branches", "_columns", "_key", "_listing", "_name", "_session")

    def __init__(
        self,
        session: Session,
        name: str,
        columns: Sequence[Column],
        branches: Sequence[Branch],
        key: Sequence[str] = (),
    ) -> None:
        self._session = session
        self._name = name
        self._columns = columns
        self._branches = tuple(branches)
        self._key = tuple(key)
        texts = [text for b in self._branches for text in (*b.where, *b.fields.values())]
        self._listing = any(LISTED in text or DELETED in text for text in texts)

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find rows."""
        store = self._session.store
        store.refresh()
        conditions = self._conditions(plan, args)
        if conditions is None:
            return ()
        params = [c.value for c in conditions if c.bound]
        if plan.limit is not None:
            params.append(args[plan.limit])
        if plan.offset is not None:
            params.append(args[plan.offset])
        shape = ""
        if self._listing:
            scope = self._session.scopes.of(GLOBAL)
            assert scope is not None
            view = scope.view(-1, frozenset())
            shape = f"{len(scope.chain)} {view.shape}"
        known = plan.compiled.get((self._name, shape))
        if known is None:
            text = self._sql(plan, conditions, shape)
            known = _Compiled(qualify(text, store.db), f"?{len(params) + 1} " in text)
            plan.compiled[self._name, shape] = known
        assert isinstance(known, _Compiled)
        if known.listing:
            params += [store.names.find(DESCRIPTOR), *view.params]
        return store.connection.execute(known.sql, params)

    # -- binding

    def _conditions(self, plan: Plan, args: Sequence[Any]) -> list[_Condition] | None:
        """Turn terms into conditions; None when nothing can match.

        The conditions of one plan are the same each time, only their values differ.
        """
        found: list[_Condition] = []
        for term in plan.terms:
            column = self._columns[term.column]
            if not column.template or column.role in ("version", "argument"):
                continue
            value = args[term.argument]
            if column.role == "entity" and term.operator == "=" and len(self._key) > 1:
                parts = self._parts(value)
                if parts is None:
                    return None
                found += [
                    _Condition(f"{{{field}}} = ?", part)
                    for field, part in zip(self._key, parts, strict=True)
                ]
            found.append(self._condition(column, term, value))
        return found

    def _condition(self, column: Column, term: Term, value: Any) -> _Condition:
        if term.operator in ("IS NULL", "IS NOT NULL"):
            return _Condition(f"({column.template}) {term.operator}", bound=False)
        interned = _INTERNED.get(column.template)
        if interned is not None and interned in self._branches[0].fields:
            find = self._session.store.names.find
            if term.operator in ("=", "IS"):
                text = as_text(value)
                number = None if text is None else find(text)
                return _Condition(f"{{{interned}}} = ?", number)
            if term.operator == "IN":
                listed = [find(text) for text in map(as_text, value) if text is not None]
                return _Condition(_IN.format(f"{{{interned}}}"), orjson.dumps(listed).decode())
        if term.operator == "IN":
            texts = [affine(v, column.declared) for v in value if not isinstance(v, bytes)]
            texts = [v for v in texts if v is not None]
            return _Condition(_IN.format(column.template), orjson.dumps(texts).decode())
        return _Condition(f"({column.template}) {term.operator} ?", affine(value, column.declared))

    def _parts(self, value: Any) -> list[str] | None:
        try:
            return split_entity_id(value, len(self._key)) if isinstance(value, str) else None
        except ValueError:
            return None

    # -- building

    def _sql(self, plan: Plan, conditions: Sequence[_Condition], shape: str) -> str:
        number = 0
        where: list[str] = []
        for condition in conditions:
            text = condition.template
            if condition.bound:
                number += 1
                text = text.replace("?", f"?{number}")
            where.append(text)
        window = ""
        for place, word in ((plan.limit, "LIMIT"), (plan.offset, "OFFSET")):
            if place is not None:
                number += 1
                window += f" {word} ?{number}"
        listing = _listing(shape, number) if shape else {}
        needed = {*plan.columns, *(column for column, _ in plan.order)}
        outputs = [
            (self._columns[n].template or "NULL") if n in needed else "NULL"
            for n in range(max(needed, default=-1) + 1)
        ]
        selects = (self._select(b, [*outputs, "{rowid}"], where, listing) for b in self._branches)
        order = ", ".join(f"{n + 1}{' DESC' if desc else ''}" for n, desc in plan.order)
        return " UNION ALL ".join(selects) + (f" ORDER BY {order}" if order else "") + window

    def _select(
        self, branch: Branch, outputs: Sequence[str], where: Sequence[str], extra: dict[str, str]
    ) -> str:
        conditions = " AND ".join([*branch.where, *where]) or "1"
        text = f"SELECT {', '.join(outputs)} FROM {branch.source} WHERE {conditions}"
        return _filled(_filled(text, branch.fields), extra)


def _filled(text: str, fields: Mapping[str, str]) -> str:
    return _FIELD.sub(lambda match: fields.get(match[1], match[0]), text)


_IN = "{0} IN (SELECT value FROM json_each(?))"


def _listing(shape: str, before: int) -> dict[str, str]:
    """Write the conditions on the descriptor of a version `v`, for parameters after `before`."""
    chain, _, layers = shape.partition(" ")
    keys = (f"x.schema_id = ?{before + 1}", "x.entity_id = v.id", "x.file_id = 1")
    queries = {
        "listed": Query(("1",), before + 1, keys),
        "deleted": Query(("1",), before + 1, keys, ("{snapshot} IS NULL",), deleted=True),
    }
    return {name: f"EXISTS ({query.build(layers, int(chain))})" for name, query in queries.items()}


def followed_by(
    plan: Plan,
    args: Sequence[Any],
    stored: Callable[[Plan, Sequence[Any]], Iterable[Sequence[Any]]],
    relations: Iterable[Relation],
) -> Iterable[Sequence[Any]]:
    """Read stored rows and then those of relations, as one result: LIMIT and OFFSET span them all.

    Rows come in no order, so only surfaces that are not `sortable` can do this.
    """
    whole = plan
    if plan.limit is not None:
        known = plan.compiled.get("whole")
        if known is None:
            known = plan.compiled["whole"] = replace(plan, limit=None, offset=None, compiled={})
        assert isinstance(known, Plan)
        whole = known
    parts = chain([stored(whole, args)], (relation.rows(whole, args) for relation in relations))
    found = chain.from_iterable(parts)
    if plan.limit is None:
        return found
    # as SQLite does: a negative limit is none, a negative offset zero
    offset = 0 if plan.offset is None else max(args[plan.offset], 0)
    limit = args[plan.limit]
    return islice(found, offset, None if limit < 0 else offset + limit)


def joined_id(*fields: str) -> str:
    """Write the SQL that joins fields to an entity id, as `model.keys.join_entity_id` does."""
    if len(fields) == 1:
        return f"{{{fields[0]}}}"
    escaped = (rf"replace(replace({{{f}}}, '\', '\\'), '~', '\~')" for f in fields)
    return " || '~' || ".join(escaped)
