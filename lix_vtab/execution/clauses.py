"""Cut INSERT, UPDATE and DELETE into their clauses."""

from __future__ import annotations

from dataclasses import field

from lix_vtab.errors import ParseError
from lix_vtab.execution.spans import Reader, Span
from lix_vtab.execution.tokens import OPEN
from lix_vtab.model.dataclasses import dataclass

__all__ = ["Assignment", "Conflict", "Delete", "Insert", "Update", "split"]


@dataclass(frozen=True, slots=True)
class Assignment:
    """One `column = value` of a SET clause; row values have been taken apart."""

    column: str
    value: Span
    item: int = 0
    of: int = 1


@dataclass(frozen=True, slots=True)
class Conflict:
    """One ON CONFLICT clause: no `target` means any key, no `assignments` means DO NOTHING."""

    target: Span | None
    set_: Span
    assignments: tuple[Assignment, ...]
    where: Span


@dataclass(slots=True)
class _Common:
    """What all three have; `body` is everything but the RETURNING clause."""

    text: str
    with_: Span
    action: str = ""
    table: Span = field(default_factory=lambda: Span(""))
    alias: str | None = None
    body: Span = field(default_factory=lambda: Span(""))
    returning: Span = field(default_factory=lambda: Span(""))


@dataclass(slots=True)
class Insert(_Common):
    """The parts of an INSERT; an empty `source` means DEFAULT VALUES."""

    columns: list[str] | None = None
    source: Span = field(default_factory=lambda: Span(""))
    conflicts: tuple[Conflict, ...] = ()


@dataclass(slots=True)
class Update(_Common):
    """The parts of an UPDATE."""

    assignments: tuple[Assignment, ...] = ()
    from_: Span = field(default_factory=lambda: Span(""))
    where: Span = field(default_factory=lambda: Span(""))


@dataclass(slots=True)
class Delete(_Common):
    """The parts of a DELETE."""

    where: Span = field(default_factory=lambda: Span(""))


def split(text: str) -> Insert | Update | Delete:
    """Return the clauses of one write statement.

    >>> str(split("DELETE FROM t WHERE a IN (1) RETURNING b").where)
    'a IN (1)'
    """
    reader = Reader(text)
    with_ = reader.until("INSERT", "REPLACE", "UPDATE", "DELETE")
    verb = reader.word()
    if verb == "UPDATE":
        return _update(reader, Update(text, with_))
    if verb == "DELETE":
        return _delete(reader, Delete(text, with_))
    return _insert(reader, Insert(text, with_, action="REPLACE" if verb == "REPLACE" else ""))


def _insert(reader: Reader, parts: Insert) -> Insert:
    parts.action = reader.action() or parts.action
    reader.expect("INTO")
    parts.table, parts.alias = reader.table()
    if reader.peek().kind == OPEN:
        parts.columns = reader.group().names()
    if reader.accept("DEFAULT"):
        reader.expect("VALUES")
    else:
        parts.source = reader.until("RETURNING", on_conflict=True)
    conflicts: list[Conflict] = []
    # only the last clause may do without a target
    while (not conflicts or conflicts[-1].target) and reader.accept("ON"):
        conflicts.append(_conflict(reader))
    parts.conflicts = tuple(conflicts)
    parts.returning = reader.returning()
    return parts


def _conflict(reader: Reader) -> Conflict:
    reader.expect("CONFLICT")
    target = None
    if reader.peek().kind == OPEN:
        target = reader.group()
        if reader.accept("WHERE"):
            reader.until("DO")
    reader.expect("DO")
    if reader.accept("NOTHING"):
        return Conflict(target, Span(reader.text), (), Span(reader.text))
    reader.expect("UPDATE")
    reader.expect("SET")
    set_ = reader.until("WHERE", "RETURNING", on_conflict=True)
    where = Span(reader.text)
    if reader.accept("WHERE"):
        where = reader.until("RETURNING", on_conflict=True)
    return Conflict(target, set_, _assignments(set_), where)


def _update(reader: Reader, parts: Update) -> Update:
    parts.action = reader.action()
    parts.table, parts.alias = reader.table()
    reader.until("SET")
    reader.expect("SET")
    parts.assignments = _assignments(reader.until("FROM", "WHERE", "RETURNING"))
    if reader.accept("FROM"):
        parts.from_ = reader.until("WHERE", "RETURNING")
    parts.where = reader.where()
    parts.body = reader.so_far()
    parts.returning = reader.returning()
    return parts


def _delete(reader: Reader, parts: Delete) -> Delete:
    reader.expect("FROM")
    parts.table, parts.alias = reader.table()
    reader.until("WHERE", "RETURNING")
    parts.where = reader.where()
    parts.body = reader.so_far()
    parts.returning = reader.returning()
    return parts


def _assignments(span: Span) -> tuple[Assignment, ...]:
    """Return the items of a SET clause, `(a, b) = (x, y)` as two."""
    found: list[Assignment] = []
    for item in span.split_at_commas():
        equals = next((i for i, token in enumerate(item.tokens) if token.text in ("=", "==")), 0)
        left, value = item.cut(0, equals), item.cut(equals + 1, len(item.tokens))
        names = (left.inner or left).names()
        if not left or not value or names is None:
            raise ParseError(f"sql parser error: '{item}' is no assignment")
        found += _spread(names, value)
    return tuple(found)


def _spread(names: list[str], value: Span) -> list[Assignment]:
    """Pair names with the parts of a row value."""
    if len(names) == 1:
        return [Assignment(names[0], value)]
    inner = value.inner
    if inner is not None and inner and inner.tokens[0].keyword in ("SELECT", "VALUES", "WITH"):
        return [Assignment(name, inner, i, len(names)) for i, name in enumerate(names)]
    values = list(inner.split_at_commas()) if inner is not None else [value]
    if len(values) != len(names):
        raise ParseError(f"{len(names)} columns assigned {len(values)} values")
    return [Assignment(name, one) for name, one in zip(names, values, strict=True)]
