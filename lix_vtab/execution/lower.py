"""Turn what SQLite refuses on a virtual table into statements it accepts; pure, no database.

UPSERT is refused for virtual tables altogether, RETURNING for UPDATE and DELETE; RETURNING of an
INSERT shows the values given, not the ones stored (https://www.sqlite.org/lang_returning.html).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lix_vtab.execution.catalogue import Table, UniqueKey
from lix_vtab.execution.clauses import Assignment, Conflict, Delete, Insert, Span, Update, split
from lix_vtab.execution.compose import Composer
from lix_vtab.execution.errors import LoweringError
from lix_vtab.execution.hints import unknown_column
from lix_vtab.execution.lowered import (
    ConflictRule,
    LoweredDelete,
    LoweredInsert,
    LoweredUpdate,
    Lowering,
    Template,
)
from lix_vtab.execution.tokens import quote

__all__ = ["lower"]

_NO_KEY = "ON CONFLICT clause does not match any PRIMARY KEY or UNIQUE constraint"


def lower(text: str, table: Table) -> Lowering:
    """Return the lowering of a write on `table`; placeholders of `text` are written `?N`."""
    parts = split(text)
    if isinstance(parts, Insert):
        return _InsertLowering(parts, table).build()
    if isinstance(parts, Update):
        return _update(parts, table)
    return _delete(parts, table)


def _locate(sql: Composer, columns: Sequence[str], row: Callable[[str], int]) -> None:
    """Write the condition that addresses one row by its identity."""
    for position, column in enumerate(columns):
        sql.text(" AND " if position else " WHERE ").text(f"{quote(column)} = ").row(row(column))


def _from(parts: Insert | Update | Delete) -> str:
    """Return the table with its alias."""
    return str(parts.table) + (f" AS {quote(parts.alias)}" if parts.alias else "")


def _or(action: str) -> str:
    return f" OR {action}" if action else ""


def _positions(identity: Sequence[str], names: Sequence[str], offset: int) -> dict[str, int]:
    """Say where in a found row the identity stands once `names` have been assigned."""
    found = {column: position for position, column in enumerate(identity)}
    assigned = {name.lower(): offset + position for position, name in enumerate(names)}
    return {column: assigned.get(column.lower(), found[column]) for column in identity}


def _set(
    parts: Insert | Update, table: Table, assignments: Sequence[Assignment], offset: int
) -> Template:
    """Return the UPDATE of one found row whose new values start at `offset`."""
    sql = Composer(f"UPDATE{_or('' if isinstance(parts, Insert) else parts.action)} {parts.table}")
    for position, assignment in enumerate(assignments):
        if not table.has_column(assignment.column):
            raise unknown_column(assignment.column, table)
        sql.text(", " if position else " SET ").text(f"{quote(assignment.column)} = ")
        sql.row(offset + position)
    _locate(sql, table.address, table.address.index)
    return sql.template()


def _read_back(
    parts: Insert | Update, columns: Sequence[str], row: Callable[[str], int]
) -> Template:
    """Return the query of the RETURNING list for one row."""
    # RETURNING does not know the alias of the statement, only the table's own name.
    sql = Composer("SELECT ").span(parts.returning).text(f" FROM {parts.table}")
    _locate(sql, columns, row)
    return sql.template()


def _shape(parts: Insert | Update | Delete) -> Template:
    """Return an INSERT with the same RETURNING clause: the one SQLite accepts on any table."""
    sql = Composer(f"INSERT INTO {parts.table} DEFAULT VALUES RETURNING ").span(parts.returning)
    return sql.template()


def _update(parts: Update, table: Table) -> LoweredUpdate:
    owner = quote(parts.alias) if parts.alias else str(parts.table)
    identity = ", ".join(f"{owner}.{quote(column)}" for column in table.address)
    rows = Composer().span(parts.with_).text(f" SELECT {identity}")
    for assignment in parts.assignments:
        rows.text(", ")
        _value(rows, assignment, None)
    rows.text(f" FROM {_from(parts)}")
    if parts.from_:
        # SQLite takes several tables as one group, and loses the alias of a group of one.
        several = any(token.keyword == "JOIN" or token.text == "," for token in parts.from_.tokens)
        rows.text(", (" if several else ", ").span(parts.from_).text(")" if several else "")
    if parts.where:
        rows.text(" WHERE ").span(parts.where)
    count = len(table.address)
    names = [assignment.column for assignment in parts.assignments]
    return LoweredUpdate(
        rows.template(),
        count,
        _set(parts, table, parts.assignments, count),
        _read_back(parts, table.address, _positions(table.address, names, count).__getitem__),
        (Composer().span(parts.body).template(),),
        _shape(parts),
        parts.action,
    )


def _delete(parts: Delete, table: Table) -> LoweredDelete:
    identity = ", ".join(quote(column) for column in table.address)
    rows = Composer()
    if not parts.alias:
        rows.span(parts.with_)
    rows.text(f" SELECT {identity}, ").span(parts.returning).text(f" FROM {parts.table}")
    if parts.alias:
        # The alias is known to WHERE but not to RETURNING.
        rows.text(f" WHERE ({identity}) IN (").span(parts.with_)
        rows.text(f" SELECT {identity} FROM {_from(parts)}")
    if parts.where:
        rows.text(" WHERE ").span(parts.where)
    rows.text(")" if parts.alias else "")
    delete = Composer(f"DELETE FROM {parts.table}")
    _locate(delete, table.address, table.address.index)
    return LoweredDelete(
        rows.template(),
        len(table.address),
        delete.template(),
        (Composer().span(parts.body).template(),),
        _shape(parts),
    )


def _value(sql: Composer, assignment: Assignment, excluded: Mapping[str, int | str] | None) -> None:
    """Write one new value; a column of a row-valued subquery is picked through a CTE."""
    if assignment.of == 1:
        sql.text("(").span(assignment.value, excluded).text(")")
        return
    names = ", ".join(quote(f"_{number}") for number in range(assignment.of))
    sql.text(f'(WITH "_value"({names}) AS (').span(assignment.value, excluded)
    sql.text(f') SELECT "_{assignment.item}" FROM "_value" LIMIT 1)')


class _InsertLowering:
    """Builds the lowering of one INSERT."""

    def __init__(self, parts: Insert, table: Table) -> None:
        self._parts = parts
        self._table = table
        self._columns = self._insert_columns()
        # Where the value of a column comes from: an item of the input row, or an expression.
        self._input: dict[str, int | str] = {
            name.lower(): f"({expression})" for name, expression in table.defaults.items()
        }
        self._input.update({name.lower(): i for i, name in enumerate(self._columns)})

    def build(self) -> LoweredInsert:
        parts, table = self._parts, self._table
        rules = [self._rule(clause) for clause in parts.conflicts]
        if parts.action == "IGNORE" and not rules:
            # A virtual table that ignores a row does not say so; look before inserting.
            rules = [self._rule(Conflict(None, Span(""), (), Span("")))]
        by_identity, given = self._by_identity()
        by_rowid = _read_back(parts, ("rowid",), lambda _: 0) if parts.returning else None
        if parts.returning and not table.rowid:
            by_rowid = None
            if by_identity is None:
                needed = ", ".join(table.address)
                raise LoweringError(
                    f"RETURNING on {table.name} needs values for {needed} in the INSERT"
                )
        return LoweredInsert(
            self._source(),
            len(self._columns),
            self._mismatch(),
            self._insert(),
            tuple(rules),
            by_identity,
            given,
            by_rowid,
            parts.action,
            tuple(self._check(clause) for clause in parts.conflicts if clause.assignments),
            _shape(parts) if parts.returning else None,
        )

    def _insert_columns(self) -> tuple[str, ...]:
        parts, table = self._parts, self._table
        if not parts.source:
            return ()
        if parts.columns is None:
            return table.columns
        for name in parts.columns:
            if not table.has_column(name):
                raise unknown_column(name, table, inserting=True)
        return tuple(parts.columns)

    def _mismatch(self) -> str:
        """Return SQLite's message for rows of another width, to be given the width found."""
        if self._parts.columns is None:
            width = len(self._columns)
            return f"table {self._table.name} has {width} columns but {{}} values were supplied"
        return f"{{}} values for {len(self._columns)} columns"

    def _source(self) -> Template:
        """Return the query of the input rows."""
        parts = self._parts
        if not parts.source:
            return Template("VALUES (0)")
        sql = Composer().span(parts.with_)
        if parts.with_ and parts.source.tokens[0].keyword == "WITH":
            return sql.text(" SELECT * FROM (").span(parts.source).text(")").template()
        return sql.text(" ").span(parts.source).template()

    def _insert(self) -> Template:
        """Return the INSERT of one input row."""
        parts = self._parts
        sql = Composer(f"INSERT{_or(parts.action)} INTO {parts.table}")
        if not parts.source:
            return sql.text(" DEFAULT VALUES").template()
        sql.text(" (" + ", ".join(quote(name) for name in self._columns) + ") VALUES (")
        for position in range(len(self._columns)):
            sql.text(", " if position else "").row(position)
        return sql.text(")").template()

    def _by_identity(self) -> tuple[Template | None, tuple[int, ...]]:
        """Return the query that reads an inserted row back, and the input items it needs."""
        parts = self._parts
        known = [self._input.get(column.lower()) for column in self._table.address]
        if not parts.returning or any(source is None for source in known):
            return None, ()
        sql = Composer("SELECT ").span(parts.returning).text(f" FROM {parts.table}")
        self._match(sql, self._table.address)
        return sql.template(), tuple(source for source in known if isinstance(source, int))

    def _match(self, sql: Composer, columns: Sequence[str]) -> None:
        """Write a condition that compares columns with the input row."""
        for position, column in enumerate(columns):
            sql.text(" AND " if position else " WHERE ").text(f"{quote(column)} = ")
            sql.source(self._input[column.lower()])

    def _rule(self, clause: Conflict) -> ConflictRule:
        parts, table = self._parts, self._table
        finders = tuple(
            self._finder(clause, key)
            for key in self._keys(clause)
            if all(column.lower() in self._input for column in key.columns)
        )
        condition = len(table.address)
        if not clause.assignments:
            return ConflictRule(finders, condition)
        names = [assignment.column for assignment in clause.assignments]
        update = _set(parts, table, clause.assignments, condition + 1)
        if not parts.returning:
            return ConflictRule(finders, condition, update)
        found = _positions(table.address, names, condition + 1)
        returning = _read_back(parts, table.address, found.__getitem__)
        return ConflictRule(finders, condition, update, returning)

    def _keys(self, clause: Conflict) -> tuple[UniqueKey, ...]:
        """Return the unique keys a clause answers to."""
        table = self._table
        if clause.target is None:
            return table.keys
        names = clause.target.names()
        keys = [
            key
            for key in table.keys
            if names is not None and key.answers_to(name.lower() for name in names)
        ]
        if not keys:
            known = "; ".join(", ".join(key.columns) for key in table.keys) or "none"
            raise LoweringError(
                f"{_NO_KEY}: {table.name} ({clause.target})", hint=f"conflict targets: {known}"
            )
        return tuple(keys)

    def _finder(self, clause: Conflict, key: UniqueKey) -> Template:
        """Return the query for the row that stands in the way by `key`."""
        parts, table = self._parts, self._table
        sql = Composer().span(parts.with_ if clause.assignments else Span(parts.text))
        sql.text(" SELECT " + ", ".join(quote(column) for column in table.address) + ", ")
        if clause.where:
            sql.text("(").span(clause.where, self._excluded()).text(")")
        else:
            sql.text("1")
        for assignment in clause.assignments:
            sql.text(", ")
            _value(sql, assignment, self._excluded())
        sql.text(f" FROM {_from(parts)}")
        scope = [column for column in key.scope if column.lower() in self._input]
        self._match(sql, (*key.columns, *scope))
        if key.where:
            sql.text(f" AND ({key.where})")
        return sql.template()

    def _check(self, clause: Conflict) -> Template:
        """Return a DO UPDATE as the UPDATE it is short for."""
        parts = self._parts
        sql = Composer().span(parts.with_).text(f" UPDATE {_from(parts)} SET ")
        sql.span(clause.set_, self._excluded())
        if clause.where:
            sql.text(" WHERE ").span(clause.where, self._excluded())
        return sql.template()

    def _excluded(self) -> dict[str, int | str]:
        """Say what `excluded.column` stands for, for every column of the table."""
        columns = (*self._table.columns, *self._table.hidden)
        values: dict[str, int | str] = {column.lower(): "NULL" for column in columns}
        return values | self._input
