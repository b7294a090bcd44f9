"""Differences of tables of records, record by record in aligned columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lix_vtab.cli.diff.blocks import Block, Hunk
from lix_vtab.cli.text import pad, width

__all__ = ["record_hunk"]

Cells = Mapping[str, object] | None
"""The cells of a record by column; None for a record that is not there."""


def record_hunk(columns: Sequence[str], records: Sequence[tuple[Cells, Cells]]) -> Hunk:
    """Return one hunk that shows records before and after, under the names of the columns.

    >>> hunk = record_hunk(["id", "n"], [({"id": "1", "n": "2"}, {"id": "1", "n": "10"})])
    >>> [(block.left, block.right) for block in hunk.blocks]
    [(('id  n',), ('id  n',)), (('1   2',), ('1   10',))]
    """
    shown = [(_texts(columns, before), _texts(columns, after)) for before, after in records]
    every = [list(columns), *(row for pair in shown for row in pair if row is not None)]
    widths = [max(width(row[n]) for row in every) for n in range(len(columns))]
    heading = _line(list(columns), widths)
    blocks = [Block(True, heading, heading)]
    blocks += [Block(False, _line(before, widths), _line(after, widths)) for before, after in shown]
    return Hunk(tuple(blocks))


def _texts(columns: Sequence[str], cells: Cells) -> list[str] | None:
    if cells is None:
        return None
    return [str(cells.get(name, "")) for name in columns]


def _line(cells: Sequence[str] | None, widths: Sequence[int]) -> tuple[str, ...]:
    if cells is None:
        return ()
    return ("  ".join(pad(cell, wide) for cell, wide in zip(cells, widths, strict=True)).rstrip(),)
