"""A connection: transactions around cursors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import apsw

import lix_vtab.opening
from lix_vtab.arguments import shown
from lix_vtab.dbapi import errors
from lix_vtab.dbapi.cursor import Cursor, Parameters
from lix_vtab.dbapi.errors import ProgrammingError, translated
from lix_vtab.execution.contracts import Kind
from lix_vtab.execution.errors import EmptyScript
from lix_vtab.execution.parse import parse
from lix_vtab.execution.result import Result
from lix_vtab.lix import Lix

__all__ = ["Connection", "connect"]

_WRITING = "SELECT DISTINCT name FROM pragma_function_list WHERE name GLOB 'lix_*' AND flags & ?"
"""Functions of lix that write are those SQLite does not allow in views and triggers."""

_LEVELS = ("DEFERRED", "IMMEDIATE", "EXCLUSIVE")
_OUTSIDE = frozenset(
    {
        Kind.BEGIN,
        Kind.COMMIT,
        Kind.ROLLBACK,
        Kind.PRAGMA,
        Kind.ATTACH,
        Kind.DETACH,
        Kind.VACUUM,
        Kind.EXPLAIN,
    }
)
"""Statements that open, close or cannot stand a transaction."""


def connect(
    database: str = ":memory:", *, isolation_level: str | None = "IMMEDIATE", **options: Any
) -> Connection:
    """Open a database; `options` are those of `lix_vtab.open`.

    A transaction begins before the first statement that writes, with the lock that
    `isolation_level` names, and ends with `commit` or `rollback`. None means autocommit.

    >>> connection = connect()
    >>> connection.execute("SELECT name FROM lix_version WHERE name = ?", ("main",)).fetchall()
    [('main',)]
    >>> connection.close()
    """
    _check_level(isolation_level)
    with translated():
        return Connection(lix_vtab.opening.open(database, **options), isolation_level)


class Connection:
    """A `Lix` with the interface of PEP 249; `lix` is that Lix.

    As a context manager it commits, or rolls back when the block raises; it does not close.
    """

    Warning = errors.Warning
    Error = errors.Error
    InterfaceError = errors.InterfaceError
    DatabaseError = errors.DatabaseError
    DataError = errors.DataError
    OperationalError = errors.OperationalError
    IntegrityError = errors.IntegrityError
    InternalError = errors.InternalError
    ProgrammingError = errors.ProgrammingError
    NotSupportedError = errors.NotSupportedError

    def __init__(self, lix: Lix, isolation_level: str | None = "IMMEDIATE") -> None:
        self.lix = lix
        self._level = isolation_level
        self._open = True
        self._kinds: dict[str, tuple[Kind, bool]] = {}
        names = "|".join(name for (name,) in lix.execute(_WRITING, (apsw.SQLITE_DIRECTONLY,)))
        self._writing_call = re.compile(rf"\b(?:{names})\s*\(", re.IGNORECASE)

    # -- transactions

    @property
    def isolation_level(self) -> str | None:
        """Return which lock a transaction begins with; None in autocommit mode."""
        return self._level

    @isolation_level.setter
    def isolation_level(self, level: str | None) -> None:
        _check_level(level)
        if level is None:
            self.commit()
        self._level = level

    @property
    def autocommit(self) -> bool:
        """Tell whether each statement is a transaction of its own."""
        return self._level is None

    @autocommit.setter
    def autocommit(self, wanted: bool) -> None:
        self.isolation_level = None if wanted else self._level or "IMMEDIATE"

    @property
    def in_transaction(self) -> bool:
        """Tell whether a transaction is open."""
        return self._open and self.lix.connection.in_transaction

    def commit(self) -> None:
        """Commit the open transaction, if there is one."""
        self._finish("COMMIT")

    def rollback(self) -> None:
        """Undo the open transaction, if there is one."""
        self._finish("ROLLBACK")

    def _finish(self, verb: str) -> None:
        self.check_open()
        if self.lix.connection.in_transaction:
            self.run(verb, ())

    def prepare(self, operation: str) -> Kind:
        """Begin a transaction when a statement needs one; return what kind of statement it is."""
        if not isinstance(operation, str):
            raise ProgrammingError(f"a statement is text, not {type(operation).__name__}")
        known = self._kinds.get(operation)
        if known is None:
            known = self._kinds[operation] = self._judge(operation)
            if len(self._kinds) > 1000:
                self._kinds.clear()
        kind, writes = known
        if writes and self._level is not None and not self.lix.connection.in_transaction:
            self.run(f"BEGIN {self._level}", ())
        return kind

    def _judge(self, operation: str) -> tuple[Kind, bool]:
        try:
            statements = parse(operation).statements
        except EmptyScript:
            return Kind.OTHER, False
        if len(statements) > 1:
            raise ProgrammingError(
                f"{len(statements)} statements in one execute(); executescript() runs several"
            )
        kind = statements[0].kind
        if kind in _OUTSIDE:
            return kind, False
        reads = kind is Kind.SELECT and not self._writing_call.search(operation)
        return kind, not reads

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make the statements of a block one: what a failing one leaves is undone with it."""
        self.check_open()
        if not self.lix.connection.in_transaction and self._level is not None:
            self.run(f"BEGIN {self._level}", ())
        with translated(), self.lix.transaction():
            yield

    # -- statements

    def cursor(self) -> Cursor:
        """Return a new cursor."""
        self.check_open()
        return Cursor(self)

    def execute(self, operation: str, parameters: Parameters = ()) -> Cursor:
        """Run a statement on a new cursor; not in PEP 249."""
        return self.cursor().execute(operation, parameters)

    def executemany(self, operation: str, seq_of_parameters: Sequence[Parameters]) -> Cursor:
        """Run a statement for each set of parameters on a new cursor; not in PEP 249."""
        return self.cursor().executemany(operation, seq_of_parameters)

    def executescript(self, script: str) -> Cursor:
        """Run several statements on a new cursor; not in PEP 249."""
        return self.cursor().executescript(script)

    def run(self, operation: str, parameters: Parameters) -> Result:
        """Run SQL through the Lix, with errors as PEP 249 names them."""
        with translated():
            return self.lix.execute(operation, parameters)

    # -- life

    def close(self) -> None:
        """Undo what is not committed and close the database; closing twice is fine."""
        if not self._open:
            return
        self.rollback()
        self._open = False
        self.lix.close()

    def check_open(self) -> None:
        """Raise ProgrammingError when the connection is closed."""
        if not self._open:
            raise ProgrammingError("the connection is closed")

    def __enter__(self) -> Connection:
        self.check_open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.commit()
        else:
            self.rollback()


def _check_level(level: object) -> None:
    """Raise ProgrammingError for what is no isolation level."""
    if level is not None and not (isinstance(level, str) and level.upper() in _LEVELS):
        raise ProgrammingError(
            f"isolation_level is one of {', '.join(_LEVELS)} or None, not {shown(level)}"
        )
