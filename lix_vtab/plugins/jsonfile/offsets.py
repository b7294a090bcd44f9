"""Where in a JSON text a value or a member stands, found by passing over what is before it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from lix_vtab.plugins.jsonfile.scan import SCALAR, SPACE, STRING, member_at, scan_scalar, skip_space

__all__ = ["members_end", "value_offset"]

_RUN = 32
_PLAIN = {
    "{": rf"{SPACE}{STRING}{SPACE}:{SPACE}(?:{SCALAR}){SPACE},",
    "[": rf"{SPACE}(?:{SCALAR}){SPACE},",
}
_ONE = {kind: re.compile(member, re.ASCII) for kind, member in _PLAIN.items()}
_MANY = {kind: re.compile(f"(?:{one}){{{_RUN}}}", re.ASCII) for kind, one in _PLAIN.items()}
_value_at = json.JSONDecoder().raw_decode


def value_offset(text: str, place: Sequence[str | int]) -> int | None:
    """Return where the value at a place starts; of members with one name, the first."""
    at = skip_space(text, 0)
    for step in place:
        at = skip_space(text, at + 1)
        index = 0
        while True:
            if isinstance(step, str):
                token, at = member_at(text, at)
                found = token == step
            else:
                found = index == step
            if found:
                break
            scalar = scan_scalar(text, at)
            at = _value_at(text, at)[1] if scalar is None else at + len(scalar)
            at = skip_space(text, at)
            if text[at] != ",":
                return None
            at = skip_space(text, at + 1)
            index += 1
    return at


def members_end(text: str, at: int, count: int, kind: str) -> int:
    """Return where `count` members end that begin at a position behind a bracket or a comma.

    It is behind the comma of the last one, or at the closing bracket.
    """
    while count:
        plain = _MANY[kind].match(text, at) if count >= _RUN else None
        if plain is not None:
            count -= _RUN
            at = plain.end()
            continue
        count -= 1
        plain = _ONE[kind].match(text, at)
        if plain is not None:
            at = plain.end()
            continue
        at = skip_space(text, at)
        if kind == "{":
            at = member_at(text, at)[1]
        at = skip_space(text, _value_at(text, at)[1])
        at += text[at] == ","
    return at
