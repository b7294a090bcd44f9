"""Cut INSERT, UPDATE and DELETE into their clauses, as spans of tokens.

The grammar of these statements is flat: outside parentheses every clause starts with a reserved
word, so no expression needs to be understood. Spans keep the author's own text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lix_vtab.errors import ParseError
from lix_vtab.execution.tokens import CLOSE, OPEN, Token, identifier, tokenize

__all__ = ["Assignment", "Conflict", "Delete", "Insert", "Span", "Update", "split"]

_EMPTY_REASON = "sql parser error: incomplete input"


@dataclass(frozen=True, slots=True)
class Span:
    """A run of tokens of a text, with parentheses balanced; false when empty."""

    text: str
    tokens: tuple[Token, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.tokens)

    def __str__(self) -> str:
        return self.text[self.tokens[0].start : self.tokens[-1].end] if self.tokens else ""

    def cut(self, start: int, stop: int) -> Span:
        """Return tokens `start` to `stop`."""
        return Span(self.text, self.tokens[start:stop])

    def split_at_commas(self) -> Iterator[Span]:
        """Yield the items of a list."""
        start = depth = 0
        for position, token in enumerate(self.tokens):
            depth += (token.kind == OPEN) - (token.kind == CLOSE)
            if depth == 0 and token.text == ",":
                yield self.cut(start, position)
                start = position + 1
        yield self.cut(start, len(self.tokens))

    @property
    def inner(self) -> Span | None:
        """Return what stands between one pair of parentheses around everything, if there is one."""
        if len(self.tokens) < 2 or self.tokens[0].kind != OPEN:
            return None
        depth = 0
        for position, token in enumerate(self.tokens):
            depth += (token.kind == OPEN) - (token.kind == CLOSE)
            if depth == 0:
                last = position == len(self.tokens) - 1
                return self.cut(1, position) if last else None
        return None

    def names(self) -> list[str] | None:
        """Return the names of a plain list of names, None when it holds anything else."""
        found = []
        for item in self.split_at_commas():
            name = identifier(item.tokens[0]) if len(item.tokens) == 1 else None
            if name is None:
                return None
            found.append(name)
        return found


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
    reader = _Reader(text)
    with_ = reader.until("INSERT", "REPLACE", "UPDATE", "DELETE")
    verb = reader.word()
    if verb == "UPDATE":
        return _update(reader, Update(text, with_))
    if verb == "DELETE":
        return _delete(reader, Delete(text, with_))
    return _insert(reader, Insert(text, with_, action="REPLACE" if verb == "REPLACE" else ""))


def _insert(reader: _Reader, parts: Insert) -> Insert:
    parts.action = reader.action() or parts.action
    reader.expect("INTO")
    parts.table, parts.alias = reader.table()
    if reader.peek().kind == OPEN:
        parts.columns = reader.group().names()
    if reader.accept("DEFAULT"):
        reader.expect("VALUES")
    else:
        parts.source = reader.until("RETURNING", on_conflict=True)
    conflicts = []
    while reader.accept("ON"):
        conflicts.append(_conflict(reader))
    parts.conflicts = tuple(conflicts)
    parts.returning = reader.returning()
    return parts


def _conflict(reader: _Reader) -> Conflict:
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


def _update(reader: _Reader, parts: Update) -> Update:
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


def _delete(reader: _Reader, parts: Delete) -> Delete:
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


class _Reader:
    """Walks over the tokens of a statement."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = tuple(tokenize(text))
        self._position = 0
        self._end = Token("end", "", len(text), len(text))

    def peek(self, ahead: int = 0) -> Token:
        """Return a token without moving; past the end a token of kind "end"."""
        position = self._position + ahead
        return self._tokens[position] if position < len(self._tokens) else self._end

    def word(self) -> str:
        """Consume one word."""
        self._position += 1
        return self._tokens[self._position - 1].keyword

    def accept(self, keyword: str) -> bool:
        """Consume `keyword` if it is next."""
        found = self.peek().keyword == keyword
        self._position += found
        return found

    def expect(self, keyword: str) -> None:
        """Consume `keyword`, which has to be next."""
        if not self.accept(keyword):
            near = self.peek().text
            raise ParseError(
                f'sql parser error: near "{near}": syntax error' if near else _EMPTY_REASON,
                hint=f"expected {keyword}",
            )

    def action(self) -> str:
        """Consume `OR action` and return the action."""
        return self.word() if self.accept("OR") else ""

    def table(self) -> tuple[Span, str | None]:
        """Consume `[schema.]table [AS alias]`."""
        length = 3 if self.peek(1).text == "." else 1
        span = self._take(length)
        alias = None
        if self.accept("AS"):
            alias = identifier(self.peek())
            self._position += 1
        return span, alias

    def group(self) -> Span:
        """Consume a parenthesised group and return what is inside."""
        start, depth = self._position, 0
        while self._position < len(self._tokens):
            token = self._tokens[self._position]
            depth += (token.kind == OPEN) - (token.kind == CLOSE)
            self._position += 1
            if depth == 0:
                return Span(self.text, self._tokens[start + 1 : self._position - 1])
        raise ParseError(_EMPTY_REASON)

    def until(self, *keywords: str, on_conflict: bool = False) -> Span:
        """Consume up to a keyword outside parentheses, or to the end."""
        start, depth = self._position, 0
        while self._position < len(self._tokens):
            token = self._tokens[self._position]
            depth += (token.kind == OPEN) - (token.kind == CLOSE)
            keyword = token.keyword
            if depth == 0 and keyword:
                if keyword in keywords and not self._in_operator(keyword):
                    break
                if on_conflict and keyword == "ON" and self.peek(1).keyword == "CONFLICT":
                    break
            self._position += 1
        return Span(self.text, self._tokens[start : self._position])

    def where(self) -> Span:
        """Consume a WHERE clause if there is one."""
        return self.until("RETURNING") if self.accept("WHERE") else Span(self.text)

    def so_far(self) -> Span:
        """Return everything consumed."""
        return Span(self.text, self._tokens[: self._position])

    def returning(self) -> Span:
        """Consume the RETURNING clause and require the end."""
        if not self.accept("RETURNING"):
            if self.peek().text:
                raise ParseError(f'sql parser error: near "{self.peek().text}": syntax error')
            return Span(self.text)
        span = self.until("ORDER", "LIMIT")
        if not span or self.peek().text:
            near = self.peek().text
            raise ParseError(
                f'sql parser error: near "{near}": syntax error' if near else _EMPTY_REASON
            )
        return span

    def _in_operator(self, keyword: str) -> bool:
        """Tell whether FROM belongs to IS [NOT] DISTINCT FROM."""
        return keyword == "FROM" and self.peek(-1).keyword == "DISTINCT"

    def _take(self, count: int) -> Span:
        start = self._position
        self._position += count
        return Span(self.text, self._tokens[start : self._position])
