"""The facade: `open` a database, and the verbs of a `Lix`."""

from __future__ import annotations

from typing import Any

import apsw

from lix_vtab.bootstrap import create_lix
from lix_vtab.errors import ClosedError, NotInitializedError
from lix_vtab.execution.result import Result
from lix_vtab.session import Session
from lix_vtab.storage.ddl import read_format
from lix_vtab.surfaces.install import TABLES, Sessions, install

__all__ = ["Lix", "load", "open"]


def load(connection: Any, init: bool = True) -> Sessions:
    """Load lix into a connection, creating one in its main database when there is none."""
    sessions = install(connection)
    session = sessions()
    connection.create_scalar_function(
        "lix_internal_init", lambda: _init(session), 0, flags=apsw.SQLITE_DIRECTONLY
    )
    try:
        read_format(connection, "main")
    except NotInitializedError:
        if not init:
            raise
        _initialise(connection)
    return sessions


def _initialise(connection: Any) -> None:
    if connection.in_transaction:
        connection.execute("SELECT lix_internal_init()").fetchall()
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute("SELECT lix_internal_init()").fetchall()
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _init(session: Session) -> int:
    """Create the lix unless another connection just did."""
    try:
        return read_format(session.connection, session.db)
    except NotInitializedError:
        create_lix(session, TABLES)
        return read_format(session.connection, session.db)


def open(path: str = ":memory:", *, internal: bool = False, **options: Any) -> Lix:
    """Open a database, creating it and its lix when needed."""
    connection = apsw.Connection(path)
    connection.set_busy_timeout(5000)
    if path not in ("", ":memory:"):
        connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "normal")
    sessions = load(connection)
    return Lix(connection, sessions())


class Lix:
    """An open database with version control."""

    def __init__(self, connection: apsw.Connection, session: Session) -> None:
        self._connection: apsw.Connection | None = connection
        self._session = session

    @property
    def connection(self) -> apsw.Connection:
        """Return the APSW connection."""
        if self._connection is None:
            raise ClosedError("lix is closed; it cannot be used any more")
        return self._connection

    def execute(self, sql: str, params: Any = ()) -> Result:
        """Run SQL and return its rows."""
        cursor = self.connection.execute(sql, params)
        rows = cursor.fetchall()
        return Result(rows, (), self.connection.changes())

    def check(self) -> list[str]:
        """Return what is wrong with the stored facts; empty when sound."""
        from lix_vtab.storage.check import check

        return check(self._session.store)

    def close(self) -> None:
        """Close the database; closing twice is fine."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
