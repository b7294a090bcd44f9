"""What planning knows about the database: a small frozen snapshot, no connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Protocol

from lix_vtab.model.dataclasses import dataclass

__all__ = ["Catalogue", "CatalogueProvider", "Table", "UniqueKey", "is_main"]


@dataclass(frozen=True, slots=True)
class UniqueKey:
    """A group of columns in which no two rows of a table may agree.

    `columns` are what `ON CONFLICT (...)` has to name; naming columns of `scope` too is allowed.
    `scope` columns are compared as well, but come from their default when an INSERT leaves them
    out. `where` is an SQL condition a row must meet to be in the way, such as "is an own row".
    """

    columns: tuple[str, ...]
    scope: tuple[str, ...] = ()
    where: str = ""

    def answers_to(self, target: Iterable[str]) -> bool:
        """Tell whether a conflict target (lower-case column names) means this key."""
        named = set(target)
        required = {name.lower() for name in self.columns}
        return required <= named <= required | {name.lower() for name in self.scope}


@dataclass(frozen=True, slots=True)
class Table:
    """A virtual table of ours, as far as a statement planner cares.

    - `columns` are those of `SELECT *`, `hidden` the others.
    - `keys` are the conflict targets, in the order an untargeted ON CONFLICT checks them.
    - `identity` addresses one visible row in a WHERE clause, before and after an UPDATE of other
      columns; its values are never NULL. The default is the first key, or `rowid` for a table
      without keys, whose row ids then have to last as long.
    - `defaults` maps a column to the SQL expression an INSERT uses when the column is left out.
    - `rowid` says that `last_insert_rowid()` finds a fresh row; `located` pairs columns with the
      SQL that makes their values of it (in place of `{}`), for tables that do not look up rowids.
    - `refuses` lists the verbs (INSERT, UPDATE, DELETE) the table does not accept.
    - `asks` names columns for which an INSERT of NULL says something else than leaving them out,
      which SQLite does not tell a virtual table; `states` those an INSERT must name therefore.
    - `stored` maps a column to the SQL that makes what is kept of a value (in place of `{}`), for
      columns that do not keep every value as it is given.
    - `made` maps a column that follows from others to the call that makes it, without its closing
      bracket, and to those others, each with what stands for its name in the call.
    - `related` says that its rows may refer to others, or others to them.
    """

    name: str
    kind: str
    columns: tuple[str, ...]
    hidden: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()
    keys: tuple[UniqueKey, ...] = ()
    defaults: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    rowid: bool = True
    located: tuple[tuple[str, str], ...] = ()
    refuses: frozenset[str] = frozenset()
    asks: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    stored: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    made: Mapping[str, tuple[str, tuple[tuple[str, str], ...]]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    related: bool = True

    @property
    def address(self) -> tuple[str, ...]:
        """Return the columns that address one visible row."""
        if self.identity:
            return self.identity
        if self.keys:
            return (*self.keys[0].columns, *self.keys[0].scope)
        return ("rowid",)

    def has_column(self, name: str) -> bool:
        """Tell whether the table has the column, hidden ones and row ids included."""
        wanted = name.lower()
        known = (*self.columns, *self.hidden, "rowid", "oid", "_rowid_")
        return any(column.lower() == wanted for column in known)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The lix tables of one moment; `generation` changes whenever they do.

    `attached` gives those of another database, which may change without a word.

    >>> Catalogue.of(1, [Table("lix_file", "file", ("id", "path"))]).find("LIX_FILE").name
    'lix_file'
    """

    generation: int
    tables: Mapping[str, Table]
    attached: Callable[[str], Mapping[str, Table]] = lambda database: MappingProxyType({})

    @classmethod
    def of(cls, generation: int, tables: Iterable[Table]) -> Catalogue:
        """Build a catalogue from tables."""
        return cls(generation, MappingProxyType({table.name.lower(): table for table in tables}))

    def find(self, name: str | None, database: str | None = None) -> Table | None:
        """Return the table of this name (any case), or None when it is not ours."""
        if not name:
            return None
        tables = self.tables if is_main(database) else self.attached(database or "")
        return tables.get(name.lower())


def is_main(database: str | None) -> bool:
    """Tell whether a statement that names this database, or none, is about the main one."""
    return database is None or database.lower() == "main"


class CatalogueProvider(Protocol):
    """Gives the catalogue as it is now; called once per statement that writes, so keep it cheap."""

    def __call__(self) -> Catalogue:
        """Return the current catalogue."""
        ...
