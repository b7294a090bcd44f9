"""Which words of a changed line changed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lix_vtab.cli.paint import Paint

__all__ = ["marked_pair"]

_WORDS = re.compile(r"\w+|\s+|.")
_ALIKE = 0.4
"""Lines less alike than this have nothing in common worth marking around."""

_LONG = 2000


def marked_pair(before: str, after: str, paint: Paint) -> tuple[str, str]:
    """Return both lines painted, with the words that differ standing out.

    >>> marked_pair("a 1", "a 2", Paint(False))
    ('a 1', 'a 2')
    """
    if not paint.enabled:
        return before, after
    left, right = _WORDS.findall(before), _WORDS.findall(after)
    from difflib import SequenceMatcher  # for texts that differ

    matcher = SequenceMatcher(None, left, right, autojunk=False)
    if max(len(before), len(after)) > _LONG or matcher.ratio() < _ALIKE:
        return paint("removed", before), paint("added", after)
    codes = matcher.get_opcodes()
    old = _painted(((tag, left[i:j]) for tag, i, j, _, _ in codes), "removed", paint)
    new = _painted(((tag, right[k:m]) for tag, _, _, k, m in codes), "added", paint)
    return old, new


def _painted(parts: Iterator[tuple[str, list[str]]], meaning: str, paint: Paint) -> str:
    return "".join(
        paint(meaning if tag == "equal" else f"{meaning} word", "".join(words))
        for tag, words in parts
    )
