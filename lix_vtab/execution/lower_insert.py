"""Lower INSERT: ON CONFLICT in all its forms, RETURNING of what is stored, OR IGNORE."""

from __future__ import annotations

from collections.abc import Sequence

from lix_vtab.execution.catalogue import Table, UniqueKey
from lix_vtab.execution.clauses import Conflict, Insert
from lix_vtab.execution.compose import Composer
from lix_vtab.execution.errors import LoweringError
from lix_vtab.execution.fragments import (
    new_value,
    or_action,
    positions,
    read_back,
    set_found,
    shape,
    source_table,
)
from lix_vtab.execution.hints import unknown_column
from lix_vtab.execution.lowered import ConflictRule, LoweredInsert, Template
from lix_vtab.execution.spans import Span
from lix_vtab.execution.tokens import quote

__all__ = ["InsertLowering"]

_NO_KEY = "ON CONFLICT clause does not match any PRIMARY KEY or UNIQUE constraint"


class InsertLowering:
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
        """Return the lowering, or raise what SQLite would."""
        parts, table = self._parts, self._table
        rules = [self._rule(clause) for clause in parts.conflicts]
        if parts.action == "IGNORE" and all(clause.target for clause in parts.conflicts):
            # A virtual table that ignores a row does not say so; look before inserting.
            rules.append(self._rule(Conflict(None, Span(""), (), Span(""))))
        by_identity, given = self._by_identity()
        by_rowid = None
        if parts.returning and table.rowid:
            by_rowid = self._by_rowid()
        elif parts.returning and by_identity is None:
            needed = ", ".join(table.address)
            raise LoweringError(
                f"RETURNING on {table.name} needs values for {needed} in the INSERT",
                hint="name those columns and give them values",
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
            shape(parts) if parts.returning else None,
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
        sql = Composer(f"INSERT{or_action(parts.action)} INTO {parts.table}")
        if not parts.source:
            return sql.text(" DEFAULT VALUES").template()
        sql.text(" (" + ", ".join(quote(name) for name in self._columns) + ") VALUES (")
        for position in range(len(self._columns)):
            sql.text(", " if position else "").row(position)
        return sql.text(")").template()

    def _by_rowid(self) -> Template:
        """Return the query that reads a fresh row back by `last_insert_rowid()`."""
        parts = self._parts
        sql = Composer("SELECT ").span(parts.returning).text(f" FROM {parts.table}")
        for position, (column, value) in enumerate(self._table.located or (("rowid", "{}"),)):
            before, after = value.split("{}")
            sql.text(" AND " if position else " WHERE ").text(f"{quote(column)} = {before}")
            sql.row(0).text(after)
        return sql.template()

    def _by_identity(self) -> tuple[Template | None, tuple[int, ...]]:
        """Return the query that reads an inserted row back, and the input items it needs."""
        parts = self._parts
        table = self._table
        groups = [table.address, *((*key.columns, *key.scope) for key in table.keys)]
        for columns in groups if parts.returning else ():
            known = [self._input.get(column.lower()) for column in columns]
            if all(source is not None for source in known):
                sql = Composer("SELECT ").span(parts.returning).text(f" FROM {parts.table}")
                self._match(sql, columns)
                return sql.template(), tuple(s for s in known if isinstance(s, int))
        return None, ()

    def _match(self, sql: Composer, columns: Sequence[str]) -> None:
        """Write a condition that compares columns with the input row."""
        for position, column in enumerate(columns):
            before, after = self._table.stored.get(column, "{}").split("{}")
            sql.text(" AND " if position else " WHERE ").text(f"{quote(column)} = {before}")
            source = self._input.get(column.lower())
            if source is None:
                self._make(sql, column)
            else:
                sql.source(source)
            sql.text(after)

    def _make(self, sql: Composer, column: str) -> None:
        """Write the value of a column that follows from others of the input row."""
        call, parts = self._table.made[column]
        sql.text(call)
        for name, label in parts:
            sql.text(f", {label}, ").source(self._input.get(name.lower(), "NULL"))
        sql.text(")")

    def _rule(self, clause: Conflict) -> ConflictRule:
        parts, table = self._parts, self._table
        finders = tuple(
            self._finder(clause, key)
            for key in self._keys(clause)
            if all(c.lower() in self._input or c in table.made for c in key.columns)
        )
        condition = len(table.address)
        if not clause.assignments:
            return ConflictRule(finders, condition)
        names = [assignment.column for assignment in clause.assignments]
        update = set_found(parts, table, clause.assignments, condition + 1)
        if not parts.returning:
            return ConflictRule(finders, condition, update)
        found = positions(table.address, names, condition + 1)
        returning = read_back(parts, table.address, found.__getitem__)
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
            new_value(sql, assignment, self._excluded())
        sql.text(f" FROM {source_table(parts)}")
        scope = [column for column in key.scope if column.lower() in self._input]
        self._match(sql, (*key.columns, *scope))
        if key.where:
            sql.text(f" AND ({key.where})")
        return sql.template()

    def _check(self, clause: Conflict) -> Template:
        """Return a DO UPDATE as the UPDATE it is short for."""
        parts = self._parts
        sql = Composer().span(parts.with_).text(f" UPDATE {source_table(parts)} SET ")
        sql.span(clause.set_, self._excluded())
        if clause.where:
            sql.text(" WHERE ").span(clause.where, self._excluded())
        return sql.template()

    def _excluded(self) -> dict[str, int | str]:
        """Say what `excluded.column` stands for, for every column of the table."""
        columns = (*self._table.columns, *self._table.hidden)
        values: dict[str, int | str] = {column.lower(): "NULL" for column in columns}
        return values | self._input
