"""CEL expressions of schemas: parsed once, evaluated with the properties of a row as variables.

Nearly every expression in practice is a literal or a call without arguments. Those are recognised
here and cost nothing; any other one loads cel-python (see `schema.cel_engine`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, Protocol

from lix_vtab.errors import CelError
from lix_vtab.model.ids import Source
from lix_vtab.model.json import Json
from lix_vtab.model.patterns import pattern

__all__ = ["FUNCTIONS", "MAX_LENGTH", "Constant", "Expression", "parse_cel"]

MAX_LENGTH: Final = 4096
"""Characters an expression may have."""

_CALL = pattern(r"\s*([a-z_][a-z0-9_]*)\s*\(\s*\)\s*")
_TEXT = pattern(r"""\s*(?:'([^'"\\\r\n]*)'|"([^'"\\\r\n]*)")\s*""")
_INTEGER = pattern(r"\s*(-?(?:0|[1-9][0-9]{0,17}))\s*")
_WORDS: Final[Mapping[str, Json]] = {"true": True, "false": False, "null": None}


class Expression(Protocol):
    """A parsed expression."""

    @property
    def text(self) -> str:
        """Return the source text."""

    def evaluate(self, variables: Mapping[str, Json], source: Source) -> Json:
        """Return the value as JSON; raise CelError when evaluation fails."""


class Constant:
    """A literal."""

    __slots__ = ("text", "value")

    def __init__(self, text: str, value: Json) -> None:
        self.text = text
        self.value = value

    def evaluate(self, variables: Mapping[str, Json], source: Source) -> Json:
        """Return the value of the literal."""
        return self.value


class _Call:
    """A call of one of our functions and nothing else."""

    __slots__ = ("_function", "text")

    def __init__(self, text: str, function: Callable[[Source], str]) -> None:
        self.text = text
        self._function = function

    def evaluate(self, variables: Mapping[str, Json], source: Source) -> Json:
        """Return what the function draws from `source`."""
        return self._function(source)


def _uuid(source: Source) -> str:
    return source.uuid7()


def _timestamp(source: Source) -> str:
    return source.timestamp()


def _nano_id(source: Source) -> str:
    return source.nano_id()


FUNCTIONS: Final[Mapping[str, Callable[[Source], str]]] = {
    "lix_uuid_v7": _uuid,
    "lix_timestamp": _timestamp,
    "lix_nano_id": _nano_id,
}
"""The functions added to CEL's own; none takes an argument."""


@lru_cache(maxsize=1024)
def parse_cel(text: str) -> Expression:
    """Parse an expression; raise CelError "failed to parse CEL expression ..." when it is none.

    Unknown names are no parse errors: they show when the expression is evaluated.

    >>> from lix_vtab.model.ids import SystemSource
    >>> parse_cel("name + '-slug'").evaluate({"name": "sample"}, SystemSource())
    'sample-slug'
    """
    if len(text) > MAX_LENGTH:
        raise CelError(
            f"failed to parse CEL expression '{text[:60]}...': it has {len(text)} characters",
            hint=f"an expression has at most {MAX_LENGTH} characters",
        )
    short = _parse_short(text)
    if short is not None:
        return short
    from lix_vtab.schema.cel_engine import parse

    return parse(text)


def _parse_short(text: str) -> Expression | None:
    call = _CALL.fullmatch(text)
    if call is not None and call[1] in FUNCTIONS:
        return _Call(text, FUNCTIONS[call[1]])
    quoted = _TEXT.fullmatch(text)
    if quoted is not None:
        return Constant(text, quoted[1] if quoted[1] is not None else quoted[2])
    number = _INTEGER.fullmatch(text)
    if number is not None:
        return Constant(text, int(number[1]))
    word = text.strip()
    return Constant(text, _WORDS[word]) if word in _WORDS else None
