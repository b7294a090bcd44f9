"""One database's storage: the parts wired together, with one place that notices foreign writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lix_vtab.storage.commits import Commits
from lix_vtab.storage.connection import Connection, Row
from lix_vtab.storage.ddl import quote
from lix_vtab.storage.identity import Identity
from lix_vtab.storage.names import LIX, Names
from lix_vtab.storage.overlay import Overlay
from lix_vtab.storage.rows import Key, Rows
from lix_vtab.storage.segments import Segments
from lix_vtab.storage.transaction import Transaction
from lix_vtab.storage.versions import GLOBAL, Versions

__all__ = ["Store"]


class Store:
    """Everything stored in database `db` of a connection.

    `refresh()` must be called before a statement looks at anything: it drops caches when another
    connection committed since the last look.
    """

    __slots__ = (
        "_committed",
        "_connected",
        "_data_version",
        "_on_check",
        "_on_foreign_write",
        "_on_rebuild",
        "_on_replace",
        "_pager_version",
        "_pragma",
        "commits",
        "connection",
        "db",
        "identity",
        "names",
        "overlay",
        "rows",
        "segments",
        "transaction",
        "versions",
    )

    def __init__(self, connection: Connection, db: str = "main") -> None:
        self.connection = connection
        self.db = db
        self.transaction = Transaction()
        self.identity = Identity()
        self.names = Names(connection, db, self.transaction)
        self.segments = Segments(connection, db, self.transaction)
        self.commits = Commits(connection, db, self.transaction, self.identity)
        self.rows = Rows(connection, db, self.commits, self.identity)
        self.overlay = Overlay(connection, db, self.transaction, self.identity)
        self.versions = Versions(
            connection,
            db,
            self.transaction,
            self.identity,
            self.names,
            self.segments,
            self.commits,
            self.rows,
        )
        self.rows.on_withdrawal.append(self.overlay.forget)
        self.segments.on_fold(lambda new, old, seq: self.overlay.forget_folded())
        self.commits.authors = self.active_accounts
        self._pager_version = -1
        self._data_version: Row | None = None
        self._committed = False
        self._pragma = f"PRAGMA {quote(db)}.data_version"
        self.transaction.after_commit(self._note_commit)
        self._on_rebuild: list[Callable[[], None]] = []
        self._on_check: list[tuple[Callable[[], Iterable[str]], bool]] = []
        self._connected: set[str] = set()
        self._on_replace: list[Callable[[], None]] = []
        self._on_foreign_write: list[Callable[[], None]] = [
            self.segments.forget,
            self.overlay.forget,
            self.versions.forget,
        ]

    def on_foreign_write(self, hook: Callable[[], None]) -> None:
        """Call `hook` when another connection has committed."""
        self._on_foreign_write.append(hook)

    def on_rebuild(self, hook: Callable[[], None]) -> None:
        """Call `hook` when all that is derived must be derived again, rows of keys first."""
        self._on_rebuild.append(hook)

    def on_check(self, hook: Callable[[], Iterable[str]], *, content: bool = False) -> None:
        """Let `hook` yield what is wrong with the tables it knows about.

        `content` says that it reads the content of every file.
        """
        self._on_check.append((hook, content))

    def rebuilt(self) -> None:
        """Let others rebuild what they derive from the rows."""
        for hook in self._on_rebuild:
            hook()

    def checks(self, *, content: bool = True) -> list[Callable[[], Iterable[str]]]:
        """Return what finds out what is wrong, with or without the content of files."""
        return [hook for hook, reads in self._on_check if content or not reads]

    def refresh(self) -> None:
        """Notice what other connections committed."""
        # The pager's counter is cheap but counts our own commits too; the pragma does not. When it
        # has moved by one and we have committed, that was all.
        current = self.connection.data_version(self.db)
        if current != self._pager_version:
            ours = self._committed and current == self._pager_version + 1
            self._committed = False
            self._pager_version = current
            if ours:
                return
            foreign = self.connection.execute(self._pragma).fetchone()
            if foreign != self._data_version:
                self._data_version = foreign
                self.transaction.stale()
                for hook in self._on_foreign_write:
                    hook()

    def connecting(self, table: str) -> None:
        """Note that a table is connected; a second time it may be that of another database.

        A backup may have been restored into ours, or its name attached to another file.
        """
        if table in self._connected or self.db != "main":
            self.replaced()
            self._connected.clear()
        self._connected.add(table)

    def replaced(self) -> None:
        """Doubt everything: our database may be another one now."""
        self._pager_version = -1
        self._data_version = None
        self._committed = False
        self.names.forget()
        for hook in self._on_replace:
            hook()

    def on_replace(self, hook: Callable[[], None]) -> None:
        """Call `hook`, which must not run SQL, when the database may be another one."""
        self._on_replace.append(hook)

    def _note_commit(self) -> None:
        self._committed = True

    def look(self) -> None:
        """Notice what other connections committed, also when no statement reads a table yet.

        Until one does, the pager's counter stands where the last transaction left it.
        """
        self.connection.execute(self._pragma).fetchone()
        self.refresh()

    def active_accounts(self) -> list[str]:
        """Return the ids of the active accounts, sorted."""
        schema_id = self.names.find("lix_active_account")
        place = self.versions.place(GLOBAL)
        if place is None or (place[0], schema_id) not in self.overlay.occupied():
            return []
        found = self.connection.execute(
            f'SELECT entity_id FROM "{self.db}".lix_internal_overlay WHERE version_no = ? '
            "AND schema_id = ? AND file_id = ? AND snapshot IS NOT NULL ORDER BY entity_id",
            (place[0], schema_id, LIX),
        )
        return [row[0] for row in found]

    def own(self, version_id: str, key: Key) -> object | None:
        """Return a version's own tracked row of `key`, a tombstone included."""
        place = self.versions.place(version_id)
        return None if place is None else self.rows.find(self.segments.lineage(place[1]), key)
