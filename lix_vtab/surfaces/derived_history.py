"""`<key>_history` of bookkeeping: what commits brought with them, from a commit backwards.

Bookkeeping never changes, so each row has one entry: at the commit it is about. Working commits
are no commits yet, and have none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from lix_vtab.history.graph import Reach
from lix_vtab.history.revision import Revision
from lix_vtab.session import Session
from lix_vtab.surfaces.base import ReadOnlySurface
from lix_vtab.surfaces.derived import entity_columns as derived_columns
from lix_vtab.surfaces.derived_by_version import DERIVED_TABLES
from lix_vtab.surfaces.entity_history import history_columns
from lix_vtab.surfaces.entity_shape import EntityShape
from lix_vtab.surfaces.planner import Column, Plan
from lix_vtab.surfaces.relation import Relation

__all__ = ["DerivedHistory"]

_MADE = {
    "lixcol_commit_id": "(SELECT k.id FROM lix_internal_commit k WHERE k.seq = {made})",
    # the commit's number, until its distance is worked out
    "lixcol_depth": "{made}",
}
_ROLES = {"lixcol_depth": "lazy", "lixcol_root_commit_id": "argument"}


class DerivedHistory(ReadOnlySurface):
    """Derived rows that are about commits one can reach, and how far away those are."""

    def __init__(self, session: Session, shape: EntityShape) -> None:
        table = DERIVED_TABLES[shape.key]
        known = {c.name: c for c in derived_columns(shape.key, table.properties, table.key)}
        self.name = f"{shape.key}_history"
        self.columns: Sequence[Column] = tuple(
            _derived(column, known.get(column.name)) for column in history_columns(shape)
        )
        names = [column.name for column in self.columns]
        self._root, self._depth = names.index("lixcol_root_commit_id"), names.index("lixcol_depth")
        self._session = session
        self._relation = Relation(session, self.name, self.columns, table.branches, table.key)

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find rows."""
        self._session.store.refresh()
        history = self._session.history
        wanted = plan.find(self._root, "=", "IS")
        if wanted is None:
            root: Revision | None = history.revisions.tip()
        else:
            id = args[wanted.argument]
            root = history.revisions.by_id(id) if isinstance(id, str) else None
        if root is None:
            return ()
        whole = plan.compiled.get("whole")
        if whole is None:
            columns = tuple(sorted({*plan.columns, self._depth}))
            whole = plan.compiled["whole"] = replace(plan, columns=columns, compiled={})
        assert isinstance(whole, Plan)
        found = self._relation.rows(whole, args)
        return self._placed(found, root.id, history.reach(root))

    def _placed(
        self, found: Iterable[Sequence[Any]], root_id: str, reach: Reach
    ) -> Iterator[Sequence[Any]]:
        """Say how far away each row's commit is; leave out what cannot be reached."""
        commits = self._session.store.commits
        depths: dict[int | None, int | None] = {None: None}
        for row in found:
            seq = row[self._depth]
            if seq not in depths:
                commit = commits.by_seq(seq)
                depths[seq] = commit and reach.depth(
                    commit.segment_id, commit.seq, commit.generation
                )
            if depths[seq] is not None:
                values = [*row]
                values[self._root], values[self._depth] = root_id, depths[seq]
                yield values


def _derived(column: Column, known: Column | None) -> Column:
    """Return a column of history as it is read from derived rows."""
    if known is not None:
        return column._replace(template=known.template, role=known.role)
    template = _MADE.get(column.name, column.template)
    return column._replace(template=template, role=_ROLES.get(column.name, ""))
