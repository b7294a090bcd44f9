"""Transaction blocks: begin, and commit or roll back when the block is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

import apsw

from lix_vtab.errors import BusyError, ClosedError, TransactionStateError
from lix_vtab.execution.executor import Executor

__all__ = ["block", "retrying"]

T = TypeVar("T")

_PAUSE = 0.005
"""Seconds before the first new try; they double with each."""

_LONGEST = 1.0


@contextmanager
def block(executor: Executor) -> Iterator[None]:
    """Run what is inside in a transaction of its own, or in a savepoint of the one that is open.

    The transaction must still be there at the end: statements that end it are refused, and when
    something that goes around the executor ended it, the block says so.
    """
    connection = executor.connection
    nested = connection.in_transaction
    name = f"lix_block_{executor.blocks}"
    begin = "BEGIN" if connection.readonly("main") else "BEGIN IMMEDIATE"
    executor.execute(f"SAVEPOINT {name}" if nested else begin)
    ended = _Ended(executor, name)
    executor.blocks += 1
    try:
        yield
    except BaseException:
        executor.blocks -= 1
        with suppress(apsw.ConnectionClosedError):
            if ended.stop():
                connection.execute(f"ROLLBACK TO {name}; RELEASE {name}" if nested else "ROLLBACK")
        raise
    executor.blocks -= 1
    try:
        goes_on = ended.stop()
    except apsw.ConnectionClosedError as error:
        raise ClosedError(
            "lix was closed inside a transaction block; what the block wrote is undone",
            hint="leave the block before closing",
        ) from error
    if not goes_on:
        raise TransactionStateError(
            "the transaction was ended inside its block: cannot commit - no transaction is active",
            hint="leave COMMIT and ROLLBACK to the block",
        )
    try:
        executor.execute(f"RELEASE {name}" if nested else "COMMIT")
    except BaseException:
        if connection.in_transaction and not nested:
            connection.execute("ROLLBACK")
        raise


class _Ended:
    """Notices the end of the transaction that is open now."""

    def __init__(self, executor: Executor, name: str) -> None:
        self._connection = executor.connection
        self._name = name
        self.seen = False
        self._connection.set_commit_hook(self._committed, id=name)
        self._connection.set_rollback_hook(self._rolled_back, id=name)

    def stop(self) -> bool:
        """Look no further, and tell whether the transaction is still open."""
        self._connection.set_commit_hook(None, id=self._name)
        self._connection.set_rollback_hook(None, id=self._name)
        return not self.seen and self._connection.in_transaction

    def _committed(self) -> bool:
        self.seen = True
        return False

    def _rolled_back(self) -> None:
        self.seen = True


def retrying(work: Callable[[], T], *, attempts: int, alone: bool) -> T:
    """Do `work` again while the database is busy; `alone` is false inside a transaction.

    What a busy database refuses inside a transaction cannot be had by trying again.
    """
    for attempt in range(1, attempts):
        try:
            return work()
        except BusyError:
            if not alone:
                raise
        pause = min(_PAUSE * 2**attempt, _LONGEST)
        from random import uniform  # for those who have to wait

        time.sleep(pause * uniform(0.5, 1.0))
    return work()
