"""`lix_state_history`: every change that led to a commit, with its distance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lix_vtab.session import Session
from lix_vtab.surfaces.base import ReadOnlySurface
from lix_vtab.surfaces.history_reader import HISTORY_COLUMNS, HistoryReader
from lix_vtab.surfaces.planner import Column, Plan

__all__ = ["StateHistory"]


class StateHistory(ReadOnlySurface):
    """History of all entities under a root commit; a deletion has no snapshot.

    `WHERE root_commit_id = ...` names the root, otherwise it is the tip of the active version.
    A change that several commits contain (a checkpoint or merge repeats it) is listed once, at the
    nearest.
    """

    name = "lix_state_history"
    columns: Sequence[Column] = (
        Column("entity_id", "TEXT", "{entity_id}", "entity"),
        Column("schema_key", "TEXT", "{schema_key}", "schema"),
        Column("file_id", "TEXT", "{file_id}", "file"),
        Column("plugin_key", "TEXT", "{plugin_key}", "plugin"),
        Column("snapshot_content", "TEXT", "{snapshot}"),
        Column("metadata", "TEXT", "{metadata}"),
        Column("schema_version", "TEXT", "{schema_version}"),
        Column("change_id", "TEXT", "{change_id}"),
        *HISTORY_COLUMNS,
        Column("version_id", "TEXT", "'global'"),
        Column("created_at", "TEXT", "{created_at}", hidden=True),
        Column("writer_key", "TEXT", "{writer_key}", hidden=True),
    )

    def __init__(self, session: Session) -> None:
        self._reader = HistoryReader(session, self.columns)

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find changes."""
        return self._reader.rows(plan, args)
