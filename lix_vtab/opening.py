"""Ways in from Python: `open` a database, or `load` lix into a connection you have."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import apsw

from lix_vtab.arguments import (
    ArgumentError,
    boolean,
    host_path,
    json_text,
    listed,
    mapping,
    optional_seconds,
    optional_text,
    refused,
    shown,
    text,
)
from lix_vtab.errors import LixError
from lix_vtab.execution.catalogue import Catalogue
from lix_vtab.execution.guard import Reads, make_authorizer
from lix_vtab.execution.limits import Limits
from lix_vtab.execution.translate import translate
from lix_vtab.lix import Lix, Version
from lix_vtab.loading import load_into
from lix_vtab.plugins.run import TIME_LIMIT
from lix_vtab.storage.trusted import OwnCode
from lix_vtab.verbs.versions import version_id

__all__ = ["load", "open"]

BUSY_MS = 10_000
_OTHER_HOSTS = "other connections load the extension that lix_vtab.loadable_path() names"
_PLUGINS = "lix_vtab.plugins.BUILTIN are those of lix; () is for none"
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
    # the loadable extension brings a connection of its own kind
    if not hasattr(connection, "create_module") or isinstance(connection, type):
        raise refused("load: connection", "an apsw.Connection", connection, _OTHER_HOSTS)
    try:
        load_into(connection, init=init)
    except apsw.Error as error:
        raise translate(error, Catalogue.of(0, ())) from error


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
    path = _path(path)
    account = None if account is None else _account(account)
    key_values = _key_values(key_values)
    if plugins is not None:
        plugins = listed(plugins, "open: plugins", "a list of plugins", _PLUGINS)
    limits = Limits(statement_timeout, row_limit)
    optional_seconds(plugin_timeout, "open: plugin_timeout", zero=False)
    optional_text(writer_key, "open: writer_key", "a name for what this session writes, or None")
    wanted = None if version is None else version_id(version, "open: version")
    boolean(internal, "open: internal")
    flags = (
        apsw.SQLITE_OPEN_READONLY
        if boolean(read_only, "open: read_only")
        else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    )
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
        lix = Lix(connection, loaded, authorized, limits)
        loaded.session.writer_key = writer_key
        if wanted is not None:
            lix.switch_version(wanted, session=True)
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


def _path(path: object) -> str:
    return host_path(path, "open: path", "such as 'app.lix'; ':memory:' keeps all in memory")


def _account(account: object) -> dict[str, str]:
    name, hint = "open: account", "{'id': 'ada', 'name': 'Ada'}"
    given = mapping(account, name, "a mapping with 'id' and 'name'", hint)
    if not {"id", "name"} <= set(given):
        raise refused(name, "a mapping with 'id' and 'name'", given, hint)
    return {key: text(given[key], f"{name} {key}", hint) for key in ("id", "name")}


def _key_values(key_values: object) -> list[Mapping[str, Any]]:
    wanted, hint = (
        "a list of mappings with 'key' and 'value'",
        "[{'key': 'theme', 'value': 'dark'}]",
    )
    given = listed(key_values, "open: key_values", wanted, hint)
    for one in given:
        fields = mapping(one, "open: key_values", wanted, hint)
        if "value" not in fields or not isinstance(fields.get("key"), str):
            raise ArgumentError(
                f"open: a key value needs a text 'key' and a 'value', got {shown(fields)}",
                hint=hint,
                details={"argument": "open: key_values"},
            )
        text(one["key"], "open: key of a key value", hint)
        optional_text(one.get("version_id"), "open: version_id of a key value", hint)
        json_text(one["value"], "open: value of a key value")
    return given


def _unopened(path: str, error: apsw.Error) -> LixError:
    """Return the error for a database that cannot be opened, with the path in its details."""
    problem = translate(error, Catalogue.of(0, ()))
    return type(problem)(
        f"{problem.message}: '{path}'",
        hint=problem.hint,
        details={**problem.details, "path": path},
    )
