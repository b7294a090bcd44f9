"""What a session allows one statement to take: time and rows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from lix_vtab.arguments import optional_seconds, whole
from lix_vtab.errors import StatementTimeout
from lix_vtab.model.dataclasses import dataclass

__all__ = ["Limits", "deadline"]

_STEPS = 1000
"""Virtual-machine instructions between two looks at the clock: some tens of microseconds."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds for every statement; None is no bound."""

    seconds: float | None = None
    rows: int | None = None

    def __post_init__(self) -> None:
        optional_seconds(self.seconds, "statement_timeout", zero=False)
        if self.rows is not None:
            whole(self.rows, "row_limit", least=0, hint="None is for all rows")

    @property
    def any(self) -> bool:
        """Tell whether anything is bounded."""
        return self.seconds is not None or self.rows is not None


@contextmanager
def deadline(connection: apsw.Connection, seconds: float | None) -> Iterator[None]:
    """Interrupt statements that run inside for longer than `seconds`.

    Statements that virtual tables run underneath are interrupted too. Time spent inside one call
    of a Python function is seen only when it returns.
    """
    if seconds is None:
        yield
        return
    end = time.monotonic() + seconds
    marker = object()

    def late() -> bool:
        return time.monotonic() > end

    connection.set_progress_handler(late, _STEPS, id=marker)
    try:
        yield
    except apsw.InterruptError as error:
        if not late():
            raise
        raise StatementTimeout(
            f"the statement ran longer than {seconds} seconds",
            hint="narrow the query or raise the limit of the session",
            details={"seconds": seconds},
        ) from error
    finally:
        connection.set_progress_handler(None, id=marker)
