"""`lix_file_diff(from, to)`: which files two revisions show differently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lix_vtab.filesystem.descriptors import DIRECTORY, FILE
from lix_vtab.history.content import CHANGES_BY_COMMIT
from lix_vtab.history.diff import Comparison
from lix_vtab.history.differences import differences
from lix_vtab.history.revision import Revision
from lix_vtab.model.json import canonical_json
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.resolution.scope import Scope
from lix_vtab.session import Session
from lix_vtab.storage.commits import Commit
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.first_names import DIRECTORY_ID, LIX
from lix_vtab.surfaces.base import ReadOnlySurface
from lix_vtab.surfaces.diff_reader import FROM, TO, DiffReader
from lix_vtab.surfaces.planner import Column, Plan

__all__ = ["FileDiff"]


_BETWEEN = (
    "SELECT seq, segment_id FROM lix_internal_commit WHERE version_no = ? AND seq > ? AND seq <= ?"
)
_TOUCHED = (
    "SELECT DISTINCT (SELECT text FROM lix_internal_name "
    f"WHERE id = iif(h.schema_id = {DIRECTORY_ID}, {DIRECTORY_ID}, h.file_id)) "
    f"FROM ({CHANGES_BY_COMMIT.format('?1')}) f CROSS JOIN lix_internal_change h "
    f"ON h.no = f.change_no WHERE h.schema_id = {DIRECTORY_ID} OR h.file_id <> {LIX}"
)


class _Side(NamedTuple):
    """What one state says of a file: where it is, its bytes, and what is told about it."""

    path: str | None
    size: int | None
    digest: str | None
    told: str | None


_NOWHERE = _Side(None, None, None, None)


class FileDiff(ReadOnlySurface):
    """A row for each file that is new, gone, elsewhere or has other bytes.

    `status` is `added`, `removed`, `renamed` (the path changed, the bytes perhaps too) or
    `modified`. Hashes are BLAKE3; the counts are of the entities a plugin made of the file.
    """

    name = "lix_file_diff"
    columns: Sequence[Column] = (
        Column("file_id", "TEXT"),
        Column("path", "TEXT"),
        Column("status", "TEXT"),
        Column("before_path", "TEXT"),
        Column("after_path", "TEXT"),
        Column("before_size", "INTEGER"),
        Column("after_size", "INTEGER"),
        Column("before_hash", "TEXT"),
        Column("after_hash", "TEXT"),
        Column("entities_added", "INTEGER"),
        Column("entities_modified", "INTEGER"),
        Column("entities_removed", "INTEGER"),
        FROM,
        TO,
    )

    def __init__(self, session: Session) -> None:
        self._session = session
        self._ends = DiffReader(session, ())

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find files."""
        self._session.store.refresh()
        ends = self._ends.ends(plan, args, len(self.columns) - 2)
        return () if ends is None else self._files(*ends)

    def _files(self, before: Commit | None, after: Commit | None) -> Iterator[Sequence[Any]]:
        session = self._session
        comparison = session.history.compare(before, after)
        counts: dict[str, Counter[str]] = {}
        moved = False
        for difference in differences(session.store, comparison):
            if difference.schema_key == FILE:
                counts.setdefault(difference.entity_id, Counter())
            elif difference.file_id != "lix":
                status = (
                    "added"
                    if difference.before.snapshot is None
                    else "removed"
                    if difference.after.snapshot is None
                    else "modified"
                )
                counts.setdefault(difference.file_id, Counter())[status] += 1
            moved = moved or difference.schema_key == DIRECTORY
        scopes = [None if c is None else session.history.scope(Revision(c.id, c))
                  for c in (before, after)]  # fmt: skip
        wanted = {*counts, *self._reformatted(comparison)}
        if before is not None and after is not None:
            inherited = self._inherited(before, after)
            wanted |= inherited - {DIRECTORY}
            moved = moved or DIRECTORY in inherited
        if moved:
            wanted |= {*self._moved(*scopes)}
        for number, file_id in enumerate(sorted(wanted), 1):
            row = self._row(file_id, scopes, counts.get(file_id, Counter()))
            if row is not None:
                yield [*row, None, None, number]

    def _row(
        self, file_id: str, scopes: Sequence[Scope | None], counts: Counter[str]
    ) -> list[Any] | None:
        one, other = (self._side(scope, file_id) for scope in scopes)
        if one == other:
            return None
        # a file in a directory the version only inherits is there without a path
        if one is None:
            status = "added"
        elif other is None:
            status = "removed"
        else:
            status = "renamed" if one.path != other.path else "modified"
        before, after = one or _NOWHERE, other or _NOWHERE
        pairs = (value for n in range(3) for value in (before[n], after[n]))
        tally = [counts[name] for name in ("added", "modified", "removed")]
        return [file_id, after.path or before.path, status, *pairs, *tally]

    def _side(self, scope: Scope | None, file_id: str) -> _Side | None:
        """Return what a state says of a file, None when it is not there."""
        files = self._session.files
        descriptor = None if scope is None else files.descriptor(scope, file_id)
        if scope is None or descriptor is None:
            return None
        digest = files.digest(scope, file_id)
        size = 0 if digest is None else files.blobs.size(digest)
        told = canonical_json([descriptor.hidden, descriptor.metadata])
        return _Side(files.path(scope, file_id), size, digest, told)

    def _inherited(self, before: Commit, after: Commit) -> set[str]:
        """Return the files whose content versions inherited from changed in between.

        DIRECTORY is among them if a directory did: files of a commit may lie in such.
        """
        store, files = self._session.store, self._session.files
        low, high = sorted((before.seq, after.seq))
        chains = (files.lookup.past.chain(store.versions.pointer_by_no(c.version_no).id, c.seq)
                  for c in (before, after))  # fmt: skip
        found: set[str] = set()
        for version_id in {link for chain in chains for link in chain[1:]}:
            place = store.versions.place(version_id)
            params = (None if place is None else place[0], low, high)
            commits = store.connection.execute(qualify(_BETWEEN, store.db), params).fetchall()
            seqs = canonical_json([seq for seq, _ in commits])
            found |= {
                row[0] for row in store.connection.execute(qualify(_TOUCHED, store.db), (seqs,))
            }
            for segment_id in {segment_id for _, segment_id in commits}:
                found |= {*files.renderings.changed(segment_id, low + 1, high)}
        return found

    def _moved(self, before: Scope | None, after: Scope | None) -> Iterator[str]:
        """Yield the files whose path changed because a directory did."""
        files = self._session.files
        one, other = ({} if scope is None else dict(files.list(scope)) for scope in (before, after))
        yield from (id for id in one.keys() & other.keys() if one[id] != other[id])

    def _reformatted(self, comparison: Comparison) -> Iterator[str]:
        """Yield the files whose bytes were changed in between, be it only their formatting."""
        renderings = self._session.files.renderings
        for segment_id, after, upto in comparison.between:
            yield from renderings.changed(segment_id, after + 1, upto)
