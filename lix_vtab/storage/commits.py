"""Commits: one per version and transaction, opened by the first tracked write, closed at xSync."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lix_vtab.model.json import canonical_json
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.storage.connection import Connection
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.identity import Identity
from lix_vtab.storage.transaction import Transaction

__all__ = ["COMMIT_COLUMNS", "Commit", "Commits"]

COMMIT_COLUMNS = (
    "seq, id, change_set_id, segment_id, version_no, generation, parent_seq, created_at"
)

_HAS_CONTENT = (
    "EXISTS (SELECT 1 FROM lix_internal_change WHERE no >= c.first_change AND commit_seq = c.seq) "
    "OR EXISTS (SELECT 1 FROM lix_internal_member m WHERE m.seq = c.seq) "
    "OR EXISTS (SELECT 1 FROM lix_internal_checkpoint p WHERE p.seq = c.seq) "
    "OR EXISTS (SELECT 1 FROM lix_internal_parent p WHERE p.seq = c.seq)"
)


class Commit(NamedTuple):
    """A commit as stored. `parent_seq` is the first parent; `generation` counts along those."""

    seq: int
    id: str
    change_set_id: str
    segment_id: int
    version_no: int
    generation: int
    parent_seq: int | None
    created_at: str


class Commits:
    """Opens, closes and finds commits."""

    __slots__ = (
        "_close",
        "_closed",
        "_connection",
        "_db",
        "_find_id",
        "_find_seq",
        "_first_open",
        "_identity",
        "_insert",
        "_next_change",
        "_open",
        "_point",
        "_sealed",
        "_stood",
        "_tip",
        "_transaction",
        "also_content",
        "authors",
        "before_seal",
    )

    def __init__(
        self, connection: Connection, db: str, transaction: Transaction, identity: Identity
    ) -> None:
        self._connection = connection
        self._db = db
        self._transaction = transaction
        self._identity = identity
        self._open: dict[int, int] = {}
        self._first_open: int | None = None
        self._closed: set[int] = set()
        self._stood: dict[int, str] = {}
        self._sealed = False
        self._next_change: int | None = None
        self.before_seal: list[Callable[[], None]] = []
        self.also_content: list[Callable[[int], bool]] = []
        self.authors: Callable[[], Sequence[str]] = tuple
        self._tip = qualify(
            "SELECT v.segment_id, v.updated_at, c.seq, c.generation, c.last_change, "
            "(SELECT coalesce(max(no), 0) + 1 FROM lix_internal_change), "
            "(SELECT coalesce(max(seq), 0) + 1 FROM lix_internal_commit) "
            "FROM lix_internal_version v "
            "LEFT JOIN lix_internal_commit c ON c.seq = v.tip_seq WHERE v.no = ?",
            db,
        )
        self._insert = qualify(
            "INSERT INTO lix_internal_commit(seq, id, change_set_id, segment_id, version_no, "
            "generation, parent_seq, first_change, last_change, authors, message, created_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            db,
        )
        self._point = qualify(
            "UPDATE lix_internal_version SET commit_id = ?, tip_seq = ?, updated_at = ? "
            "WHERE no = ?",
            db,
        )
        self._close = qualify(
            "UPDATE lix_internal_commit SET last_change = ?, authors = ? WHERE seq = ?", db
        )
        find = f"SELECT {COMMIT_COLUMNS} FROM lix_internal_commit WHERE "
        self._find_seq = qualify(f"{find} seq = ?", db)
        self._find_id = qualify(f"{find} id = ?", db)
        transaction.on_begin(self._reset)
        transaction.at_close(self.close_open)
        transaction.after_commit(self._reset)
        transaction.on_rollback(self._open.clear)

    def by_seq(self, seq: int) -> Commit | None:
        """Return the commit with this sequence number."""
        row = self._connection.run(self._find_seq, (seq,)).get
        return None if row is None else Commit(*row)

    def by_id(self, id: str) -> Commit | None:
        """Return the commit with this id."""
        row = self._connection.run(self._find_id, (id,)).get
        return None if row is None else Commit(*row)

    def next_seq(self) -> int:
        """Return the sequence number the next commit will get."""
        sql = qualify("SELECT coalesce(max(seq), 0) + 1 FROM lix_internal_commit", self._db)
        return int(self._connection.run(sql).get)

    def peek_change(self) -> int:
        """Return the change number that is taken next."""
        if self._next_change is None:
            sql = qualify("SELECT coalesce(max(no), 0) + 1 FROM lix_internal_change", self._db)
            self._next_change = int(self._connection.run(sql).get)
        return self._next_change

    def next_change(self) -> int:
        """Take the next change number; numbers undone by a rollback may stay unused."""
        number = self._next_change
        if number is None:
            return self.take_changes(1)
        self._next_change = number + 1
        return number

    def take_changes(self, count: int) -> int:
        """Take the next `count` change numbers and return the first of them."""
        number = self.peek_change()
        self._next_change = number + count
        return number

    def open(self, version_no: int) -> int:
        """Return the sequence number of this transaction's commit on a version, opening it once."""
        known = self._open.get(version_no)
        if known is not None:
            return known
        row = self._connection.run(self._tip, (version_no,)).get
        if row is None:
            raise KeyError(version_no)
        segment_id, updated_at, tip_seq, generation, last_change, next_change, next_seq = row
        if self._next_change is None:
            self._next_change = next_change
        if tip_seq is not None and (last_change is None or tip_seq in self._closed):
            seq = int(tip_seq)
            self._reopen(seq)
        else:
            generation = (generation or 0) + 1
            seq = self.insert(version_no, segment_id, tip_seq, generation, seq=next_seq)
            self._stood[seq] = updated_at
        if self._transaction.settled:
            self._open[version_no] = seq
        return seq

    def insert(
        self,
        version_no: int,
        segment_id: int,
        parent_seq: int | None,
        generation: int,
        *,
        id: str | None = None,
        change_set_id: str | None = None,
        message: str | None = None,
        seq: int | None = None,
    ) -> int:
        """Append an open commit to a segment and move the version's tip to it.

        `seq` is the next sequence number, for those who know it.
        """
        if seq is None:
            seq = self.next_seq()
        if self._first_open is None or seq < self._first_open:
            self._first_open = seq
        now = self._identity.now(seq)
        commit_id = id or self._identity.new("commit", seq)
        self._connection.run(
            self._insert,
            (
                seq,
                commit_id,
                change_set_id or self._identity.new("change_set", seq),
                segment_id,
                version_no,
                generation,
                parent_seq,
                self.peek_change(),
                None,
                None,
                message,
                now,
            ),
        )
        self._connection.run(self._point, (commit_id, seq, now, version_no))
        return seq

    def forget_open(self, version_no: int) -> None:
        """Stop using the open commit of a version whose tip was moved."""
        self._open.pop(version_no, None)

    @property
    def first_open(self) -> int | None:
        """Return the number no commit of the running transaction is below, None without any."""
        return self._first_open

    @property
    def last_closed(self) -> int:
        """Return the newest commit, once those of the running transaction are completed."""
        if self._closed and not self._sealed:
            return max(self._closed)
        return self.next_seq() - 1

    def close_open(self) -> None:
        """Complete every commit of this transaction; drop those left without content."""
        if self._first_open is not None:
            self._open.clear()
            self._closed.update(self._complete("seq >= ?", self._first_open))

    def seal(self, version_no: int) -> None:
        """Complete the open commit of one version for good: what follows gets another commit."""
        if self._first_open is not None:
            for hook in self.before_seal:
                hook()
            self._open.pop(version_no, None)
            self._sealed = True
            self._complete("seq >= ? AND version_no = ?", self._first_open, version_no)

    def _complete(self, condition: str, *values: int) -> list[int]:
        """Complete the open commits among some, newest first; return those that had content."""
        pending = self._connection.execute(
            qualify(
                f"SELECT seq, first_change, version_no, parent_seq, message, {_HAS_CONTENT} "
                f"FROM lix_internal_commit c WHERE {condition} AND last_change IS NULL "
                "ORDER BY seq DESC",
                self._db,
            ),
            values,
        ).fetchall()
        completed = []
        for seq, first, version_no, parent_seq, message, filled in pending:
            if not filled and message is None and not any(has(seq) for has in self.also_content):
                self._drop(seq, version_no, parent_seq)
                continue
            authors = canonical_json(sorted(set(self.authors())))
            last = max(self.peek_change() - 1, first - 1)
            self._connection.run(self._close, (last, None if authors == "[]" else authors, seq))
            completed.append(seq)
        return completed

    def add_parent(self, seq: int, parent_seq: int) -> None:
        """Give a commit one more parent, after those it has."""
        self._connection.execute(
            qualify(
                "INSERT INTO lix_internal_parent SELECT ?1, coalesce(max(position), 0) + 1, ?2 "
                "FROM lix_internal_parent WHERE seq = ?1",
                self._db,
            ),
            (seq, parent_seq),
        )

    def describe(self, seq: int, message: str) -> None:
        """Give a commit a message."""
        self._connection.execute(
            qualify("UPDATE lix_internal_commit SET message = ? WHERE seq = ?", self._db),
            (message, seq),
        )

    def adopt(self, seq: int, change_no: int) -> None:
        """Make a change of another commit part of this one."""
        self._connection.execute(
            qualify("INSERT OR IGNORE INTO lix_internal_member VALUES (?, ?)", self._db),
            (seq, change_no),
        )

    def _reopen(self, seq: int) -> None:
        """Go on with a commit that was completed for a COMMIT that then failed."""
        if seq in self._closed:
            self._closed.remove(seq)
            self._connection.execute(self._close, (None, None, seq))

    def _drop(self, seq: int, version_no: int, parent_seq: int | None) -> None:
        parent = None if parent_seq is None else self.by_seq(parent_seq)
        execute = self._connection.execute
        execute(qualify("DELETE FROM lix_internal_commit WHERE seq = ?", self._db), (seq,))
        execute(
            qualify(
                "UPDATE lix_internal_version SET commit_id = ?, tip_seq = ?, "
                "updated_at = coalesce(?, updated_at) WHERE no = ? AND tip_seq = ?",
                self._db,
            ),
            (parent.id if parent else None, parent_seq, self._stood.get(seq), version_no, seq),
        )

    def _reset(self) -> None:
        self._open.clear()
        self._closed.clear()
        self._stood.clear()
        self._sealed = False
        self._first_open = None
        self._next_change = None
