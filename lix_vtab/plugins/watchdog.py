"""A time limit for calls into foreign code, without signals, tracing or another process."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from math import inf
from time import monotonic
from typing import ParamSpec, TypeVar

__all__ = ["TIME_LIMIT", "TimeLimitExceeded", "Watchdog", "interrupts"]

TIME_LIMIT = 30.0
"""Seconds a plugin may take for one call, unless said otherwise."""

_P = ParamSpec("_P")
_R = TypeVar("_R")

_IDLE_SECONDS = 5.0
_REPEAT_SECONDS = 0.05


class TimeLimitExceeded(Exception):
    """A call ran longer than it may; `limit` is in seconds."""

    def __init__(self, limit: float) -> None:
        super().__init__(f"stopped after {limit:g} s")
        self.limit = limit


class _TimeIsUp(BaseException):
    """Thrown into the thread that runs the call; passes every `except Exception`."""


def interrupts(problem: BaseException) -> bool:
    """Tell whether an exception came from outside the code that was called and has to pass."""
    return isinstance(problem, KeyboardInterrupt | _TimeIsUp)


class _Call:
    __slots__ = ("deadline", "done", "fired", "thread")

    def __init__(self, limit: float) -> None:
        self.thread = threading.get_ident()
        self.deadline = monotonic() + limit
        self.fired = False
        self.done = False


class Watchdog:
    """Stop calls that run too long by raising an exception inside them.

    The call runs in the caller's thread, so a normal one takes no lock. One daemon thread sleeps
    until the next deadline and ends itself when there is nothing to watch. Python code is stopped
    at its next bytecode, code that swallows the exception gets it again and again; a call blocked
    inside C code is stopped when that returns.

    >>> Watchdog().call(1.0, max, 2, 3)
    3
    """

    def __init__(self) -> None:
        # The exception may strike anywhere in the caller's thread, so what that thread holds must
        # be let go by C code: plain locks, never a Condition.
        self._striking = threading.Lock()
        self._starting = threading.Lock()
        self._bell = threading.Lock()
        self._bell.acquire()
        self._calls: set[_Call] = set()
        self._thread: threading.Thread | None = None
        self._wakes_at = inf

    def call(
        self, limit: float, function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs
    ) -> _R:
        """Call `function`; raise TimeLimitExceeded when it runs longer than `limit` seconds."""
        call = _Call(limit)
        try:
            try:
                self._enter(call)
                return function(*args, **kwargs)
            finally:
                self._leave(call)
        except _TimeIsUp:
            # it may have struck in the middle of _leave, which can be repeated
            self._leave(call)
            if not call.fired:
                raise
            raise TimeLimitExceeded(limit) from None

    def _enter(self, call: _Call) -> None:
        self._calls.add(call)
        if self._thread is None or not self._thread.is_alive():
            self._start()
        elif call.deadline < self._wakes_at:
            self._ring()

    def _leave(self, call: _Call) -> None:
        call.done = True
        self._calls.discard(call)
        if call.fired:
            with self._striking:  # a strike that has begun is over, and there will be no other
                _take_the_exception()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._watch, name="lix-watchdog", daemon=True
                )
                self._thread.start()

    def _ring(self) -> None:
        with contextlib.suppress(RuntimeError):  # it rings already
            self._bell.release()

    def _watch(self) -> None:
        """Strike what is late, sleep, and end when there was nothing to watch for a while.

        No lock is held here but for a strike: collecting garbage may stop this thread until the
        caller's leaves SQLite, and the caller must not wait for this thread meanwhile.
        """
        me = threading.current_thread()
        idle_since: float | None = None
        while True:
            self._wakes_at = inf  # whoever comes now rings
            now = monotonic()
            calls = self._calls.copy()
            for call in calls:
                if call.deadline <= now:
                    self._strike(call, now)
            if calls:
                idle_since = None
            elif idle_since is None:
                idle_since = now
            elif now - idle_since >= _IDLE_SECONDS:
                if self._ended(me):
                    return
                continue
            self._wakes_at = min((call.deadline for call in calls), default=now + _IDLE_SECONDS)
            self._bell.acquire(timeout=max(0.0, self._wakes_at - monotonic()))

    def _strike(self, call: _Call, now: float) -> None:
        call.deadline = now + _REPEAT_SECONDS
        with self._striking:
            # Either we see that the call is done, or it sees that we fired and waits for us.
            call.fired = True
            if not call.done:
                _send(call.thread)

    def _ended(self, me: threading.Thread) -> bool:
        """Give up the watch, unless somebody has come to rely on it."""
        with self._starting:
            self._thread = None
            if self._calls:
                self._thread = me
            return self._thread is None


def _take_the_exception() -> None:
    """Let the exception that may be on its way to this thread strike here.

    To withdraw it would leave it announced, and CPython 3.11 then waits for it for ever as soon as
    a profiler or a debugger runs.
    """
    try:
        _send(threading.get_ident())
        while True:
            pass
    except _TimeIsUp:
        pass


def _send(thread: int) -> None:
    import ctypes  # only for a plugin that hangs

    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(_TimeIsUp))
