"""Runs of tokens, and a reader that cuts a statement into them.

The grammar of write statements is flat: outside parentheses every clause starts with a reserved
word, so no expression needs to be understood. Spans keep the author's own text.
"""

from __future__ import annotations

from collections.abc import Iterator

from lix_vtab.errors import ParseError
from lix_vtab.execution.tokens import CLOSE, OPEN, Token, identifier, tokenize
from lix_vtab.model.dataclasses import dataclass

__all__ = ["Reader", "Span"]

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


class Reader:
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
