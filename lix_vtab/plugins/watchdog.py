"""A time limit for calls into foreign code, without signals, tracing or another process."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from time import monotonic
from typing import ParamSpec, TypeVar

__all__ = ["TimeLimitExceeded", "Watchdog"]

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


class _Call:
    __slots__ = ("deadline", "done", "fired", "thread")

    def __init__(self, limit: float) -> None:
        self.thread = threading.get_ident()
        self.deadline = monotonic() + limit
        self.fired = False
        self.done = False


class Watchdog:
    """Stop calls that run too long by raising an exception inside them.

    The call runs in the caller's thread, so a normal one costs two lock operations. One daemon
    thread sleeps until the next deadline and ends itself when there is nothing to watch. Python
    code is stopped at its next bytecode, code that swallows the exception gets it again and again;
    a call blocked inside C code is stopped when that returns.

    >>> Watchdog().call(1.0, max, 2, 3)
    3
    """

    def __init__(self) -> None:
        # The exception may strike anywhere in the caller's thread, so what that thread holds must
        # be let go by C code: plain locks, never a Condition.
        self._lock = threading.Lock()
        self._bell = threading.Lock()
        self._bell.acquire()
        self._calls: set[_Call] = set()
        self._thread: threading.Thread | None = None
        self._wakes_at = 0.0

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
                call.done = True
                self._leave(call)
        except _TimeIsUp:
            # it may have struck in the middle of _leave, which can be repeated
            call.done = True
            self._leave(call)
            if not call.fired:
                raise
            raise TimeLimitExceeded(limit) from None

    def _enter(self, call: _Call) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._watch, name="lix-watchdog", daemon=True
                )
                self._wakes_at = 0.0
                self._thread.start()
            elif call.deadline < self._wakes_at:
                self._ring()
            self._calls.add(call)

    def _leave(self, call: _Call) -> None:
        with self._lock:
            self._calls.discard(call)
            if call.fired:
                # one that was sent too late must not strike the caller
                _send(call.thread, None)

    def _ring(self) -> None:
        with contextlib.suppress(RuntimeError):  # it rings already
            self._bell.release()

    def _watch(self) -> None:
        idle_since: float | None = None
        while True:
            now = monotonic()
            with self._lock:
                self._strike(now)
                if self._calls:
                    idle_since = None
                elif idle_since is None:
                    idle_since = now
                elif now - idle_since >= _IDLE_SECONDS:
                    self._thread = None
                    return
                self._wakes_at = min(
                    (call.deadline for call in self._calls), default=now + _IDLE_SECONDS
                )
            self._bell.acquire(timeout=max(0.0, self._wakes_at - monotonic()))

    def _strike(self, now: float) -> None:
        for call in [call for call in self._calls if call.done or call.deadline <= now]:
            if call.done:
                self._calls.discard(call)
            else:
                call.fired = True
                call.deadline = now + _REPEAT_SECONDS
                _send(call.thread, _TimeIsUp)


def _send(thread: int, exception: type[BaseException] | None) -> None:
    import ctypes  # only for a plugin that hangs

    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), None if exception is None else ctypes.py_object(exception)
    )
