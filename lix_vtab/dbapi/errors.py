"""The exceptions of PEP 249, and which of them stands for which error of lix.

Each carries `code`, `message`, `hint` and `details` of the `LixError` it comes from, which is its
`__cause__`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import apsw

from lix_vtab import errors
from lix_vtab.execution.errors import PlaceholderError

__all__ = [
    "DataError",
    "DatabaseError",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "Warning",
    "translated",
]


class Warning(Exception):  # noqa: A001  (PEP 249 names it so)
    """Something important that is no error; never raised, PEP 249 asks for the name."""


class Error(Exception):
    """Base of all errors of this module."""

    code: str | None = None
    message: str = ""
    hint: str | None = None
    details: dict[str, Any]

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self.message = str(args[0]) if args else ""
        self.details = {}


class InterfaceError(Error):
    """The interface was used wrongly."""


class DatabaseError(Error):
    """The database reports an error."""


class DataError(DatabaseError):
    """A value has the wrong type, shape or size."""


class OperationalError(DatabaseError):
    """The database cannot do it now: locked, interrupted, unreadable, full."""


class IntegrityError(DatabaseError):
    """A rule about data is broken."""


class InternalError(DatabaseError):
    """Stored facts contradict each other."""


class ProgrammingError(DatabaseError):
    """The statement, or the way it is run, is wrong."""


class NotSupportedError(DatabaseError):
    """The statement is SQL, but not for this table."""


_CLASSES: tuple[tuple[type[BaseException], type[Error]], ...] = (
    (PlaceholderError, ProgrammingError),
    (errors.ConstraintError, IntegrityError),
    (errors.SchemaDefinitionError, IntegrityError),
    (errors.VersionError, IntegrityError),
    (errors.MergeConflictError, IntegrityError),
    (errors.InvalidValueError, DataError),
    (errors.CelError, DataError),
    (errors.TooBigError, DataError),
    (errors.UnsupportedSql, NotSupportedError),
    (errors.RowLimitExceeded, OperationalError),
    (errors.SqlError, ProgrammingError),
    (errors.NotFoundError, ProgrammingError),
    (errors.InternalTableAccess, ProgrammingError),
    (errors.NotAuthorized, ProgrammingError),
    (errors.ClosedError, ProgrammingError),
    (errors.CorruptError, InternalError),
    (errors.NotADatabaseError, DatabaseError),
    (errors.LixError, OperationalError),
    # what does not pass through our error tree
    (apsw.ConstraintError, IntegrityError),
    (apsw.MismatchError, DataError),
    (apsw.SQLError, ProgrammingError),
    (apsw.ConnectionClosedError, ProgrammingError),
    (apsw.Error, OperationalError),
)


@contextmanager
def translated() -> Iterator[None]:
    """Raise what PEP 249 calls for instead of an error of lix or SQLite."""
    try:
        yield
    except Error:
        raise
    except Exception as error:
        for cause, cls in _CLASSES:
            if isinstance(error, cause):
                raise _build(cls, error) from error
        raise


def _build(cls: type[Error], error: Exception) -> Error:
    made = cls(str(error))
    if isinstance(error, errors.LixError):
        made.code, made.message = error.code, error.message
        made.hint, made.details = error.hint, error.details
    return made
