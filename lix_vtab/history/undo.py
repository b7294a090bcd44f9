"""Undo and redo: taking back the newest commits of a version, and taking that back.

Each is a new commit marked with the commit it is about. A commit counts as undone when the newest
mark about it says so; new commits of another kind end what can be redone. A mark that takes back
the last thing that counts leaves everything as it was before that, so it tells where to go on:
finding what to undo costs the same however often something was undone and redone.
"""

from __future__ import annotations

from collections.abc import Iterator

from lix_vtab.errors import CorruptError, NothingToRedo, NothingToUndo
from lix_vtab.history.restore import Restorer
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.storage.commits import Commit
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.store import Store
from lix_vtab.storage.versions import Pointer

__all__ = ["Undo"]

_RECENT = """
SELECT c.seq, r.kind, r.target_seq, r.skip_seq, EXISTS (SELECT 1 FROM lix_internal_checkpoint k
    WHERE k.seq = c.seq) OR NOT (EXISTS (SELECT 1 FROM lix_internal_change h
    WHERE h.no BETWEEN c.first_change AND c.last_change AND h.commit_seq = c.seq)
    OR EXISTS (SELECT 1 FROM lix_internal_member m WHERE m.seq = c.seq)
    OR EXISTS (SELECT 1 FROM lix_internal_rendering f
        WHERE f.holder = c.segment_id AND f.since = c.seq))
FROM lix_internal_commit c LEFT JOIN lix_internal_reversal r ON r.seq = c.seq
WHERE c.segment_id = ? AND c.version_no = ? AND c.seq <= ? ORDER BY c.seq DESC
"""


class _Recent(NamedTuple):
    """A commit of the version: what it is a mark about, where to go on, whether it is empty."""

    seq: int
    kind: str | None
    target_seq: int | None
    skip_seq: int | None
    empty: bool


class Undo:
    """Undoes and redoes commits of one database.

    Remembers which commits this session made, for those who only want to undo their own.
    """

    __slots__ = ("_closing", "_made", "_restorer", "_store")

    def __init__(self, store: Store, restorer: Restorer) -> None:
        self._store = store
        self._restorer = restorer
        self._closing: tuple[int, int] | None = None
        self._made: list[tuple[int, int]] = []
        store.transaction.at_close(self._note_range)
        store.transaction.after_commit(self._note_made)

    def undo(self, version_id: str, *, own: bool = False, writer_key: str | None = None) -> Commit:
        """Take back the newest commit of a version that is not undone; `own` skips others' commits.

        Raises NothingToUndo, or MergeConflictError when later commits changed the same entities.
        """
        self._restorer.seal(version_id)
        pointer = self._pointer(version_id)
        undone: dict[int, bool] = {}
        # whether everything after the commit that is found cancels out
        last = True
        for recent in self._recent(pointer, "undo", "redo"):
            if recent.target_seq is not None:
                undone.setdefault(recent.target_seq, recent.kind == "undo")
                last = last and recent.skip_seq is not None
            elif recent.empty or undone.get(recent.seq):
                continue
            elif own and not self._mine(recent):
                last = False
            else:
                skip = self._before(pointer, recent, "undo", "redo") if last else None
                return self._reverse(version_id, recent.seq, "undo", skip, writer_key)
        raise NothingToUndo(
            f"version '{version_id}' has no commit to undo",
            hint="undo does not go back before the version began",
            details={"version_id": version_id},
        )

    def redo(self, version_id: str, *, own: bool = False, writer_key: str | None = None) -> Commit:
        """Apply the commit undone last again; raise NothingToRedo when there is none."""
        self._restorer.seal(version_id)
        pointer = self._pointer(version_id)
        undone: dict[int, bool] = {}
        last = True
        for recent in self._recent(pointer, "redo"):
            theirs = own and not self._mine(recent)
            if recent.target_seq is None:
                if not recent.empty and not theirs:
                    break
                last = last and recent.empty
            elif undone.setdefault(recent.target_seq, recent.kind == "undo") and not theirs:
                skip = self._before(pointer, recent, "redo") if last else None
                return self._reverse(version_id, recent.target_seq, "redo", skip, writer_key)
            else:
                last = last and recent.kind == "redo" and recent.skip_seq is not None
        raise NothingToRedo(
            f"version '{version_id}' has nothing to redo",
            hint="only what was just undone can be redone",
            details={"version_id": version_id},
        )

    def _reverse(
        self,
        version_id: str,
        target_seq: int,
        kind: str,
        skip_seq: int | None,
        writer_key: str | None,
    ) -> Commit:
        commits = self._store.commits
        target = commits.by_seq(target_seq)
        if target is None:
            raise CorruptError(f"commit number {target_seq} does not exist")
        before = None if target.parent_seq is None else commits.by_seq(target.parent_seq)
        ends = (target, before) if kind == "undo" else (before, target)
        made = self._restorer.transfer(
            version_id,
            *ends,
            message=f"{kind.capitalize()} {target.id}",
            writer_key=writer_key,
            always=True,
        )
        self._store.connection.execute(
            qualify("INSERT INTO lix_internal_reversal VALUES (?, ?, ?, ?)", self._store.db),
            (made.seq, kind, target_seq, skip_seq),
        )
        return made

    def _pointer(self, version_id: str) -> Pointer:
        pointer = self._store.versions.pointer(version_id)
        if pointer is None:
            raise CorruptError(f"version '{version_id}' has no pointer")
        return pointer

    def _recent(self, pointer: Pointer, *following: str) -> Iterator[_Recent]:
        """Yield the commits of a version, newest first; leave out what marks of some kinds skip."""
        store = self._store
        sql = qualify(_RECENT, store.db)
        newest = pointer.tip_seq
        while newest is not None:
            found = store.connection.execute(sql, (pointer.segment_id, pointer.no, newest))
            newest = None
            for row in found:
                recent = _Recent(*row)
                yield recent
                if recent.kind in following and recent.skip_seq is not None:
                    newest = recent.skip_seq
                    break

    def _before(self, pointer: Pointer, recent: _Recent, *following: str) -> int:
        """Return the commit before one, or where to go on from there; 0 when there is none."""
        sql = qualify(
            "SELECT c.seq, r.kind, r.skip_seq FROM lix_internal_commit c "
            "LEFT JOIN lix_internal_reversal r ON r.seq = c.seq "
            "WHERE c.segment_id = ? AND c.version_no = ? AND c.seq < ? ORDER BY c.seq DESC LIMIT 1",
            self._store.db,
        )
        params = (pointer.segment_id, pointer.no, recent.seq)
        row = self._store.connection.execute(sql, params).fetchone()
        if row is None:
            return 0
        seq, kind, skip_seq = row
        return skip_seq if kind in following and skip_seq is not None else int(seq)

    # -- whose commits

    def _mine(self, recent: _Recent) -> bool:
        first = self._store.commits.first_open
        if first is not None and recent.seq >= first:
            return True
        return any(low <= recent.seq <= high for low, high in self._made)

    def _note_range(self) -> None:
        first = self._store.commits.first_open
        self._closing = None if first is None else (first, self._store.commits.last_closed)

    def _note_made(self) -> None:
        if self._closing is not None:
            first, last = self._closing
            if self._made and self._made[-1][1] == first - 1:
                first = self._made.pop()[0]
            self._made.append((first, last))
            self._closing = None
