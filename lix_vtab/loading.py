"""Loading lix into a connection: modules, functions, and a lix in the database when asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lix_vtab.bootstrap import boot, create_lix
from lix_vtab.effects.capture import Capture
from lix_vtab.errors import NotInitializedError
from lix_vtab.model.dataclasses import dataclass
from lix_vtab.session import Session
from lix_vtab.storage.ddl import FORMAT, read_format
from lix_vtab.storage.migrations import migrate
from lix_vtab.surfaces.functions import SqlFunction, register
from lix_vtab.surfaces.install import TABLES, Sessions, install
from lix_vtab.tables import Tables

__all__ = ["Loaded", "load_into"]


@dataclass(slots=True)
class Loaded:
    """What loading made: the session of the main database and what goes with it."""

    session: Session
    sessions: Sessions
    capture: Capture
    tables: Tables

    def is_lix_table(self, name: str) -> bool:
        """Tell whether a virtual table is part of the lix."""
        return self.tables().find(name) is not None or name.lower() == "lix_internal"


def load_into(
    connection: Any,
    *,
    init: bool = True,
    account: Mapping[str, str] | None = None,
    key_values: Sequence[Mapping[str, Any]] = (),
    internal: bool = False,
    plugins: Iterable[Any] | None = None,
) -> Loaded:
    """Register everything on a connection; create or boot the lix of its main database."""
    sessions = install(connection)
    session = sessions()
    session.internal = internal
    session.files.plugins.use(plugins)
    try:
        current = read_format(session.connection, session.db) == FORMAT
    except NotInitializedError:
        if not init:
            raise
        current = False
    if not current or account is not None or key_values:
        _run(connection, session, account, key_values)
    captures: list[Capture] = []
    sessions.follow(lambda session: captures.append(Capture(session)))
    return Loaded(session, sessions, captures[0], Tables(sessions))


def _run(
    connection: Any,
    session: Session,
    account: Mapping[str, str] | None,
    key_values: Sequence[Mapping[str, Any]],
) -> None:
    """Create or migrate, and boot, inside a SQL function: only there may shadow tables change."""

    def initialise() -> None:
        try:
            found = read_format(session.connection, session.db)
            if found != FORMAT:
                migrate(session.connection, session.db, found)
        except NotInitializedError:
            create_lix(session, TABLES, key_values)
        boot(session, account, key_values)

    register(session, [SqlFunction("lix_init", initialise, 0)])
    if connection.in_transaction:
        connection.execute("SELECT lix_init()").fetchall()
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute("SELECT lix_init()").fetchall()
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
