"""Rows one below the other, a line for each column: for rows too wide for a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lix_vtab.cli.paint import Paint
from lix_vtab.cli.text import harmless, pad, width
from lix_vtab.cli.values import cell

__all__ = ["draw_records"]

_RULE = 40


def draw_records(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], *, paint: Paint
) -> Iterator[str]:
    """Yield the lines of all rows; no value is cut.

    >>> list(draw_records(("id", "name"), [(1, "a")], paint=Paint(False)))
    ['-- 1 -----------------------------------', 'id    1', 'name  a']
    """
    names = [harmless(name) for name in columns]
    wide = max(map(width, names), default=0)
    for number, row in enumerate(rows, 1):
        yield paint("dim", f"-- {number} ".ljust(_RULE, "-"))
        for name, value in zip(names, row, strict=True):
            yield f"{paint('heading', pad(name, wide))}  {cell(value)}".rstrip()
