"""JSON pointers (RFC 6901), parsed once and followed often."""

from __future__ import annotations

import re
from dataclasses import field
from typing import Any, Final

from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.json import Json
from lix_vtab.model.patterns import pattern

__all__ = ["MISSING", "Pointer", "escape", "is_pointer", "parse_pointer", "pointer_text"]

MISSING: Final[Any] = object()
"""What `Pointer.find` returns where a document has nothing; distinct from JSON null."""

_SYNTAX = pattern(r"(?:/(?:[^~/]|~[01])*)*", re.DOTALL)
_INDEX = pattern(r"0|[1-9][0-9]*")


def is_pointer(text: str) -> bool:
    """Tell whether `text` is a JSON pointer.

    >>> is_pointer("/a~1b"), is_pointer("a"), is_pointer("/~2")
    (True, False, False)
    """
    return _SYNTAX.fullmatch(text) is not None


def escape(segment: str) -> str:
    """Write one segment the way it stands inside a pointer."""
    return segment.replace("~", "~0").replace("/", "~1")


def pointer_text(path: tuple[str | int, ...]) -> str:
    """Join segments to a pointer.

    >>> pointer_text(("a/b", 0))
    '/a~1b/0'
    """
    return "".join(f"/{escape(str(segment))}" for segment in path)


@dataclass(frozen=True, slots=True)
class Pointer:
    """A parsed pointer: its text, its segments, and `name` when it has exactly one."""

    text: str
    path: tuple[str, ...]
    name: str | None = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.path[0] if len(self.path) == 1 else None)

    def find(self, document: Json) -> Json:
        """Return what stands at this place of `document`, or `MISSING`.

        >>> parse_pointer("/a/1").find({"a": [1, 2]})
        2
        """
        found = document
        for segment in self.path:
            if isinstance(found, dict):
                found = found.get(segment, MISSING)
            elif isinstance(found, list) and _INDEX.fullmatch(segment):
                # an index too long for int() is beyond any list
                index = int(segment) if len(segment) < 19 else len(found)
                found = found[index] if index < len(found) else MISSING
            else:
                return MISSING
        return found


def parse_pointer(text: str) -> Pointer:
    """Parse a pointer; raise ValueError when `text` is none.

    >>> parse_pointer("/value/x~1y").path
    ('value', 'x/y')
    """
    if not is_pointer(text):
        raise ValueError(f"{text!r} is not a JSON pointer")
    segments = text.split("/")[1:]
    return Pointer(text, tuple(part.replace("~1", "/").replace("~0", "~") for part in segments))
