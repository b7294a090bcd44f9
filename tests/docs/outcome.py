"""How shown output is compared with real output."""

from __future__ import annotations

import doctest

__all__ = ["same", "verify"]

_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def same(expected: str, actual: str) -> bool:
    """Compare two texts: runs of white space are equal, `...` stands for anything."""
    return doctest.OutputChecker().check_output(
        expected.strip() + "\n", actual.strip() + "\n", _FLAGS
    )


def verify(expected: str, actual: str, place: str) -> None:
    """Fail with both texts when they differ."""
    if not same(expected, actual):
        raise AssertionError(f"{place}\nshown:\n{expected.rstrip()}\nreal:\n{actual.rstrip()}")
