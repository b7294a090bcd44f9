"""Reading differences of two states for a plan: the part `lix_diff` and its relatives share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from lix_vtab.history.diff import Comparison
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.session import Session
from lix_vtab.storage.commits import Commit
from lix_vtab.storage.ddl import qualify
from lix_vtab.surfaces.affinity import affine, as_text
from lix_vtab.surfaces.planner import Column, Plan, Term

__all__ = ["DIFF_COLUMNS", "FROM", "TO", "DiffReader"]

DIFF_COLUMNS = (
    Column("entity_id", "TEXT", "{entity_id}", "entity"),
    Column("schema_key", "TEXT", "{schema_key}", "schema"),
    Column("file_id", "TEXT", "{file_id}", "file"),
    Column("status", "TEXT", "{status}"),
    Column("before_change_id", "TEXT", "{before_change_id}"),
    Column("after_change_id", "TEXT", "{after_change_id}"),
    Column("before_snapshot_content", "TEXT", "{before_snapshot_content}"),
    Column("after_snapshot_content", "TEXT", "{after_snapshot_content}"),
    Column("before_commit_id", "TEXT", "{before_commit_id}"),
    Column("after_commit_id", "TEXT", "{after_commit_id}"),
)

FROM = Column("from", "TEXT", "", "argument", hidden=True)
TO = Column("to", "TEXT", "", "argument", hidden=True)
"""The arguments of `lix_diff(from, to)`."""

_INTERNED = {"schema": "schema_id", "file": "file_id"}


class _Condition(NamedTuple):
    """A condition, `?` for its parameter; `key` when it is about a column of the key."""

    text: str
    value: Any
    key: str = ""


class DiffReader:
    """Finds the differences of two commits; `columns` are templates over `history.diff.FIELDS`."""

    __slots__ = ("_columns", "_session")

    def __init__(self, session: Session, columns: Sequence[Column]) -> None:
        self._session = session
        self._columns = columns

    def ends(
        self, plan: Plan, args: Sequence[Any], first: int
    ) -> tuple[Commit | None, Commit | None] | None:
        """Return the commits two argument columns, from number `first` on, name.

        Left out, `from` is the last checkpoint of the active version and `to` its tip. None when
        an argument is NULL, which no row can match.
        """
        history = self._session.history
        found: list[Commit | None] = []
        for column, default in ((first, history.baseline), (first + 1, history.tip)):
            term = plan.find(column, "=", "IS")
            if term is None:
                found.append(default())
            elif args[term.argument] is None:
                return None
            else:
                found.append(history.resolve(args[term.argument]).commit)
        return found[0], found[1]

    def rows(
        self, plan: Plan, args: Sequence[Any], before: Commit | None, after: Commit | None
    ) -> Iterable[Sequence[Any]]:
        """Find what differs between two commits; None stands for the empty state."""
        session = self._session
        conditions = [
            self._condition(self._columns[term.column], term, args[term.argument])
            for term in plan.terms
            if self._columns[term.column].template
        ]
        comparison = session.history.compare(before, after)
        params: list[Any] = [condition.value for condition in conditions]
        searched = any(c.key == "entity_id" and c.text.endswith("= ?") for c in conditions)
        if searched:
            params.append(session.catalogue.schema_ids())
        count = len(params)
        if plan.limit is not None:
            params.append(args[plan.limit])
        if plan.offset is not None:
            params.append(args[plan.offset])
        shape = ("diff", comparison.shape, searched)
        sql = plan.compiled.get(shape)
        if sql is None:
            text = self._sql(plan, conditions, comparison, count, searched=searched)
            sql = plan.compiled[shape] = qualify(text, session.db)
        assert isinstance(sql, str)
        params += comparison.params(searched=searched)
        return session.store.connection.execute(sql, params)

    def _sql(
        self,
        plan: Plan,
        conditions: Sequence[_Condition],
        comparison: Comparison,
        count: int,
        *,
        searched: bool,
    ) -> str:
        numbered = [(c, c.text.replace("?", f"?{n}")) for n, c in enumerate(conditions, 1)]
        keys = [text for c, text in numbered if c.key]
        filters = [text for c, text in numbered if not c.key]
        if searched:
            # entity ids alone have no index, all schemas there are with one entity id do
            keys.append(f"h.schema_id IN (SELECT value FROM json_each(?{count}))")
        window, last = "", count
        for place, word in ((plan.limit, "LIMIT"), (plan.offset, "OFFSET")):
            if place is not None:
                last += 1
                window += f" {word} ?{last}"
        needed = {*plan.columns, *(column for column, _ in plan.order)}
        outputs = [
            (self._columns[n].template or "NULL") if n in needed else "NULL"
            for n in range(max(needed, default=-1) + 1)
        ]
        order = ", ".join(f"{n + 1}{' DESC' if desc else ''}" for n, desc in plan.order)
        text = comparison.sql(outputs, keys, filters, last, searched=searched)
        return text + (f" ORDER BY {order}" if order else "") + window

    def _condition(self, column: Column, term: Term, value: Any) -> _Condition:
        interned = _INTERNED.get(column.role)
        find = self._session.store.names.find
        key = interned or ("entity_id" if column.role == "entity" else "")
        left = f"h.{key}" if key else f"({column.template})"
        if term.operator in ("IS NULL", "IS NOT NULL"):
            return _Condition(f"(({column.template}) {term.operator}) = ?", 1)
        if term.operator == "IN":
            given = [text for text in map(as_text, value) if text is not None]
            listed = orjson.dumps([find(v) for v in given] if interned else given).decode()
            return _Condition(f"{left} IN (SELECT value FROM json_each(?))", listed, key)
        if interned and term.operator in ("=", "IS"):
            name = as_text(value)
            return _Condition(f"{left} = ?", None if name is None else find(name), key)
        if interned:
            return _Condition(f"({column.template}) {term.operator} ?", value)
        return _Condition(f"{left} {term.operator} ?", affine(value, column.declared), key)
