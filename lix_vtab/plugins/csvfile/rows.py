"""The rows of a table: who is who, their ids, and their snapshots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import count
from typing import Any

from lix_vtab.plugins.align import align
from lix_vtab.plugins.csvfile.table import Header, spelled_otherwise
from lix_vtab.plugins.csvfile.text import Record
from lix_vtab.plugins.minting import Minter

__all__ = [
    "ROW",
    "Cells",
    "Row",
    "cells_of",
    "line_of",
    "match_rows",
    "mint",
    "possible_ids",
    "row_snapshot",
    "with_spelling",
]

ROW = "csv_row"

Row = dict[str, Any]
Cells = dict[str, str]


def row_snapshot(
    header: Header, old: Row | None, entity_id: str, order: str, cells: Cells, record: Record
) -> Row:
    """Return the snapshot of a line: the stored row itself where it still says the same."""
    newline = header.dialect.newline
    if (
        old is not None
        and old.get("order") == order
        and old.get("cells") == cells
        and record.ending in ("", old.get("ending", newline))
        and _is_written(header, old, record)
    ):
        return old
    fresh: Row = {"id": entity_id, "order": order, "cells": cells}
    raw = spelled_otherwise(header.dialect, list(cells.items()), record)
    return with_spelling(fresh, raw, record, newline)


def _is_written(header: Header, old: Row, record: Record) -> bool:
    """Tell whether a stored row with the right cells would be written as this line."""
    plain = not header.dialect.quote_all and "raw" not in old and record.cells != [""]
    if plain and not any('"' in raw or "\r" in raw for raw in record.cells):
        return True
    return header.row_line(old, record.ending) == line_of(header, record)


def line_of(header: Header, record: Record) -> str:
    """Return a line as it stands in the text."""
    return header.dialect.delimiter.join(record.cells) + record.ending


def with_spelling(fresh: Row, raw: Cells, record: Record, newline: str) -> Row:
    """Add to a snapshot what its line does in an unusual way."""
    if raw:
        fresh["raw"] = raw
    if record.ending not in ("", newline):
        fresh["ending"] = record.ending
    return fresh


def cells_of(row: Row) -> Cells:
    """Return the cells of a stored row."""
    cells = row.get("cells")
    return cells if isinstance(cells, dict) else {}


def match_rows(
    old: Sequence[Cells], new: Sequence[Cells], shared: Sequence[str], unique: str | None
) -> list[int | None]:
    """Return the stored row that each line is; what names the rows goes first."""

    def similar(i: int, j: int) -> float:
        a, b = old[i], new[j]
        return sum(a.get(key) == b.get(key) for key in shared) / (len(shared) or 1)

    if unique is None:
        old_rows, new_rows = ([_content(row, shared) for row in rows] for rows in (old, new))
        return align(old_rows, new_rows, similar=similar)
    old_names, new_names = ([row.get(unique, "") for row in rows] for rows in (old, new))
    named = _once(old_names) & _once(new_names)
    old_rows, new_rows = (
        [
            (name,) if name in named else _content(row, shared)
            for name, row in zip(names, rows, strict=True)
        ]
        for names, rows in ((old_names, old), (new_names, new))
    )
    return align(old_rows, new_rows, similar=similar, threshold=0.5)


def _content(row: Cells, keys: Sequence[str]) -> tuple[str | None, ...]:
    # the end mark keeps a row of one cell apart from the name of a row
    return (*[row.get(key) for key in keys], None)


def _once(values: Sequence[str]) -> set[str]:
    """Return the texts that occur once; the empty text names nothing."""
    counts = Counter(values)
    return {value for value, times in counts.items() if times == 1 and value}


def mint(cells: Cells, unique: str | None, minter: Minter) -> str:
    """Return a new id: what names the row, or its content and the first free number."""
    named = _named(cells, unique)
    if named is not None and not minter.taken(named):
        return named
    return minter.mint(_stem(cells))


def possible_ids(cells: Cells, unique: str | None) -> Iterator[str]:
    """Yield the ids that a row of these cells may have been given, without end."""
    named = _named(cells, unique)
    if named is not None:
        yield named
    stem = _stem(cells)
    for number in count():
        yield f"{stem}{number}"


def _named(cells: Cells, unique: str | None) -> str | None:
    return None if unique is None or not cells.get(unique) else f"{unique}|{cells[unique]}"


def _stem(cells: Cells) -> str:
    content = "\0".join(cells.values()).encode()
    return f"row:{blake2b(content, digest_size=8).hexdigest()}:"
