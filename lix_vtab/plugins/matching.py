"""Which plugin takes a file: globs over whole paths, content types, and which match is better.

The same functions decide for reads and for writes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

__all__ = ["ContentType", "GlobError", "compile_glob", "content_type_of", "glob_matches", "rank"]

ContentType = Literal["text", "binary"]

_CATCH_ALL = frozenset({"*", "**", "**/*"})
_SPECIAL = frozenset("*?[]{}")
_MOST_ALTERNATIVES = 1024
_ANY_DIRECTORIES = "(?:.*/)?"


class GlobError(ValueError):
    """A glob cannot be understood; the text says where."""


def content_type_of(data: bytes) -> ContentType:
    """Classify bytes: a NUL byte or invalid UTF-8 makes them binary.

    >>> content_type_of(b"hello"), content_type_of(bytes([0x89, 0x50]))
    ('text', 'binary')
    """
    if b"\0" in data:
        return "binary"
    if data.isascii():
        return "text"
    try:
        data.decode()
    except UnicodeDecodeError:
        return "binary"
    return "text"


def glob_matches(glob: str, path: str) -> bool:
    """Tell whether `path` as a whole matches; letters match in either case, `*` also matches `/`.

    >>> glob_matches("*.{md,mdx}", "/docs/Notes.MDX")
    True
    """
    glob, path = glob.strip(), path.strip()
    if not glob or not path:
        return False
    if glob in _CATCH_ALL:
        return True
    try:
        return compile_glob(glob).fullmatch(path) is not None
    except GlobError:
        return False


def rank(glob: str) -> float:
    """Tell how specific a glob is: the more literal characters and the fewer wildcards, the better.

    >>> rank("*") < rank("*.md") < rank("docs/**/*.md")
    True
    """
    glob = glob.strip()
    if glob in _CATCH_ALL:
        return float("-inf")
    special = sum(symbol in _SPECIAL for symbol in glob)
    return len(glob) - 2 * special


@lru_cache(maxsize=256)
def compile_glob(glob: str) -> re.Pattern[str]:
    """Compile a glob (`*`, `?`, `[a-z]`, `[!a-z]`, `{a,b}`, `**/`); raise GlobError."""
    alternatives = _expand(glob.strip())
    source = "|".join(map(_translate, alternatives))
    try:
        return re.compile(source, re.IGNORECASE | re.DOTALL)
    except re.error as problem:
        raise GlobError(f"{glob!r}: {problem}") from problem


def _expand(glob: str) -> list[str]:
    """Write `a{b,c}` as `ab` and `ac`, so that every alternative is free of braces."""
    prefixes = [""]
    at = 0
    while at < len(glob):
        symbol = glob[at]
        if symbol == "{":
            at, options = _brace(glob, at)
            prefixes = [prefix + option for prefix in prefixes for option in options]
        elif symbol == "}":
            raise GlobError(f"{glob!r}: '}}' at position {at} closes nothing")
        else:
            stop = _unit(glob, at)
            prefixes = [prefix + glob[at:stop] for prefix in prefixes]
            at = stop
        if len(prefixes) > _MOST_ALTERNATIVES:
            raise GlobError(f"{glob!r} stands for more than {_MOST_ALTERNATIVES} alternatives")
    return prefixes


def _brace(glob: str, start: int) -> tuple[int, list[str]]:
    """Return the position after the group that opens at `start`, and its alternatives."""
    depth, piece, options, at = 1, start + 1, [], start + 1
    while at < len(glob):
        symbol = glob[at]
        depth += (symbol == "{") - (symbol == "}")
        if depth == 0 or (depth == 1 and symbol == ","):
            options.extend(_expand(glob[piece:at]))
            piece = at + 1
        at = _unit(glob, at)
        if depth == 0:
            return at, options
    raise GlobError(f"{glob!r}: '{{' at position {start} is never closed")


def _unit(glob: str, at: int) -> int:
    """Return the position after one symbol, escape or character class."""
    symbol = glob[at]
    if symbol == "\\":
        if at + 1 == len(glob):
            raise GlobError(f"{glob!r} ends in a lone backslash")
        return at + 2
    if symbol != "[":
        return at + 1
    first = at + 2 if glob[at + 1 : at + 2] in ("!", "^") else at + 1
    close = glob.find("]", first + 1)
    if close < 0:
        raise GlobError(f"{glob!r}: '[' at position {at} is never closed")
    return close + 1


def _translate(glob: str) -> str:
    """Write one brace-free glob as a regular expression without exponential backtracking."""
    # Between two stars the leftmost place is always a right one, hence the atomic groups.
    pieces = [""]
    at = 0
    while at < len(glob):
        if glob.startswith("**/", at) and (at == 0 or glob[at - 1] == "/"):
            pieces[-1] += _ANY_DIRECTORIES
            at += 3
            continue
        stop = _unit(glob, at)
        unit = glob[at:stop]
        if unit == "*":
            if pieces[-1] or len(pieces) == 1:
                pieces.append("")
        else:
            pieces[-1] += _symbol(unit)
        at = stop
    first, *rest = pieces
    if not rest:
        return first
    if any(_ANY_DIRECTORIES in piece for piece in pieces):
        return ".*".join(pieces)
    return first + "".join(f"(?>.*?{piece})" for piece in rest[:-1]) + f".*{rest[-1]}"


def _symbol(unit: str) -> str:
    if unit == "?":
        return "."
    if unit[0] == "\\":
        return re.escape(unit[1])
    if unit[0] != "[":
        return re.escape(unit)
    negated = unit[1] in "!^"
    body = re.sub(r"([\\\[\]&~|^])", r"\\\1", unit[1 + negated : -1])
    return f"[{'^' if negated else ''}{body}]"
