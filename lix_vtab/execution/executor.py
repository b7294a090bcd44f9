"""Run SQL: one path for every statement, with a short cut for those that need nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

import apsw

from lix_vtab.arguments import text
from lix_vtab.errors import ForeignKeyError, LixError, TransactionStateError
from lix_vtab.execution.atomic import atomic
from lix_vtab.execution.bind import bind, check_parameters, take
from lix_vtab.execution.catalogue import Catalogue, CatalogueProvider
from lix_vtab.execution.contracts import (
    ExecutionPlan,
    Kind,
    Place,
    PlannedStatement,
    Requirements,
    Transaction,
)
from lix_vtab.execution.errors import PlanError
from lix_vtab.execution.hints import Functions
from lix_vtab.execution.limits import Limits, deadline
from lix_vtab.execution.lowered import Lowering
from lix_vtab.execution.parse import parse
from lix_vtab.execution.plan import plan
from lix_vtab.execution.result import Description, Result
from lix_vtab.execution.run_lowered import judge, run_lowered
from lix_vtab.execution.statements import Outcome, check_rows, describe, run
from lix_vtab.execution.translate import translate, unbindable, unreadable, unwritable
from lix_vtab.model.json import NestingError

__all__ = ["Executor", "Parameters"]

Parameters: TypeAlias = Sequence[Any] | Mapping[str, Any]

_PLANS = 1024
_NO_TABLES = Catalogue.of(0, ())
_CACHED_TEXT = 16384
"""The longest text kept, as in APSW's statement cache: scripts of data are not run twice."""

_Direct: TypeAlias = tuple[int, frozenset[str] | None, bool, bool, int | None]
"""What running a text as it is takes: number of parameters, their names, whether it counts
changes, whether it may return rows, and the catalogue generation it was planned for."""


_ENDINGS = frozenset({Kind.COMMIT, Kind.RELEASE})


class Executor:
    """Runs statements and scripts on one connection.

    `catalogue` gives the tables that are ours. `scope` is entered around a statement whose checks
    wait for its last row, `telling` around one that says what its table cannot see.
    `check` may refuse a text that was not seen before. `functions` are ours, for hints.
    `blocks` counts the transaction blocks that are open; while there are some, they alone end
    transactions.

    >>> from lix_vtab.execution.catalogue import Catalogue
    >>> executor = Executor(apsw.Connection(""), lambda: Catalogue.of(1, []))
    >>> executor.execute("SELECT ?, ? + 1", (1, 2)).rows
    [(1, 3)]
    """

    def __init__(
        self,
        connection: apsw.Connection,
        catalogue: CatalogueProvider,
        *,
        limits: Limits | None = None,
        scope: Callable[[PlannedStatement], AbstractContextManager[Any]] = nullcontext,
        telling: Callable[[PlannedStatement], AbstractContextManager[Any]] = nullcontext,
        check: Callable[[str], None] = lambda _: None,
        functions: Functions | None = None,
    ) -> None:
        self.connection = connection
        self._catalogue = catalogue
        self._limits = limits or Limits()
        self._scope = scope
        self._telling = telling
        self._check = check
        self._functions = functions or {}
        self.blocks = 0
        self._plans: dict[str, ExecutionPlan] = {}
        self._direct: dict[str, _Direct] = {}
        self._judged: dict[int, tuple[PlannedStatement, Description]] = {}

    def execute(self, sql: str, params: Parameters | None = ()) -> Result:
        """Run `sql` and return the rows of its last statement that has any."""
        try:
            direct = self._direct.get(sql)
        except TypeError:  # it has no hash, so it is no text
            direct = None
        if direct is None:
            return self._execute(sql, params)
        width, names, counts, returns, generation = direct
        kind = type(params)
        if kind is tuple or kind is list:
            fits = len(params) == width and names is None  # type: ignore[arg-type]
        else:
            fits = kind is dict and params.keys() == names  # type: ignore[union-attr]
        if not fits or (generation is not None and generation != self._catalogue().generation):
            return self._execute(sql, params)
        connection = self.connection
        try:
            cursor = connection.execute(sql, params)
            if not returns:
                # none, unless PRAGMA count_changes makes a row of the count
                rows = cursor.fetchall()
                described = partial(describe, connection, sql, width) if rows else ()
                return Result(rows, described, connection.changes())
            try:
                description: Any = cursor.get_description()
            except apsw.ExecutionCompleteError:
                # what defines a table could not be prepared a second time
                known = self._plans[sql].statements[0].kind is not Kind.DEFINE
                description = partial(describe, connection, sql, width) if known else ()
                return Result([], description, connection.changes() if counts else 0)
            return Result(cursor.fetchall(), description, connection.changes() if counts else 0)
        except LixError as error:
            if error.early:
                return self._execute(sql, params)
            raise
        except Exception as error:
            raise self.failure(error, params or (), sql) from error

    def plan(self, sql: str) -> ExecutionPlan:
        """Return the plan of `sql`, from the cache when it is still valid."""
        if type(sql) is not str:
            text(sql, "sql", "a statement, or several with semicolons between them")
        catalogue = self._catalogue()
        known = self._plans.get(sql)
        if known is not None and known.generation in (None, catalogue.generation):
            return known
        self._check(sql)
        fresh = plan(bind(parse(sql)), catalogue)
        if len(sql) <= _CACHED_TEXT:
            self._remember(fresh)
        return fresh

    def _remember(self, fresh: ExecutionPlan) -> None:
        sql = fresh.sql
        while len(self._plans) >= _PLANS:
            oldest = next(iter(self._plans))
            del self._plans[oldest]
            self._direct.pop(oldest, None)
        self._plans[sql] = fresh
        self._direct.pop(sql, None)
        if fresh.is_direct and not self._limits.any:
            only = fresh.statements[0]
            names = frozenset(fresh.names) if fresh.names else None
            counts = only.kind.changes_rows
            returns = not counts or "RETURNING" in sql.upper()
            self._direct[sql] = (only.width, names, counts, returns, fresh.generation)

    def _execute(self, sql: str, params: Parameters | None) -> Result:
        """Take the whole way: plan, check parameters, run within what the plan requires."""
        params = () if params is None else params
        try:
            prepared = self.plan(sql)
            _check(prepared, params)
            if self.blocks:
                _refuse_ends(prepared)
            with deadline(self.connection, self._limits.seconds):
                return self._run(prepared, params)
        except LixError:
            raise
        except Exception as error:
            raise self.failure(error, params, sql) from error

    def _run(self, prepared: ExecutionPlan, params: Parameters) -> Result:
        """Run the statements, those inside the plan's transaction together."""
        statements = prepared.statements
        if prepared.requirements.transaction is Transaction.NONE:
            return _result([self._alone(prepared, statements[0], params)])
        before, inside, after = _parts(statements)
        outcomes = [self._statement(prepared, one, params) for one in before]
        if inside or prepared.requirements.transaction is Transaction.GIVEN:
            failed: list[Exception] = []
            begin, alone = self._begin(prepared.requirements), len(statements) == 1
            with atomic(self.connection, begin, keep=lambda error: alone and error in failed):
                for one in inside:
                    outcome = self._statement(prepared, one, params)
                    outcomes.append(outcome)
                    if outcome.failure is not None:
                        # its rules were checked for what it wrote until then
                        failed.append(outcome.failure)
                        raise outcome.failure
        outcomes += [self._statement(prepared, one, params) for one in after]
        return _result(outcomes)

    def _begin(self, requirements: Requirements) -> str:
        """Return the statement that opens the transaction a plan requires."""
        if requirements.transaction is Transaction.GIVEN:
            if self.connection.in_transaction:
                # SQLite refuses it, in its own words.
                self.connection.execute(requirements.begin)
            return requirements.begin
        if requirements.transaction is Transaction.READ or self.connection.readonly("main"):
            return "BEGIN"
        return "BEGIN IMMEDIATE"

    def _alone(
        self, prepared: ExecutionPlan, statement: PlannedStatement, params: Parameters
    ) -> Outcome:
        """Run a statement that is atomic by itself.

        What RETURNING returns is counted after the rows are written, so a row limit needs a
        transaction to take them back.
        """
        if self._limits.rows is None or not statement.kind.changes_rows:
            return self._statement(prepared, statement, params)
        with atomic(self.connection):
            return self._statement(prepared, statement, params)

    def _statement(
        self, prepared: ExecutionPlan, statement: PlannedStatement, params: Parameters
    ) -> Outcome:
        """Run one planned statement with its share of the parameters."""
        try:
            return self._step(statement, take(statement.ordinals, statement.names, params))
        except apsw.SQLError as error:
            _locate(error, statement, prepared.sql)
            raise

    def _step(self, statement: PlannedStatement, values: Sequence[Any]) -> Outcome:
        limit = self._limits.rows
        if statement.kind in _ENDINGS:
            # what waits for the end of the transaction is no business of this statement alone
            return self._plain(statement, values)
        if statement.is_single:
            try:
                if statement.is_plain:
                    return self._plain(statement, values)
                if statement.otherwise != "ROLLBACK":
                    return self._tried(statement, values)
            except LixError as error:
                if not error.early:
                    raise
            # a later row may mend what an earlier one broke: judge when all are written
            with atomic(self.connection), self._scope(statement):
                return self._plain(statement, values)
        with self._scope(statement):
            if statement.lowering is None:
                return self._plain(statement, values)
            description = self._judge(statement, statement.lowering)
            outcome = run_lowered(self.connection, statement.lowering, values, description)
            check_rows(len(outcome.rows), limit)
        return outcome

    def _tried(self, statement: PlannedStatement, values: Sequence[Any]) -> Outcome:
        """Run a statement that may have to run again, hence must not leave anything then."""
        if not statement.otherwise:
            with self._telling(statement):
                return self._plain(statement, values)
        with atomic(self.connection, keep=_is_final), self._telling(statement):
            return self._plain(statement, values)

    def _judge(self, statement: PlannedStatement, lowering: Lowering) -> Description:
        """Let SQLite judge a lowered statement once, and return the columns it returns."""
        known = self._judged.get(id(statement))
        if known is not None:
            return known[1]
        if len(self._judged) >= _PLANS:
            self._judged.clear()
        # the statement is kept too, so that no other can have its id
        self._judged[id(statement)] = (statement, judge(self.connection, lowering))
        return self._judged[id(statement)][1]

    def _plain(self, statement: PlannedStatement, values: Sequence[Any]) -> Outcome:
        """Let SQLite run a statement as it is."""
        outcome = run(self.connection, statement.sql, values, self._limits.rows)
        if statement.kind.changes_rows:
            return replace(outcome, changes=self.connection.changes())
        return outcome

    def failure(self, error: Exception, params: Parameters, sql: str) -> Exception:
        """Return what the caller should see instead of `error`."""
        if isinstance(error, apsw.Error):
            # only what is wrong with a statement is explained by tables, which takes SQL to find
            known = self._catalogue() if isinstance(error, apsw.SQLError) else _NO_TABLES
            return translate(error, known, sql, self._functions)
        if isinstance(error, (TypeError, OverflowError, UnicodeEncodeError)):
            return unbindable(params) or unwritable(sql) or error
        if isinstance(error, (UnicodeDecodeError, NestingError)):
            return unreadable(error)
        return error


def _check(prepared: ExecutionPlan, params: Parameters) -> None:
    """Raise `PlaceholderError` unless the parameters fit the plan."""
    if isinstance(params, Mapping):
        fits = not prepared.width and set(prepared.names) == set(params)
    else:
        fits = (
            isinstance(params, Sequence)
            and not isinstance(params, str)
            and not prepared.names
            and len(params) >= prepared.width
        )
    if not fits:
        check_parameters(bind(parse(prepared.sql)), params)
        raise PlanError(f"plan and parameters disagree: {prepared.sql}")


def _refuse_ends(prepared: ExecutionPlan) -> None:
    """Refuse statements that would end the transaction of a block around them."""
    for statement in prepared.statements:
        if statement.kind in (Kind.COMMIT, Kind.ROLLBACK):
            verb = statement.kind.value
            raise TransactionStateError(
                f"cannot {verb} - no transaction is active that a statement could end: this one "
                "belongs to a transaction block",
                hint="leave the block: it commits, or rolls back when an exception leaves it",
            )


def _parts(
    statements: Sequence[PlannedStatement],
) -> tuple[list[PlannedStatement], list[PlannedStatement], list[PlannedStatement]]:
    """Split a plan into what runs before, inside and after its transaction."""
    parts: tuple[list[PlannedStatement], ...] = ([], [], [])
    seen = False
    for statement in statements:
        inside = statement.place is Place.INSIDE
        seen = seen or inside
        parts[1 if inside else 2 if seen else 0].append(statement)
    return parts[0], parts[1], parts[2]


def _locate(error: Any, statement: PlannedStatement, sql: str) -> None:
    """Make the place of an error, given in bytes of a statement, one in the whole text."""
    offset = getattr(error, "error_offset", -1)
    if offset >= 0 and statement.start != 0:
        start = statement.start
        # what a statement was turned into is not where anybody can look
        error.error_offset = -1 if start is None else offset + len(sql[:start].encode())


def _is_final(error: Exception) -> bool:
    """Tell whether a statement that keeps what it wrote before it failed has failed for good."""
    return not isinstance(error, ForeignKeyError) and not (
        isinstance(error, LixError) and error.early
    )


def _result(outcomes: Sequence[Outcome]) -> Result:
    """Return the rows of the last statement that has columns, and the sum of all changes."""
    changes = sum(outcome.changes for outcome in outcomes)
    for outcome in reversed(outcomes):
        if outcome.description:
            return Result(outcome.rows, outcome.description, changes)
    return Result([], (), changes)
