"""Turn what SQLite refuses on a virtual table into statements it accepts; pure, no database.

UPSERT is refused for virtual tables altogether, RETURNING for UPDATE and DELETE; RETURNING of an
INSERT shows the values given, not the ones stored (https://www.sqlite.org/lang_returning.html).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from lix_vtab.execution.catalogue import Table
from lix_vtab.execution.clauses import Delete, Insert, Update, split
from lix_vtab.execution.compose import Composer
from lix_vtab.execution.fragments import (
    locate,
    new_value,
    positions,
    read_back,
    set_found,
    shape,
    source_table,
)
from lix_vtab.execution.lower_insert import InsertLowering
from lix_vtab.execution.lowered import LoweredDelete, LoweredUpdate, Lowering, Template
from lix_vtab.execution.spans import Span
from lix_vtab.execution.tokens import CLOSE, OPEN, identifier, quote

__all__ = ["lower"]


def lower(text: str, table: Table) -> Lowering:
    """Return the lowering of a write on `table`; placeholders of `text` are written `?N`."""
    parts = split(text)
    if isinstance(parts, Insert):
        return InsertLowering(parts, table).build()
    if isinstance(parts, Update):
        return _update(parts, table)
    return _delete(parts, table)


def _update(parts: Update, table: Table) -> LoweredUpdate:
    owner = quote(parts.alias) if parts.alias else str(parts.table)
    identity = ", ".join(f"{owner}.{quote(column)}" for column in table.address)
    rows = Composer().span(parts.with_).text(f" SELECT {identity}")
    for assignment in parts.assignments:
        rows.text(", ")
        new_value(rows, assignment, None)
    rows.text(f" FROM {source_table(parts)}")
    if parts.from_:
        # SQLite takes several tables as one group, and loses the alias of a group of one.
        several = _several(parts.from_)
        rows.text(", (" if several else ", ").span(parts.from_).text(")" if several else "")
    if parts.where:
        rows.text(" WHERE ").span(parts.where)
    count = len(table.address)
    names = [assignment.column for assignment in parts.assignments]
    return LoweredUpdate(
        rows.template(),
        count,
        set_found(parts, table, parts.assignments, count),
        read_back(parts, table.address, positions(table.address, names, count).__getitem__),
        (Composer().span(parts.body).template(),),
        shape(parts),
        parts.action,
    )


def _several(tables: Span) -> bool:
    """Tell whether a FROM clause names more than one table, sub-queries counting as one."""
    depth = 0
    for token in tables.tokens:
        depth += (token.kind == OPEN) - (token.kind == CLOSE)
        if depth == 0 and (token.keyword == "JOIN" or token.text == ","):
            return True
    return False


def _delete(parts: Delete, table: Table) -> LoweredDelete:
    identity = ", ".join(quote(column) for column in table.address)
    needed = _mentioned(parts.returning, table) if _asks_others(parts.returning) else None
    rows = Composer()
    if not parts.alias:
        rows.span(parts.with_)
    rows.text(f" SELECT {identity}, ")
    if needed is None:
        rows.span(parts.returning)
    else:
        rows.text(", ".join(quote(column) for column in needed))
    rows.text(f" FROM {parts.table}")
    if parts.alias:
        # The alias is known to WHERE but not to RETURNING.
        rows.text(f" WHERE ({identity}) IN (").span(parts.with_)
        rows.text(f" SELECT {identity} FROM {source_table(parts)}")
    if parts.where:
        rows.text(" WHERE ").span(parts.where)
    rows.text(")" if parts.alias else "")
    delete = Composer(f"DELETE FROM {parts.table}")
    locate(delete, table.address, table.address.index)
    return LoweredDelete(
        rows.template(),
        len(table.address),
        delete.template(),
        (Composer().span(parts.body).template(),),
        shape(parts),
        None if needed is None else _from_row(parts, needed, len(table.address)),
    )


def _asks_others(returning: Span) -> bool:
    """Tell whether a RETURNING clause has a sub-query, or IN with a table."""
    tokens = returning.tokens
    return any(
        token.keyword == "SELECT" or (token.keyword == "IN" and following.kind != OPEN)
        for token, following in pairwise(tokens)
    )


def _mentioned(returning: Span, table: Table) -> list[str]:
    """Return the columns a clause may be about: those whose name it has, or all of them."""
    if any(token.text == "*" for token in returning.tokens):
        return [*table.columns]
    names = {(identifier(token) or "").lower() for token in returning.tokens}
    known = (*table.columns, *table.hidden, "rowid", "oid", "_rowid_")
    return [column for column in known if column.lower() in names] or [table.address[0]]


def _from_row(parts: Delete, columns: Sequence[str], offset: int) -> Template:
    """Return the query of the RETURNING list over the values a row had."""
    sql = Composer("SELECT ").span(parts.returning).text(" FROM (")
    for position, column in enumerate(columns):
        sql.text(", " if position else "SELECT ")
        sql.row(offset + position).text(f" AS {quote(column)}")
    return sql.text(f") AS {parts.table.tokens[-1].text}").template()
