"""Progress on the error stream of a terminal: bars where a count is known, else a spinner."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from lix_vtab.cli.text import clip, harmless

if TYPE_CHECKING:
    import apsw

__all__ = ["counting", "spinning"]

_QUIET = 0.3
"""Seconds a step may take before anything is drawn."""

_FRAME = 0.1
_FRAMES = "|/-\\"
_WIDE = 78
_CELLS = 24
_STEPS = 20_000
"""Instructions of SQLite's machine between two looks at the clock."""


class _Line:
    """One line of the terminal, drawn again and again."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._began = time.monotonic()
        self._next = self._began + _QUIET
        self._drawn = False

    def seconds(self) -> float:
        return time.monotonic() - self._began

    def draw(self, text: Callable[[], str]) -> None:
        """Draw, unless it is too early for the next time."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _FRAME
        self._drawn = True
        self._out.write(f"\r\x1b[K{clip(text(), _WIDE)}")
        self._out.flush()

    def clear(self) -> None:
        if self._drawn:
            self._out.write("\r\x1b[K")
            self._out.flush()


@contextmanager
def counting(label: str, out: IO[str] | None = None) -> Iterator[Callable[[int, int, str], None]]:
    """Give a function to call with how much is done, of how much, and what was last."""
    stream = out or sys.stderr
    line = _Line(stream)
    shown = stream.isatty()

    def report(done: int, total: int, last: str = "") -> None:
        if shown:
            line.draw(lambda: f"{label} {_bar(done, total)} {done}/{total} {harmless(last)}")

    try:
        yield report
    finally:
        line.clear()


def _bar(done: int, total: int) -> str:
    """Draw a bar.

    >>> _bar(1, 4)
    '[######..................]'
    """
    full = _CELLS * done // max(total, 1)
    return f"[{'#' * full}{'.' * (_CELLS - full)}]"


@contextmanager
def spinning(label: str, connection: apsw.Connection, out: IO[str] | None = None) -> Iterator[None]:
    """Show that a statement is at work, while it is: SQLite itself keeps the line alive."""
    stream = out or sys.stderr
    if not stream.isatty():
        yield
        return
    line = _Line(stream)

    def tick() -> bool:
        line.draw(lambda: f"{label} {_frame(line.seconds())}")
        return False

    connection.set_progress_handler(tick, _STEPS)
    try:
        yield
    finally:
        connection.set_progress_handler(None)
        line.clear()


def _frame(seconds: float) -> str:
    return f"{_FRAMES[int(seconds / _FRAME) % 4]} {seconds:.0f} s"
