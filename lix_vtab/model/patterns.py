"""Regular expressions that are compiled when they are first used.

Compiling one takes a tenth of a millisecond, and a command line starts with none of most of them.
"""

from __future__ import annotations

import re
from typing import Any, cast

__all__ = ["pattern"]


def pattern(source: str, flags: int = 0) -> re.Pattern[str]:
    """Return a pattern that compiles itself when one of its methods is first asked for.

    >>> pattern("[0-9]+").findall("1 and 22")
    ['1', '22']
    """
    return cast("re.Pattern[str]", _Late(source, flags))


class _Late:
    """Stand for a pattern; keeps each of its methods that was asked for."""

    def __init__(self, source: str, flags: int) -> None:
        self._given = (source, flags)

    def __getattr__(self, name: str) -> Any:
        value = getattr(re.compile(*self._given), name)
        setattr(self, name, value)  # next time it is found without coming here
        return value
