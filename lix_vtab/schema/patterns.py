"""Regular expressions of schemas, matched in bounded time.

`pattern` is ECMA-262 and runs in a linear-time engine; look-around and back-references need another
one that backtracks, with a limit on its steps. A pattern is *heavy* when it backtracks or compiles
to something big: texts longer than `LONGEST` never match such a pattern, so no text can stall it.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import cache, lru_cache
from typing import Any, Final

__all__ = ["LONGEST", "Weight", "matches", "options", "weigh"]

LONGEST: Final = 8192
"""Characters a text may have to be matched against a heavy pattern."""


@cache
def options() -> Any:
    """Return how every validator compiles its patterns."""
    import jsonschema_rs

    return jsonschema_rs.FancyRegexOptions(backtrack_limit=100_000, size_limit=1 << 20)


@cache
def _light() -> Any:
    import jsonschema_rs

    return jsonschema_rs.RegexOptions(size_limit=1 << 15)


class Weight(Enum):
    """What a pattern costs to match."""

    LIGHT = "light"
    HEAVY = "heavy"
    INVALID = "invalid"


@lru_cache(maxsize=512)
def weigh(pattern: str) -> Weight:
    r"""Classify a pattern.

    >>> weigh("^[a-z]+$"), weigh(r"(?=.*\d)."), weigh("(")
    (<Weight.LIGHT: 'light'>, <Weight.HEAVY: 'heavy'>, <Weight.INVALID: 'invalid'>)
    """
    import jsonschema_rs

    for limits, weight in ((_light(), Weight.LIGHT), (options(), Weight.HEAVY)):
        try:
            jsonschema_rs.Draft7Validator({"pattern": pattern}, pattern_options=limits)
        except (jsonschema_rs.ValidationError, ValueError):
            continue
        return weight
    return Weight.INVALID


def matches(pattern: str, text: str) -> bool:
    r"""Search `text` for `pattern`, as the keyword `pattern` does.

    >>> matches("^a", "ab"), matches("^a$", "a\n")
    (True, False)
    """
    if len(text) > LONGEST and weigh(pattern) is not Weight.LIGHT:
        return False
    return _search(pattern)(text)


@lru_cache(maxsize=512)
def _search(pattern: str) -> Callable[[str], bool]:
    import jsonschema_rs

    search: Callable[[str], bool] = jsonschema_rs.Draft7Validator(
        {"pattern": pattern}, pattern_options=options()
    ).is_valid
    return search
