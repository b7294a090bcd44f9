"""`lix_working_changes`: what the active version changed since its last checkpoint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lix_vtab.session import Session
from lix_vtab.surfaces.base import ReadOnlySurface
from lix_vtab.surfaces.diff_reader import DIFF_COLUMNS, DiffReader
from lix_vtab.surfaces.planner import Column, Plan

__all__ = ["WorkingChanges"]


class WorkingChanges(ReadOnlySurface):
    """Differences between the last checkpoint of the active version and its tip."""

    name = "lix_working_changes"
    columns: Sequence[Column] = DIFF_COLUMNS
    sortable = True
    limits = True

    def __init__(self, session: Session) -> None:
        self._session = session
        self._reader = DiffReader(session, self.columns)

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find differences."""
        self._session.store.refresh()
        history = self._session.history
        return self._reader.rows(plan, args, history.baseline(), history.tip())
