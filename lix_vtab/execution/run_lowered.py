"""Run lowered statements row by row, in input order, as SQLite does on a table of its own.

All input is read before the first row is written, so a statement never sees its own work except
where the standard says so: a row may conflict with an earlier row of the same statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw

from lix_vtab.errors import ForeignKeyError, SqlError
from lix_vtab.execution.lowered import (
    ConflictRule,
    LoweredDelete,
    LoweredInsert,
    LoweredUpdate,
    Lowering,
    Template,
)
from lix_vtab.execution.result import Description, Row
from lix_vtab.execution.statements import Outcome, describe

__all__ = ["judge", "run_lowered"]


def judge(connection: apsw.Connection, lowering: Lowering) -> Description:
    """Let SQLite judge the clauses of a lowering, and return the columns of RETURNING."""
    for check in lowering.checks:
        describe(connection, check.sql, len(check.slots))
    shape = lowering.shape
    return () if shape is None else describe(connection, shape.sql, len(shape.slots))


def run_lowered(
    connection: apsw.Connection,
    lowering: Lowering,
    values: Sequence[Any],
    description: Description,
) -> Outcome:
    """Run `lowering`, which was judged, with the user's parameters.

    The caller holds a transaction or savepoint.
    """
    if isinstance(lowering, LoweredInsert):
        return _Insert(connection, lowering, values).run(description)
    if isinstance(lowering, LoweredUpdate):
        return _update(connection, lowering, values, description)
    return _delete(connection, lowering, values, description)


def _query(
    connection: apsw.Connection, template: Template, values: Sequence[Any], row: Sequence[Any] = ()
) -> list[Row]:
    return connection.execute(template.sql, template.bind(values, row)).fetchall()


def _distinct(rows: list[Row], identity: int) -> list[Row]:
    """Keep one set of new values per row of the table, the last one, as UPDATE ... FROM does."""
    return list({row[:identity]: row for row in rows}.values())


def _update(
    connection: apsw.Connection,
    lowering: LoweredUpdate,
    values: Sequence[Any],
    description: Description,
) -> Outcome:
    found = _distinct(_query(connection, lowering.rows, values), lowering.identity)
    returned: list[Row] = []
    changes = 0
    for row in found:
        try:
            connection.execute(lowering.update.sql, lowering.update.bind(values, row))
        except apsw.ConstraintError as error:
            if isinstance(error, ForeignKeyError) or lowering.action not in ("FAIL", "IGNORE"):
                raise
            if lowering.action == "FAIL":
                return Outcome([], description, 0, error)
            continue
        changes += connection.changes()
        returned += _query(connection, lowering.returning, values, row)
    return Outcome(returned, description, changes)


def _delete(
    connection: apsw.Connection,
    lowering: LoweredDelete,
    values: Sequence[Any],
    description: Description,
) -> Outcome:
    found = _query(connection, lowering.rows, values)
    returned: list[Row] = []
    for row in found:
        connection.execute(lowering.delete.sql, lowering.delete.bind(values, row))
        if lowering.returning is None:
            returned.append(row[lowering.identity :])
        else:
            returned += _query(connection, lowering.returning, values, row)
    return Outcome(returned, description, len(found))


class _Insert:
    """One run of a lowered INSERT."""

    def __init__(
        self, connection: apsw.Connection, lowering: LoweredInsert, values: Sequence[Any]
    ) -> None:
        self._connection = connection
        self._lowering = lowering
        self._values = values
        self._returned: list[Row] = []
        self._changes = 0

    def run(self, description: Description) -> Outcome:
        """Take the input rows one after the other."""
        lowering = self._lowering
        rows = _query(self._connection, lowering.source, self._values)
        if rows and lowering.columns and len(rows[0]) != lowering.columns:
            raise SqlError(lowering.mismatch.format(len(rows[0])))
        try:
            for row in rows:
                if not any(self._resolve(rule, row) for rule in lowering.rules):
                    self._insert(row)
        except apsw.ConstraintError as error:
            if isinstance(error, ForeignKeyError) or lowering.action != "FAIL":
                raise
            return Outcome([], description, 0, error)
        return Outcome(self._returned, description, self._changes)

    def _resolve(self, rule: ConflictRule, row: Row) -> bool:
        """Apply `rule` if something is in the way of `row`, and tell whether it was."""
        for finder in rule.finders:
            found = _query(self._connection, finder, self._values, row)
            if found:
                if rule.update is not None and found[0][rule.condition]:
                    self._apply(rule, rule.update, found[0])
                return True
        return False

    def _apply(self, rule: ConflictRule, update: Template, found: Row) -> None:
        connection = self._connection
        connection.execute(update.sql, update.bind(self._values, found))
        self._changes += connection.changes()
        if rule.returning is not None:
            self._returned += _query(connection, rule.returning, self._values, found)

    def _insert(self, row: Row) -> None:
        connection, lowering = self._connection, self._lowering
        previous = connection.last_insert_rowid()
        if lowering.by_rowid is not None:
            # So that a row that OR IGNORE dropped is not mistaken for the one before it.
            connection.set_last_insert_rowid(0)
        connection.execute(lowering.insert.sql, lowering.insert.bind(self._values, row))
        self._changes += connection.changes()
        fresh = connection.last_insert_rowid()
        self._returned += self._read_back(row, fresh)
        if lowering.by_rowid is not None and not fresh:
            connection.set_last_insert_rowid(previous)

    def _read_back(self, row: Row, fresh: int) -> list[Row]:
        """Return what RETURNING shows of a row just inserted, if it was."""
        lowering, returned = self._lowering, []
        if lowering.by_identity and all(row[item] is not None for item in lowering.given):
            returned = _query(self._connection, lowering.by_identity, self._values, row)
        if not returned and lowering.by_rowid is not None and fresh:
            # The INSERT left its key to the table, or the table stored another form of it.
            returned = _query(self._connection, lowering.by_rowid, self._values, (fresh,))
        return returned
