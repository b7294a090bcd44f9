"""Finding out what a transaction changed, while it can still be read and before it is public."""

from __future__ import annotations

from lix_vtab.effects.changes import Change, Touch
from lix_vtab.effects.exchange import Hearing, News, exchange_of
from lix_vtab.effects.journal import PAGE, Journal, JournalCommit
from lix_vtab.effects.untracked import Untracked
from lix_vtab.session import Session
from lix_vtab.storage.rows import Key

__all__ = ["Capture"]


class Capture:
    """Watches the transactions of one session and announces those that commit.

    Nothing is gathered while nobody listens. What was gathered is announced after the commit only;
    a commit that fails is gathered again when it is tried again.
    """

    __slots__ = ("_journal", "_news", "_seen", "_session", "_untracked", "exchange", "hearing")

    def __init__(self, session: Session) -> None:
        self._session = session
        self.exchange = exchange_of(_path(session))
        store = session.store
        self._journal = Journal(store, session.scopes)
        self._untracked = Untracked(store, session.scopes)
        self._news: News | None = None
        self._seen: int | None = None
        self.hearing: Hearing | None = None
        store.overlay.before_write(self._note)
        store.transaction.on_begin(self._forget)
        store.transaction.at_close(self._gather)
        store.transaction.after_commit(self._announce)
        store.transaction.on_rollback(self._undo)

    def _note(self, version_no: int, key: Key) -> None:
        if self.exchange.listening:
            self._untracked.note(version_no, key)

    def _gather(self) -> None:
        """Read what changed; each of our tables in the transaction reports the commit."""
        if not self.exchange.listening:
            self._news = None
            return
        store = self._session.store
        seen = store.connection.execute("SELECT total_changes()").get
        if self._news is not None and seen == self._seen:
            return
        self._seen = seen
        self._news = self._read(store.commits.first_open)
        if self.hearing is not None:
            self.hearing.prepare(self._news)

    def _read(self, first: int | None) -> News:
        changes: list[Change] = []
        commits: list[JournalCommit] = []
        last = 0
        while first is not None:
            page = self._journal.after(max(first - 1, last))
            for commit in page:
                changes += self._journal.changes(commit)
                commits.append(commit)
                last = commit.seq
            if len(page) < PAGE:
                break
        touches = [change.touch for change in changes]
        if len({commit.version_id for commit in commits}) < len(commits):
            changes = self._journal.together(commits)
        overlaid: list[Touch] = []
        if len(self._untracked):
            changes += self._untracked.changes()
            overlaid = self._untracked.touches()
        position = last or self._session.store.commits.next_seq() - 1
        return News(
            tuple(changes), (*touches, *overlaid), first if last else None, position, overlaid
        )

    def _announce(self) -> None:
        news, self._news = self._news, None
        self._untracked.forget()
        if news is not None:
            self.exchange.announce(news, self.hearing)

    def _undo(self) -> None:
        self._news = None
        if not self._session.store.transaction.active:
            self._untracked.forget()

    def _forget(self) -> None:
        self._news = None
        self._untracked.forget()


def _path(session: Session) -> str:
    """Return the file of a session's database, empty when it has none."""
    for _, name, path in session.connection.execute("PRAGMA database_list"):
        if name == session.db:
            return path or ""
    return ""
