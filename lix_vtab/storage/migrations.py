"""Bringing a database of an older format up to date, all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable

from lix_vtab.errors import FormatError
from lix_vtab.storage import ddl
from lix_vtab.storage.connection import Connection

__all__ = ["MIGRATIONS", "migrate"]

Migration = Callable[[Connection, str], None]

MIGRATIONS: dict[int, Migration] = {}
"""What turns format n into format n + 1, by n. Format 1 is the first, so nothing is older yet."""


def migrate(connection: Connection, db: str, found: int) -> None:
    """Turn database `db` from format `found` into the current one.

    Must run inside a transaction, which the caller rolls back when this raises.
    """
    for number in range(found, ddl.FORMAT):
        step = MIGRATIONS.get(number)
        if step is None:
            raise FormatError(
                f"database {db!r} has lix format {number}, which cannot be brought up to date",
                hint="open it with the lix_vtab that wrote it",
                details={"format": number, "supported": ddl.FORMAT},
            )
        step(connection, db)
    connection.execute(
        f"UPDATE {ddl.quote(db)}.lix_internal_meta SET value = ? WHERE key = 'format'",
        (ddl.FORMAT,),
    )
