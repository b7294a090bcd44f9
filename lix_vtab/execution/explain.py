"""Show how a text would run: the plan, the statements it becomes, SQLite's query plans."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import apsw

from lix_vtab.execution.contracts import ExecutionPlan, Kind, PlannedStatement
from lix_vtab.execution.executor import Executor
from lix_vtab.model.dataclasses import dataclass

__all__ = ["DescribeIndex", "Explained", "Explanation", "Step", "explain"]

DescribeIndex = Callable[[str], str]
"""Turns a detail line of EXPLAIN QUERY PLAN into one that names pushed-down predicates."""

_EXPLAINED = frozenset({Kind.SELECT, Kind.INSERT, Kind.UPDATE, Kind.DELETE})


@dataclass(frozen=True, slots=True)
class Step:
    """A line of SQLite's query plan, `depth` levels below its statement."""

    depth: int
    detail: str


@dataclass(frozen=True, slots=True)
class Explained:
    """One statement SQLite will be given, with its query plan."""

    sql: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a text would run; `str()` gives it to a reader."""

    plan: ExecutionPlan
    statements: tuple[tuple[PlannedStatement, tuple[Explained, ...]], ...]

    def __str__(self) -> str:
        requirements, effects = self.plan.requirements, self.plan.effects
        lines = [f"transaction: {requirements.transaction.value}"]
        if effects.writes:
            lines.append(f"writes: {', '.join(effects.writes)}")
        if effects.defines:
            lines.append("changes the schema")
        for statement, parts in self.statements:
            lowered = " lowered to" if statement.lowering is not None else ""
            lines.append(f"{statement.kind.value}{lowered} ({statement.place.value})")
            for part in parts:
                lines.append(f"  {' '.join(part.sql.split())}")
                lines += [f"    {'  ' * step.depth}{step.detail}" for step in part.steps]
        return "\n".join(lines)


def explain(
    connection: apsw.Connection,
    executor: Executor,
    sql: str,
    describe_index: DescribeIndex = str,
) -> Explanation:
    """Explain `sql` without running it; parameters need not be given."""
    plan = executor.plan(sql)
    statements = []
    defined = False
    for statement in plan.statements:
        try:
            parts = [_explain(connection, part, describe_index) for part in _parts(statement)]
        except (apsw.SQLError, UnicodeEncodeError) as error:
            if not defined:
                raise executor.failure(error, (), sql) from error
            # it needs what an earlier statement of the script has yet to define
            parts = [Explained(part, ()) for part, _ in _parts(statement)]
        statements.append((statement, tuple(parts)))
        defined = defined or statement.kind is Kind.DEFINE
    return Explanation(plan, tuple(statements))


def _parts(statement: PlannedStatement) -> list[tuple[str, int]]:
    """Return the statements SQLite will see, with the number of their parameters."""
    if statement.lowering is not None:
        return [(part.sql, len(part.slots)) for part in statement.lowering.templates]
    return [(statement.sql, statement.width if statement.kind in _EXPLAINED else -1)]


def _explain(
    connection: apsw.Connection, part: tuple[str, int], describe_index: DescribeIndex
) -> Explained:
    """Ask SQLite for the query plan of one statement; -1 parameters means it has none."""
    sql, width = part
    if width < 0:
        # it has no query plan, but SQLite says what is wrong with it
        connection.execute(sql, explain=1)
        return Explained(sql, ())
    rows: list[Any] = connection.execute(sql, (None,) * width, explain=2).fetchall()
    depths = {0: -1}
    steps = []
    for identifier, parent, _, detail in rows:
        depths[identifier] = depths[parent] + 1
        steps.append(Step(depths[identifier], describe_index(detail)))
    return Explained(sql, tuple(steps))
