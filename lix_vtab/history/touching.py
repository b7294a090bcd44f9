"""Which commits changed an entity or a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import orjson

from lix_vtab.filesystem.filesystem import Filesystem
from lix_vtab.history.content import CHANGES_BY_FILE, CHANGES_BY_KEY
from lix_vtab.history.graph import Reach
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.storage.commits import Commit
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.first_names import FILE_ID, LIX
from lix_vtab.storage.store import Store

__all__ = ["Touch", "Touching"]

_CHANGES = (
    "SELECT h.no, h.id, h.schema_id, h.commit_seq, (SELECT json_group_array(m.seq) "
    "FROM lix_internal_member m WHERE m.change_no = h.no) FROM ({0}) f "
    "CROSS JOIN lix_internal_change h ON h.no = f.change_no"
)
_IDS = (
    "SELECT DISTINCT entity_id FROM lix_internal_tip WHERE schema_id = ?2 AND file_id = 1 "
    "AND segment_id IN (SELECT value FROM json_each(?1)) ORDER BY 1"
)


class Touch(NamedTuple):
    """A commit that changed something: its newest change, a change of a descriptor if there is one.

    A commit that only changed how a file is formatted has no change of an entity.
    """

    commit: Commit
    change_no: int = 0
    change_id: str | None = None
    describes: bool = False


class Touching:
    """Finds the reachable commits that changed something.

    A change counts where it was made, or where it was adopted if that cannot be reached.
    """

    __slots__ = ("_commits", "_files", "_reach", "_segments", "_store")

    def __init__(self, store: Store, files: Filesystem, reach: Reach) -> None:
        self._store = store
        self._files = files
        self._reach = reach
        self._commits: dict[int, Commit | None] = {}
        segments = [segment_id for segment_id, _ in reach.stretches()]
        self._segments = orjson.dumps(segments).decode()

    def of_entity(
        self, entity_id: str, schema_ids: str, file_id: str | None = None
    ) -> dict[int, Touch]:
        """Return the commits that changed an entity of any of some schemas (a JSON array)."""
        narrow = " AND x.entity_id = ?2 AND x.schema_id IN (SELECT value FROM json_each(?3))"
        params: list[object] = [entity_id, schema_ids]
        if file_id is not None:
            narrow += " AND x.file_id = ?4"
            params.append(self._store.names.find(file_id))
        return self._found(CHANGES_BY_KEY.format("?1", narrow), params)

    def of_file(self, file_id: str) -> dict[int, Touch]:
        """Return the commits that changed a file: its place, its content or its bytes."""
        number = self._store.names.find(file_id)
        found: dict[int, Touch] = {}
        for segment_id, upto in self._reach.stretches():
            for seq, _ in self._files.renderings.commits(segment_id, file_id, 0, upto):
                commit = self._commit(seq)
                if commit is not None:
                    found[seq] = Touch(commit)
        if number not in (LIX, -1):
            found |= self._found(CHANGES_BY_FILE.format("?1", " AND x.file_id = ?2"), [number])
        return found | self.of_entity(file_id, f"[{FILE_ID}]", "lix")

    def ids(self, schema_id: int) -> list[str]:
        """Return the ids of all entities of a schema there ever were in `lix`."""
        sql = qualify(_IDS, self._store.db)
        rows = self._store.connection.execute(sql, (self._segments, schema_id)).fetchall()
        return [row[0] for row in rows]

    def _found(self, source: str, params: Iterable[object]) -> dict[int, Touch]:
        sql = qualify(_CHANGES.format(source), self._store.db)
        found: dict[int, Touch] = {}
        rows = self._store.connection.execute(sql, (self._segments, *params)).fetchall()
        for no, id, schema_id, made, adopted in rows:
            for commit in self._places(made, adopted):
                known = found.get(commit.seq)
                if known is None or known.change_no < no:
                    found[commit.seq] = Touch(commit, no, id, schema_id == FILE_ID)
        return found

    def _places(self, made: int, adopted: str) -> Iterator[Commit]:
        commit = self._commit(made)
        if commit is not None:
            yield commit
            return
        for seq in orjson.loads(adopted):
            commit = self._commit(seq)
            if commit is not None:
                yield commit

    def _commit(self, seq: int) -> Commit | None:
        """Return a commit that can be reached."""
        if seq not in self._commits:
            commit = self._store.commits.by_seq(seq)
            within = commit is not None and commit in self._reach
            self._commits[seq] = commit if within else None
        return self._commits[seq]
