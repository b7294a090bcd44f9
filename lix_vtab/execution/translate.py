"""Give every exception SQLite raises its place in the tree of `LixError`.

The result also derives from the class `apsw` raised, carries SQLite's result codes, and keeps its
words; `hint` says what was probably meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import apsw

from lix_vtab.errors import (
    BusyError,
    CannotOpenError,
    ClosedError,
    ColumnNotFound,
    ConstraintViolation,
    CorruptError,
    DiskFullError,
    EngineError,
    ForeignKeyError,
    InputOutputError,
    Interrupted,
    InvalidValueError,
    LixError,
    LockedError,
    NotADatabaseError,
    NotAuthorized,
    ParseError,
    ReadOnlyError,
    SqlError,
    TableNotFound,
    TooBigError,
    TransactionStateError,
    UniqueError,
    UnsupportedSql,
)
from lix_vtab.execution.catalogue import Catalogue
from lix_vtab.execution.errors import ShadowWrite
from lix_vtab.execution.guard import internal_access
from lix_vtab.execution.hints import (
    Functions,
    column_hint,
    function_hint,
    sql_hint,
    table_hint,
)
from lix_vtab.model.json import NestingError
from lix_vtab.model.patterns import pattern

__all__ = ["translate", "unbindable", "unreadable", "unwritable"]

_BY_CLASS: dict[type[apsw.Error], type[LixError]] = {
    apsw.BusyError: BusyError,
    apsw.CantOpenError: CannotOpenError,
    apsw.ConnectionClosedError: ClosedError,
    apsw.CorruptError: CorruptError,
    apsw.FullError: DiskFullError,
    apsw.IOError: InputOutputError,
    apsw.InterruptError: Interrupted,
    apsw.LockedError: LockedError,
    apsw.AuthError: NotAuthorized,
    apsw.MismatchError: InvalidValueError,
    apsw.NotADBError: NotADatabaseError,
    apsw.ReadOnlyError: ReadOnlyError,
    apsw.TooBigError: TooBigError,
}

# Failures nobody is meant to tell apart still answer to both trees.
_RARE: dict[type[apsw.Error], type[LixError]] = {
    base: type(f"Engine{base.__name__}", (EngineError, base), {"__doc__": base.__doc__})
    for base in vars(apsw).values()
    if isinstance(base, type) and issubclass(base, apsw.Error) and base not in _BY_CLASS
}

_NO_FUNCTIONS: Functions = {}

_UNIQUE = frozenset(
    {
        apsw.SQLITE_CONSTRAINT_UNIQUE,
        apsw.SQLITE_CONSTRAINT_PRIMARYKEY,
        apsw.SQLITE_CONSTRAINT_ROWID,
    }
)

_MISSING_TABLE = pattern(r"no such table: (.+)")
_MISSING_COLUMN = pattern(r"no such column: (.+)|table .+ has no column named (.+)")
_SYNTAX = pattern(r'near ".*": syntax error|incomplete input|unrecognized token: .*', re.DOTALL)
_TRANSACTION = pattern(
    r"cannot (?:start a transaction|commit|rollback|release|VACUUM|open savepoint|DETACH).*"
    r"|no such savepoint: .*"
)
_VIRTUAL = pattern(
    r"UPSERT not implemented for virtual table .*"
    r"|(?:UPDATE|DELETE) RETURNING is not available on virtual tables"
    r"|cannot create triggers on virtual tables|virtual tables may not be (?:indexed|altered)"
)
_INTERNAL = pattern(
    r"table (lix_internal_\w+) may not be (?:modified|altered)"
    r"|trigger .* may not write to shadow table \"(lix_internal_\w+)\""
    r"|object name reserved for internal use: (lix_internal_\w+)"
    r"|cannot create triggers on shadow tables()",
    re.IGNORECASE | re.DOTALL,
)
_PROHIBITED = pattern(r"access to (?:\w+\.)?(lix_internal_\w+)\.\S+ is prohibited")


def translate(
    error: Exception,
    catalogue: Catalogue,
    sql: str = "",
    functions: Functions = _NO_FUNCTIONS,
) -> LixError:
    """Return `error` as a leaf of the tree; an error that is one already comes back as it is.

    >>> error = apsw.SQLError("ambiguous column name: a")
    >>> print(translate(error, Catalogue.of(1, [])))
    LIX_ERROR_SQL: ambiguous column name: a (write the name of its table and a dot before it)
    """
    if isinstance(error, LixError):
        return error
    if isinstance(error, apsw.SQLError):
        found = _sql_error(str(error), catalogue, sql, functions)
    elif isinstance(error, apsw.ConstraintError):
        found = _constraint_error(error)
    elif match := _PROHIBITED.fullmatch(str(error)):
        found = internal_access(match[1])
    else:
        kind = next((kind for kind in type(error).__mro__ if kind in _BY_CLASS), None)
        known = _BY_CLASS[kind] if kind is not None else _rare(error)
        found = known(
            _closed(error) if known is ClosedError else str(error), hint=_hint(known, error)
        )
    return _with_codes(found, error)


def _hint(known: type[LixError], error: Exception) -> str | None:
    if getattr(error, "extendedresult", None) == apsw.SQLITE_READONLY_DIRECTORY:
        return "nobody may write beside it: open 'file:PATH?immutable=1' with read_only=True"
    if known is ReadOnlyError:
        return "open it without read_only=True, as somebody who may write the file"
    return None


def _rare(error: Exception) -> type[LixError]:
    return next(_RARE[kind] for kind in (*type(error).__mro__, apsw.Error) if kind in _RARE)


def _closed(error: Exception) -> str:
    return f"lix is closed; execute() is unavailable: {error}"


def _with_codes(found: LixError, error: Exception) -> LixError:
    """Carry SQLite's result codes over, as attributes `apsw` users read and as details."""
    for name in ("result", "extendedresult", "error_offset"):
        if hasattr(error, name):
            setattr(found, name, getattr(error, name))
    if hasattr(error, "extendedresult"):
        found.details.setdefault("sqlite_code", error.extendedresult)
    offset = getattr(error, "error_offset", -1)
    if offset >= 0:
        found.details.setdefault("offset", offset)
    return found


def _constraint_error(error: apsw.ConstraintError) -> LixError:
    code = getattr(error, "extendedresult", apsw.SQLITE_CONSTRAINT)
    if code in _UNIQUE:
        return UniqueError(str(error), hint="UPDATE the row, or INSERT OR REPLACE or OR IGNORE")
    if code == apsw.SQLITE_CONSTRAINT_FOREIGNKEY:
        return ForeignKeyError(str(error))
    return ConstraintViolation(str(error))


def _sql_error(message: str, catalogue: Catalogue, sql: str, functions: Functions) -> LixError:
    """Sort SQLITE_ERROR by its words: it has no finer code."""
    if match := _MISSING_TABLE.fullmatch(message):
        name = match[1]
        return TableNotFound(message, hint=table_hint(name, catalogue), details={"table": name})
    if match := _MISSING_COLUMN.fullmatch(message):
        name = match[1] or match[2]
        hint = column_hint(name, catalogue, sql)
        return ColumnNotFound(message, hint=hint, details={"column": name})
    if match := _INTERNAL.fullmatch(message):
        return internal_access(next(filter(None, match.groups()), "a shadow table"), ShadowWrite)
    for wanted, build in _MESSAGES:
        if wanted.fullmatch(message):
            return build(message)
    return SqlError(message, hint=function_hint(message, functions) or sql_hint(message))


_MESSAGES: Sequence[tuple[re.Pattern[str], Callable[[str], LixError]]] = (
    (_SYNTAX, lambda message: ParseError(f"sql parser error: {message}")),
    (_TRANSACTION, lambda message: TransactionStateError(message, hint=sql_hint(message))),
    (_VIRTUAL, lambda message: UnsupportedSql(message, hint=_virtual_hint(message))),
)

_VIRTUAL_HINTS = {
    "indexed": "x-lix-index of its schema names the properties to look up",
    "altered": "a table follows its schema: store a newer version of that",
    "create triggers": "lix.observe() and lix.commits() tell of changes",
}


def _virtual_hint(message: str) -> str:
    hints = (hint for word, hint in _VIRTUAL_HINTS.items() if word in message)
    return next(hints, "run the statement by itself through lix.execute")


def unbindable(params: Sequence[Any] | Mapping[str, Any]) -> LixError | None:
    """Return the error for the first parameter SQLite cannot hold, None when it can hold all.

    Binding and user-defined functions raise the same classes, so this tells them apart.
    """
    items = params.items() if isinstance(params, Mapping) else enumerate(params, 1)
    for name, value in items:
        reason = _unstorable(value)
        if reason:
            return InvalidValueError(
                f"parameter {name!r} cannot be stored: {reason}",
                hint="SQLite holds None, int (64 bit), float, str and bytes",
                details={"parameter": name, "type": type(value).__name__},
            )
    return None


def unwritable(sql: str) -> LixError | None:
    """Return the error for a statement SQLite cannot be given, None when it can."""
    reason = _unstorable(sql)
    if not reason:
        return None
    return InvalidValueError(
        f"the statement is not UTF-8: {reason}",
        hint="a lone surrogate is no character; bytes can be given as a parameter",
    )


def unreadable(error: UnicodeDecodeError | NestingError) -> LixError:
    """Return the error for a text no value can be made of, met while a statement ran."""
    if isinstance(error, NestingError):
        return InvalidValueError(str(error), hint="keep what is nested so deeply as text")
    return InvalidValueError(
        f"a text of the statement is not UTF-8: {error.reason} at byte {error.start}",
        hint="keep it as a blob: CAST(... AS BLOB)",
        details={"position": error.start},
    )


def _unstorable(value: Any) -> str:
    """Say why SQLite cannot hold `value`; empty when it can."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            return str(error)
        return ""
    if isinstance(value, int):
        return "" if -(2**63) <= value < 2**63 else f"{value} does not fit into 64 bits"
    if value is None or isinstance(value, (float, apsw.zeroblob)):
        return ""
    try:
        memoryview(value)
    except TypeError:
        return f"it is of type {type(value).__name__}"
    return ""
