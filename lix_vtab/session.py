"""A session: one connection's view of one database, with everything surfaces and verbs need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

from lix_vtab.errors import TransactionStateError
from lix_vtab.filesystem.filesystem import Filesystem
from lix_vtab.history.core import History
from lix_vtab.mutation.catalogue import Catalogue
from lix_vtab.mutation.constraints import Constraints
from lix_vtab.mutation.deterministic import Deterministic
from lix_vtab.mutation.occupancy import Occupancy
from lix_vtab.mutation.stored_schemas import StoredSchemas
from lix_vtab.mutation.versions import VersionWriter
from lix_vtab.mutation.writer import ABORT, Writer
from lix_vtab.resolution.scope import Scope, Scopes
from lix_vtab.storage.connection import Connection
from lix_vtab.storage.ddl import quote
from lix_vtab.storage.store import Store

__all__ = ["Reading", "Reads", "Session"]


class Reading(Protocol):
    """A query of one of our tables that has not come to its end."""

    def keep(self) -> None:
        """Fetch what is left, because a write is about to change what would be found."""


class Reads(Protocol):
    """Learns what queries look for in our tables."""

    def rows(self, surface: Any, plan: Any, args: Sequence[Any]) -> None:
        """Note that a surface looks for the rows of a plan."""

    def content(self, version_id: str, file_id: str) -> None:
        """Note that the content of a file is looked at."""


class Session:
    """Storage, schemas, writer and version verbs of one database, wired together.

    `writer_key` tags the rows written without a key of their own; `internal` says that the
    connection may use what is reserved for lix itself; `parent_given` is true while a statement
    runs that names the column `inherits_from_version_id`. `reads` is told what queries look
    for, `reading` holds the queries that are under way.
    """

    __slots__ = (
        "_depth",
        "catalogue",
        "connection",
        "constraints",
        "creates",
        "db",
        "deterministic",
        "drops",
        "files",
        "history",
        "internal",
        "parent_given",
        "reading",
        "reads",
        "scopes",
        "store",
        "stored_schemas",
        "tasks",
        "versions",
        "writer",
        "writer_key",
    )

    def __init__(self, connection: Connection, db: str = "main") -> None:
        self.connection = connection
        self.db = db
        self.store = Store(connection, db)
        self.scopes = Scopes(self.store)
        self.catalogue = Catalogue(self.store, self.scopes)
        self.writer = Writer(self.store, self.scopes, self.catalogue)
        self.deterministic = Deterministic(self.store, self.writer)
        self.writer.source = self.deterministic
        self.versions = VersionWriter(self.store, self.scopes, self.writer)
        self.stored_schemas = StoredSchemas(
            self.writer,
            self.catalogue,
            Occupancy(self.store, self.scopes).find,
            allow_reserved=lambda: self.internal,
        )
        self.history = History(self.store, self.scopes, self.versions)
        self.files = Filesystem(
            self.store, self.scopes, self.catalogue, self.writer, self.stored_schemas
        )
        self.constraints = Constraints(self.store, self.scopes, self.catalogue, self.writer)
        self.stored_schemas.wait = self.constraints.wait
        self.versions.wait = partial(self.constraints.wait, gently=True)
        self.files.spots.wait = partial(self.constraints.wait, gently=True)
        self.files.hierarchy.wait = self.files.spots.wait
        self.tasks: dict[int, Callable[[], Any]] = {}
        self.writer_key: str | None = None
        self.internal = False
        self.parent_given = False
        self.reads: Reads | None = None
        self.reading: dict[int, Reading] = {}
        self.drops = False
        self.creates = False
        self._depth = 0

    def active_scope(self) -> Scope | None:
        """Return the scope of the active version."""
        return self.scopes.of(self.versions.active_id())

    def finish_reading(self) -> None:
        """Let queries that are under way fetch the rest, so that they see nothing of a write.

        Otherwise `INSERT INTO lix_state ... SELECT ... FROM lix_state_by_version` would find the
        rows it writes, and might never end: SQLite only guards against that within one table.
        """
        while self.reading:
            self.reading.popitem()[1].keep()

    @contextmanager
    def creating_tables(self) -> Iterator[None]:
        """Allow the lix's tables to be created."""
        self.creates = True
        try:
            yield
        finally:
            self.creates = False

    @contextmanager
    def dropping_tables(self) -> Iterator[None]:
        """Allow our own tables to be dropped, which is otherwise refused."""
        self.drops = True
        try:
            yield
        finally:
            self.drops = False

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """Run several internal writes as one: all of them happen, or none.

        Used by SQL functions, which SQLite runs without a statement of their own around them. The
        virtual table `lix_internal` joins the transaction, so commits are completed at its end.
        """
        name = f"lix_atomic_{self._depth}"
        execute = self.connection.execute
        try:
            execute(f"SAVEPOINT {name}")
        except Exception as error:
            raise TransactionStateError(
                "a function that writes cannot run inside a statement that writes",
                hint="call it in a SELECT of its own",
            ) from error
        self._depth += 1
        try:
            self.finish_reading()
            execute(f"INSERT INTO {quote(self.db)}.lix_internal(joined) VALUES (1)")
            self.writer.conflict = ABORT
            with self.constraints.statement():
                yield
        except BaseException:
            self._depth -= 1
            execute(f"ROLLBACK TO {name}")
            execute(f"RELEASE {name}")
            raise
        self._depth -= 1
        execute(f"RELEASE {name}")
