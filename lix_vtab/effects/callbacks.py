"""Callbacks after commits: registered, kept until SQL may run again, and called in order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from lix_vtab.effects.changes import Batch
from lix_vtab.effects.exchange import News
from lix_vtab.effects.filters import Filter
from lix_vtab.errors import CallbackError

__all__ = ["Callbacks", "Subscription"]


class Subscription:
    """A registered callback. Close it, or use it as a context manager, to end the calls."""

    def __init__(
        self,
        callback: Callable[[Batch], object],
        wanted: Filter,
        on_close: Callable[[Subscription], None],
    ) -> None:
        self.wanted = wanted
        self._callback = callback
        self._on_close = on_close
        self.closed = False

    def __call__(self, batch: Batch) -> None:
        """Pass a batch on, unless closed in the meantime."""
        if not self.closed:
            self._callback(batch)

    def close(self) -> None:
        """Call no more; closing twice is fine."""
        if not self.closed:
            self.closed = True
            self._on_close(self)

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Callbacks:
    """Keeps batches for callbacks, which may run SQL and so cannot be called while it runs.

    `waiting` is what is kept, always the same object, so that it is cheap to see that it is empty.
    """

    __slots__ = ("_delivering", "_lock", "_subscriptions", "waiting")

    def __init__(self) -> None:
        self._subscriptions: dict[Subscription, None] = {}
        self.waiting: deque[tuple[Subscription, Batch]] = deque()
        self._lock = threading.Lock()
        self._delivering = False

    def __len__(self) -> int:
        return len(self._subscriptions)

    def add(
        self,
        callback: Callable[[Batch], object],
        wanted: Filter,
        on_close: Callable[[], None],
    ) -> Subscription:
        """Register a callback."""

        def forget(subscription: Subscription) -> None:
            with self._lock:
                self._subscriptions.pop(subscription, None)
            on_close()

        subscription = Subscription(callback, wanted, forget)
        with self._lock:
            self._subscriptions[subscription] = None
        return subscription

    def queue(self, sequence: int, news: News) -> None:
        """Keep news for whoever wants them."""
        with self._lock:
            for subscription in self._subscriptions:
                changes = subscription.wanted.select(news.changes)
                if changes:
                    self.waiting.append((subscription, Batch(sequence, changes, news.position)))

    @property
    def due(self) -> bool:
        """Tell whether callbacks wait to be called."""
        return bool(self.waiting) and not self._delivering

    def deliver(self, result: Any = None) -> None:
        """Call what waits, in order; what they raise is raised once all were called."""
        failures: list[Exception] = []
        self._delivering = True
        try:
            while self.waiting:
                subscription, batch = self.waiting.popleft()
                try:
                    subscription(batch)
                except Exception as error:
                    failures.append(error)
        finally:
            self._delivering = False
        if failures:
            raise _failed(failures, result) from failures[0]

    def close(self) -> None:
        """Close every subscription; what waits is not delivered."""
        for subscription in list(self._subscriptions):
            subscription.close()
        self.waiting.clear()


def _failed(failures: list[Exception], result: Any) -> CallbackError:
    first = failures[0]
    more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
    error = CallbackError(
        f"a callback failed after the commit: {type(first).__name__}: {first}{more}",
        hint="the commit stands; only what the callback was to do is missing",
        details={"failures": [repr(failure) for failure in failures]},
    )
    error.failures = tuple(failures)
    error.result = result
    return error
