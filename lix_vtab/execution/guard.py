"""Keep user SQL away from `lix_internal_*` tables, judged by resolved names.

SQLite calls an authorizer for every table and column a statement touches while it is prepared
(https://www.sqlite.org/c3ref/set_authorizer.html). Statements run by our own virtual tables and
functions pass because they are prepared while `Trust.depth` is above zero.

A prepared statement stays usable without being authorised again, and APSW caches them by text, so
trusted statements have to be prepared with `TRUSTED_FLAGS`: other flags are another cache entry,
and the same text coming from a user is judged anew.

SQLite does not report columns that only NATURAL or USING compares, nor the new name of a table, so
`check_names` looks at these statements itself. They can be told by names alone, because nobody else
may have a table called `lix_internal_*`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import field
from typing import Protocol, TypeAlias

import apsw

from lix_vtab.errors import InternalTableAccess, ReadOnlyError
from lix_vtab.execution.tokens import STRING, Token, identifier, tokenize
from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.patterns import pattern

__all__ = [
    "TRUSTED_FLAGS",
    "Authorizer",
    "Reads",
    "Trust",
    "check_names",
    "internal_access",
    "make_authorizer",
    "recording",
]

TRUSTED_FLAGS = apsw.SQLITE_PREPARE_PERSISTENT
_PREFIX = "lix_internal_"
_UNSEEN = pattern(r"\b(?:NATURAL|USING|ALTER)\b", re.IGNORECASE)
_VACUUM = pattern("vacuum_[0-9a-f]{16}")

Authorizer: TypeAlias = Callable[[int, str | None, str | None, str | None, str | None], int]


class Trust(Protocol):
    """Tells whether our own code prepares a statement: its depth is above zero then."""

    @property
    def depth(self) -> int:
        """Return how deep inside our own code the connection is."""
        ...


@dataclass(slots=True)
class Reads:
    """Collects what user statements read while they are prepared.

    `found` are (schema, table) pairs, `functions` the names of SQL functions.
    """

    active: bool = False
    found: set[tuple[str, str]] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)


# Operations whose first argument is a table, and those whose second is.
_FIRST = frozenset(
    {
        apsw.SQLITE_READ,
        apsw.SQLITE_INSERT,
        apsw.SQLITE_UPDATE,
        apsw.SQLITE_DELETE,
        apsw.SQLITE_CREATE_TABLE,
        apsw.SQLITE_CREATE_TEMP_TABLE,
        apsw.SQLITE_CREATE_VIEW,
        apsw.SQLITE_CREATE_TEMP_VIEW,
        apsw.SQLITE_CREATE_VTABLE,
        apsw.SQLITE_DROP_TABLE,
        apsw.SQLITE_DROP_VTABLE,
    }
)
_SECOND = frozenset(
    {
        apsw.SQLITE_ALTER_TABLE,
        apsw.SQLITE_CREATE_INDEX,
        apsw.SQLITE_CREATE_TEMP_INDEX,
        apsw.SQLITE_DROP_INDEX,
        apsw.SQLITE_CREATE_TRIGGER,
        apsw.SQLITE_CREATE_TEMP_TRIGGER,
    }
)
_OK = apsw.SQLITE_OK
_READ = apsw.SQLITE_READ
_SELECT = apsw.SQLITE_SELECT
_NO_TABLE = frozenset({apsw.SQLITE_SELECT, apsw.SQLITE_FUNCTION})
_INSERT = apsw.SQLITE_INSERT
_PRAGMA = apsw.SQLITE_PRAGMA
_DENY = apsw.SQLITE_DENY
_DROP_VTABLE = apsw.SQLITE_DROP_VTABLE
_CREATE_TEMP = frozenset({apsw.SQLITE_CREATE_TEMP_TABLE, apsw.SQLITE_CREATE_TEMP_VIEW})
_TOUCHES_OURS = _CREATE_TEMP | {
    _DROP_VTABLE,
    apsw.SQLITE_CREATE_TABLE,
    apsw.SQLITE_CREATE_VIEW,
    apsw.SQLITE_CREATE_VTABLE,
}


def make_authorizer(
    trust: Trust,
    *,
    allow_internal: bool = False,
    keeps: Callable[[str], bool] = lambda _: False,
    reads: Reads | None = None,
) -> Authorizer:
    """Return the authorizer callback of one connection.

    `keeps` names the virtual tables nobody may drop. `reads` is filled while it is active.

    A refusal raises: the exception an authorizer raises is what the caller of APSW sees.
    """
    copying = 0
    listing = False

    def authorize(
        operation: int, first: str | None, second: str | None, schema: str | None, _: str | None
    ) -> int:
        nonlocal copying, listing
        if operation == _READ:
            table = first
            if reads is not None and reads.active:
                reads.found.add((schema or "main", first or ""))
        elif operation in _NO_TABLE:
            copying -= operation == _SELECT and copying > 0
            if second and reads is not None and reads.active:
                reads.functions.add(second.lower())
            return _OK
        else:
            table = first if operation in _FIRST else second if operation in _SECOND else None
            # PRAGMA table_list selects from every table whose columns are not known yet, and leaves
            # out what it may not: an exception would end it
            listing = operation == _PRAGMA and first == "table_list"
            # VACUUM copies every table, shadow tables too, into a schema it names itself, each
            # with one INSERT ... SELECT: the reads of that one SELECT are its own.
            copying = 2 if operation == _INSERT and _is_copy(schema) else 0
        # Every column of every statement comes along here, so the common case ends early;
        # `trust` is asked from this function itself, because it may look at who called.
        if not table or copying == 1:
            return _OK
        if (
            not allow_internal
            and table[:13].lower() == _PREFIX
            and not _is_copy(schema)
            and not trust.depth
        ):
            if listing and second:
                return _DENY
            raise internal_access(table)
        if operation in _TOUCHES_OURS and not trust.depth and keeps(table):
            if operation == _DROP_VTABLE:
                raise ReadOnlyError(
                    f"{table} is part of the lix and cannot be dropped",
                    hint="DELETE its rows, or its schema from lix_stored_schema",
                    details={"table": table},
                )
            if operation in _CREATE_TEMP or schema == "temp":
                raise ReadOnlyError(
                    f"{table} is part of the lix and cannot be hidden behind a temporary table",
                    hint="choose another name",
                    details={"table": table},
                )
        return _OK

    return authorize


def check_names(sql: str) -> None:
    """Refuse a text that joins an internal table by NATURAL or USING, or takes such a name.

    >>> check_names("SELECT 'lix_internal_tip' FROM a JOIN b USING (id)")
    """
    if _PREFIX not in sql.lower() or not _UNSEEN.search(sql):
        return
    before = None
    for token in tokenize(sql):
        # a text in quotes may stand for a table where only a table can be
        if token.kind != STRING or (before is not None and _before_table(before)):
            name = identifier(token) or ""
            if name.lower().startswith(_PREFIX):
                raise internal_access(name)
        before = token


def _before_table(token: Token) -> bool:
    return token.text in (",", ".") or token.keyword in ("FROM", "JOIN", "TO")


def _is_copy(schema: str | None) -> bool:
    """Tell whether a schema is the one VACUUM writes its copy to."""
    return schema is not None and _VACUUM.fullmatch(schema) is not None


def internal_access(
    table: str, kind: type[InternalTableAccess] = InternalTableAccess
) -> InternalTableAccess:
    """Return the error for SQL that reaches for an internal table."""
    return kind(
        f"queries against lix_internal_* tables are not allowed; use public lix_* views: {table}",
        hint="open the database with internal=True to look inside",
        details={"table": table},
    )


@contextmanager
def recording(reads: Reads) -> Iterator[set[tuple[str, str]]]:
    """Collect what the statements prepared inside read: yields the tables.

    Only preparing reports anything: run the statement with `can_cache=False`.
    """
    outer = reads.active, reads.found
    reads.active, reads.found = True, set()
    reads.functions.clear()
    try:
        yield reads.found
    finally:
        reads.active, reads.found = outer
