"""Undo and redo: taking back the newest commits of a version, and taking that back.

Each is a new commit marked with the commit it is about. A commit counts as undone when the newest
mark about it says so; new commits of another kind end what can be redone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lix_vtab.errors import CorruptError, NothingToRedo, NothingToUndo
from lix_vtab.history.core import History
from lix_vtab.history.restore import Restorer, differences
from lix_vtab.storage.commits import Commit
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.store import Store

__all__ = ["Undo"]

_RECENT = """
SELECT c.seq, r.kind, r.target_seq, EXISTS (SELECT 1 FROM lix_internal_checkpoint k
    WHERE k.seq = c.seq) OR NOT (EXISTS (SELECT 1 FROM lix_internal_change h
    WHERE h.no BETWEEN c.first_change AND c.last_change AND h.commit_seq = c.seq)
    OR EXISTS (SELECT 1 FROM lix_internal_member m WHERE m.seq = c.seq))
FROM lix_internal_commit c LEFT JOIN lix_internal_reversal r ON r.seq = c.seq
WHERE c.segment_id = ? AND c.version_no = ? AND c.seq <= ? ORDER BY c.seq DESC
"""


class _Recent(NamedTuple):
    """A commit of the version, newest first: what it is a mark about, and whether it is empty."""

    seq: int
    kind: str | None
    target_seq: int | None
    empty: bool


class Undo:
    """Undoes and redoes commits of one database.

    Remembers which commits this session made, for those who only want to undo their own.
    """

    __slots__ = ("_closing", "_history", "_made", "_restorer", "_store")

    def __init__(self, store: Store, history: History, restorer: Restorer) -> None:
        self._store = store
        self._history = history
        self._restorer = restorer
        self._closing: tuple[int, int] | None = None
        self._made: list[tuple[int, int]] = []
        store.transaction.at_close(self._note_range)
        store.transaction.after_commit(self._note_made)

    def undo(self, version_id: str, *, own: bool = False, writer_key: str | None = None) -> Commit:
        """Take back the newest commit of a version that is not undone; `own` skips others' commits.

        Raises NothingToUndo, or MergeConflictError when later commits changed the same entities.
        """
        self._seal(version_id)
        undone: dict[int, bool] = {}
        for recent in self._recent(version_id):
            if recent.target_seq is not None:
                undone.setdefault(recent.target_seq, recent.kind == "undo")
            elif not (recent.empty or undone.get(recent.seq) or (own and not self._mine(recent))):
                return self._reverse(version_id, recent.seq, "undo", writer_key)
        raise NothingToUndo(
            f"version '{version_id}' has no commit to undo",
            hint="undo does not go back before the version began",
            details={"version_id": version_id},
        )

    def redo(self, version_id: str, *, own: bool = False, writer_key: str | None = None) -> Commit:
        """Apply the commit undone last again; raise NothingToRedo when there is none."""
        self._seal(version_id)
        undone: dict[int, bool] = {}
        for recent in self._recent(version_id):
            if recent.target_seq is None:
                if recent.empty or (own and not self._mine(recent)):
                    continue
                break
            if undone.setdefault(recent.target_seq, recent.kind == "undo") and not (
                own and not self._mine(recent)
            ):
                return self._reverse(version_id, recent.target_seq, "redo", writer_key)
        raise NothingToRedo(
            f"version '{version_id}' has nothing to redo",
            hint="only what was just undone can be redone",
            details={"version_id": version_id},
        )

    def _reverse(
        self, version_id: str, target_seq: int, kind: str, writer_key: str | None
    ) -> Commit:
        target = self._store.commits.by_seq(target_seq)
        if target is None:
            raise CorruptError(f"commit number {target_seq} does not exist")
        message = f"{kind.capitalize()} {target.id}"
        if kind == "undo":
            made = self._restorer.invert(version_id, target, message=message, writer_key=writer_key)
        else:
            parents = self._history.graph.parents(target)
            comparison = self._history.compare(parents[0] if parents else None, target)
            made = self._restorer.transfer(
                version_id,
                differences(self._store, comparison),
                target,
                message=message,
                writer_key=writer_key,
            )
        self._store.connection.execute(
            qualify(
                "INSERT OR REPLACE INTO lix_internal_reversal VALUES (?, ?, ?)", self._store.db
            ),
            (made.seq, kind, target_seq),
        )
        return made

    def _recent(self, version_id: str) -> Iterator[_Recent]:
        store = self._store
        pointer = store.versions.pointer(version_id)
        if pointer is None or pointer.tip_seq is None:
            return
        found = store.connection.execute(
            qualify(_RECENT, store.db), (pointer.segment_id, pointer.no, pointer.tip_seq)
        )
        for row in found:
            yield _Recent(*row)

    def _seal(self, version_id: str) -> None:
        pointer = self._store.versions.pointer(version_id)
        if pointer is not None:
            self._store.commits.seal(pointer.no)

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
