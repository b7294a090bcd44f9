"""`lix_diff_property(from, to)`: what two revisions show differently, a row for each property."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lix_vtab.model.json import Json, canonical_json, parse_json
from lix_vtab.session import Session
from lix_vtab.surfaces.base import ReadOnlySurface
from lix_vtab.surfaces.blame import json_to_sql
from lix_vtab.surfaces.diff_reader import DIFF_COLUMNS, FROM, TO, DiffReader
from lix_vtab.surfaces.planner import Column, Plan

__all__ = ["DiffProperty"]

_KEY = DIFF_COLUMNS[:3]
_INNER = (
    *_KEY,
    Column("before", "TEXT", "{before_snapshot_content}"),
    Column("after", "TEXT", "{after_snapshot_content}"),
    Column("before_change_id", "TEXT", "{before_change_id}"),
    Column("after_change_id", "TEXT", "{after_change_id}"),
    Column("before_commit_id", "TEXT", "{before_commit_id}"),
    Column("after_commit_id", "TEXT", "{after_commit_id}"),
)
_ABSENT: Any = object()


class DiffProperty(ReadOnlySurface):
    """Properties added, modified or removed between two revisions.

    `property` is a JSON pointer: objects are compared member by member, arrays as a whole. Values
    are those entity tables show; `from` and `to` are those of `lix_diff`.
    """

    name = "lix_diff_property"
    columns: Sequence[Column] = (
        *_KEY,
        Column("property", "TEXT"),
        Column("status", "TEXT"),
        Column("before_value", ""),
        Column("after_value", ""),
        Column("before_change_id", "TEXT"),
        Column("after_change_id", "TEXT"),
        Column("before_commit_id", "TEXT"),
        Column("after_commit_id", "TEXT"),
        FROM,
        TO,
    )

    def __init__(self, session: Session) -> None:
        self._session = session
        self._reader = DiffReader(session, _INNER)

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find properties."""
        self._session.store.refresh()
        ends = self._reader.ends(plan, args, len(self.columns) - 2)
        if ends is None:
            return ()
        inner = plan.compiled.get("inner")
        if inner is None:
            terms = tuple(term for term in plan.terms if term.column < len(_KEY))
            columns = tuple(range(len(_INNER)))
            inner = Plan(terms, columns, (), None, None, 0.0, 0, "")
            plan.compiled["inner"] = inner
        assert isinstance(inner, Plan)
        return self._properties(self._reader.rows(inner, args, *ends))

    def _properties(self, rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
        number = 0
        for entity_id, schema_key, file_id, before, after, *ids, _ in rows:
            old = _ABSENT if before is None else parse_json(before)
            new = _ABSENT if after is None else parse_json(after)
            for pointer, status, one, other in _compared("", old, new):
                number += 1
                values = (json_to_sql(one), json_to_sql(other))
                yield (
                    entity_id, schema_key, file_id, pointer, status, *values, *ids,
                    None, None, number,
                )  # fmt: skip


def _compared(pointer: str, old: Json, new: Json) -> Iterator[tuple[str, str, Json, Json]]:
    """Yield pointer, status and values of what differs; a whole entity differs member by member."""
    if pointer == "" or (isinstance(old, dict) and isinstance(new, dict)):
        one: dict[str, Json] = old if isinstance(old, dict) else {}
        other: dict[str, Json] = new if isinstance(new, dict) else {}
        for name in sorted(one.keys() | other.keys()):
            escaped = name.replace("~", "~0").replace("/", "~1")
            yield from _compared(
                f"{pointer}/{escaped}", one.get(name, _ABSENT), other.get(name, _ABSENT)
            )
    elif old is _ABSENT:
        yield pointer, "added", None, new
    elif new is _ABSENT:
        yield pointer, "removed", old, None
    elif canonical_json(old) != canonical_json(new):
        yield pointer, "modified", old, new
