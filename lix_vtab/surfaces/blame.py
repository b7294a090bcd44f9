"""`lix_blame(target, revision)`: who set which property of which entity, when, in which commit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lix_vtab.errors import FileNotFound, InvalidValueError, NotFoundError
from lix_vtab.history.blame import Blame
from lix_vtab.model.json import Json, canonical_json
from lix_vtab.resolution.scope import Scope
from lix_vtab.session import Session
from lix_vtab.storage.rows import Key
from lix_vtab.surfaces.base import ReadOnlySurface
from lix_vtab.surfaces.planner import Column, Plan, Term
from lix_vtab.surfaces.reader import Reader

__all__ = ["BlameTable", "json_to_sql"]

_KEY = (
    Column("entity_id", "TEXT", "{entity_id}", "entity"),
    Column("schema_key", "TEXT", "{schema_key}", "schema"),
    Column("file_id", "TEXT", "{file_id}", "file"),
)
_ROW = (
    *_KEY,
    Column("schema_no", "INTEGER", "{schema_id}"),
    Column("file_no", "INTEGER", "{file}"),
    Column("change_no", "INTEGER", "{change_no}"),
)


class BlameTable(ReadOnlySurface):
    """A row for each property of each entity: its value, and the change that set it.

    `target` is the path or id of a file, whose entities are meant, or the id of an entity; the
    columns of the key narrow the same way. `revision` is HEAD when left out.
    """

    name = "lix_blame"
    columns: Sequence[Column] = (
        *_KEY,
        Column("property", "TEXT"),
        Column("value", ""),
        Column("change_id", "TEXT"),
        Column("commit_id", "TEXT"),
        Column("author_account_ids", "TEXT"),
        Column("created_at", "TEXT"),
        Column("message", "TEXT"),
        Column("target", "TEXT", "", "argument", hidden=True),
        Column("revision", "TEXT", "", "argument", hidden=True),
    )

    def __init__(self, session: Session) -> None:
        self._session = session
        self._reader = Reader(session, _ROW)
        self._target = len(self.columns) - 2

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find properties."""
        session = self._session
        session.store.refresh()
        given = [plan.find(self._target + n, "=", "IS") for n in (0, 1)]
        target, revision = (None if term is None else args[term.argument] for term in given)
        if any(term is not None and args[term.argument] is None for term in given):
            return ()
        scope = session.history.scope(session.history.resolve(revision))
        place = None if target is None else self._place(scope, target)
        # a file may consist of entities its version only inherited
        of_file = place is not None and place[0] == 2
        shown = session.files.lookup.whole(scope) if of_file else scope
        found = list(self._reader.rows_at(*self._inner(plan, args, place), shown))
        if not found and place is not None:
            self._check_target(scope, *place)
        return self._blamed(found)

    def _check_target(self, scope: Scope, column: int, value: str) -> None:
        """Raise NotFoundError unless something at the revision has this path or id."""
        term = Term(column, "=", 0, 0)
        alone = Plan((term,), tuple(range(len(_ROW))), (), None, None, 0.0, 0, "")
        if column == 0 and next(iter(self._reader.rows_at(alone, (value,), scope)), None) is None:
            raise NotFoundError(
                f"no file and no entity has the id '{value}' at this revision",
                hint="a path starts with a slash: '/docs/a.md'",
                details={"target": value},
            )

    def _inner(
        self, plan: Plan, args: Sequence[Any], place: tuple[int, str] | None
    ) -> tuple[Plan, Sequence[Any]]:
        """Return the plan that finds the rows to explain, and its arguments."""
        terms = [term for term in plan.terms if term.column < len(_KEY)]
        if place is not None:
            column, value = place
            terms.append(Term(column, "=", len(args), 0))
            args = (*args, value)
        shape = tuple((term.column, term.operator) for term in terms)
        known = plan.compiled.get(shape)
        if known is None:
            columns = tuple(range(len(_ROW)))
            known = Plan(tuple(terms), columns, (), None, None, 0.0, 0, "")
            plan.compiled[shape] = known
        assert isinstance(known, Plan)
        return known, args

    def _place(self, scope: Scope, target: Any) -> tuple[int, str]:
        """Return the column of the key a target is about, and its value there."""
        if not isinstance(target, str):
            raise InvalidValueError(
                f"lix_blame: target must be a path, a file id or an entity id, got {target!r}",
                hint="such as '/docs/a.md'; leave it out for every entity",
            )
        files = self._session.files
        if target.startswith("/"):
            found = files.find(scope, target)
            if not found:
                raise FileNotFound(
                    f"no file has the path '{target}' at this revision",
                    hint="SELECT path FROM lix_file_at(revision) lists the files of then",
                    details={"path": target},
                )
            return 2, found[0]
        return (2 if files.descriptor(scope, target) is not None else 0), target

    def _blamed(self, found: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
        blame = Blame(self._session.store)
        number = 0
        for entity_id, schema_key, file_id, schema_no, file_no, change_no, *_ in found:
            for name, value, setting in blame.of(Key(schema_no, entity_id, file_no), change_no):
                number += 1
                key = (entity_id, schema_key, file_id)
                yield (*key, name, json_to_sql(value), *setting, None, None, number)


def json_to_sql(value: Json) -> Any:
    """Return a JSON value as entity tables show it: objects and arrays as JSON text."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, dict | list) or (isinstance(value, int) and abs(value) >= 1 << 63):
        return canonical_json(value)
    return value
