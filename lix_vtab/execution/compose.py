"""Write SQL from pieces of a user's statement, with parameters numbered anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from lix_vtab.errors import ColumnNotFound
from lix_vtab.execution.lowered import Template
from lix_vtab.execution.spans import Span
from lix_vtab.execution.tokens import PARAMETER, identifier

__all__ = ["Composer"]


class Composer:
    """Collects text and numbers its parameters densely, so no statement gets more than it uses.

    >>> Composer("SELECT ").row(2).text(", ").user(7).text(", ").row(2).template()
    Template(sql='SELECT ?1, ?2, ?1', slots=(-3, 7))
    """

    def __init__(self, text: str = "") -> None:
        self._parts = [text]
        self._slots: dict[int, int] = {}

    def text(self, text: str) -> Self:
        """Add SQL as it is."""
        self._parts.append(text)
        return self

    def user(self, index: int) -> Self:
        """Add a parameter of the user's statement."""
        number = self._slots.setdefault(index, len(self._slots) + 1)
        return self.text(f"?{number}")

    def row(self, item: int) -> Self:
        """Add an item of the row the template will be run with."""
        return self.user(~item)

    def source(self, source: int | str) -> Self:
        """Add an item of the row, or an expression."""
        return self.row(source) if isinstance(source, int) else self.text(source)

    def span(self, span: Span, excluded: Mapping[str, int | str] | None = None) -> Self:
        """Add the author's own text; `excluded.x` is replaced when `excluded` says by what."""
        if not span:
            return self
        tokens = span.tokens
        position = tokens[0].start
        index = 0
        while index < len(tokens):
            token = tokens[index]
            if token.kind == PARAMETER:
                self.text(span.text[position : token.start]).user(int(token.text[1:]) - 1)
                position = token.end
            elif excluded is not None and _is_excluded(span, index):
                self.text(span.text[position : token.start])
                self.source(_lookup(excluded, identifier(tokens[index + 2])))
                index += 2
                position = tokens[index].end
            index += 1
        return self.text(span.text[position : tokens[-1].end])

    def template(self) -> Template:
        """Return what has been written."""
        return Template("".join(self._parts).strip(), tuple(self._slots))


def _is_excluded(span: Span, index: int) -> bool:
    """Tell whether `excluded . name` starts at a token."""
    tokens = span.tokens
    return (
        (identifier(tokens[index]) or "").lower() == "excluded"
        and index + 2 < len(tokens)
        and tokens[index + 1].text == "."
        and (index == 0 or tokens[index - 1].text != ".")
    )


def _lookup(excluded: Mapping[str, int | str], name: str | None) -> int | str:
    source = excluded.get((name or "").lower())
    if source is None:
        raise ColumnNotFound(f"no such column: excluded.{name}")
    return source
