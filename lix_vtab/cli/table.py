"""Rows as a table of aligned columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lix_vtab.cli.paint import Paint
from lix_vtab.cli.text import clip, harmless, pad, width
from lix_vtab.cli.values import cell

__all__ = ["draw_table", "fits"]

_GAP = "  "
_NARROWEST = 12
"""No column is cut below this to make a table fit."""


def fits(columns: Sequence[str], rows: Sequence[Sequence[Any]], room: int, narrowest: int) -> bool:
    """Tell whether a table fits when no column is cut below a width.

    >>> fits(("name",), [("a" * 50,)], 40, 36), fits(("name", "n"), [("a" * 50, "b")], 20, 36)
    (True, False)
    """
    widths = (
        min(max([width(name), *(width(cell(row[n])) for row in rows)]), narrowest)
        for n, name in enumerate(columns)
    )
    return sum(widths) + len(_GAP) * (len(columns) - 1) <= room


def draw_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    paint: Paint,
    columns_wide: int | None = None,
) -> Iterator[str]:
    """Yield the lines of a table; `columns_wide` is the room there is, None for no limit.

    >>> list(draw_table(("name", "n"), [("ab", 1), ("c", 10)], paint=Paint(False)))
    ['name   n', 'ab     1', 'c     10']
    """
    columns = [harmless(name) for name in columns]
    cells = [[cell(value) for value in row] for row in rows]
    right = [
        bool(rows) and all(isinstance(row[n], int | float) or row[n] is None for row in rows)
        for n in range(len(columns))
    ]
    widths = [
        max([width(name), *(width(row[n]) for row in cells)]) for n, name in enumerate(columns)
    ]
    if columns_wide is not None:
        widths = _fitted(widths, columns_wide)
    yield _line(columns, widths, right, paint, "heading")
    for row in cells:
        yield _line(row, widths, right)


def _fitted(widths: Sequence[int], room: int) -> list[int]:
    """Narrow the widest columns until all of them fit, if they can."""
    fitted = list(widths)
    excess = sum(fitted) + len(_GAP) * (len(fitted) - 1) - room
    while excess > 0:
        widest = max(range(len(fitted)), key=fitted.__getitem__)
        others = max((w for n, w in enumerate(fitted) if n != widest), default=0)
        cut = min(excess, max(fitted[widest] - max(others, _NARROWEST), 1))
        if fitted[widest] - cut < _NARROWEST:
            break
        fitted[widest] -= cut
        excess -= cut
    return fitted


def _line(
    cells: Sequence[str],
    widths: Sequence[int],
    right: Sequence[bool],
    paint: Paint | None = None,
    meaning: str = "",
) -> str:
    padded = [
        pad(clip(text, wide), wide, right=to_right)
        for text, wide, to_right in zip(cells, widths, right, strict=True)
    ]
    line = _GAP.join(padded).rstrip()
    return paint(meaning, line) if paint else line
