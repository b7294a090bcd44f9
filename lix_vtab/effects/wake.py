"""Waiting: for threads and for asyncio tasks, until there may be something new."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from lix_vtab.arguments import patience

if TYPE_CHECKING:
    import asyncio

__all__ = ["POLL", "Wake", "wait_for", "wait_for_async"]

T = TypeVar("T")

POLL = 0.05
"""Longest pause in seconds between two looks at what other processes may have done."""

_FIRST_PAUSE = 0.001


class Wake:
    """Counts notifications, and lets others wait for the next one."""

    __slots__ = ("_condition", "_tasks", "count")

    def __init__(self) -> None:
        self.count = 0
        self._condition = threading.Condition()
        self._tasks: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def notify(self) -> None:
        """Wake everybody up; may be called from any thread."""
        with self._condition:
            self.count += 1
            self._condition.notify_all()
            for loop, event in self._tasks:
                if not loop.is_closed():
                    loop.call_soon_threadsafe(event.set)

    def wait(self, seen: int, timeout: float | None) -> None:
        """Block until there was a notification after number `seen`, or the time is over."""
        with self._condition:
            self._condition.wait_for(lambda: self.count != seen, timeout)

    async def wait_async(self, seen: int, timeout: float | None) -> None:
        """Do the same without blocking the event loop."""
        import asyncio  # only those who wait this way pay for loading it

        entry = asyncio.get_running_loop(), asyncio.Event()
        with self._condition:
            if self.count != seen:
                return
            self._tasks.add(entry)
        try:
            async with asyncio.timeout(timeout):
                await entry[1].wait()
        except TimeoutError:
            pass
        finally:
            with self._condition:
                self._tasks.discard(entry)


def wait_for(
    wake: Wake, attempt: Callable[[], T | None], *, timeout: float | None, poll: bool
) -> T | None:
    """Return the first thing `attempt` finds, or None when the time is over.

    `poll` says that something may come without a notification.
    """
    timeout = patience(timeout, "next: timeout")
    end = None if timeout is None else time.monotonic() + timeout
    pause = _FIRST_PAUSE
    while True:
        seen = wake.count
        found = attempt()
        if found is not None:
            return found
        left = None if end is None else end - time.monotonic()
        if left is not None and left <= 0:
            return None
        wake.wait(seen, _shorter(left, pause if poll else None))
        pause = min(2 * pause, POLL)


async def wait_for_async(wake: Wake, attempt: Callable[[], T | None], *, poll: bool) -> T:
    """Return the first thing `attempt` finds."""
    pause = _FIRST_PAUSE
    while True:
        seen = wake.count
        found = attempt()
        if found is not None:
            return found
        await wake.wait_async(seen, pause if poll else None)
        pause = min(2 * pause, POLL)


def _shorter(left: float | None, pause: float | None) -> float | None:
    if left is None or pause is None:
        return pause if left is None else left
    return min(left, pause)
