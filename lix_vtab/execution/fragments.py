"""The pieces of SQL that lowerings of INSERT, UPDATE and DELETE have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lix_vtab.execution.catalogue import Table
from lix_vtab.execution.clauses import Assignment, Delete, Insert, Update
from lix_vtab.execution.compose import Composer
from lix_vtab.execution.hints import unknown_column
from lix_vtab.execution.lowered import Template
from lix_vtab.execution.tokens import quote

__all__ = [
    "locate",
    "new_value",
    "or_action",
    "positions",
    "read_back",
    "set_found",
    "shape",
    "source_table",
]


def locate(sql: Composer, columns: Sequence[str], row: Callable[[str], int]) -> None:
    """Write the condition that addresses one row by its identity."""
    for position, column in enumerate(columns):
        sql.text(" AND " if position else " WHERE ").text(f"{quote(column)} = ").row(row(column))


def source_table(parts: Insert | Update | Delete) -> str:
    """Return the table with its alias."""
    return str(parts.table) + (f" AS {quote(parts.alias)}" if parts.alias else "")


def or_action(action: str) -> str:
    """Return the ` OR action` of a conflict clause, empty when there is none."""
    return f" OR {action}" if action else ""


def positions(identity: Sequence[str], names: Sequence[str], offset: int) -> dict[str, int]:
    """Say where in a found row the identity stands once `names` have been assigned."""
    found = {column: position for position, column in enumerate(identity)}
    assigned = {name.lower(): offset + position for position, name in enumerate(names)}
    return {column: assigned.get(column.lower(), found[column]) for column in identity}


def set_found(
    parts: Insert | Update, table: Table, assignments: Sequence[Assignment], offset: int
) -> Template:
    """Return the UPDATE of one found row whose new values start at `offset`."""
    action = "" if isinstance(parts, Insert) else parts.action
    # A virtual table that ignores a row does not say so; whoever runs this ignores the failure.
    sql = Composer(f"UPDATE{or_action('FAIL' if action == 'IGNORE' else action)} {parts.table}")
    for position, assignment in enumerate(assignments):
        if not table.has_column(assignment.column):
            raise unknown_column(assignment.column, table)
        sql.text(", " if position else " SET ").text(f"{quote(assignment.column)} = ")
        sql.row(offset + position)
    locate(sql, table.address, table.address.index)
    return sql.template()


def read_back(
    parts: Insert | Update, columns: Sequence[str], row: Callable[[str], int]
) -> Template:
    """Return the query of the RETURNING list for one row."""
    # RETURNING does not know the alias of the statement, only the table's own name.
    sql = Composer("SELECT ").span(parts.returning).text(f" FROM {parts.table}")
    locate(sql, columns, row)
    return sql.template()


def shape(parts: Insert | Update | Delete) -> Template:
    """Return an INSERT with the same RETURNING clause: the one SQLite accepts on any table."""
    sql = Composer(f"INSERT INTO {parts.table} DEFAULT VALUES RETURNING ").span(parts.returning)
    return sql.template()


def new_value(
    sql: Composer, assignment: Assignment, excluded: Mapping[str, int | str] | None
) -> None:
    """Write one new value; a column of a row-valued subquery is picked through a CTE."""
    if assignment.of == 1:
        sql.text("(").span(assignment.value, excluded).text(")")
        return
    names = ", ".join(quote(f"_{number}") for number in range(assignment.of))
    sql.text(f'(WITH "_value"({names}) AS (').span(assignment.value, excluded)
    sql.text(f') SELECT "_{assignment.item}" FROM "_value" LIMIT 1)')
