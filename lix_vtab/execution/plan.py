"""Decide how a bound script runs; pure: a script and a catalogue in, a plan out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from lix_vtab.errors import InvalidValueError, ReadOnlyError
from lix_vtab.execution.bind import explicit_text
from lix_vtab.execution.catalogue import Catalogue, Table, is_main
from lix_vtab.execution.contracts import (
    BoundScript,
    BoundStatement,
    Effects,
    ExecutionPlan,
    Kind,
    Place,
    PlannedStatement,
    Requirements,
    Transaction,
)
from lix_vtab.execution.errors import PlanError, ScriptShapeError
from lix_vtab.model.patterns import pattern

__all__ = ["plan"]

AGAIN = -1
"""Generation of a plan that is good for once: nobody tells what becomes of attached databases."""

_NESTED = "nested transaction statements are not supported inside BEGIN ... COMMIT scripts"
_CONTROL = frozenset(
    {
        Kind.BEGIN,
        Kind.COMMIT,
        Kind.ROLLBACK,
        Kind.ROLLBACK_TO,
        Kind.SAVEPOINT,
        Kind.RELEASE,
    }
)
_CONNECTION_LEVEL = frozenset({Kind.PRAGMA, Kind.ATTACH, Kind.DETACH, Kind.VACUUM})
_OTHERWISE = pattern(r"\bOR\s+(FAIL|IGNORE|ROLLBACK)\b", re.IGNORECASE)
"""What an INSERT or UPDATE says about conflicts; to find it elsewhere in a text does no harm."""

_READS = frozenset({Kind.SELECT, Kind.EXPLAIN, Kind.PRAGMA, Kind.ATTACH, Kind.DETACH})


def plan(script: BoundScript, catalogue: Catalogue) -> ExecutionPlan:
    """Return the plan of `script`.

    The catalogue counts only for statements that write: reads go to SQLite as they are.
    """
    statements = [_statement(one, catalogue) for one in script.statements]
    requirements, inner = _requirements(statements)
    placed = _place(inner) if requirements.transaction is not Transaction.GIVEN else inner
    writes = any(one.statement.kind.changes_rows for one in script.statements)
    again = any(
        (planned.lowering or planned.stated or planned.otherwise)
        and not is_main(one.statement.database)
        for planned, one in zip(statements, script.statements, strict=True)
    )
    result = ExecutionPlan(
        script.sql,
        tuple(placed),
        script.width,
        script.names,
        requirements,
        _effects(script),
        (AGAIN if again else catalogue.generation) if writes else None,
    )
    _check(result, script)
    return result


def _statement(bound: BoundStatement, catalogue: Catalogue) -> PlannedStatement:
    """Plan one statement: refuse it, lower it, or leave it alone."""
    statement = bound.statement
    table = None
    if statement.kind.changes_rows:
        table = catalogue.find(statement.target, statement.database)
    lowering = None
    stated: frozenset[str] = frozenset()
    otherwise = ""
    if table is not None:
        verb = statement.kind.value.upper()
        if verb in table.refuses:
            raise ReadOnlyError(
                f"{table.name} is read-only; {verb} is not supported",
                hint="its rows follow from what is written to other tables",
                details={"table": table.name, "operation": verb},
            )
        if statement.upsert or statement.returning:
            from lix_vtab.execution.lower import lower  # seldom needed

            lowering = lower(explicit_text(statement, bound.indexes), table)
        if statement.kind is Kind.INSERT and (table.asks or table.states):
            stated = _stated(statement.text, table)
        found = _OTHERWISE.search(statement.text) if table.related else None
        otherwise = found.group(1).upper() if found else ""
    return PlannedStatement(
        bound.sql,
        statement.kind,
        bound.ordinals,
        bound.names,
        lowering=lowering,
        stated=stated,
        otherwise=otherwise,
        start=statement.start if lowering is None and bound.sql == statement.text else None,
    )


def _stated(text: str, table: Table) -> frozenset[str]:
    """Return which of the columns a table asks about an INSERT names; refuse what is missing."""
    from lix_vtab.execution.clauses import Insert, split  # seldom needed

    parts = split(text)
    if not isinstance(parts, Insert) or not parts.source:
        return frozenset()
    if parts.columns is None:
        return table.asks
    named: set[str] = set()
    for name in map(str.lower, parts.columns):
        if name in named:
            raise InvalidValueError(
                f"{table.name} insert duplicated column '{name}'",
                hint="name each column once",
                details={"column": name},
            )
        named.add(name)
    known = all(map(table.has_column, named))
    for name in sorted(table.states - named) if known else ():
        raise InvalidValueError(
            f"{table.name} insert requires {name}",
            hint="NULL deletes the row: say so when that is meant",
            details={"column": name},
        )
    return table.asks & named


def _requirements(
    statements: list[PlannedStatement],
) -> tuple[Requirements, list[PlannedStatement]]:
    """Return what the plan needs around it, and the statements that run within."""
    if len(statements) == 1:
        lowered = statements[0].lowering is not None
        return Requirements(Transaction.WRITE if lowered else Transaction.NONE), statements
    kinds = [statement.kind for statement in statements]
    if kinds[0] is Kind.BEGIN and kinds[-1] is Kind.COMMIT:
        inner = statements[1:-1]
        if any(kind in _CONTROL - {Kind.SAVEPOINT, Kind.RELEASE} for kind in kinds[1:-1]):
            raise ScriptShapeError(_NESTED, hint="use SAVEPOINT and RELEASE inside a script")
        return Requirements(Transaction.GIVEN, statements[0].sql), inner
    if Kind.BEGIN in kinds:
        raise ScriptShapeError(
            "cannot start a transaction within a transaction: a script of several statements is"
            " one transaction already",
            hint="end the script with COMMIT, or send BEGIN as a statement of its own",
        )
    if Kind.COMMIT in kinds or Kind.ROLLBACK in kinds:
        raise ScriptShapeError(
            "a script of several statements is one transaction and cannot end another",
            hint="send COMMIT or ROLLBACK as a statement of its own",
        )
    reads = all(kind in _READS for kind in kinds)
    return Requirements(Transaction.READ if reads else Transaction.WRITE), statements


def _place(statements: list[PlannedStatement]) -> list[PlannedStatement]:
    """Move connection-level statements at either end of a script out of its transaction.

    PRAGMA foreign_keys does nothing and VACUUM and DETACH fail within a transaction, so leaving
    them inside would break scripts that every SQLite shell runs.
    """
    if len(statements) == 1:
        return statements
    inside = [
        position
        for position, statement in enumerate(statements)
        if statement.kind not in _CONNECTION_LEVEL
    ]
    first, last = (inside[0], inside[-1]) if inside else (len(statements), -1)
    return [
        statement if first <= position <= last else _outside(statement)
        for position, statement in enumerate(statements)
    ]


def _outside(statement: PlannedStatement) -> PlannedStatement:
    return replace(statement, place=Place.OUTSIDE)


def _effects(script: BoundScript) -> Effects:
    """Say what the script leaves behind."""
    kinds = {one.statement.kind for one in script.statements}
    targets = {
        one.statement.target.lower()
        for one in script.statements
        if one.statement.kind.changes_rows and one.statement.target
    }
    return Effects(tuple(sorted(targets)), Kind.DEFINE in kinds, bool(kinds & _CONTROL))


def _check(result: ExecutionPlan, script: BoundScript) -> None:
    """Raise `PlanError` when the plan contradicts itself; a plan is checked once, then cached."""
    for statement in result.statements:
        if statement.names and result.width:
            raise PlanError("a plan takes its parameters from a sequence or a mapping, not both")
        if statement.ordinals and max(_ends(statement.ordinals)) >= result.width:
            raise PlanError(f"statement takes a parameter beyond {result.width}: {statement.sql}")
        if statement.lowering is not None:
            _check_lowering(statement)
    given = result.requirements.transaction is Transaction.GIVEN
    if len(result.statements) != len(script.statements) - (2 if given else 0):
        raise PlanError("a plan must hold every statement of its script")


def _ends(ordinals: Sequence[int]) -> Sequence[int]:
    return (ordinals[0], ordinals[-1]) if isinstance(ordinals, range) else ordinals


def _check_lowering(statement: PlannedStatement) -> None:
    if statement.place is Place.OUTSIDE:
        raise PlanError("a lowered statement needs a transaction")
    for template in statement.lowering.templates if statement.lowering else ():
        if any(slot >= statement.width for slot in template.slots):
            raise PlanError(f"lowering takes a parameter the statement has not: {template.sql}")
