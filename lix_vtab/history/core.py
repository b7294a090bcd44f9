"""Everything about history one database needs, wired together."""

from __future__ import annotations

from collections import OrderedDict

from lix_vtab.history.diff import Comparison, compare
from lix_vtab.history.graph import Graph, Reach
from lix_vtab.history.revision import Revision, Revisions
from lix_vtab.mutation.row_errors import unknown_version
from lix_vtab.mutation.versions import VersionWriter
from lix_vtab.resolution.scope import Scope, Scopes
from lix_vtab.storage.commits import Commit
from lix_vtab.storage.store import Store
from lix_vtab.storage.versions import Pointer

__all__ = ["History"]

CACHED_SCOPES = 1024
"""How many past states are kept ready to be read."""


class History:
    """The commit graph, revision names and scopes of past states of one database."""

    __slots__ = ("_past", "_scopes", "_store", "_versions", "graph", "revisions")

    def __init__(self, store: Store, scopes: Scopes, versions: VersionWriter) -> None:
        self._store = store
        self._scopes = scopes
        self._versions = versions
        self._past: OrderedDict[tuple[int, str], Scope] = OrderedDict()
        self.graph = Graph(store)
        store.on_foreign_write(self._past.clear)
        store.transaction.on_rollback(self._past.clear)
        self.revisions = Revisions(store, scopes, versions, self.graph)

    def resolve(self, name: object) -> Revision:
        """Return what a revision name stands for, HEAD for None."""
        return self.revisions.head() if name is None else self.revisions.resolve(name)

    def scope(self, revision: Revision) -> Scope:
        """Return the scope that shows the state of a revision: the own rows of its line then."""
        commit = revision.commit
        known = self._past.get((commit.seq, commit.id))
        if known is None:
            version = self._store.versions.pointer_by_no(commit.version_no)
            known = self._scopes.at(commit.segment_id, commit.seq, version.id)
            if not self._store.transaction.active:
                self._past[commit.seq, commit.id] = known
                if len(self._past) > CACHED_SCOPES:
                    self._past.popitem(last=False)
        return known

    def reach(self, revision: Revision) -> Reach:
        """Return what can be reached from a revision.

        From a working commit that is its baseline and what came before; the working changes
        themselves are not among it.
        """
        if revision.working is None:
            return self.graph.reach(revision.commit)
        seq = revision.working.baseline_seq
        baseline = None if seq is None else self._store.commits.by_seq(seq)
        return Reach({}) if baseline is None else self.graph.reach(baseline).farther()

    def tip(self) -> Commit | None:
        """Return the tip of the active version, None when it has no commit."""
        pointer = self._active()
        return None if pointer.tip_seq is None else self._store.commits.by_seq(pointer.tip_seq)

    def baseline(self) -> Commit | None:
        """Return the last checkpoint of the active version, or the commit it began at if any."""
        seq = self._active().baseline_seq
        return None if seq is None else self._store.commits.by_seq(seq)

    def compare(self, before: Commit | None, after: Commit | None) -> Comparison:
        """Prepare the comparison of two states, None being the empty one."""
        return compare(self._store.segments, self.graph, before, after)

    def _active(self) -> Pointer:
        active = self._versions.active_id()
        pointer = self._store.versions.pointer(active)
        if pointer is None:
            raise unknown_version(active)
        return pointer
