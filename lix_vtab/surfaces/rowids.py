"""Rowids of tables that show the rows of many versions."""

from __future__ import annotations

from typing import Final

__all__ = ["VERSION_SHIFT", "join_rowid", "split_rowid"]

VERSION_SHIFT: Final = 40
"""Such rowids carry the version's number above this bit."""


def join_rowid(version_no: int, rowid: int) -> int:
    """Combine a version's number and a rowid inside it."""
    shifted = version_no << VERSION_SHIFT
    return rowid - shifted if rowid < 0 else rowid + shifted


def split_rowid(rowid: int) -> tuple[int, int]:
    """Undo `join_rowid`.

    >>> split_rowid(join_rowid(3, -7))
    (3, -7)
    """
    version_no, inner = divmod(abs(rowid), 1 << VERSION_SHIFT)
    return version_no, -inner if rowid < 0 else inner
