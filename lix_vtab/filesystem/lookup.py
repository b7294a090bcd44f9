"""Finding files and directories of a scope through the index of names.

A path is walked a segment at a time: a step is one query over the layers of the scope, in which a
nearer layer hides what a farther one says about the same file or directory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lix_vtab.filesystem.descriptors import Directory, File
from lix_vtab.filesystem.entries import Entries
from lix_vtab.filesystem.patterns import Region
from lix_vtab.filesystem.tree import Climb, DirectoryPaths
from lix_vtab.resolution.past import Past
from lix_vtab.resolution.scope import Scope
from lix_vtab.resolution.visible import Query
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.file_tables import NEWEST
from lix_vtab.storage.first_names import DIRECTORY_ID, FILE_ID, LIX
from lix_vtab.storage.store import Store

__all__ = ["CHILD", "NAMED", "STEM", "Lookup"]

_ENTRY = (
    "x.entity_id IN (SELECT e.entity_id FROM lix_internal_entry e WHERE e.holder = {holder} "
    f"AND e.parent = @1%s AND e.until > min({{limit}}, {NEWEST - 1}) AND e.since <= {{limit}} "
    "AND e.kind = @kind)"
)
NAMED = _ENTRY % " AND e.name = @2"
"""Filter of rows that have the name @2 in the directory @1; `@kind` is their schema's number."""
CHILD = _ENTRY % ""
"""Filter of rows in the directory @1."""
STEM = _ENTRY % " AND e.name >= @2 AND e.name < @3"
"""Filter of rows in the directory @1 whose name is in the range from @2 to @3."""

_PLACE = ("{entity_id}", "{snapshot}")
_ID = ("{entity_id}",)


def _query(kind: int, outputs: tuple[str, ...], within: str) -> Query:
    keys = (f"x.schema_id = {kind}", f"x.file_id = {LIX}")
    within = within.replace("@kind", str(kind))
    if within == "id":
        return Query(outputs, 1, (*keys, "x.entity_id = ?1"))
    return Query(outputs, within.count("@"), keys, (within.replace("@", "?"),))


_STEP = {kind: _query(kind, _ID, NAMED) for kind in (FILE_ID, DIRECTORY_ID)}
_CHILDREN = {kind: _query(kind, _PLACE, CHILD) for kind in (FILE_ID, DIRECTORY_ID)}
_BY_ID = {
    kind: _query(kind, ("{snapshot}", "{untracked}"), "id") for kind in (FILE_ID, DIRECTORY_ID)
}
_ALL = {
    kind: Query(_PLACE, 0, (f"x.schema_id = {kind}", f"x.file_id = {LIX}"))
    for kind in (FILE_ID, DIRECTORY_ID)
}


class Lookup:
    """Finds by name and by id, and climbs; keeps what it learns of directories until one moves."""

    __slots__ = ("_any", "_generation", "_known", "_parents", "_store", "_volatile", "past")

    def __init__(self, store: Store, entries: Entries) -> None:
        self._store = store
        self._generation = -1
        self._volatile = False
        self._parents: dict[tuple[str, str], Any] = {}
        self._known: dict[tuple[str, str | None, str], list[str]] = {}
        self._any: dict[int, str] = {}
        self.past = Past(store)
        entries.on_change(self._changed)
        store.on_foreign_write(self._forget)
        store.transaction.on_rollback(self._rolled_back)
        store.transaction.after_commit(self._settle)

    # -- by id

    def file(self, scope: Scope, file_id: str) -> File | None:
        """Return the descriptor of a file."""
        row = self._run(_BY_ID[FILE_ID], scope, FILE_ID, (file_id,)).fetchone()
        return None if row is None else File.parse(row[0])

    def directory(self, scope: Scope, directory_id: str) -> Directory | None:
        """Return the descriptor of a directory."""
        row = self._run(_BY_ID[DIRECTORY_ID], scope, DIRECTORY_ID, (directory_id,)).fetchone()
        return None if row is None else Directory.parse(row[0])

    def climb(self, scope: Scope) -> Climb:
        """Return a function that knows the parent and the name of each directory."""

        def step(directory_id: str) -> tuple[str | None, str] | None:
            key = (scope.version_id, directory_id)
            if keeps and key in self._parents:
                return self._parents[key]  # type: ignore[no-any-return]
            found = self.directory(scope, directory_id)
            answer = None if found is None else (found.parent_id, found.name)
            if keeps:
                self._parents[key] = answer
            return answer

        keeps = self._keeps(scope)
        return step

    def paths(self, scope: Scope) -> DirectoryPaths:
        """Return what knows the paths of directories, for one statement."""
        return DirectoryPaths(self.climb(scope))

    # -- by name

    def step(self, scope: Scope, kind: int, parent_id: str | None, name: str) -> list[str]:
        """Return the ids of the files or directories of a name in a directory, nearest first."""
        keeps = kind == DIRECTORY_ID and self._keeps(scope)
        key = (scope.version_id, parent_id, name)
        if keeps and key in self._known:
            return self._known[key]
        found = [row[0] for row in self._run(_STEP[kind], scope, kind, (parent_id or "", name))]
        if keeps and found:
            self._known[key] = found
        return found

    def directories(self, scope: Scope, segments: Iterable[str]) -> list[str | None]:
        """Return the ids a directory path leads to; [None] is the root, [] that there is none.

        More than one only when an inherited directory came to have the path of an own one.
        """
        front: list[str | None] = [None]
        for segment in segments:
            front = [id for at in front for id in self.step(scope, DIRECTORY_ID, at, segment)]
        return front

    def find(self, scope: Scope, path: str) -> Iterator[tuple[str | None, str]]:
        """Yield the (directory, name) places a file path stands for."""
        # what no path may look like finds nothing, for nothing has such a name
        start, *directories, name = path.split("/") if "/" in path else ("-", "")
        if not start and name:
            for directory_id in self.directories(scope, directories):
                yield directory_id, name

    def find_directory(self, scope: Scope, path: str) -> Iterator[tuple[str | None, str]]:
        """Yield the (parent, name) places a directory path stands for."""
        if path.endswith("/"):
            yield from self.find(scope, path[:-1])

    def taken(self, scope: Scope, parent_id: str | None, name: str) -> bool:
        """Tell whether anything might have a name in a directory: cheap, and right in saying no."""
        occupied = self._store.overlay.occupied()
        holders = [
            -layer.params[0] if layer.kind == "o" else layer.params[0]
            for layer in scope.layers
            if layer.kind != "o"
            or (layer.params[0], FILE_ID) in occupied
            or (layer.params[0], DIRECTORY_ID) in occupied
        ]
        sql = self._any.get(len(holders))
        if sql is None:
            sql = self._any[len(holders)] = qualify(_taken(len(holders)), self._store.db)
        row = self._store.connection.execute(sql, (parent_id or "", name, *holders)).fetchone()
        return row is not None

    # -- many

    def children(self, scope: Scope, kind: int, parent_id: str | None) -> Iterator[tuple[str, str]]:
        """Yield (id, snapshot) of what lies in a directory."""
        yield from self._run(_CHILDREN[kind], scope, kind, (parent_id or "",)).fetchall()

    def all(self, scope: Scope, kind: int) -> Iterator[tuple[str, str]]:
        """Yield (id, snapshot) of every file or directory."""
        yield from self._run(_ALL[kind], scope, kind, ())

    def below(self, scope: Scope, region: Region) -> Iterator[tuple[str | None, int]]:
        """Yield the directories of a region, each with its depth, and those on the way to it."""
        front: list[tuple[str | None, int]] = [(None, 0)]
        seen: set[str] = set()
        while front:
            at, depth = front.pop()
            yield at, depth
            for id, _ in self._descend(scope, region, at, depth):
                if id not in seen:
                    seen.add(id)
                    front.append((id, depth + 1))

    def _descend(
        self, scope: Scope, region: Region, at: str | None, depth: int
    ) -> Iterator[tuple[str, str]]:
        fixed = region.fixed(depth)
        if fixed is not None:
            for id in self.step(scope, DIRECTORY_ID, at, fixed):
                yield id, fixed
            return
        for id, snapshot in self.children(scope, DIRECTORY_ID, at):
            name = Directory.parse(snapshot).name
            if region.descends(depth, name):
                yield id, name

    # -- running

    def _run(self, query: Query, scope: Scope, kind: int, params: Sequence[Any]) -> Any:
        store = self._store
        if kind == DIRECTORY_ID:
            scope = self.whole(scope)
        view = scope.view(kind, store.overlay.occupied())
        sql = query.sql(store.db, view.shape, len(scope.chain))
        return store.connection.execute(sql, (*params, *view.params))

    def whole(self, scope: Scope) -> Scope:
        """Return the scope of a commit with what its version inherited, others as they are."""
        return self.past.whole(scope)

    # -- keeping

    def _keeps(self, scope: Scope) -> bool:
        """Tell whether answers may be kept: they must be those of a version, and here to stay."""
        versions = self._store.versions
        if versions.generation != self._generation:
            self._forget()
            self._generation = versions.generation
        if scope.version_no == 0 or not scope.whole:
            return False
        return not self._volatile and not versions.volatile

    def _changed(self, holder: int, seq: int, kind: int, entity_id: str, live: bool) -> None:
        if kind == DIRECTORY_ID:
            self._forget()
            if not self._store.transaction.settled:
                self._volatile = True

    def _forget(self) -> None:
        self._parents.clear()
        self._known.clear()

    def _rolled_back(self) -> None:
        self._forget()
        self._volatile = self._store.transaction.active and self._volatile

    def _settle(self) -> None:
        if self._volatile:
            self._volatile = False
            self._forget()


def _taken(holders: int) -> str:
    """Ask whether any of so many holders has, or had, a name in a directory."""
    return (
        " UNION ALL ".join(
            "SELECT 1 FROM lix_internal_entry "
            f"WHERE holder = ?{n + 3} AND parent = ?1 AND name = ?2"
            for n in range(holders)
        )
        + " LIMIT 1"
    )
