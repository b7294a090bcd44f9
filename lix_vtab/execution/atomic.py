"""All or nothing around several statements, inside or outside a transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

import apsw

__all__ = ["Runs", "atomic"]

_NAME = "lix_execution"


class Runs(Protocol):
    """The part of a connection that running statements needs; `apsw.Connection` has it."""

    @property
    def in_transaction(self) -> bool:
        """Tell whether a transaction is open."""
        ...

    def execute(self, statements: str, bindings: Any = ..., /) -> Any:
        """Run SQL."""
        ...


@contextmanager
def atomic(
    connection: Runs,
    begin: str = "BEGIN IMMEDIATE",
    *,
    keep: Callable[[Exception], bool] = lambda error: False,
) -> Iterator[None]:
    """Undo everything done inside when it raises, unless `keep` wants what was done before.

    Outside a transaction one is opened with `begin`; taking the write lock at once avoids failing
    between a first read and a first write when somebody else writes. Inside one, a savepoint does.
    """
    nested = connection.in_transaction
    connection.execute(f"SAVEPOINT {_NAME}" if nested else begin)
    finish = f"RELEASE {_NAME}" if nested else "COMMIT"
    undo = f"ROLLBACK TO {_NAME}; RELEASE {_NAME}" if nested else "ROLLBACK"
    try:
        yield
    except BaseException as error:
        # A conflict clause such as OR ROLLBACK, or SQLite itself when the disk is full, may have
        # ended the transaction already.
        if connection.in_transaction:
            if isinstance(error, Exception) and keep(error):
                _finish(connection, finish, undo)
            else:
                connection.execute(undo)
        raise
    _finish(connection, finish, undo)


def _finish(connection: Runs, finish: str, undo: str) -> None:
    try:
        connection.execute(finish)
    except BaseException:
        # a savepoint that something refused to release may be gone all the same
        with suppress(apsw.SQLError):
            if connection.in_transaction:
                connection.execute(undo)
        raise
