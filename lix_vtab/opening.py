"""Ways in from Python: `open` a database, or `load` lix into a connection you have."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import apsw

from lix_vtab.errors import CannotOpenError, InvalidValueError, LixError, NotADatabaseError
from lix_vtab.execution.catalogue import Catalogue
from lix_vtab.execution.guard import Reads, make_authorizer
from lix_vtab.execution.limits import Limits
from lix_vtab.execution.translate import translate
from lix_vtab.lix import Lix, Version
from lix_vtab.loading import load_into
from lix_vtab.plugins.run import TIME_LIMIT
from lix_vtab.storage.trusted import OwnCode
from lix_vtab.surfaces.values import optional_text

__all__ = ["load", "open"]

BUSY_MS = 10_000
STATEMENTS = 512
"""How many prepared statements a connection keeps; our own inner ones are among them."""


def load(connection: apsw.Connection, init: bool = True) -> None:
    """Load lix into an APSW connection.

    Creates a lix in the connection's main database when there is none; with `init=False` that
    raises NotInitializedError instead. Fits `apsw.connection_hooks`.

    >>> import apsw
    >>> connection = apsw.Connection("")
    >>> load(connection)
    >>> connection.execute("SELECT name FROM lix_version ORDER BY name").get
    ['global', 'main']
    """
    load_into(connection, init=init)


def open(
    path: str | os.PathLike[str] = ":memory:",
    *,
    version: str | Version | None = None,
    account: Mapping[str, str] | None = None,
    key_values: Sequence[Mapping[str, Any]] = (),
    plugins: Iterable[Any] | None = None,
    internal: bool = False,
    read_only: bool = False,
    writer_key: str | None = None,
    statement_timeout: float | None = None,
    row_limit: int | None = None,
    plugin_timeout: float | None = TIME_LIMIT,
) -> Lix:
    """Open a database, creating it and its lix when needed.

    `version` pins this session to a version; `account` (`{"id", "name"}`) authors its commits;
    `key_values` are written untracked on every open; `plugins` replaces the plugins on offer, which
    are `lix_vtab.plugins.BUILTIN` and those of installed packages; `internal` allows looking at
    `lix_internal_*` tables; `writer_key` tags what this session writes. A statement may take
    `statement_timeout` seconds and return `row_limit` rows, a plugin may take `plugin_timeout`
    seconds for one file; None is for ever.

    >>> lix = open()
    >>> lix.execute("SELECT 1 + 1").rows
    [(2,)]
    """
    flags = (
        apsw.SQLITE_OPEN_READONLY
        if read_only
        else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    )
    try:
        path = os.fspath(path)
    except TypeError as error:
        raise InvalidValueError(f"path: {error}", hint="':memory:' keeps all in memory") from error
    try:
        connection = apsw.Connection(
            path, flags=flags | apsw.SQLITE_OPEN_URI, statementcachesize=STATEMENTS
        )
    except apsw.Error as error:
        raise _unopened(path, error) from error
    try:
        connection.set_busy_timeout(BUSY_MS)
        if not read_only and path not in ("", ":memory:"):
            connection.pragma("journal_mode", "wal")
            connection.pragma("synchronous", "normal")
        loaded = load_into(
            connection,
            init=not read_only,
            account=account,
            key_values=key_values,
            internal=internal,
            plugins=plugins,
        )
        loaded.session.files.plugins.limit(plugin_timeout)
        authorized = Reads()
        lix = Lix(connection, loaded, authorized, Limits(statement_timeout, row_limit))
        loaded.session.writer_key = optional_text(writer_key, "writer_key")
        if version is not None:
            lix.switch_version(version, session=True)
        connection.authorizer = make_authorizer(
            OwnCode(), allow_internal=internal, keeps=loaded.is_lix_table, reads=authorized
        )
        if not internal:
            connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    except apsw.Error as error:
        connection.close()
        if isinstance(error, LixError):
            raise
        raise _unopened(path, error) from error
    except BaseException:
        connection.close()
        raise
    return lix


def _unopened(path: str, error: apsw.Error) -> LixError:
    """Return the error for a database that cannot be opened, with the path in its details."""
    problem = translate(error, Catalogue.of(0, ()))
    return type(problem)(
        f"{problem.message}: '{path}'",
        hint=problem.hint or _OPENING.get(type(problem)),
        details={**problem.details, "path": path},
    )


_OPENING: dict[type[LixError], str] = {
    CannotOpenError: "its directory must exist, and you must be allowed to write there",
    NotADatabaseError: "give a SQLite database, or a path where there is no file yet",
}
