"""`lix_diff(from, to)`: what two revisions show differently, a row for each entity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lix_vtab.session import Session
from lix_vtab.surfaces.base import ReadOnlySurface
from lix_vtab.surfaces.diff_reader import DIFF_COLUMNS, FROM, TO, DiffReader
from lix_vtab.surfaces.planner import Column, Plan

__all__ = ["Diff"]


class Diff(ReadOnlySurface):
    """Entities added, modified or removed between two revisions.

    Content, metadata, plugin and schema version count; what was changed and changed back does not.
    `from` is the last checkpoint and `to` the tip of the active version when left out.
    """

    name = "lix_diff"
    columns: Sequence[Column] = (
        *DIFF_COLUMNS,
        FROM,
        TO,
        Column("before_metadata", "TEXT", "{before_metadata}", hidden=True),
        Column("after_metadata", "TEXT", "{after_metadata}", hidden=True),
        Column("before_schema_version", "TEXT", "{before_schema_version}", hidden=True),
        Column("after_schema_version", "TEXT", "{after_schema_version}", hidden=True),
        Column("before_plugin_key", "TEXT", "{before_plugin_key}", hidden=True),
        Column("after_plugin_key", "TEXT", "{after_plugin_key}", hidden=True),
    )
    sortable = True
    limits = True

    def __init__(self, session: Session) -> None:
        self._session = session
        self._reader = DiffReader(session, self.columns)

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find differences."""
        self._session.store.refresh()
        ends = self._reader.ends(plan, args, len(DIFF_COLUMNS))
        return () if ends is None else self._reader.rows(plan, args, *ends)
