"""Reading history for a plan: the part all history surfaces share.

History is a question about one root commit: which changes are in the change sets of commits that
can be reached from it, and how far away are those. The changes are found set-wise, through the
rows of the segments concerned when a key is known and through the commits when those are; how far
away each is, is looked up in `Graph.reach` while the rows go by.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import orjson

from lix_vtab.history.content import (
    CHANGES_BY_COMMIT,
    CHANGES_BY_FILE,
    CHANGES_BY_KEY,
    WORKING_OF_VERSION,
)
from lix_vtab.history.graph import LONGEST, Reach
from lix_vtab.history.revision import Revision
from lix_vtab.model.patterns import pattern
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.session import Session
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.names import LIX
from lix_vtab.surfaces.affinity import affine, as_text
from lix_vtab.surfaces.planner import Column, Plan, Term
from lix_vtab.surfaces.recipe import one_spelling, whole_key

__all__ = ["HISTORY_COLUMNS", "HistoryReader"]

HISTORY_COLUMNS = (
    Column("commit_id", "TEXT", "", "hint"),
    Column("root_commit_id", "TEXT", "", "argument"),
    Column("depth", "INTEGER", "", "hint"),
)
"""Where a change was found: these are worked out, whatever else a history surface shows."""

_NAME = "(SELECT text FROM lix_internal_name WHERE id = {0})"
_FIELDS = {
    "entity_id": "h.entity_id",
    "schema_key": _NAME.format("h.schema_id"),
    "file_id": _NAME.format("h.file_id"),
    "plugin_key": _NAME.format("h.plugin_id"),
    "schema_version": "h.schema_version",
    "snapshot": "h.snapshot",
    "metadata": "h.metadata",
    "change_id": "h.id",
    "created_at": "h.created_at",
    "writer_key": "h.writer_key",
    "commit_id": "c.id",
    "root_commit_id": "?1",
    "depth": "c.generation",
}
_FIELD = pattern(r"\{(\w+)\}")
_INTERNED = {"schema": "schema_id", "file": "file_id", "plugin": "plugin_id"}
_KEYS = ("schema_id", "file_id", "entity_id")

_ANY_OF = "{0}.entity_id IN (SELECT value FROM json_each(?))"

FARTHEST = 1000
"""Up to this depth commits are enumerated to find their changes."""


class _Condition(NamedTuple):
    """A condition, `?` for its parameter; `key` is the column of rows it is about, if any.

    `{0}` stands for the table whose column that is.
    """

    text: str
    value: Any
    key: str = ""


class _Question(NamedTuple):
    """What one execution asks: conditions, root, and bounds on commit and depth."""

    conditions: list[_Condition]
    root: Revision
    commit_id: str | None
    farthest: int | None


class _Source(NamedTuple):
    """How changes are found. `number` is that of the parameter with commits or segments."""

    kind: str
    with_working: bool
    with_adopted: bool


class HistoryReader:
    """Finds changes reachable from a root commit, by default the tip of the active version.

    `columns` must have the `HISTORY_COLUMNS`, with `prefix` before their names; the
    others are templates over `entity_id`, `schema_key`, `file_id`, `plugin_key`, `snapshot`,
    `schema_version`, `metadata`, `change_id`, `created_at` and `writer_key`. `schema_key` fixes the
    schema, `entities_of` makes entity ids of the values of all columns with role `key`. `pinned`
    are fields and the value every row has there. `home` names the version to start from when it is
    not the active one.
    """

    __slots__ = (
        "_columns",
        "_commit",
        "_depth",
        "_entities_of",
        "_home",
        "_keys",
        "_pinned",
        "_root",
        "_schema_key",
        "_session",
    )

    def __init__(
        self,
        session: Session,
        columns: Sequence[Column],
        *,
        schema_key: str | None = None,
        prefix: str = "",
        entities_of: Callable[[dict[str, Any]], list[str]] | None = None,
        pinned: Sequence[tuple[str, Any]] = (),
        home: str | None = None,
    ) -> None:
        self._session = session
        self._home = home
        self._pinned = tuple(pinned)
        self._schema_key = schema_key
        self._entities_of = entities_of
        self._keys = frozenset(n for n, column in enumerate(columns) if column.role == "key")
        places = {column.name: n for n, column in enumerate(columns)}
        self._columns = [*columns]
        computed = [(places[prefix + c.name], c) for c in HISTORY_COLUMNS]
        for n, column in computed:
            self._columns[n] = column._replace(template=f"{{{column.name}}}")
        (self._commit, _), (self._root, _), (self._depth, _) = computed

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find rows."""
        self._session.store.refresh()
        question = self._question(plan, args)
        return () if question is None else self._answer(plan, question)

    # -- asking

    def _question(self, plan: Plan, args: Sequence[Any]) -> _Question | None:
        """Read the arguments; None when nothing can match."""
        conditions: list[_Condition] = []
        if self._schema_key is not None:
            schema_id = self._session.store.names.find(self._schema_key)
            conditions.append(_Condition("{0}.schema_id = ?", schema_id, "schema_id"))
        if self._is_keyed(plan):
            assert self._entities_of is not None
            ids = whole_key(self._columns, self._entities_of, plan, args)
            conditions.append(
                _Condition("{0}.entity_id = ?", ids[0] if ids else None, "entity_id")
                if one_spelling(self._columns)
                else _Condition(_ANY_OF, orjson.dumps(ids).decode(), "entity_id")
            )
        root: Revision | None = None
        commit_id: str | None = None
        farthest: int | None = None
        revisions = self._session.history.revisions
        for term in plan.terms:
            value = args[term.argument]
            if term.column == self._root:
                root = revisions.by_id(value) if isinstance(value, str) else None
                if root is None:
                    return None
            elif term.column == self._commit:
                commit_id = value if term.operator in ("=", "IS") else commit_id
            elif term.column == self._depth:
                farthest = _bound(value, farthest)
            else:
                conditions.append(self._condition(self._columns[term.column], term, value))
        conditions += self._pins()
        if root is None:
            home = self._home
            if home is not None and self._session.store.versions.place(home) is None:
                return None
            root = revisions.tip(home)
            if root is None:
                return None
        return _Question(conditions, root, commit_id, farthest)

    def _pins(self) -> Iterator[_Condition]:
        """Yield the conditions that always hold."""
        find = self._session.store.names.find
        for name, value in self._pinned:
            interned = _INTERNED.get(name.partition("_")[0])
            if interned:
                yield _Condition(f"{{0}}.{interned} = ?", find(value), interned)
            elif name == "entity_id":
                yield _Condition("{0}.entity_id = ?", value, name)
            else:
                yield _Condition(f"{{{name}}} IS ?", value)

    def _is_keyed(self, plan: Plan) -> bool:
        """Tell whether a plan gives a primary key whole, so that its entity can be looked up."""
        if self._entities_of is None or not self._keys:
            return False
        return self._keys <= {term.column for term in plan.terms if term.operator == "="}

    def _condition(self, column: Column, term: Term, value: Any) -> _Condition:
        interned = _INTERNED.get(column.role)
        key = interned or ("entity_id" if column.role == "entity" else "")
        left = f"{{0}}.{key}" if key else f"({column.template})"
        find = self._session.store.names.find
        if term.operator in ("IS NULL", "IS NOT NULL"):
            return _Condition(f"(({column.template}) {term.operator}) = ?", 1)
        if term.operator == "IN":
            given = [text for text in map(as_text, value) if text is not None]
            listed = [find(v) for v in given] if interned else given
            text = f"{left} IN (SELECT value FROM json_each(?))"
            return _Condition(text, orjson.dumps(listed).decode(), key)
        if interned and term.operator in ("=", "IS"):
            name = as_text(value)
            return _Condition(f"{left} = ?", None if name is None else find(name), key)
        if interned:
            return _Condition(f"({column.template}) {term.operator} ?", value)
        return _Condition(f"{left} {term.operator} ?", affine(value, column.declared), key)

    # -- answering

    def _answer(self, plan: Plan, question: _Question) -> Iterator[Sequence[Any]]:
        store, history = self._session.store, self._session.history
        working = question.root.working
        reach = history.reach(question.root)
        source = self._source(question)
        sql = plan.compiled.get(source)
        if sql is None:
            sql = plan.compiled[source] = qualify(self._sql(plan, question, source), store.db)
        assert isinstance(sql, str)
        params: list[Any] = [question.root.id, *(c.value for c in question.conditions)]
        if source.kind == "commit":
            params.append(_listed(self._commits(question, reach)))
        else:
            params.append(_listed(stretch.segment_id for stretch in reach.stretches()))
        if source.kind == "schemas":
            params.append(self._session.catalogue.schema_ids())
        own: frozenset[int] = frozenset()
        if working is not None:
            own = self._working(working.no)
            params.append(_listed(own))
        found = store.connection.execute(sql, params)
        return self._placed(found, max(plan.columns, default=-1), question.root, reach, own)

    def _source(self, question: _Question) -> _Source:
        """Choose how changes are found."""
        known = {
            condition.key: condition.value
            for condition in question.conditions
            if condition.text.endswith("= ?")
        }
        bounded = question.commit_id is not None or (
            question.farthest is not None and question.farthest <= FARTHEST
        )
        if "entity_id" in known:
            kind = "key" if "schema_id" in known else "schemas"
        elif bounded:
            kind = "commit"
        elif known.get("file_id", LIX) not in (LIX, None):
            kind = "file"
        else:
            kind = "key"
        adopts = self._session.store.connection.execute(
            qualify("SELECT EXISTS (SELECT 1 FROM lix_internal_member)", self._session.store.db)
        ).get
        return _Source(kind, question.root.working is not None, bool(adopts))

    def _sql(self, plan: Plan, question: _Question, source: _Source) -> str:
        numbered = [
            (condition, condition.text.replace("?", f"?{number}"))
            for number, condition in enumerate(question.conditions, 2)
        ]
        place = len(numbered) + 2
        narrow = "".join(f" AND {text}" for c, text in numbered if c.key in _KEYS)
        if source.kind == "commit":
            found = CHANGES_BY_COMMIT.format(f"?{place}")
        elif source.kind == "file":
            found = CHANGES_BY_FILE.format(f"?{place}", narrow.format("x"))
        else:
            if source.kind == "schemas":
                narrow += f" AND x.schema_id IN (SELECT value FROM json_each(?{place + 1}))"
            found = CHANGES_BY_KEY.format(f"?{place}", narrow.format("x"))
        if source.with_working:
            number = place + 1 + (source.kind == "schemas")
            found += f" UNION SELECT value FROM json_each(?{number})"
        adopted = (
            "(SELECT group_concat(m.seq) FROM lix_internal_member m WHERE m.change_no = h.no)"
            if source.with_adopted
            else "NULL"
        )
        known = self._known(plan, numbered)
        outputs = [
            known.get(n) or (self._columns[n].template or "NULL") if n in plan.columns else "NULL"
            for n in range(max(plan.columns, default=-1) + 1)
        ]
        listed = ", ".join([*outputs, "c.segment_id", "c.seq", "c.generation", adopted, "h.no"])
        where = " AND ".join(
            ["?1 IS NOT NULL", *(text.replace("{0}", "h") for _, text in numbered)]
        )
        text = (
            f"SELECT {listed} FROM ({found}) f "
            "CROSS JOIN lix_internal_change h ON h.no = f.change_no "
            f"CROSS JOIN lix_internal_commit c ON c.seq = h.commit_seq WHERE {where}"
        )
        return _FIELD.sub(lambda match: _FIELDS[match[1]], text)

    def _known(self, plan: Plan, numbered: Sequence[tuple[_Condition, str]]) -> dict[int, str]:
        """Return what to show in columns whose value a condition fixes: its very parameter."""
        first = (self._schema_key is not None) + self._is_keyed(plan)
        terms = [t for t in plan.terms if t.column not in (self._root, self._commit, self._depth)]
        return {
            term.column: text.rpartition(" ")[2]
            for term, (_, text) in zip(terms, numbered[first:], strict=False)
            if term.operator == "=" and self._columns[term.column].role == "entity"
        }

    def _commits(self, question: _Question, reach: Reach) -> list[int]:
        """Return the commits within the bounds of a question."""
        store = self._session.store
        if question.commit_id is not None:
            commit = store.commits.by_id(question.commit_id)
            return [commit.seq] if commit is not None and commit in reach else []
        assert question.farthest is not None
        near = self._session.history.graph.commits(reach, question.farthest)
        return [commit.seq for commit in near]

    def _working(self, version_no: int) -> frozenset[int]:
        store = self._session.store
        rows = store.connection.execute(qualify(WORKING_OF_VERSION, store.db), (version_no,))
        return frozenset(row[0] for row in rows)

    def _placed(
        self,
        found: Iterable[tuple[Any, ...]],
        last: int,
        root: Revision,
        reach: Reach,
        working: frozenset[int],
    ) -> Iterator[Sequence[Any]]:
        """Say of each change where it was found nearest; leave out what cannot be reached."""
        line = reach.line()
        if line is None or working:
            yield from self._looked_up(found, last, root, reach, working)
            return
        # most histories are one line of commits, where the place of one is soon found
        (segment_id, ends, values), depth_at = line, self._depth
        segment_at, seq_at, generation_at, adopted_at = range(last + 1, last + 5)
        newest, shows_depth = ends[-1], depth_at <= last
        for row in found:
            if row[adopted_at] is not None:
                yield from self._looked_up([row], last, root, reach, working)
            elif row[segment_at] == segment_id and row[seq_at] <= newest:
                changed = [*row]
                if shows_depth:
                    changed[depth_at] = values[bisect_left(ends, row[seq_at])] - row[generation_at]
                yield changed

    def _looked_up(
        self,
        found: Iterable[tuple[Any, ...]],
        last: int,
        root: Revision,
        reach: Reach,
        working: frozenset[int],
    ) -> Iterator[Sequence[Any]]:
        """Look the place of each change up in the graph."""
        depth_of = reach.depth
        shows_depth, shows_commit = self._depth <= last, self._commit <= last
        for row in found:
            segment_id, seq, generation, adopted, no = row[last + 1 :]
            depth = depth_of(segment_id, seq, generation)
            commit_id = None
            if no in working:
                depth, commit_id = 0, root.id
            elif adopted is not None:
                depth, commit_id = self._nearest(adopted, depth, depth_of)
            if depth is None:
                continue
            values = [*row]
            if shows_depth:
                values[self._depth] = depth
            if shows_commit and commit_id is not None:
                values[self._commit] = commit_id
            yield values

    def _nearest(
        self, adopted: str, depth: int | None, depth_of: Any
    ) -> tuple[int | None, str | None]:
        """Return the least depth, and the commit there unless it is the one that made it."""
        commit_id = None
        for seq in map(int, adopted.split(",")):
            commit = self._session.store.commits.by_seq(seq)
            if commit is not None:
                other = depth_of(commit.segment_id, commit.seq, commit.generation)
                if other is not None and (depth is None or other < depth):
                    depth, commit_id = other, commit.id
        return depth, commit_id


def _listed(numbers: Iterable[int]) -> str:
    return orjson.dumps(list(numbers)).decode()


def _bound(value: Any, known: int | None) -> int | None:
    """Combine upper bounds of the depth."""
    if not isinstance(value, int | float):
        return known
    bound = int(max(0, min(value, LONGEST)))
    return bound if known is None else min(bound, known)
