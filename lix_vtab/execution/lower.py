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
    items = [*parts.returning.split_at_commas()]
    late = [item for item in items if _asks_others(item)]
    needed = _mentioned(late, table) if late else []
    rows = Composer()
    if not parts.alias:
        rows.span(parts.with_)
    rows.text(f" SELECT {', '.join([identity, *map(quote, needed)])}")
    for item in items:
        if item not in late:
            rows.text(", ").span(item)
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
        _from_row(parts, table, items, needed) if late else None,
    )


def _asks_others(item: Span) -> bool:
    """Tell whether something RETURNING shows has a sub-query, or IN with a table."""
    return any(
        token.keyword == "SELECT" or (token.keyword == "IN" and following.kind != OPEN)
        for token, following in pairwise(item.tokens)
    )


def _mentioned(items: Sequence[Span], table: Table) -> list[str]:
    """Return the columns expressions may be about: those whose names they have."""
    names = {(identifier(token) or "").lower() for item in items for token in item.tokens}
    known = (*table.columns, *table.hidden, "rowid", "oid", "_rowid_")
    return [column for column in known if column.lower() in names] or [table.address[0]]


def _from_row(
    parts: Delete, table: Table, items: Sequence[Span], columns: Sequence[str]
) -> Template:
    """Return the query of the RETURNING list once a row is gone.

    The row found for it has the identity, `columns` for what asks other rows too, and all the rest.
    """
    sql = Composer("SELECT ")
    offset = len(table.address)
    known = offset + len(columns)
    for number, item in enumerate(items):
        sql.text(", " if number else "")
        if _asks_others(item):
            sql.span(item)
            continue
        width = len(table.columns) if _is_star(item) else 1
        for place in range(known, known + width):
            sql.text(", " if place > known else "").row(place)
        known += width
    for position, column in enumerate(columns):
        sql.text(", " if position else " FROM (SELECT ")
        sql.row(offset + position).text(f" AS {quote(column)}")
    return sql.text(f") AS {parts.table.tokens[-1].text}").template()


def _is_star(item: Span) -> bool:
    """Tell whether an item is `*` or `table.*`."""
    words = [token.text for token in item.tokens[-2:]]
    return words[-1:] == ["*"] and words[0] in ("*", ".")
