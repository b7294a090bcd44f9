"""`lix_file_history`: a file as it was after each commit that changed it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lix_vtab.filesystem.descriptors import FILE
from lix_vtab.history.graph import Reach
from lix_vtab.history.revision import Revision
from lix_vtab.history.touching import Touch, Touching
from lix_vtab.model.json import canonical_json, parse_json
from lix_vtab.resolution.scope import Scope
from lix_vtab.session import Session
from lix_vtab.storage.first_names import FILE_ID, LIX
from lix_vtab.storage.rows import Key, Stored
from lix_vtab.surfaces.base import Cursor, ReadOnlySurface
from lix_vtab.surfaces.planner import Column, Plan
from lix_vtab.surfaces.tree_rows import Lazy, TreeCursor

__all__ = ["FileHistory"]


class FileHistory(ReadOnlySurface):
    """An entry for each commit that changed where a file is, what it consists of or its bytes.

    `lixcol_depth` counts the entries of a file from the root commit on, `lixcol_commit_depth` the
    commits between. The entry of a deletion has neither path nor data. Without a root the tip of
    the active version is meant.
    """

    name = "lix_file_history"
    cursor: type[Cursor] = TreeCursor
    columns: Sequence[Column] = (
        Column("id", "TEXT", "", "hint"),
        Column("path", "TEXT"),
        Column("data", "BLOB"),
        Column("metadata", "TEXT"),
        Column("hidden", "INTEGER"),
        Column("lixcol_entity_id", "TEXT", "", "hint"),
        Column("lixcol_schema_key", "TEXT"),
        Column("lixcol_file_id", "TEXT"),
        Column("lixcol_version_id", "TEXT"),
        Column("lixcol_plugin_key", "TEXT"),
        Column("lixcol_schema_version", "TEXT"),
        Column("lixcol_change_id", "TEXT"),
        Column("lixcol_metadata", "TEXT"),
        Column("lixcol_commit_id", "TEXT"),
        Column("lixcol_root_commit_id", "TEXT", "", "argument"),
        Column("lixcol_depth", "INTEGER"),
        Column("lixcol_commit_depth", "INTEGER"),
    )

    def __init__(self, session: Session) -> None:
        self._session = session

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find entries."""
        session = self._session
        session.store.refresh()
        given = plan.find(14, "=", "IS")
        root = session.history.revisions.tip() if given is None else self._root(args, given)
        if root is None:
            return ()
        ids: set[str] | None = None
        for term in plan.terms:
            if term.column in (0, 5) and term.operator in ("=", "IS"):
                named = {args[term.argument]}
                ids = named if ids is None else ids & named
        return self._entries(root, None if ids is None else {i for i in ids if isinstance(i, str)})

    def _root(self, args: Sequence[Any], given: Any) -> Revision | None:
        value = args[given.argument]
        return self._session.history.revisions.by_id(value) if isinstance(value, str) else None

    def _entries(self, root: Revision, ids: set[str] | None) -> Iterator[Sequence[Any]]:
        session, history = self._session, self._session.history
        reach = history.reach(root)
        touching = Touching(session.store, session.files, reach)
        working = self._working(root)
        wanted = ids
        if wanted is None:
            wanted = {*touching.ids(FILE_ID), *(working.ids(FILE_ID) if working else ())}
        scopes: dict[int, Scope] = {}
        number = 0
        for file_id in sorted(wanted):
            found = [_Entry(touch, reach) for touch in touching.of_file(file_id).values()]
            if working is not None:
                found += self._since(working.of_file(file_id).values(), root)
            for depth, entry in enumerate(sorted(found, key=_rank)):
                commit = entry.touch.commit
                scope = scopes.get(commit.seq)
                if scope is None:
                    scope = scopes[commit.seq] = history.scope(Revision(commit.id, commit))
                number += 1
                place = (entry.commit_id, root.id, depth, entry.distance)
                yield [*self._entry(file_id, entry.touch, scope), *place, number]

    def _working(self, root: Revision) -> Touching | None:
        """Return what finds the commits a working commit stands for."""
        if root.working is None:
            return None
        session = self._session
        return Touching(session.store, session.files, session.history.graph.reach(root.commit))

    def _since(self, touches: Iterable[Touch], root: Revision) -> Iterator[_Entry]:
        """Yield the one entry a working commit has of a file, if it changed since the baseline."""
        assert root.working is not None
        newest = root.working.baseline_seq or 0
        since = [touch for touch in touches if touch.commit.seq > newest]
        if since:
            last = max(since, key=lambda touch: (touch.describes, touch.change_no))
            yield _Entry(last._replace(commit=root.commit), None, root.id)

    def _entry(self, file_id: str, touch: Touch, scope: Scope) -> list[Any]:
        session = self._session
        stored = self._descriptor(file_id, touch)
        values = None if stored is None else stored.values
        there = values is not None and values.snapshot is not None
        content = parse_json(values.snapshot) if values is not None and values.snapshot else {}
        metadata = content.get("metadata")
        return [
            file_id,
            session.files.path(scope, file_id) if there else None,
            Lazy(session.files.contents.read, scope, file_id) if there else None,
            None if metadata is None else canonical_json(metadata),
            int(bool(content.get("hidden"))) if there else None,
            file_id,
            FILE,
            "lix" if touch.describes else file_id,
            "global",
            "lix",
            values.schema_version if values is not None else "1",
            touch.change_id,
            values.metadata if values is not None else None,
        ]

    def _descriptor(self, file_id: str, touch: Touch) -> Stored | None:
        store = self._session.store
        lineage = store.segments.at(touch.commit.segment_id, touch.commit.seq)
        return store.rows.find(lineage, Key(FILE_ID, file_id, LIX))


class _Entry:
    """A commit as an entry of history: how far away it is and what it is called there."""

    __slots__ = ("commit_id", "distance", "touch")

    def __init__(self, touch: Touch, reach: Reach | None, commit_id: str | None = None) -> None:
        commit = touch.commit
        self.touch = touch
        self.commit_id = commit_id or commit.id
        self.distance = 0
        if reach is not None:
            self.distance = reach.depth(commit.segment_id, commit.seq, commit.generation) or 0


def _rank(entry: _Entry) -> tuple[int, int]:
    """Sort entries nearest first; among equally near ones the newest first."""
    return entry.distance, -entry.touch.commit.seq
