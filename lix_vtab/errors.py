"""The whole error tree of lix_vtab.

Every error raised on purpose derives from `LixError` and carries a stable `code`, a `message` that
says what is wrong and where, a `hint` that says what would be right, and `details` for programs.
Leaf classes also derive from the exception APSW users would catch for the same kind of trouble.

    LixError
    ├── ConstraintError            a rule about data is broken
    │   ├── UniqueError            LIX_ERROR_UNIQUE
    │   ├── ForeignKeyError        LIX_FOREIGN_KEY_VIOLATION
    │   ├── SchemaValidationError  LIX_ERROR_SCHEMA_VALIDATION
    │   ├── ImmutableError         LIX_ERROR_IMMUTABLE
    │   └── ConstraintViolation    LIX_CONSTRAINT_VIOLATION
    ├── ReadOnlyError              LIX_ERROR_READ_ONLY
    ├── NotFoundError              a named thing does not exist
    │   ├── VersionNotFound        LIX_VERSION_NOT_FOUND
    │   ├── CommitNotFound         LIX_COMMIT_NOT_FOUND
    │   ├── SchemaNotFound         LIX_ERROR_SCHEMA_NOT_FOUND
    │   └── FileNotFound           LIX_FILE_NOT_FOUND
    ├── InvalidValueError          LIX_INVALID_PARAM
    ├── SchemaDefinitionError      LIX_ERROR_SCHEMA_DEFINITION
    ├── CelError                   LIX_ERROR_CEL
    ├── PluginError                LIX_ERROR_PLUGIN
    ├── VersionError               LIX_ERROR_VERSION
    ├── MergeConflictError         LIX_MERGE_CONFLICT
    ├── NothingToUndo              LIX_NOTHING_TO_UNDO
    ├── NothingToRedo              LIX_NOTHING_TO_REDO
    ├── SqlError                   a statement cannot run
    │   ├── ParseError             LIX_PARSE_ERROR
    │   ├── UnsupportedSql         LIX_UNSUPPORTED_SQL
    │   ├── TableNotFound          LIX_TABLE_NOT_FOUND
    │   ├── ColumnNotFound         LIX_COLUMN_NOT_FOUND
    │   ├── RowLimitExceeded       LIX_ERROR_ROW_LIMIT
    │   └── InternalTableAccess    LIX_INTERNAL_TABLE_ACCESS
    ├── TransactionStateError      LIX_INVALID_TRANSACTION_STATE
    ├── BusyError                  LIX_ERROR_BUSY
    ├── Interrupted                LIX_ERROR_INTERRUPTED
    │   └── StatementTimeout       LIX_ERROR_TIMEOUT
    ├── CallbackError              LIX_ERROR_CALLBACK
    ├── ClosedError                LIX_ERROR_CLOSED
    ├── NotInitializedError        LIX_ERROR_NOT_INITIALIZED
    ├── FormatError                LIX_ERROR_FORMAT
    ├── LoadableError              LIX_ERROR_LOADABLE
    ├── CorruptError               LIX_ERROR_CORRUPT
    └── EngineError                LIX_ERROR_SQLITE, a failure of SQLite or the machine
        ├── LockedError            LIX_ERROR_LOCKED
        ├── NotAuthorized          LIX_ERROR_NOT_AUTHORIZED
        ├── DiskFullError          LIX_ERROR_DISK_FULL
        ├── InputOutputError       LIX_ERROR_IO
        ├── CannotOpenError        LIX_ERROR_CANNOT_OPEN
        ├── NotADatabaseError      LIX_ERROR_NOT_A_DATABASE
        └── TooBigError            LIX_ERROR_TOO_BIG
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import apsw

__all__ = [
    "BusyError",
    "CallbackError",
    "CannotOpenError",
    "CelError",
    "ClosedError",
    "ColumnNotFound",
    "CommitNotFound",
    "ConstraintError",
    "ConstraintViolation",
    "CorruptError",
    "DiskFullError",
    "EngineError",
    "FileNotFound",
    "ForeignKeyError",
    "FormatError",
    "ImmutableError",
    "InputOutputError",
    "InternalTableAccess",
    "Interrupted",
    "InvalidValueError",
    "LixError",
    "LoadableError",
    "LockedError",
    "MergeConflictError",
    "NotADatabaseError",
    "NotAuthorized",
    "NotFoundError",
    "NotInitializedError",
    "NothingToRedo",
    "NothingToUndo",
    "ParseError",
    "PluginError",
    "ReadOnlyError",
    "RowLimitExceeded",
    "SchemaDefinitionError",
    "SchemaNotFound",
    "SchemaValidationError",
    "SqlError",
    "StatementTimeout",
    "TableNotFound",
    "TooBigError",
    "TransactionStateError",
    "UniqueError",
    "UnsupportedSql",
    "VersionError",
    "VersionNotFound",
]


class LixError(Exception):
    """Base of every error lix_vtab raises on purpose.

    `str(error)` reads `CODE: message (hint)`; a host without Python exceptions shows the same.
    `early` says that a later row of the same statement might still have mended it. `advice` is the
    hint of those who give none.
    """

    code: ClassVar[str] = "LIX_ERROR_UNKNOWN"
    advice: ClassVar[str | None] = None
    early = False

    def __init__(
        self, message: str, *, hint: str | None = None, details: Mapping[str, Any] | None = None
    ) -> None:
        hint = hint or self.advice
        self.message = message
        self.hint = hint
        self.details: dict[str, Any] = dict(details or {})
        text = f"{self.code}: {message}"
        super().__init__(f"{text} ({hint})" if hint else text)


class ConstraintError(LixError, apsw.ConstraintError):
    """A rule about data is broken; the statement wrote nothing."""

    code = "LIX_CONSTRAINT_VIOLATION"


class ConstraintViolation(ConstraintError):
    """A constraint without a class of its own, such as an entity id that disagrees with the key."""

    advice = "give a value that keeps the rule the message names"


class UniqueError(ConstraintError):
    """A primary key, unique group or path is already taken."""

    code = "LIX_ERROR_UNIQUE"


class ForeignKeyError(ConstraintError):
    """A reference has no target, or a target is still referenced."""

    code = "LIX_FOREIGN_KEY_VIOLATION"
    advice = "write the target first, or remove the references first"


class SchemaValidationError(ConstraintError):
    """A snapshot does not satisfy its JSON Schema; `details["violations"]` lists every reason."""

    code = "LIX_ERROR_SCHEMA_VALIDATION"
    advice = "SELECT value FROM lix_stored_schema shows what the schema asks for"


class ImmutableError(ConstraintError):
    """A row of an immutable schema would change."""

    code = "LIX_ERROR_IMMUTABLE"
    advice = "insert a new row instead"


class ReadOnlyError(LixError, apsw.ReadOnlyError):
    """A table, column or session that only reads was asked to write."""

    code = "LIX_ERROR_READ_ONLY"


class NotFoundError(LixError, apsw.SQLError):
    """Something named does not exist."""

    code = "LIX_ERROR_NOT_FOUND"


class VersionNotFound(NotFoundError):
    """No version has this id or name."""

    code = "LIX_VERSION_NOT_FOUND"
    advice = "SELECT id, name FROM lix_version lists the versions"


class CommitNotFound(NotFoundError):
    """No commit answers to this id or revision name."""

    code = "LIX_COMMIT_NOT_FOUND"
    advice = "SELECT id FROM lix_commit lists the commits"


class SchemaNotFound(NotFoundError):
    """A row names a schema that is not stored."""

    code = "LIX_ERROR_SCHEMA_NOT_FOUND"


class FileNotFound(NotFoundError):
    """No file has this path or id."""

    code = "LIX_FILE_NOT_FOUND"
    advice = "SELECT path FROM lix_file lists the files"


class InvalidValueError(LixError, apsw.MismatchError):
    """A value has the wrong type, shape or text."""

    code = "LIX_INVALID_PARAM"


class SchemaDefinitionError(LixError, apsw.ConstraintError):
    """A schema definition is refused; `details["violations"]` lists every reason."""

    code = "LIX_ERROR_SCHEMA_DEFINITION"
    advice = "docs/schemas.md shows what a schema needs"


class CelError(LixError, apsw.SQLError):
    """A CEL expression does not parse or fails when evaluated."""

    code = "LIX_ERROR_CEL"
    advice = "correct the expression the message names"


class PluginError(LixError, apsw.SQLError):
    """A plugin raised, hung or returned nonsense; nothing was written."""

    code = "LIX_ERROR_PLUGIN"
    advice = "the message names the plugin; nothing was written"


class VersionError(LixError, apsw.ConstraintError):
    """A version cannot be changed or deleted that way."""

    code = "LIX_ERROR_VERSION"


class MergeConflictError(LixError, apsw.ConstraintError):
    """Two lines changed the same thing differently."""

    code = "LIX_MERGE_CONFLICT"


class NothingToUndo(LixError, apsw.SQLError):
    """There is no transaction left to undo."""

    code = "LIX_NOTHING_TO_UNDO"


class NothingToRedo(LixError, apsw.SQLError):
    """There is no undone transaction left to redo."""

    code = "LIX_NOTHING_TO_REDO"


class SqlError(LixError, apsw.SQLError):
    """A statement cannot be run."""

    code = "LIX_ERROR_SQL"
    advice = "the message is SQLite's: https://www.sqlite.org/lang.html"


class ParseError(SqlError):
    """The text is not SQL."""

    code = "LIX_PARSE_ERROR"
    advice = "the text is read as SQLite's SQL: https://www.sqlite.org/lang.html"


class UnsupportedSql(SqlError):
    """The statement is SQL, but not for this table."""

    code = "LIX_UNSUPPORTED_SQL"


class TableNotFound(SqlError):
    """No table has this name; the hint names the nearest one."""

    code = "LIX_TABLE_NOT_FOUND"


class ColumnNotFound(SqlError):
    """No column has this name; the hint names the nearest one."""

    code = "LIX_COLUMN_NOT_FOUND"


class InternalTableAccess(LixError, apsw.AuthError):
    """User SQL touched a `lix_internal_*` table."""

    code = "LIX_INTERNAL_TABLE_ACCESS"


class RowLimitExceeded(SqlError):
    """A statement returned more rows than the session allows."""

    code = "LIX_ERROR_ROW_LIMIT"


class TransactionStateError(LixError, apsw.SQLError):
    """A transaction verb came at the wrong moment."""

    code = "LIX_INVALID_TRANSACTION_STATE"


class BusyError(LixError, apsw.BusyError):
    """Another connection holds the lock."""

    code = "LIX_ERROR_BUSY"
    advice = "try again, as lix.retry() does"


class Interrupted(LixError, apsw.InterruptError):
    """The statement was interrupted."""

    code = "LIX_ERROR_INTERRUPTED"
    advice = "run it again if it is still wanted"


class StatementTimeout(Interrupted):
    """A statement ran longer than the session allows."""

    code = "LIX_ERROR_TIMEOUT"


class CallbackError(LixError):
    """Callbacks failed after a commit, which stands.

    `failures` are the exceptions they raised, `result` is what the statement returned.
    """

    code = "LIX_ERROR_CALLBACK"
    failures: tuple[Exception, ...] = ()
    result: Any = None


class ClosedError(LixError, apsw.ConnectionClosedError):
    """The Lix was closed."""

    code = "LIX_ERROR_CLOSED"
    advice = "open the database again"


class NotInitializedError(LixError, apsw.SQLError):
    """The database holds no lix."""

    code = "LIX_ERROR_NOT_INITIALIZED"


class FormatError(LixError, apsw.CantOpenError):
    """The database was written by a newer lix_vtab, or is no lix at all."""

    code = "LIX_ERROR_FORMAT"


class LoadableError(LixError, apsw.ExtensionLoadingError):
    """The loadable extension cannot be provided on this machine."""

    code = "LIX_ERROR_LOADABLE"


class CorruptError(LixError, apsw.CorruptError):
    """Stored facts contradict each other."""

    code = "LIX_ERROR_CORRUPT"
    advice = "SELECT * FROM lix_check tells more; SELECT lix_rebuild() restores what can be derived"


class EngineError(LixError):
    """SQLite or the machine below it failed; leaves also derive from the `apsw` class raised."""

    code = "LIX_ERROR_SQLITE"
    advice = "the message is SQLite's: https://www.sqlite.org/rescode.html"


class LockedError(EngineError, apsw.LockedError):
    """Another statement of this connection holds the table."""

    code = "LIX_ERROR_LOCKED"
    advice = "finish or close the statement that reads or writes the table"


class NotAuthorized(EngineError, apsw.AuthError):
    """An authorizer refused the statement."""

    code = "LIX_ERROR_NOT_AUTHORIZED"
    advice = "an authorizer of the application refuses it: ask there"


class DiskFullError(EngineError, apsw.FullError):
    """The disk or the database is full."""

    code = "LIX_ERROR_DISK_FULL"
    advice = "make room and run it again"


class InputOutputError(EngineError, apsw.IOError):
    """Reading or writing the database file failed."""

    code = "LIX_ERROR_IO"
    advice = "look at the disk, then at lix.check()"


class CannotOpenError(EngineError, apsw.CantOpenError):
    """A database file cannot be opened."""

    code = "LIX_ERROR_CANNOT_OPEN"
    advice = "its directory must exist, and you must be allowed to write there"


class NotADatabaseError(EngineError, apsw.NotADBError):
    """The file is not an SQLite database."""

    code = "LIX_ERROR_NOT_A_DATABASE"
    advice = "give a SQLite database, or a path where there is no file yet"


class TooBigError(EngineError, apsw.TooBigError):
    """A text or blob exceeds what SQLite can hold."""

    code = "LIX_ERROR_TOO_BIG"
    advice = "split the value"
