"""`lix_directory_history`: every change of a directory that led to a commit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from lix_vtab.filesystem.descriptors import DIRECTORY
from lix_vtab.filesystem.tree import DirectoryPaths
from lix_vtab.session import Session
from lix_vtab.surfaces.base import ReadOnlySurface
from lix_vtab.surfaces.history_reader import HISTORY_COLUMNS, HistoryReader
from lix_vtab.surfaces.planner import Column, Plan

__all__ = ["META", "DirectoryHistory"]

META = (
    Column("lixcol_entity_id", "TEXT", "{entity_id}", "entity"),
    Column("lixcol_schema_key", "TEXT", "{schema_key}"),
    Column("lixcol_file_id", "TEXT", "{file_id}"),
    Column("lixcol_version_id", "TEXT", "'global'"),
    Column("lixcol_plugin_key", "TEXT", "{plugin_key}", "plugin"),
    Column("lixcol_schema_version", "TEXT", "{schema_version}"),
    Column("lixcol_change_id", "TEXT", "{change_id}"),
    Column("lixcol_metadata", "TEXT", "{metadata}"),
    *(column._replace(name=f"lixcol_{column.name}") for column in HISTORY_COLUMNS),
)


class DirectoryHistory(ReadOnlySurface):
    """Changes of directories; the path is the one the directory had in that commit."""

    name = "lix_directory_history"
    columns: Sequence[Column] = (
        Column("id", "TEXT", "{entity_id}", "entity"),
        Column("parent_id", "TEXT", "{snapshot} ->> '$.parent_id'"),
        Column("name", "TEXT", "{snapshot} ->> '$.name'"),
        Column("path", "TEXT"),
        Column("hidden", "INTEGER", "coalesce({snapshot} ->> '$.hidden', 0)"),
        *META,
    )

    def __init__(self, session: Session) -> None:
        self._session = session
        self._reader = HistoryReader(session, self.columns, schema_key=DIRECTORY, prefix="lixcol_")
        names = [column.name for column in self.columns]
        self._path = names.index("path")
        self._commit = names.index("lixcol_commit_id")

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find changes."""
        if self._path not in plan.columns:
            return self._reader.rows(plan, args)
        inner = plan.compiled.get("with commit")
        if inner is None:
            columns = tuple(sorted({*plan.columns, 0, self._commit}))
            inner = plan.compiled["with commit"] = replace(plan, columns=columns, compiled={})
        assert isinstance(inner, Plan)
        return self._placed(self._reader.rows(inner, args))

    def _placed(self, rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
        session = self._session
        trees: dict[str, DirectoryPaths] = {}
        for row in rows:
            commit_id = row[self._commit]
            tree = trees.get(commit_id)
            if tree is None:
                scope = session.history.scope(session.history.revisions.resolve(commit_id))
                tree = trees[commit_id] = session.files.directory_paths(scope)
            values = [*row]
            values[self._path] = tree.path(row[0])
            yield values
