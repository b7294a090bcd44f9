"""What storage and surfaces need of a SQLite connection.

`apsw.Connection` satisfies these protocols as it is; the loadable extension supplies a second
implementation over the host's own `sqlite3*`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

__all__ = ["Bindings", "Connection", "Cursor", "Row", "SqlValue"]

SqlValue = None | int | float | str | bytes
Row = tuple[Any, ...]
Bindings = Sequence[Any] | Mapping[str, Any]


class Cursor(Protocol):
    """A running statement: an iterator of row tuples."""

    def __iter__(self) -> Iterator[Row]: ...

    def fetchone(self) -> Row | None:
        """Return the next row, or None at the end."""

    def fetchall(self) -> list[Row]:
        """Return all remaining rows."""

    @property
    def get(self) -> Any:
        """Return what is left as one value, one row, a list of either, or None for nothing."""


class Connection(Protocol):
    """One SQLite connection."""

    @property
    def in_transaction(self) -> bool:
        """Tell whether a transaction is open."""

    @property
    def is_interrupted(self) -> bool:
        """Tell whether the running statements are to stop."""

    def execute(self, statements: str, bindings: Bindings = ()) -> Cursor:
        """Run SQL text and return its cursor, positioned before the first row."""

    def run(self, statements: str, bindings: Bindings = ()) -> Cursor:
        """Run one statement that ends at once, and return what may be asked for its `get`.

        Unlike `execute` it may use one cursor again and again, so what it found must be taken
        before the next statement runs.
        """

    def executemany(self, statements: str, sequenceofbindings: Iterable[Bindings]) -> Cursor:
        """Run SQL text once per set of bindings."""

    def changes(self) -> int:
        """Return how many rows the last completed INSERT, UPDATE or DELETE changed."""

    def last_insert_rowid(self) -> int:
        """Return the rowid of the last insert."""

    def data_version(self, schema: str | None = None) -> int:
        """Return a number that changes when another connection commits."""

    def vtab_on_conflict(self) -> int:
        """Return the conflict resolution of the running virtual-table write."""

    def vtab_config(self, op: int, val: int = 0) -> None:
        """Configure the virtual table that is being created or connected."""

    def config(self, op: int, *args: Any) -> Any:
        """Get or set an option of the connection."""

    def create_module(self, name: str, datasource: Any, **options: Any) -> None:
        """Register a virtual-table module."""

    def create_scalar_function(
        self, name: str, callable: Any, numargs: int = -1, **options: Any
    ) -> None:
        """Register a SQL function."""
