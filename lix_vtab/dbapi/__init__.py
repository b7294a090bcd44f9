"""The database interface of PEP 249: `lix_vtab.dbapi.connect("app.lix")`.

    connection = connect("app.lix")
    cursor = connection.cursor()
    cursor.execute("INSERT INTO lix_key_value (key, value) VALUES (?, ?)", ("greeting", "hello"))
    connection.commit()

Every statement runs through `Lix.execute`, so UPSERT and RETURNING work on lix tables too. One
transaction is one commit per version.
"""

from __future__ import annotations

import apsw

from lix_vtab.dbapi.connection import Connection, connect
from lix_vtab.dbapi.cursor import Cursor
from lix_vtab.dbapi.errors import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    Warning,  # noqa: A004  (PEP 249 names it so)
)
from lix_vtab.dbapi.types import (
    BINARY,
    DATETIME,
    NUMBER,
    ROWID,
    STRING,
    Binary,
    Date,
    DateFromTicks,
    Time,
    TimeFromTicks,
    Timestamp,
    TimestampFromTicks,
)

__all__ = [
    "BINARY",
    "DATETIME",
    "NUMBER",
    "ROWID",
    "STRING",
    "Binary",
    "Connection",
    "Cursor",
    "DataError",
    "DatabaseError",
    "Date",
    "DateFromTicks",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "Time",
    "TimeFromTicks",
    "Timestamp",
    "TimestampFromTicks",
    "Warning",
    "apilevel",
    "connect",
    "paramstyle",
    "sqlite_version",
    "sqlite_version_info",
    "threadsafety",
]

apilevel = "2.0"
threadsafety = 1
"""Threads may share the module, but not connections."""

paramstyle = "qmark"
"""Mappings work as well, for `:name`."""

sqlite_version = apsw.sqlite_lib_version()
sqlite_version_info = tuple(int(part) for part in sqlite_version.split("."))
