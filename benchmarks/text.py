"""Numbers and tables as text, for the terminal and for documents alike."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

__all__ = ["markdown", "number"]


def number(value: float | None, digits: int = 3) -> str:
    """Return a number with so many significant digits, without exponents; "" for None.

    >>> number(1234.6), number(0.012345), number(None)
    ('1,235', '0.0123', '')
    """
    if value is None:
        return ""
    if value == 0:
        return "0"
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    text = f"{value:.{digits}g}"
    return f"{value:.8f}".rstrip("0") if "e" in text else text


def markdown(
    head: Sequence[str], rows: Iterable[Sequence[Any]], right: Collection[int] = ()
) -> str:
    """Return a Markdown table whose columns line up; `right` are the columns of numbers."""
    cells = [list(map(str, head)), *(list(map(str, row)) for row in rows)]
    widths = [max(3, *(len(row[column]) for row in cells)) for column in range(len(head))]
    rule = [
        f"{'-' * (width - 1)}:" if column in right else "-" * width
        for column, width in enumerate(widths)
    ]
    padded = [
        [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in cells
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in [padded[0], rule, *padded[1:]])
