"""The commit stream: a bounded queue of batches, and the journal for what came another way."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any, Protocol

from lix_vtab.effects.changes import Batch
from lix_vtab.effects.exchange import News
from lix_vtab.effects.filters import Filter
from lix_vtab.effects.wake import Wake, wait_for, wait_for_async
from lix_vtab.model.dataclasses import dataclass

__all__ = ["QUEUE", "CommitStream", "Source"]

QUEUE = 256
"""How many batches a stream keeps for a slow reader."""

_END = object()


@dataclass(frozen=True, slots=True)
class _Queued:
    """A batch with the range of commits it covers; `first` is None when it has none."""

    batch: Batch
    first: int | None


class Source(Protocol):
    """Where a following stream finds commits that were not announced to it."""

    def next(self, position: int, before: int | None) -> Batch | None:
        """Return the first commit after `position`, but before `before`, as a batch."""
        ...


class CommitStream:
    """Batches of changes, one for each transaction that changed what the filter wants.

    Iterate over it, with `for` or `async for`; `try_next()` never waits. A closed stream still
    gives what it holds. Readable from any thread, unless it follows other processes.

        with lix.commits(schema_keys=["task"]) as stream:
            for batch in stream:
                print(batch.sequence, [change.entity_id for change in batch.changes])
    """

    def __init__(
        self,
        wake: Wake,
        wanted: Filter,
        on_close: Callable[[CommitStream], None],
        *,
        size: int = QUEUE,
        source: Source | None = None,
        position: int = 0,
    ) -> None:
        self._wake = wake
        self._wanted = wanted
        self._on_close = on_close
        self._size = size
        self._source = source
        self._position = position
        self._queue: deque[_Queued] = deque()
        self._lock = threading.Lock()
        self.closed = False

    # -- reading

    def try_next(self) -> Batch | None:
        """Return the next batch if there is one."""
        return self._take() if self._source is None else self._follow(self._source)

    def next(self, timeout: float | None = None) -> Batch | None:
        """Wait for the next batch; None when the stream is closed or `timeout` seconds are over."""
        found = wait_for(self._wake, self._attempt, timeout=timeout, poll=self._source is not None)
        return found if isinstance(found, Batch) else None

    def __iter__(self) -> Iterator[Batch]:
        while (batch := self.next()) is not None:
            yield batch

    async def __aiter__(self) -> AsyncIterator[Batch]:
        poll = self._source is not None
        while isinstance(
            batch := await wait_for_async(self._wake, self._attempt, poll=poll), Batch
        ):
            yield batch

    def _attempt(self) -> Any:
        found = self.try_next()
        return _END if found is None and self.closed else found

    def _take(self) -> Batch | None:
        with self._lock:
            return self._queue.popleft().batch if self._queue else None

    def _follow(self, source: Source) -> Batch | None:
        """Return what comes next in the order of commits, announced or not."""
        while True:
            with self._lock:
                queued = self._queue[0] if self._queue else None
            found = None
            if not self.closed:
                # what lies before an announced batch was committed elsewhere
                before = None if queued is None else queued.first
                if queued is not None and before is None:
                    before = queued.batch.commit_sequence + 1
                found = source.next(self._position, before)
            if found is not None:
                self._position = found.commit_sequence
                selected = self._selected(found)
                if selected is not None:
                    return selected
            elif queued is None:
                return None
            else:
                batch = self._take()
                assert batch is not None
                if queued.first is None or batch.commit_sequence > self._position:
                    self._position = max(self._position, batch.commit_sequence)
                    return replace(batch, sequence=self._position)

    # -- filling

    def push(self, sequence: int, news: News) -> None:
        """Queue what the filter wants of some news; the oldest batch makes room for it."""
        if self.closed:
            return
        batch = self._selected(Batch(sequence, news.changes, news.position))
        if batch is None:
            return
        with self._lock:
            if len(self._queue) >= self._size:
                batch = self._make_room(batch)
            self._queue.append(_Queued(batch, news.first))

    def _make_room(self, batch: Batch) -> Batch:
        """Drop the oldest batch and leave a mark on the one that is now the oldest."""
        lost = self._queue.popleft().batch
        # commits can be read again from the journal, untracked rows are in no journal
        gone = self._source is None or any(change.untracked for change in lost.changes)
        dropped = lost.dropped + int(gone)
        if not self._queue:
            return replace(batch, dropped=dropped)
        head = self._queue[0]
        self._queue[0] = replace(head, batch=replace(head.batch, dropped=dropped))
        return batch

    def _selected(self, batch: Batch) -> Batch | None:
        changes = self._wanted.select(batch.changes)
        if not changes:
            return None
        return batch if changes is batch.changes else replace(batch, changes=changes)

    # -- life

    def close(self) -> None:
        """Queue nothing more; closing twice is fine."""
        if not self.closed:
            self.closed = True
            self._on_close(self)
            self._wake.notify()

    def __enter__(self) -> CommitStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
