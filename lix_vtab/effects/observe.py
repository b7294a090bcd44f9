"""Observed queries as their users see them: a first result, then one event for each change."""

from __future__ import annotations

import threading
import weakref
from collections.abc import AsyncIterator, Iterator
from typing import Any, Protocol

from lix_vtab.effects.queries import Outside, Queries, Run
from lix_vtab.effects.reads import ReadSet
from lix_vtab.effects.wake import Wake, wait_for, wait_for_async
from lix_vtab.execution.executor import Parameters
from lix_vtab.execution.result import Row
from lix_vtab.model.dataclasses import dataclass

__all__ = ["Event", "Keeper", "Observation", "Watch"]

_END = object()


@dataclass(frozen=True, slots=True)
class Event:
    """A result. `commit_sequence` names the batch that led to it, None for the first result."""

    sequence: int
    rows: list[Row]
    commit_sequence: int | None = None
    columns: tuple[str, ...] = ()


class Watch:
    """What is known of one observed query between two runs.

    `trigger` is the number of the batch that may have changed its result; `outside` is None when
    the text has to be looked at anew.
    """

    __slots__ = ("__weakref__", "outside", "trigger")

    def __init__(self) -> None:
        self.trigger: int | None = None
        self.outside: Outside | None = None


class Keeper(Protocol):
    """Marks watches when something they depend on changes."""

    turn: threading.RLock
    wake: Wake
    queries: Queries

    @property
    def between_transactions(self) -> bool:
        """Tell whether only committed data would be seen."""
        ...

    def poll(self) -> None:
        """Notice what was committed by others."""
        ...

    def depend(self, watch: Watch, reads: ReadSet, outside: Outside) -> None:
        """Remember what a watch depends on."""
        ...

    def release(self, watch: Watch) -> None:
        """Forget a watch."""
        ...


class Observation:
    """Events of one observed query. Iterate over it, with `for` or `async for`.

    observation = lix.observe("SELECT value FROM lix_key_value WHERE key = ?", ["theme"])
    first = observation.next()
    changed = observation.next(timeout=5)
    """

    def __init__(self, keeper: Keeper, sql: str, params: Parameters) -> None:
        self._keeper = keeper
        self._sql = sql
        self._params = params
        self._watch = Watch()
        self._count = 0
        self._run: Run | None = None
        self._started = False
        self.closed = False
        self._release = weakref.finalize(self, keeper.release, self._watch)
        self._release.atexit = False

    def try_next(self) -> Event | None:
        """Return the next event if there is one now; the first one always is."""
        turn = self._keeper.turn
        if self.closed or not turn.acquire(blocking=False):
            return None
        try:
            return self._next()
        finally:
            turn.release()

    def next(self, timeout: float | None = None) -> Event | None:
        """Wait for the next event; None when closed or when `timeout` seconds are over.

        An error of the query is raised here; the observation goes on with the next commit.
        """
        found = wait_for(self._keeper.wake, self._attempt, timeout=timeout, poll=True)
        return found if isinstance(found, Event) else None

    def __iter__(self) -> Iterator[Event]:
        while (event := self.next()) is not None:
            yield event

    async def __aiter__(self) -> AsyncIterator[Event]:
        wake = self._keeper.wake
        while isinstance(event := await wait_for_async(wake, self._attempt, poll=True), Event):
            yield event

    def close(self) -> None:
        """End the observation; somebody waiting for an event gets None."""
        if not self.closed:
            self.closed = True
            self._release()
            self._keeper.wake.notify()

    def __enter__(self) -> Observation:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _next(self) -> Event | None:
        keeper, watch = self._keeper, self._watch
        if not self._started:
            self._started = True
            return self._look(None)
        if not keeper.between_transactions:
            return None
        keeper.poll()
        trigger, watch.trigger = watch.trigger, None
        return None if trigger is None else self._look(trigger)

    def _attempt(self) -> Any:
        found = self.try_next()
        return _END if found is None and self.closed else found

    def _look(self, trigger: int | None) -> Event | None:
        """Run the query and return an event unless the result is the one already told."""
        watch = self._watch
        try:
            run = self._keeper.queries.run(self._sql, self._params, watch.outside)
        except BaseException:
            # nobody knows what the query would have read
            watch.outside = None
            self._keeper.depend(watch, ReadSet(anything=True), Outside(frozenset(["main"])))
            raise
        watch.outside = run.outside
        self._keeper.depend(watch, run.reads, run.outside)
        before, self._run = self._run, run
        if before is not None and _same(before.rows, run.rows):
            return None
        sequence = self._count
        self._count += 1
        return Event(sequence, run.rows, trigger, run.columns)


def _same(before: list[Row], after: list[Row]) -> bool:
    """Compare as SQLite would: 1 and 1.0 are different values."""
    return before == after and all(
        type(old) is type(new)
        for left, right in zip(before, after, strict=True)
        for old, new in zip(left, right, strict=True)
    )
