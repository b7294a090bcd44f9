"""Registering every module on a connection, and the sessions its databases share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import apsw

from lix_vtab.session import Session
from lix_vtab.storage.check import check
from lix_vtab.storage.connection import Connection
from lix_vtab.storage.trusted import TrustedConnection
from lix_vtab.surfaces.active import ActiveAccount, ActiveVersion
from lix_vtab.surfaces.base import BaseModule, Surface
from lix_vtab.surfaces.check import Check
from lix_vtab.surfaces.directory import DirectoryByVersion, DirectoryTable
from lix_vtab.surfaces.effect import EffectTable, effect_functions
from lix_vtab.surfaces.entity_tables import MODULE, EntityTables, build_entity
from lix_vtab.surfaces.file import FileByVersion, FileTable
from lix_vtab.surfaces.functions import SqlFunction, core_functions, register
from lix_vtab.surfaces.functions_files import file_functions
from lix_vtab.surfaces.functions_history import history_functions
from lix_vtab.surfaces.functions_rows import row_functions
from lix_vtab.surfaces.functions_values import value_functions
from lix_vtab.surfaces.history_tables import HISTORY_TABLES
from lix_vtab.surfaces.internal import InternalModule
from lix_vtab.surfaces.internal_state import InternalState
from lix_vtab.surfaces.plugin import PluginTable
from lix_vtab.surfaces.state import State, StateByVersion
from lix_vtab.surfaces.version import VersionSurface

__all__ = ["TABLES", "Sessions", "install"]

Build = Callable[[Session, Sequence[str]], Surface]

SURFACES: dict[str, Build] = {
    "lix_state": lambda session, args: State(session),
    "lix_state_by_version": lambda session, args: StateByVersion(session),
    "lix_internal_state_vtable": lambda session, args: InternalState(session),
    "lix_version": lambda session, args: VersionSurface(session),
    "lix_active_version": lambda session, args: ActiveVersion(session),
    "lix_active_account": lambda session, args: ActiveAccount(session),
    "lix_file": lambda session, args: FileTable(session),
    "lix_file_by_version": lambda session, args: FileByVersion(session),
    "lix_directory": lambda session, args: DirectoryTable(session),
    "lix_directory_by_version": lambda session, args: DirectoryByVersion(session),
    "lix_effect": lambda session, args: EffectTable(session),
    "lix_plugin": lambda session, args: PluginTable(session),
    "lix_check": lambda session, args: Check(session),
    **HISTORY_TABLES,
}

FUNCTIONS: tuple[Callable[[Session], Iterable[SqlFunction]], ...] = (
    core_functions,
    value_functions,
    file_functions,
    history_functions,
    row_functions,
    effect_functions,
)
"""Where the SQL functions come from, by area."""

TABLES: dict[str, str] = {"lix_internal": "lix_internal", **{name: name for name in SURFACES}}
"""The virtual tables of a new database, and their modules."""


class Sessions:
    """The sessions of one connection, one for each attached database that holds a lix.

    `functions` are the SQL functions registered for all of them.
    """

    def __init__(self, connection: Connection) -> None:
        self._own = (
            TrustedConnection(connection) if isinstance(connection, apsw.Connection) else connection
        )
        self._sessions: dict[str, Session] = {}
        self._follow: Callable[[Session], None] | None = None
        self.functions: dict[str, SqlFunction] = {}

    def __call__(self, db: str = "main") -> Session:
        """Return the session of a database."""
        known = self._sessions.get(db)
        if known is None:
            known = self._sessions[db] = Session(self._own, db)
            self._share(known)
            EntityTables(known)
            if self._follow is not None:
                self._follow(known)
        return known

    def say(self, *, writer_key: str | None, parent_given: bool) -> None:
        """Tell the sessions what a call says about the statements it runs."""
        for session in self._sessions.values():
            session.writer_key = writer_key
            session.parent_given = parent_given

    def _share(self, session: Session) -> None:
        first = next(iter(self._sessions.values()))
        session.writer_key = first.writer_key
        session.parent_given = first.parent_given
        session.internal = first.internal

    def follow(self, hook: Callable[[Session], None]) -> None:
        """Call `hook` with every session, those of databases attached later included."""
        self._follow = hook
        for session in self._sessions.values():
            hook(session)


def install(connection: Connection) -> Sessions:
    """Register all modules and functions on a connection."""
    # Plans must not depend on the values bound: without this guarantee recent SQLite prepares a
    # join anew each time other values are bound to it, which costs more than running it.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    sessions = Sessions(connection)
    # Savepoints need version 2. From 3 on APSW takes one of its 33 slots for xShadowName, so only
    # the module that owns the shadow tables asks for more.
    options: dict[str, Any] = {
        "use_bestindex_object": True,
        "use_no_change": True,
        "iVersion": 2,
    }
    internal = InternalModule(sessions, _integrity)
    try:
        connection.create_module("lix_internal", internal, **{**options, "iVersion": 4})
    except Exception:
        # All slots of the process are taken. The authorizer still guards the tables; what this
        # connection lacks is their protection by defensive mode and PRAGMA integrity_check.
        connection.create_module("lix_internal", internal, **options)
    for name, build in {**SURFACES, MODULE: build_entity}.items():
        connection.create_module(name, BaseModule(sessions, build), **options)
    sessions.functions = {function.name: function for function in functions_of(sessions())}
    register(sessions(), sessions.functions.values())
    return sessions


def _integrity(session: Session) -> list[str]:
    """Verify what PRAGMA integrity_check can: its statement would not survive a new table."""
    return check(session.store, replay=False)


def functions_of(session: Session) -> Iterator[SqlFunction]:
    """Yield every SQL function of a lix."""
    for area in FUNCTIONS:
        yield from area(session)
