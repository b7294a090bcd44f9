"""A cursor: runs statements and hands out their rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from lix_vtab.dbapi.errors import InterfaceError, ProgrammingError
from lix_vtab.dbapi.types import adapt
from lix_vtab.execution.contracts import Kind

if TYPE_CHECKING:
    from lix_vtab.dbapi.connection import Connection

__all__ = ["Cursor"]

Parameters: TypeAlias = Sequence[Any] | Mapping[str, Any]
Row: TypeAlias = tuple[Any, ...]
Description: TypeAlias = tuple[tuple[Any, None, None, None, None, None, None], ...]


class Cursor:
    """What PEP 249 asks for; iterating gives the rows that are left."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.arraysize = 1
        self.description: Description | None = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self._rows: Iterator[Row] | None = None
        self._closed = False

    # -- running

    def execute(self, operation: str, parameters: Parameters = ()) -> Cursor:
        """Run a statement, beginning a transaction when it writes and none is open."""
        self._forget()
        counts = self._run(operation, parameters)
        if not counts:
            self.rowcount = -1
        return self

    def executemany(self, operation: str, seq_of_parameters: Iterable[Parameters]) -> Cursor:
        """Run a statement for each set of parameters, all of them or none; rows are discarded."""
        self._forget()
        if not isinstance(seq_of_parameters, Iterable) or isinstance(seq_of_parameters, type):
            raise InterfaceError(
                f"sets of parameters are a sequence, not {type(seq_of_parameters).__name__}"
            )
        total, counted = 0, False
        with self.connection.together():
            for parameters in seq_of_parameters:
                counted = self._run(operation, parameters)
                total += self.rowcount
        self._rows, self.description = None, None
        self.rowcount = total if counted else -1
        return self

    def executescript(self, script: str) -> Cursor:
        """Commit what is open, then run several statements; like sqlite3's, not in PEP 249."""
        self._forget()
        self.connection.commit()
        self.connection.run(script, ())
        return self

    def _run(self, operation: str, parameters: Parameters) -> bool:
        """Run a statement once; tell whether it counts the rows it changed."""
        self._usable()
        kind = self.connection.prepare(operation)
        result = self.connection.run(operation, _adapted(parameters))
        columns = result.columns
        self.description = (
            tuple((name, None, None, None, None, None, None) for name in columns)
            if columns
            else None
        )
        self._rows = iter(result) if columns else None
        self.rowcount = result.changes
        if kind is Kind.INSERT:
            self.lastrowid = self.connection.lix.connection.last_insert_rowid()
        return kind.changes_rows

    # -- rows

    def fetchone(self) -> Row | None:
        """Return the next row, None when there is none."""
        return next(self._result(), None)

    def fetchmany(self, size: int | None = None) -> list[Row]:
        """Return the next rows, `arraysize` of them unless told otherwise."""
        rows = self._result()
        wanted = self.arraysize if size is None else size
        if not isinstance(wanted, int):
            raise InterfaceError(f"a number of rows is an int, not {type(wanted).__name__}")
        return [row for _, row in zip(range(wanted), rows, strict=False)]

    def fetchall(self) -> list[Row]:
        """Return all rows that are left."""
        return list(self._result())

    def __iter__(self) -> Iterator[Row]:
        return self

    def __next__(self) -> Row:
        return next(self._result())

    def _result(self) -> Iterator[Row]:
        self._usable()
        if self._rows is None:
            raise ProgrammingError("no rows: the last statement returns none, or there was none")
        return self._rows

    # -- the rest of PEP 249

    def setinputsizes(self, sizes: Sequence[Any]) -> None:
        """Do nothing: SQLite needs no sizes."""

    def setoutputsize(self, size: int, column: int | None = None) -> None:
        """Do nothing: SQLite needs no sizes."""

    def close(self) -> None:
        """Make the cursor unusable."""
        self._closed = True
        self._rows = None

    def _forget(self) -> None:
        self._rows, self.description, self.rowcount = None, None, -1

    def _usable(self) -> None:
        if self._closed:
            raise ProgrammingError("the cursor is closed")
        self.connection.check_open()


def _adapted(parameters: Parameters) -> Parameters:
    if isinstance(parameters, Mapping):
        return {name: adapt(value) for name, value in parameters.items()}
    if isinstance(parameters, str | bytes) or not isinstance(parameters, Sequence):
        raise InterfaceError(
            f"parameters are a sequence or a mapping, not {type(parameters).__name__}"
        )
    return tuple([adapt(value) for value in parameters])
