"""Statements of our own code, seen: by a profiler, which sees these functions, and by a tally.

`profiles.seen` does not import this file but runs it in a namespace that is named like a module
of ours, because only our own code may touch the physical tables.
"""

from collections.abc import Callable
from typing import Any

Tally = Callable[[str, int, float], None]


def see(
    connection: Any, tally: Tally | None, now: Callable[[], float]
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return `execute` and `executemany` as our own code calls them.

    `tally` is told the text of a statement, how often it was run and for how many seconds.
    """
    inner_execute, inner_executemany = connection.execute, connection.executemany

    def timed(sql: str, runs: int, step: Callable[[], Any]) -> Any:
        if tally is None:
            return step()
        start = now()
        try:
            return step()
        finally:
            tally(sql, runs, now() - start)

    class Cursor:
        """A cursor whose steps are seen; without a tally, iteration is left as it is."""

        __slots__ = ("inner", "sql")

        def __init__(self, inner: Any, sql: str) -> None:
            self.inner, self.sql = inner, sql

        def __iter__(self) -> Any:
            return iter(self.inner) if tally is None else self

        def __next__(self) -> Any:
            return timed(self.sql, 0, self.inner.__next__)

        def fetchone(self) -> Any:
            return timed(self.sql, 0, self.inner.fetchone)

        def fetchall(self) -> Any:
            return timed(self.sql, 0, self.inner.fetchall)

        def close(self, force: bool = False) -> None:
            self.inner.close(force)

        @property
        def get(self) -> Any:
            return timed(self.sql, 0, lambda: self.inner.get)

    def execute(sql: str, bindings: Any = ()) -> Any:
        if tally is None:
            return Cursor(inner_execute(sql, bindings, prepare_flags=1), sql)
        return Cursor(timed(sql, 1, lambda: inner_execute(sql, bindings, prepare_flags=1)), sql)

    def executemany(sql: str, sets: Any) -> Any:
        sets = list(sets)
        return timed(sql, len(sets), lambda: inner_executemany(sql, sets, prepare_flags=1))

    return execute, executemany
