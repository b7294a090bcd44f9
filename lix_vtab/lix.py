"""The facade: what an open database can do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import apsw

from lix_vtab.arguments import boolean, optional_text, required_callable, seconds, text, whole
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
from lix_vtab.execution.guard import Reads, check_names
from lix_vtab.execution.limits import Limits
from lix_vtab.execution.result import Result
from lix_vtab.loading import Loaded
from lix_vtab.model.json import canonical_json
from lix_vtab.schema.definition import definition_text
from lix_vtab.verbs.files import FileVerbs
from lix_vtab.verbs.history import HistoryVerbs
from lix_vtab.verbs.versions import Version, VersionVerbs

if TYPE_CHECKING:
    from lix_vtab.effects.outbox import Delivery, Effect, EffectRunner

__all__ = ["Lix", "Transaction", "Version"]

T = TypeVar("T")


class Lix(FileVerbs, HistoryVerbs, VersionVerbs):
    """An open database with version control. Usable as a context manager, which closes it."""

    def __init__(
        self, connection: apsw.Connection, loaded: Loaded, authorized: Reads, limits: Limits
    ) -> None:
        self._connection: apsw.Connection | None = connection
        self._session = loaded.session
        self._loaded = loaded
        functions = loaded.sessions.functions
        guard = {} if loaded.session.internal else {"check": check_names}
        self._executor = Executor(
            connection,
            loaded.tables,
            limits=limits,
            scope=self._statement,
            telling=self._telling,
            functions={name: function.call for name, function in functions.items()},
            **guard,
        )
        queries = Queries(self._session, self._executor, loaded.tables, functions, authorized)
        self._hub = Hub(self._session, queries, loaded.capture.exchange)
        self._turn = self._hub.turn
        self._waiting = self._hub.waiting
        self._constraints = self._session.constraints
        self._deterministic = self._session.deterministic
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

        >>> import lix_vtab
        >>> lix = lix_vtab.open()
        >>> lix.execute("SELECT name FROM lix_version WHERE name = ?", ("main",)).rows
        [('main',)]
        """
        # every statement comes along here: nothing is called or looked up that need not be
        if self._connection is None:
            self._check_open("execute")
        with self._turn:
            if writer_key is None:
                result = self._statements(sql, params)
            else:
                with self._writing_as(writer_key):
                    result = self._statements(sql, params)
            if self._waiting and self._hub.due:
                self._hub.deliver(result)
            return result

    def _statements(self, sql: str, params: Parameters) -> Result:
        constraints = self._constraints
        constraints.supervised = True
        try:
            if self._deterministic.on:
                return self._repeatable(sql, params)
            return self._executor.execute(sql, params)
        finally:
            constraints.supervised = False

    def _repeatable(self, sql: str, params: Parameters) -> Result:
        deterministic = self._session.deterministic
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

        >>> import lix_vtab
        >>> lix = lix_vtab.open()
        >>> with lix.transaction() as transaction:
        ...     result = transaction.execute("DELETE FROM lix_key_value")
        ...     result = transaction.execute("SELECT count(*) FROM lix_key_value")
        >>> result.rows
        [(0,)]
        """
        self._check_open("transaction")
        transaction = Transaction(self)
        if writer_key is None:
            writer_key = self._session.writer_key
        with self._hub.turn:
            try:
                with (
                    self._writing_as(writer_key),
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

        >>> import lix_vtab
        >>> lix = lix_vtab.open()
        >>> lix.retry(lambda transaction: transaction.execute("SELECT 1").rows)
        [(1,)]
        """
        self._check_open("retry")
        required_callable(work, "retry: work", "a function of one Transaction")
        whole(attempts, "retry: attempts", least=1, hint="5 unless said otherwise")

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
        try:
            if self._connection is not None:
                _ = self._connection.in_transaction  # somebody may have closed it behind our back
                return
        except apsw.ConnectionClosedError:
            pass
        raise ClosedError(
            f"lix is closed; {method}() is unavailable", hint="open the database again"
        )

    @contextmanager
    def _statement(self, planned: PlannedStatement) -> Iterator[None]:
        """Surround a statement SQLite alone would not understand as it is meant."""
        with self._telling(planned), self._session.constraints.statement():
            yield

    @contextmanager
    def _telling(self, planned: PlannedStatement) -> Iterator[None]:
        """Let tables know what a statement says that SQLite does not pass on."""
        session, say = self._session, self._loaded.sessions.say
        given = "inherits_from_version_id" in planned.stated
        say(writer_key=session.writer_key, parent_given=given)
        try:
            yield
        finally:
            say(writer_key=session.writer_key, parent_given=False)

    @contextmanager
    def _writing_as(self, writer_key: str | None) -> Iterator[None]:
        session, say = self._session, self._loaded.sessions.say
        before, given = session.writer_key, session.parent_given
        key = optional_text(writer_key, "writer_key", "a name of your own")
        say(writer_key=key, parent_given=given)
        try:
            yield
        finally:
            say(writer_key=before, parent_given=given)

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

        >>> import lix_vtab
        >>> lix = lix_vtab.open()
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

        >>> import lix_vtab
        >>> lix, seen = lix_vtab.open(), []
        >>> subscription = lix.on_commit(seen.append, schema_keys=["lix_key_value"])
        >>> result = lix.execute("INSERT INTO lix_key_value (key, value) VALUES ('theme', 'dark')")
        >>> len(seen)
        1
        """
        self._check_open("on_commit")
        required_callable(callback, "on_commit: callback", "a function of one Batch")
        return self._hub.on_commit(callback, Filter.of(**wanted))

    def observe(self, sql: str, params: Parameters = ()) -> Observation:
        """Follow the result of a query: first as it is, then each time it has changed.

        >>> import lix_vtab
        >>> lix = lix_vtab.open()
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

    def emit(self, kind: str, payload: Any = None, *, key: str | None = None) -> str:
        """Put an effect into the outbox, to be carried out if this transaction commits.

        `payload` is a JSON value. Of several effects with the same `key` only the first is kept.
        Returns the id of the effect.

        >>> import lix_vtab
        >>> lix, sent = lix_vtab.open(), []
        >>> lix.on_effect("mail", lambda effect: sent.append(effect.payload["to"]))
        >>> id = lix.emit("mail", {"to": "ada@example.org"})
        >>> lix.run_effects().done, sent
        (1, ['ada@example.org'])
        """
        from lix_vtab.effects.outbox import payload_text

        self._check_open("emit")
        text(kind, "emit: kind", "it names what is to be done")
        optional_text(key, "emit: key", "leave it out to have one generated")
        emitted: str = self._call("lix_emit", kind, payload_text(payload), key)
        return emitted

    @cached_property
    def _effects(self) -> EffectRunner:
        from lix_vtab.effects.outbox import EffectRunner  # few send anything

        return EffectRunner(self)

    def on_effect(
        self,
        kind: str,
        handler: Callable[[Effect], object],
        *,
        attempts: int = 8,
        backoff: float = 1.0,
    ) -> None:
        """Let `handler` carry out effects of a kind when `run_effects` finds them due.

        When it raises, the effect is tried again after `backoff` seconds, then twice as many and so
        on; after `attempts` it is dead and waits for somebody to look at it.
        """
        self._check_open("on_effect")
        text(kind, "on_effect: kind", "the kind given to emit()")
        required_callable(handler, "on_effect: handler", "a function of one Effect")
        whole(attempts, "on_effect: attempts", least=1, hint="8 unless said otherwise")
        seconds(backoff, "on_effect: backoff", "1.0 unless said otherwise; 0 tries again at once")
        self._effects.handle(kind, handler, attempts=attempts, backoff=backoff)

    def run_effects(self, limit: int = 1000) -> Delivery:
        """Carry out effects that are due, those of other processes included, and say how it went.

        An effect is carried out at least once: a handler may see one again, with the same `key`,
        when a process died before it could note that it was done.
        """
        self._check_open("run_effects")
        whole(limit, "run_effects: limit", least=0, hint="1000 unless said otherwise")
        return self._effects.run(limit, idle=not self.connection.in_transaction)

    # -- schemas

    def register_schema(self, definition: Mapping[str, Any]) -> None:
        """Store a schema; its tables exist when this returns.

        >>> import lix_vtab
        >>> lix = lix_vtab.open()
        >>> lix.register_schema({
        ...     "x-lix-key": "task", "x-lix-version": "1", "x-lix-primary-key": ["/id"],
        ...     "type": "object", "properties": {"id": {"type": "string"}},
        ...     "required": ["id"], "additionalProperties": False,
        ... })
        """
        self._check_open("register_schema")
        self._call("lix_register_schema", definition_text(definition))

    # -- upkeep

    def rebuild(self) -> None:
        """Derive everything derived again from the change log.

        Nothing anybody can see changes, unless the file was damaged.
        """
        self._call("lix_rebuild")

    def check(self, *, content: bool = True) -> list[str]:
        """Return what is wrong with the stored facts; empty when they are sound.

        Without `content` the bytes of files are not read and held against their hashes.
        """
        self._check_open("check")
        wanted = int(boolean(content, "check: content"))
        found = self.execute("SELECT problem FROM lix_check(?)", (wanted,))
        return [row[0] for row in found]

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
