"""The connection as our own code uses it.

Statements of ours are prepared with flags of their own, which makes them separate entries of
APSW's statement cache: the same text coming from a user is prepared, and judged, anew.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import apsw

__all__ = ["OwnCode", "TrustedConnection"]

PREPARE_PERSISTENT = 1
"""SQLITE_PREPARE_PERSISTENT: also right for statements that run again and again."""

_USERS = (
    "lix_vtab.execution.",
    "lix_vtab.lix",
    "lix_vtab.verbs.",
    "lix_vtab.opening",
    "lix_vtab.cli",
    "lix_vtab.dbapi",
)


class TrustedConnection:
    """Methods of an `apsw.Connection`, bound once for speed."""

    __slots__ = (
        "_cursor",
        "changes",
        "config",
        "create_module",
        "create_scalar_function",
        "data_version",
        "execute",
        "executemany",
        "inner",
        "last_insert_rowid",
        "run",
        "vtab_config",
        "vtab_on_conflict",
    )

    def __init__(self, connection: Any) -> None:
        self.inner = connection
        self._cursor = partial(apsw.Cursor, connection)
        # making a cursor costs half as much as the small statements most of our own are
        small = self._cursor()
        small.row_trace = None
        self.run = partial(small.execute, prepare_flags=PREPARE_PERSISTENT)
        self.execute = self._on_a_cursor_of_its_own
        self.executemany = partial(connection.executemany, prepare_flags=PREPARE_PERSISTENT)
        self.changes = connection.changes
        self.config = connection.config
        self.last_insert_rowid = connection.last_insert_rowid
        self.data_version = connection.data_version
        self.vtab_on_conflict = connection.vtab_on_conflict
        self.vtab_config = connection.vtab_config
        self.create_module = connection.create_module
        self.create_scalar_function = connection.create_scalar_function

    def _on_a_cursor_of_its_own(self, sql: str, params: Any = None) -> Any:
        """Run a statement and return the cursor over its rows.

        They come as SQLite gives them, whatever the application makes of its own rows with
        `apsw.Connection.row_trace`.
        """
        cursor = self._cursor()
        cursor.row_trace = None
        return cursor.execute(sql, params, prepare_flags=PREPARE_PERSISTENT)

    @property
    def in_transaction(self) -> bool:
        """Tell whether a transaction is open."""
        return bool(self.inner.in_transaction)

    @property
    def is_interrupted(self) -> bool:
        """Tell whether the running statements are to stop."""
        return bool(self.inner.is_interrupted)


class OwnCode:
    """Tells an authorizer whether the statement being prepared is ours.

    SQLite asks while a statement is prepared, so the frame that asked APSW to run it says whose it
    is. That happens once per statement text and costs running statements nothing.
    """

    __slots__ = ()

    @property
    def depth(self) -> int:
        """Return 1 when our own code prepares a statement, 0 when a user does."""
        frame = sys._getframe(2)
        caller = frame.f_globals.get("__name__", "")
        if caller == __name__ and frame.f_back is not None:
            caller = frame.f_back.f_globals.get("__name__", "")
        return int(caller.startswith("lix_vtab.") and not caller.startswith(_USERS))
