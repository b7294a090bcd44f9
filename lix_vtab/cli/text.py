"""Text on a terminal: how wide it is, cutting it, making it harmless."""

from __future__ import annotations

import re
from unicodedata import combining, east_asian_width

__all__ = ["clip", "harmless", "pad", "width"]

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_NAMED = {"\n": "\\n", "\r": "\\r"}


def width(text: str) -> int:
    """Return how many columns a terminal needs for a text.

    >>> width("abc"), width("日本"), width("é")
    (3, 4, 1)
    """
    if text.isascii():
        return len(text)
    return sum(
        0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in text
    )


def clip(text: str, columns: int) -> str:
    """Cut a text so that it fits, showing that it was cut.

    >>> clip("abcdef", 4), clip("abcd", 4)
    ('abc…', 'abcd')
    """
    if width(text) <= columns:
        return text
    room = max(columns - 1, 0)
    kept = 0
    for end, letter in enumerate(text):
        kept += width(letter)
        if kept > room:
            return text[:end] + "…"
    return text


def pad(text: str, columns: int, *, right: bool = False) -> str:
    """Fill a text with blanks up to a number of columns, on the left when it stands `right`."""
    fill = " " * (columns - width(text))
    return fill + text if right else text + fill


def harmless(text: str) -> str:
    r"""Replace what would control the terminal: stored text must not be able to do that.

    Tabs stay.

    >>> harmless("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    return _CONTROL.sub(_shown, text)


def _shown(match: re.Match[str]) -> str:
    letter = match[0]
    named = _NAMED.get(letter)
    if named:
        return named
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
