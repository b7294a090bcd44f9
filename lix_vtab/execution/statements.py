"""Run single statements and keep what they return: rows and the description of their columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import Any

import apsw

from lix_vtab.errors import ClosedError, RowLimitExceeded
from lix_vtab.execution.result import Description, Row
from lix_vtab.model.dataclasses import dataclass

__all__ = ["Outcome", "check_rows", "describe", "fetch", "run"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one statement did; an empty `description` means it returns no rows at all.

    `failure` ended a statement whose OR FAIL keeps what it had written until then.
    """

    rows: list[Row]
    description: Description | Callable[[], Description]
    changes: int = 0
    failure: Exception | None = None


def run(
    connection: apsw.Connection, sql: str, values: Sequence[Any], limit: int | None = None
) -> Outcome:
    """Run one statement to its end and return its rows with their description."""
    description: Description = ()

    def remember(cursor: apsw.Cursor, _sql: str, _values: Any) -> bool:
        nonlocal description
        # asked again for a comment that follows the statement, which has no columns
        description = description or cursor.get_description()
        return True

    # The description of a result without rows can only be had before the first step, when SQLite
    # has not yet noticed that a statement it keeps is older than the tables are.
    cursor = connection.cursor()
    cursor.exec_trace = remember
    cursor.execute(sql, values)
    if not description:
        return Outcome(fetch(cursor, limit), ())
    try:
        description = cursor.get_description()
    except apsw.ExecutionCompleteError:
        return Outcome([], partial(describe, connection, sql, len(values)))
    return Outcome(fetch(cursor, limit), description)


def fetch(cursor: apsw.Cursor, limit: int | None) -> list[Row]:
    """Return all rows, or raise `RowLimitExceeded` when there are more than `limit`."""
    if limit is None:
        return cursor.fetchall()
    rows = list(islice(cursor, limit + 1))
    if len(rows) > limit:
        cursor.close(True)
    check_rows(len(rows), limit)
    return rows


def check_rows(count: int, limit: int | None) -> None:
    """Raise `RowLimitExceeded` when a statement returned more rows than the session allows."""
    if limit is not None and count > limit:
        raise RowLimitExceeded(
            f"the statement returns more than {limit} rows",
            hint="add a LIMIT clause or raise the limit of the session",
            details={"limit": limit},
        )


def describe(connection: apsw.Connection, sql: str, width: int) -> Description:
    """Return the columns of a statement by preparing it anew, without running it."""
    description: Description = ()

    def remember(cursor: apsw.Cursor, _sql: str, _values: Any) -> bool:
        nonlocal description
        description = cursor.get_description()
        return False

    try:
        cursor = connection.cursor()
        cursor.exec_trace = remember
        cursor.execute(sql, (None,) * width, can_cache=False)
    except apsw.ConnectionClosedError as error:
        raise ClosedError("lix is closed; columns of an empty result are unavailable") from error
    except apsw.ExecTraceAbort:
        return description
    return description
