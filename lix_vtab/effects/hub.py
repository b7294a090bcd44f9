"""What listens on one `Lix`: its streams, observed queries and callbacks."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any

from lix_vtab.arguments import boolean, whole
from lix_vtab.effects.callbacks import Callbacks, Subscription
from lix_vtab.effects.changes import Batch
from lix_vtab.effects.exchange import Exchange, News
from lix_vtab.effects.filters import Filter
from lix_vtab.effects.journal import Journal
from lix_vtab.effects.observe import Observation
from lix_vtab.effects.observers import Observers
from lix_vtab.effects.queries import Queries
from lix_vtab.effects.stream import QUEUE, CommitStream
from lix_vtab.effects.wake import Wake
from lix_vtab.execution.executor import Parameters
from lix_vtab.session import Session

__all__ = ["Hub"]


class Hub:
    """Passes news on to streams, observed queries and callbacks."""

    def __init__(self, session: Session, queries: Queries, exchange: Exchange) -> None:
        self._session = session
        self._exchange = exchange
        self._journal = Journal(session.store, session.scopes)
        self._wake = Wake()
        self._lock = threading.RLock()
        self._streams: weakref.WeakSet[CommitStream] = weakref.WeakSet()
        self._callbacks = Callbacks()
        self._observers = Observers(session, queries, self._wake, exchange.changed)
        self.turn = self._observers.turn
        self.waiting = self._callbacks.waiting
        exchange.join(self)

    # -- listening

    @property
    def listening(self) -> bool:
        """Tell whether anybody would notice news."""
        # a stream that was just collected may still be counted, but is not found any more
        streaming = next(iter(self._streams), None) is not None
        return streaming or bool(len(self._callbacks) or len(self._observers))

    def commits(
        self, wanted: Filter, *, size: int = QUEUE, follow: bool = False, since: int | None = None
    ) -> CommitStream:
        """Open a stream; one that follows reads the journal from commit `since` on."""
        whole(size, "commits: queue", least=1, hint="how many batches wait for a slow reader")
        if since is not None:
            whole(since, "commits: since", least=0, hint="commit_sequence of a batch, 0 for all")
        following = boolean(follow, "commits: follow") or since is not None
        stream = CommitStream(
            self._wake,
            wanted,
            self._drop,
            size=size,
            source=_JournalSource(self._session, self._journal) if following else None,
            position=self._journal.last() if since is None else since,
        )
        with self._lock:
            self._streams.add(stream)
        weakref.finalize(stream, self._exchange.changed).atexit = False
        self._exchange.changed()
        return stream

    def on_commit(self, callback: Callable[[Batch], object], wanted: Filter) -> Subscription:
        """Call `callback` with each batch it wants, as soon as SQL may run again."""
        subscription = self._callbacks.add(callback, wanted, self._exchange.changed)
        self._exchange.changed()
        return subscription

    def observe(self, sql: str, params: Parameters) -> Observation:
        """Observe a query."""
        return self._observers.observe(sql, params)

    def _drop(self, stream: CommitStream) -> None:
        with self._lock:
            self._streams.discard(stream)
        self._exchange.changed()

    # -- news

    def prepare(self, news: News) -> None:
        """Look at news of the own connection while SQL may still run."""
        self._observers.prepare(news)

    def hear(self, news: News, *, own: bool) -> None:
        """Pass on a commit that is durable; runs no SQL, in any thread."""
        with self._lock:
            sequence = self._observers.sequence + 1
            if news.changes:
                self._observers.sequence = sequence
                for stream in list(self._streams):
                    stream.push(sequence, news)
                self._callbacks.queue(sequence, news)
            if own:
                self._observers.mark_own(sequence, news)
        self._wake.notify()

    @property
    def due(self) -> bool:
        """Tell whether callbacks wait to be called."""
        return self._callbacks.due

    def deliver(self, result: Any = None) -> None:
        """Call the callbacks that wait, unless a transaction is open."""
        if not self._session.connection.in_transaction:
            self._callbacks.deliver(result)

    # -- life

    def close(self) -> None:
        """End everything; who waits gets nothing more."""
        self._exchange.leave(self)
        for stream in list(self._streams):
            stream.close()
        self._callbacks.close()
        self._observers.close()
        self._wake.notify()


class _JournalSource:
    """Commits nobody announced, as batches."""

    def __init__(self, session: Session, journal: Journal) -> None:
        self._session = session
        self._journal = journal

    def next(self, position: int, before: int | None) -> Batch | None:
        """Return the first commit after `position`, but before `before`, as a batch."""
        session = self._session
        if session.connection.in_transaction:
            return None
        session.store.refresh()
        for commit in self._journal.after(position, 1):
            if before is None or commit.seq < before:
                return Batch(commit.seq, tuple(self._journal.changes(commit)), commit.seq)
        return None
