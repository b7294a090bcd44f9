"""Observed queries: checked once, run again and again, each time with what the run depended on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from lix_vtab.arguments import text
from lix_vtab.effects.reads import ACTIVE, ReadSet, Recorder
from lix_vtab.errors import LixError, UnsupportedSql
from lix_vtab.execution.bind import bind, check_parameters
from lix_vtab.execution.catalogue import CatalogueProvider
from lix_vtab.execution.contracts import Kind, PlannedStatement
from lix_vtab.execution.executor import Executor, Parameters
from lix_vtab.execution.guard import Reads, recording
from lix_vtab.execution.parse import parse
from lix_vtab.execution.result import Row
from lix_vtab.execution.statements import describe
from lix_vtab.model.dataclasses import dataclass
from lix_vtab.session import Session
from lix_vtab.surfaces.functions import SqlFunction

__all__ = ["Outside", "Queries", "Run"]

_TEXTS = 256
_ACTIVE_ID = "lix_active_version_id"


@dataclass(frozen=True, slots=True)
class Outside:
    """What a text depends on besides rows of our tables, found when it is prepared.

    `schemas` are the databases whose ordinary tables it reads. `reads_all` says that it calls a
    function of ours that may look at anything, `follows_active` that one tells the active version.
    """

    schemas: frozenset[str]
    reads_all: bool = False
    follows_active: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """What one run returned and depended on."""

    rows: list[Row]
    columns: tuple[str, ...]
    reads: ReadSet
    outside: Outside


class Queries:
    """Runs queries on one connection and finds out what they depend on."""

    __slots__ = ("_authorized", "_executor", "_functions", "_known", "_session", "_tables")

    def __init__(
        self,
        session: Session,
        executor: Executor,
        tables: CatalogueProvider,
        functions: Mapping[str, SqlFunction],
        authorized: Reads,
    ) -> None:
        self._session = session
        self._executor = executor
        self._tables = tables
        self._functions = functions
        self._known: dict[str, Outside] = {}
        self._authorized = authorized

    def check(self, sql: str, params: Parameters) -> None:
        """Refuse what is no query, and parameters that do not fit."""
        text(sql, "observe: sql", "one or more SELECT statements")
        parsed = parse(sql)
        for statement in parsed.statements:
            if statement.kind is not Kind.SELECT:
                raise UnsupportedSql(
                    "observe requires one or more SELECT statements, not "
                    f"{statement.kind.value.upper()}",
                    hint="run the statement with execute and observe a SELECT",
                )
        check_parameters(bind(parsed), params)

    def run(self, sql: str, params: Parameters, outside: Outside | None) -> Run:
        """Run a query; `outside` is what an earlier run found, None to look again."""
        session = self._session
        recorder = Recorder()
        before, session.reads = session.reads, recorder
        try:
            outside = outside or self._outside(sql)
            result = self._executor.execute(sql, params)
        except LixError:
            raise
        except Exception as error:
            raise self._executor.failure(error, params, sql) from error
        finally:
            session.reads = before
        reads = recorder.result(session)
        if outside.follows_active:
            reads = replace(reads, scopes=reads.scopes | {ACTIVE})
        if outside.reads_all:
            reads = replace(reads, anything=True)
        return Run(result.rows, result.columns, reads, outside)

    def forget(self) -> None:
        """Forget what texts use, because tables, views or indexes have changed."""
        self._known.clear()

    def _outside(self, sql: str) -> Outside:
        """Say which tables and functions a text uses; many queries differ in parameters only."""
        known = self._known.get(sql)
        if known is None:
            if len(self._known) >= _TEXTS:
                self._known.clear()
            known = self._known[sql] = self._prepare(sql)
        return known

    def _prepare(self, sql: str) -> Outside:
        """Prepare the statements anew to see which tables and functions they use."""
        connection = self._executor.connection
        statements = self._executor.plan(sql).statements
        with recording(self._authorized) as found:
            for statement in statements:
                describe(connection, statement.sql, statement.width)
            called = frozenset(self._authorized.functions)
        ours = self._functions
        writers = sorted(name for name in called if name in ours and ours[name].writes)
        if writers:
            raise UnsupportedSql(
                f"observe cannot run {writers[0]}(), which writes",
                hint="observe requires one or more SELECT statements that only read",
            )
        reads_all = any(
            name in ours and not ours[name].deterministic and name not in _PURE for name in called
        )
        schemas = self._virtual(name for _, name in found)
        for statement in statements:
            schemas |= self._opened(statement)
        return Outside(frozenset(schemas), reads_all, _ACTIVE_ID in called)

    def _opened(self, statement: PlannedStatement) -> set[str]:
        """Return the databases in which a statement opens ordinary tables, or anything elsewhere.

        The authorizer is not asked about columns that only NATURAL or USING names, the program
        SQLite makes of a statement opens every table. What a lix in another database is asked
        nobody notes, but the program begins with a transaction in each database.
        """
        connection = self._executor.connection
        names = {row[0]: row[1] for row in connection.execute("PRAGMA database_list")}
        program = connection.execute(statement.sql, (None,) * statement.width, explain=1)
        opened: set[str] = set()
        for _, operation, first, _, third, *_ in program:
            if operation == "OpenRead":
                opened.add(names.get(third, "temp"))
            elif operation == "Transaction" and names.get(first) not in (self._session.db, "temp"):
                opened.add(names[first])
        return opened

    def _virtual(self, names: Iterable[str]) -> set[str]:
        """Return the databases that hold virtual tables of others among what is read."""
        tables = self._tables()
        schemas: set[str] = set()
        for name in names:
            if tables.find(name) is None:
                listed = self._session.connection.execute(
                    "SELECT schema FROM pragma_table_list "
                    "WHERE name = ? COLLATE NOCASE AND type = 'virtual'",
                    (name,),
                )
                schemas.update(row[0] for row in listed)
        return schemas


_PURE = frozenset([_ACTIVE_ID, "lix_pinned_version"])
"""Functions that are not deterministic to SQLite but read nothing beyond the active version."""
