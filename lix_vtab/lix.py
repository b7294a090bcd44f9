"""The facade: `open` a database, and the verbs of a `Lix`."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Any, TypeVar

import apsw

from lix_vtab.effects.callbacks import Subscription
from lix_vtab.effects.changes import Batch
from lix_vtab.effects.filters import Filter
from lix_vtab.effects.hub import Hub
from lix_vtab.effects.observe import Observation
from lix_vtab.effects.queries import Queries
from lix_vtab.effects.stream import QUEUE, CommitStream
from lix_vtab.errors import ClosedError, TransactionStateError
from lix_vtab.execution.blocks import block, retrying
from lix_vtab.execution.contracts import PlannedStatement
from lix_vtab.execution.executor import Executor, Parameters
from lix_vtab.execution.explain import Explanation, explain
from lix_vtab.execution.guard import Reads, make_authorizer
from lix_vtab.execution.limits import Limits
from lix_vtab.execution.result import Result
from lix_vtab.filesystem.transfer import Progress, Transfer
from lix_vtab.history.checkpoint import Checkpoint
from lix_vtab.loading import Loaded, load_into
from lix_vtab.model.json import canonical_json, parse_json
from lix_vtab.storage.blob_gc import Collected
from lix_vtab.storage.trusted import OwnCode

__all__ = ["Lix", "Version", "load", "open"]

T = TypeVar("T")

BUSY_MS = 10_000
STATEMENTS = 512
"""How many prepared statements a connection keeps; our own inner ones are among them."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version as it stood when it was asked for."""

    id: str
    name: str
    commit_id: str | None
    working_commit_id: str
    inherits_from_version_id: str | None
    hidden: bool


def load(connection: apsw.Connection, init: bool = True) -> None:
    """Load lix into an APSW connection.

    Creates a lix in the connection's main database when there is none; with `init=False` that
    raises NotInitializedError instead. Fits `apsw.connection_hooks`.

    >>> import apsw
    >>> connection = apsw.Connection("")
    >>> load(connection)
    >>> connection.execute("SELECT name FROM lix_version ORDER BY name").get
    ['global', 'main']
    """
    load_into(connection, init=init)


def open(
    path: str = ":memory:",
    *,
    version: str | Version | None = None,
    account: Mapping[str, str] | None = None,
    key_values: Sequence[Mapping[str, Any]] = (),
    plugins: Iterable[Any] | None = None,
    internal: bool = False,
    read_only: bool = False,
    writer_key: str | None = None,
    statement_timeout: float | None = None,
    row_limit: int | None = None,
) -> Lix:
    """Open a database, creating it and its lix when needed.

    `version` pins this session to a version; `account` (`{"id", "name"}`) authors its commits;
    `key_values` are written untracked on every open; `plugins` replaces the plugins on offer, which
    are `lix_vtab.plugins.BUILTIN` and those of installed packages; `internal` allows looking at
    `lix_internal_*` tables; `writer_key` tags what this session writes. A statement may take
    `statement_timeout` seconds and return `row_limit` rows.

    >>> lix = open()
    >>> lix.execute("SELECT 1 + 1").rows
    [(2,)]
    """
    flags = (
        apsw.SQLITE_OPEN_READONLY
        if read_only
        else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    )
    connection = apsw.Connection(
        path, flags=flags | apsw.SQLITE_OPEN_URI, statementcachesize=STATEMENTS
    )
    try:
        connection.set_busy_timeout(BUSY_MS)
        if not read_only and path not in ("", ":memory:"):
            connection.pragma("journal_mode", "wal")
            connection.pragma("synchronous", "normal")
        loaded = load_into(
            connection,
            init=not read_only,
            account=account,
            key_values=key_values,
            internal=internal,
            plugins=plugins,
        )
        authorized = Reads()
        lix = Lix(connection, loaded, authorized, Limits(statement_timeout, row_limit))
        loaded.session.writer_key = writer_key
        if version is not None:
            lix.switch_version(version, session=True)
        connection.authorizer = make_authorizer(
            OwnCode(), allow_internal=internal, keeps=loaded.is_lix_table, reads=authorized
        )
        if not internal:
            connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    except BaseException:
        connection.close()
        raise
    return lix


class Lix:
    """An open database with version control. Usable as a context manager, which closes it."""

    def __init__(
        self, connection: apsw.Connection, loaded: Loaded, authorized: Reads, limits: Limits
    ) -> None:
        self._connection: apsw.Connection | None = connection
        self._session = loaded.session
        self._loaded = loaded
        self._executor = Executor(connection, loaded.tables, limits=limits, scope=self._statement)
        queries = Queries(self._session, self._executor, loaded.tables, authorized)
        self._hub = Hub(self._session, queries, loaded.capture.exchange)
        loaded.capture.hearing = self._hub

    # -- SQL

    @property
    def connection(self) -> apsw.Connection:
        """Return the APSW connection.

        What is written through it has the same effects. Callbacks registered with `on_commit` are
        called the next time this `Lix` is used, asking for its connection included.
        """
        if self._connection is None:
            raise ClosedError(
                "lix is closed; connection is unavailable", hint="open the database again"
            )
        if self._hub.due:
            self._hub.deliver()
        return self._connection

    def execute(
        self, sql: str, params: Parameters = (), *, writer_key: str | None = None
    ) -> Result:
        """Run SQL, one statement or a script, and return the rows of the last that has any.

        >>> lix = open()
        >>> lix.execute("SELECT name FROM lix_version WHERE name = ?", ("main",)).rows
        [('main',)]
        """
        self._check_open("execute")
        with self._hub.turn:
            if writer_key is None:
                result = self._statements(sql, params)
            else:
                with self._writing_as(writer_key):
                    result = self._statements(sql, params)
            if self._hub.due:
                self._hub.deliver(result)
            return result

    def _statements(self, sql: str, params: Parameters) -> Result:
        deterministic = self._session.deterministic
        if not deterministic.on:
            return self._executor.execute(sql, params)
        position = deterministic.position()
        try:
            return self._executor.execute(sql, params)
        except BaseException:
            # numbers a failed statement drew are drawn again
            if deterministic.position() != position:
                text = None if position is None else canonical_json(position)
                self.connection.execute("SELECT lix_set_sequence(?)", (text,)).fetchall()
            raise

    @contextmanager
    def transaction(self, *, writer_key: str | None = None) -> Iterator[Transaction]:
        """Group statements: all of them are committed together, or none when one raises.

        Nested transactions are savepoints.

        >>> lix = open()
        >>> with lix.transaction() as transaction:
        ...     result = transaction.execute("DELETE FROM lix_key_value")
        ...     result = transaction.execute("SELECT count(*) FROM lix_key_value")
        >>> result.rows
        [(0,)]
        """
        self._check_open("transaction")
        transaction = Transaction(self)
        with self._hub.turn:
            try:
                with (
                    self._writing_as(writer_key or self._session.writer_key),
                    block(self._executor),
                ):
                    yield transaction
            finally:
                transaction.active = False
            if self._hub.due:
                self._hub.deliver()

    def retry(
        self,
        work: Callable[[Transaction], T],
        *,
        attempts: int = 5,
        writer_key: str | None = None,
    ) -> T:
        """Run `work` in a transaction, again from its start while the database is busy.

        >>> lix = open()
        >>> lix.retry(lambda transaction: transaction.execute("SELECT 1").rows)
        [(1,)]
        """

        def once() -> T:
            with self.transaction(writer_key=writer_key) as transaction:
                return work(transaction)

        alone = not self.connection.in_transaction
        return retrying(once, attempts=attempts, alone=alone)

    def explain(self, sql: str) -> Explanation:
        """Show how a text would run, without running it; `str()` makes it readable."""
        self._check_open("explain")
        return explain(self.connection, self._executor, sql)

    def _check_open(self, method: str) -> None:
        if self._connection is None:
            raise ClosedError(
                f"lix is closed; {method}() is unavailable", hint="open the database again"
            )

    @contextmanager
    def _statement(self, planned: PlannedStatement) -> Iterator[None]:
        """Surround a statement SQLite alone would not understand as it is meant."""
        session = self._session
        session.parent_given = "inherits_from_version_id" in planned.stated
        try:
            yield
        finally:
            session.parent_given = False

    @contextmanager
    def _writing_as(self, writer_key: str | None) -> Iterator[None]:
        before = self._session.writer_key
        self._session.writer_key = writer_key
        try:
            yield
        finally:
            self._session.writer_key = before

    def _call(self, function: str, *args: Any) -> Any:
        """Call one of our SQL functions: the verbs of the facade are those of SQL."""
        marks = ", ".join("?" * len(args))
        return self.execute(f"SELECT {function}({marks})", args).rows[0][0]

    # -- what happens after commits

    def commits(
        self,
        *,
        schema_keys: Sequence[str] = (),
        entity_ids: Sequence[str] = (),
        file_ids: Sequence[str] = (),
        version_ids: Sequence[str] = (),
        writer_keys: Sequence[str] = (),
        exclude_writer_keys: Sequence[str] = (),
        include_untracked: bool = True,
        queue: int = QUEUE,
        follow: bool = False,
        since: int | None = None,
    ) -> CommitStream:
        """Stream what transactions change: one batch for each that changes something wanted.

        A list narrows what is wanted to any of its values, an empty one does not. `queue` batches
        wait for a slow reader. `follow` also gives what other processes commit, `since` begins
        after a commit of the past.

        >>> lix = open()
        >>> stream = lix.commits(schema_keys=["lix_key_value"])
        >>> result = lix.execute("INSERT INTO lix_key_value (key, value) VALUES ('theme', 'dark')")
        >>> [(change.operation, change.entity_id) for change in stream.next().changes]
        [('insert', 'theme')]
        """
        self._check_open("commits")
        wanted = Filter.of(
            schema_keys=schema_keys,
            entity_ids=entity_ids,
            file_ids=file_ids,
            version_ids=version_ids,
            writer_keys=writer_keys,
            exclude_writer_keys=exclude_writer_keys,
            include_untracked=include_untracked,
        )
        return self._hub.commits(wanted, size=queue, follow=follow, since=since)

    def on_commit(self, callback: Callable[[Batch], object], **wanted: Any) -> Subscription:
        """Call `callback` with each batch, once the statement that committed has returned.

        Takes the conditions of `commits`. What a callback raises is raised by the statement as
        CallbackError; the commit stands.

        >>> lix, seen = open(), []
        >>> subscription = lix.on_commit(seen.append, schema_keys=["lix_key_value"])
        >>> result = lix.execute("INSERT INTO lix_key_value (key, value) VALUES ('theme', 'dark')")
        >>> len(seen)
        1
        """
        self._check_open("on_commit")
        return self._hub.on_commit(callback, Filter.of(**wanted))

    def observe(self, sql: str, params: Parameters = ()) -> Observation:
        """Follow the result of a query: first as it is, then each time it has changed.

        >>> lix = open()
        >>> themes = lix.observe("SELECT value FROM lix_key_value WHERE key = ?", ["theme"])
        >>> themes.next().rows
        []
        >>> result = lix.execute("INSERT INTO lix_key_value (key, value) VALUES ('theme', 'dark')")
        >>> themes.next().rows
        [('dark',)]
        """
        self._check_open("observe")
        with self._hub.turn:
            return self._hub.observe(sql, params)

    # -- versions

    @property
    def active_version(self) -> Version:
        """Return the version unqualified statements use."""
        return self._version(self._call("lix_active_version_id"))

    def create_version(
        self,
        name: str | None = None,
        *,
        id: str | None = None,
        source: str | Version | None = None,
        inherits_from: str | Version | None = "global",
        hidden: bool = False,
    ) -> Version:
        """Create a version that starts where `source` stands (default: the active version).

        `source` is a version (id, name or object) or a commit id. Creating costs the same
        whatever the version holds.

        >>> lix = open()
        >>> draft = lix.create_version("draft")
        >>> draft.commit_id == lix.active_version.commit_id
        True
        """
        created = self._call(
            "lix_create_version",
            name,
            _version_id(source),
            _version_id(inherits_from) or "",
            id,
            int(hidden),
        )
        return self._version(created)

    def switch_version(self, version: str | Version, *, session: bool = False) -> None:
        """Make a version active: for everybody, or only in this session."""
        self._call("lix_switch_version", _version_id(version), int(session))

    def delete_version(self, version: str | Version) -> None:
        """Delete a version. Its commits and history stay reachable by id."""
        self._call("lix_delete_version", _version_id(version))

    def version(self, name: str) -> Version:
        """Return the version with this id or unique name.

        >>> open().version("main").inherits_from_version_id
        'global'
        """
        self._session.store.refresh()
        return self._version(self._session.versions.resolve(name))

    def _version(self, id: str) -> Version:
        row = self.execute(
            "SELECT id, name, commit_id, working_commit_id, inherits_from_version_id, hidden "
            "FROM lix_version WHERE id = ?",
            (id,),
        ).rows[0]
        id, name, commit_id, working_commit_id, parent, hidden = row
        return Version(id, name, commit_id, working_commit_id, parent, bool(hidden))

    # -- schemas

    def register_schema(self, definition: Mapping[str, Any]) -> None:
        """Store a schema; its tables exist when this returns.

        >>> lix = open()
        >>> lix.register_schema({
        ...     "x-lix-key": "task", "x-lix-version": "1", "x-lix-primary-key": ["/id"],
        ...     "type": "object", "properties": {"id": {"type": "string"}},
        ...     "required": ["id"], "additionalProperties": False,
        ... })
        """
        self._call("lix_register_schema", canonical_json(dict(definition)))

    # -- history

    def create_checkpoint(self, name: str | None = None, message: str | None = None) -> Checkpoint:
        """Promote what changed in the active version since its last checkpoint to a checkpoint.

        Without changes, name and message there is nothing to promote and the tip is returned.

        >>> lix = open()
        >>> lix.create_checkpoint().id == lix.active_version.commit_id
        True
        """
        id = self._call("lix_create_checkpoint", name, message)
        return Checkpoint(
            *self.execute("SELECT id, change_set_id FROM lix_commit WHERE id = ?", (id,)).rows[0]
        )

    # -- files

    def read_file(self, path: str) -> bytes:
        """Return the bytes of the file at a path; raise FileNotFound.

        >>> lix = open()
        >>> id = lix.write_file("/notes.md", "# Notes")
        >>> lix.read_file("/notes.md")
        b'# Notes'
        """
        data: bytes = self._call("lix_read_file", path)
        return data

    def open_file(self, path: str) -> io.BufferedIOBase:
        """Return a seekable binary file over the bytes, which are read as they are needed.

        >>> lix = open()
        >>> id = lix.write_file("/notes.md", "# Notes")
        >>> with lix.open_file("/notes.md") as notes:
        ...     notes.read(3)
        b'# N'
        """
        session = self._session
        self.execute("SELECT 1 FROM lix_version LIMIT 1")
        return Transfer(session.files, session.writer, session.versions).open(path)

    def write_file(self, path: str, data: bytes | str | IO[bytes]) -> str:
        """Give the file at a path these bytes, creating it when there is none; return its id.

        `data` may be a file opened in binary mode, which is read a piece at a time.
        """
        if isinstance(data, bytes | str):
            id: str = self._call("lix_write_file", path, data)
            return id
        return str(self._run(lambda transfer: transfer.write(path, data, self._session.writer_key)))

    def import_dir(
        self,
        source: str | os.PathLike[str],
        into: str = "/",
        *,
        exclude: Sequence[str] = (".git",),
        progress: Progress | None = None,
    ) -> int:
        """Write every file below a directory of this machine, in one commit; return how many.

        `progress(done, total, path)` is called after each file. Links, and files and directories
        whose name matches a pattern of `exclude`, are left out.
        """
        return int(
            self._run(
                lambda transfer: transfer.import_dir(
                    source,
                    into,
                    exclude=exclude,
                    progress=progress,
                    writer_key=self._session.writer_key,
                )
            )
        )

    def export_dir(
        self,
        target: str | os.PathLike[str],
        source: str = "/",
        *,
        progress: Progress | None = None,
    ) -> int:
        """Write every file below `source` to a directory of this machine; return how many."""
        return int(
            self._run(lambda transfer: transfer.export_dir(target, source, progress=progress))
        )

    def gc(self) -> Collected:
        """Delete stored content that no version, no commit and no untracked row names.

        >>> open().gc()
        Collected(blobs=0, chunks=0, bytes=0)
        """
        freed = parse_json(self._call("lix_gc"))
        return Collected(freed["blobs"], freed["chunks"], freed["bytes"])

    def install_plugin(self, plugin: Any) -> str:
        """Install a plugin and its schemas; return its key.

        An archive (bytes, or the path of one) goes into the database; an object or a class serves
        this session.
        """
        return str(self._run(lambda _: self._session.files.plugins.install(plugin)))

    def uninstall_plugin(self, key: str) -> None:
        """Remove a plugin. Its files stay readable as they are."""
        self._call("lix_uninstall_plugin", key)

    def _run(self, task: Callable[[Transfer], Any]) -> Any:
        """Run code that writes inside a SQL function, where it is one statement."""
        session = self._session
        number = max(session.tasks, default=0) + 1
        transfer = Transfer(session.files, session.writer, session.versions)
        results: list[Any] = []
        session.tasks[number] = lambda: results.append(task(transfer))
        try:
            self._call("lix_run_task", number)
        finally:
            session.tasks.pop(number, None)
        return results[0]

    def restore(
        self,
        revision: str,
        paths: str | Sequence[str] | None = None,
        entities: Sequence[Mapping[str, str]] | None = None,
    ) -> str:
        """Make the active version show what a revision shows; return the id of the new commit.

        Only what differs is written. `paths` (files, or directories ending in a slash) and
        `entities` (mappings with `schema_key`, `entity_id` and perhaps `file_id`) restrict it.
        """
        return str(
            self._call(
                "lix_restore",
                revision,
                paths if paths is None or isinstance(paths, str) else canonical_json([*paths]),
                None if entities is None else canonical_json([dict(e) for e in entities]),
            )
        )

    def undo(self, steps: int = 1, *, own: bool = False) -> str:
        """Take back the newest commits of the active version; return the id of the last new one.

        With `own`, only commits this session made count; entities others changed since conflict.
        """
        return str(self._call("lix_undo", steps, int(own)))

    def redo(self, steps: int = 1, *, own: bool = False) -> str:
        """Apply again what was undone last; return the id of the last new commit."""
        return str(self._call("lix_redo", steps, int(own)))

    def revert(self, commit: str) -> str:
        """Take back what one commit changed, whatever came after; return the id of the new commit.

        Raises MergeConflictError when later commits changed the same entities.
        """
        return str(self._call("lix_revert", commit))

    # -- upkeep

    def rebuild(self) -> None:
        """Derive everything derived again from the change log.

        Nothing anybody can see changes, unless the file was damaged.
        """
        self._call("lix_rebuild")

    def check(self) -> list[str]:
        """Return what is wrong with the stored facts; empty when they are sound."""
        return [row[0] for row in self.execute("SELECT problem FROM lix_check")]

    # -- life

    def close(self) -> None:
        """Close the database; closing twice is fine."""
        if self._connection is not None:
            self._hub.close()
            self._connection.close()
            self._connection = None

    def __enter__(self) -> Lix:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Transaction:
    """A running `Lix.transaction`; usable until its block ends."""

    def __init__(self, lix: Lix) -> None:
        self._lix = lix
        self.active = True

    def execute(
        self, sql: str, params: Parameters = (), *, writer_key: str | None = None
    ) -> Result:
        """Run SQL inside the transaction."""
        if not self.active:
            raise TransactionStateError(
                "transaction is no longer active", hint="use it inside its with block"
            )
        return self._lix.execute(sql, params, writer_key=writer_key)


def _version_id(version: str | Version | None) -> str | None:
    return version.id if isinstance(version, Version) else version
