"""Time travel: any table as it was at a revision, asked as one would ask the table itself.

`SELECT * FROM lix_state_at('HEAD~3') WHERE entity_id = ...` reads the rows of that commit's line
through the same plan, indexes and columns as `lix_state` reads those of now. The revision is a
hidden column, so `WHERE revision = ...` and joins on it work too; without one it is HEAD.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lix_vtab.resolution.scope import Scope
from lix_vtab.session import Session
from lix_vtab.surfaces.base import Cursor, ReadOnlySurface
from lix_vtab.surfaces.planner import Column, Lookup, Plan

__all__ = ["REVISION", "At", "RowsAt"]

REVISION = Column("revision", "TEXT", "", "argument", hidden=True)
"""The argument of `<table>_at(revision)`. It is the last column."""

RowsAt = Callable[[Plan, Sequence[Any], Scope], Iterable[Sequence[Any]]]
"""Finds rows for a plan in a scope: `Reader.rows_at`, `TreeRows.at`."""


class At(ReadOnlySurface):
    """The table `name` with `columns` (the last being `REVISION`), read by `rows_at`."""

    sortable = True
    limits = True

    def __init__(
        self,
        session: Session,
        name: str,
        columns: Sequence[Column],
        rows_at: RowsAt,
        cursor: type[Cursor] = Cursor,
        lookups: Sequence[Lookup] = (),
    ) -> None:
        self.name = name
        self.columns = columns
        self.cursor = cursor
        self.lookups = lookups
        self._session = session
        self._rows_at = rows_at

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find the rows of a revision."""
        session = self._session
        session.store.refresh()
        term = plan.find(len(self.columns) - 1, "=", "IS")
        name = None if term is None else args[term.argument]
        if term is not None and name is None:
            return ()
        return self._rows_at(plan, args, session.history.scope(session.history.resolve(name)))
