"""The changes that turn stored rows into a new text, and the text of stored rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from lix_vtab.plugins.align import align
from lix_vtab.plugins.contract import EntityChange, File, PluginInvalidInput, Replacement
from lix_vtab.plugins.csvfile.table import (
    ENDINGS,
    HEADER_ID,
    Header,
    find_unique,
    match_columns,
    read_cells,
    spelled_otherwise,
)
from lix_vtab.plugins.csvfile.text import Dialect, Record, read_records, sniff_delimiter, value_of
from lix_vtab.plugins.entities import (
    changed,
    encode_text,
    in_order,
    same_but,
)
from lix_vtab.plugins.order import place
from lix_vtab.plugins.splice import LINE_ENDS, splice

__all__ = ["HEADER", "ROW", "render", "replace_rows", "update"]

HEADER = "csv_header"
ROW = "csv_row"

Row = dict[str, Any]
Cells = dict[str, str]


def update(snapshot: Row | None, old: Mapping[str, Row], file: File) -> Iterator[EntityChange]:
    """Yield the header if it changed, tombstones, then new and changed rows in file order."""
    old = dict(in_order(ROW, old))
    headers = {} if snapshot is None else {HEADER_ID: snapshot}
    text = _decode(file.data)
    if not text:
        yield from changed(HEADER, headers, {})
        yield from changed(ROW, old, {})
        return
    now = None if snapshot is None else Header.of(snapshot)
    bom = text[0] == "\ufeff"
    delimiter = _delimiter(text[bom:], file.path, now)
    records = read_records(text[bom:], delimiter) or [Record([""], "")]
    table = _Table(now, old, records)
    header = table.header(delimiter, snapshot, bom=bom)
    line = _header_snapshot(header, now, snapshot, records[0])
    yield from changed(HEADER, headers, {HEADER_ID: line})
    yield from changed(ROW, old, table.snapshots(header))


class _Table:
    """A new text next to the stored rows: which line is which row."""

    def __init__(self, now: Header | None, old: Mapping[str, Row], records: list[Record]) -> None:
        names = [value_of(raw) for raw in records[0].cells]
        self.now = now
        self.old = old
        self.ids = list(old)
        self.records = records
        self.has_line_feed = any("\n" in raw for record in records for raw in record.cells)
        self.lines = records[1:]
        self.columns = match_columns(now.columns if now else (), names)
        self.cells = [read_cells(record, self.columns) for record in self.lines]
        self.unique = now.unique if now and old else find_unique(self.columns, self.cells)
        shared = {key for key, _ in self.columns}
        if now is not None:
            shared &= {key for key, _ in now.columns}
        if self.unique not in shared:
            self.unique = None
        rows = [_cells_of(row) for row in old.values()]
        self.matches = _match(rows, self.cells, sorted(shared), self.unique)
        self.partners = [None if at is None else old[self.ids[at]] for at in self.matches]

    def header(self, delimiter: str, snapshot: Row | None, *, bom: bool) -> Header:
        """Return what the rows of the new text share."""
        dialect = Dialect(delimiter, self._newline(snapshot), self._quote_all(delimiter))
        unterminated = not self.records[-1].ending
        return Header(self.columns, dialect, self.unique, unterminated, bom)

    def _newline(self, snapshot: Row | None) -> str:
        """Return the common line ending: the present one, unless another touches fewer lines."""
        current = None if self.now is None else self.now.dialect.newline
        endings = [record.ending for record in self.records]
        usual = max(ENDINGS, key=endings.count)
        if current is None or "\r" in (current, usual):
            # a lone \r ends lines only in a file without any \n
            keep = current is not None and not any(endings) and not self.has_line_feed
            return current if keep and current else usual
        said = [snapshot, *self.partners]
        current_cost, usual_cost = (
            sum(
                ending not in ("", newline if row is None else row.get("ending", newline))
                for row, ending in zip(said, endings, strict=True)
            )
            for newline in (current, usual)
        )
        return usual if usual_cost + 1 < current_cost else current

    def _quote_all(self, delimiter: str) -> bool:
        """Tell whether cells are quoted without need; a habit changes only with a landslide."""
        needless = plain = 0
        minimal = Dialect(delimiter)
        for record in self.records:
            for raw in record.cells:
                if raw[:1] != '"':
                    plain += 1
                elif minimal.write(value_of(raw)) != raw:
                    needless += 1
        habit = self.now is not None and self.now.dialect.quote_all
        if self.now is None:
            return needless > plain
        if not plain + needless:
            return habit
        return needless * 10 >= (plain + needless) * (1 if habit else 9)

    def snapshots(self, header: Header) -> dict[str, Row]:
        """Return the snapshot of every row, the stored one where it still holds."""
        orders = place(
            [
                (None, "") if at is None else (self.old[self.ids[at]].get("order"), self.ids[at])
                for at in self.matches
            ]
        )
        used = set(self.ids)
        rows: dict[str, Row] = {}
        for at, match in enumerate(self.matches):
            cells = self.cells[at]
            entity_id = _mint(cells, self.unique, used) if match is None else self.ids[match]
            rows[entity_id] = _row_snapshot(
                header, self.partners[at], entity_id, orders[at], cells, self.lines[at]
            )
        return rows


def render(snapshot: Mapping[str, Any], rows: Mapping[str, Row]) -> bytes:
    """Write a table from its header and rows."""
    header = Header.of(snapshot)
    newline = header.dialect.newline
    listed = [row for _, row in in_order(ROW, rows)]
    endings = [_ending(row, newline) for row in (snapshot, *listed)]
    if header.unterminated:
        endings[-1] = ""
    lines = [header.own_line(snapshot.get("raw"), endings[0])]
    lines += [header.row_line(row, end) for row, end in zip(listed, endings[1:], strict=True)]
    return encode_text("\ufeff" * header.bom + "".join(lines))


def replace_rows(snapshot: Row, data: bytes, replacements: Sequence[Replacement]) -> bytes | None:
    """Return the text with edited rows in place, None where a row cannot be told from others."""
    header = Header.of(snapshot)
    made: bytes | None = data
    for before, after in replacements:
        old, new = before.snapshot_content, after.snapshot_content
        if made is None or not same_but(old, new, "cells", "raw"):
            return None
        ending = _ending(new, header.dialect.newline)
        was, becomes = header.row_line(old, ""), header.row_line(new, "")
        if (was + ending, becomes + ending) != (
            header.row_line(old, ending),
            header.row_line(new, ending),
        ):
            return None  # whether it is the last line makes a difference
        made = splice(made, encode_text(was), encode_text(becomes), LINE_ENDS)
    return made


def _ending(row: Mapping[str, Any], newline: str) -> str:
    ending = row.get("ending", newline)
    if ending not in ENDINGS:
        raise PluginInvalidInput(f"{ending!r} is no line ending")
    return str(ending)


def _decode(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as problem:
        raise PluginInvalidInput(f"file.data is no UTF-8 text: {problem}") from problem


def _delimiter(text: str, path: str, now: Header | None) -> str:
    if now is not None and now.dialect.delimiter in text.partition("\n")[0]:
        return now.dialect.delimiter
    found = sniff_delimiter(text, path)
    return now.dialect.delimiter if now is not None and found not in text else found


def _header_snapshot(
    header: Header, now: Header | None, snapshot: Row | None, first: Record
) -> Row:
    newline = header.dialect.newline
    if (
        snapshot is not None
        and now == header
        and header.own_line(snapshot.get("raw"), first.ending) == _line(header, first)
        and first.ending in ("", snapshot.get("ending", newline))
    ):
        return snapshot
    fresh = header.snapshot()
    raw = spelled_otherwise(header.dialect, header.columns, first)
    if first.cells == [""]:
        raw = {header.columns[0][0]: ""}
    return _with_spelling(fresh, raw, first, newline)


def _row_snapshot(
    header: Header, old: Row | None, entity_id: str, order: str, cells: Cells, record: Record
) -> Row:
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
    return _with_spelling(fresh, raw, record, newline)


def _is_written(header: Header, old: Row, record: Record) -> bool:
    """Tell whether a stored row with the right cells would be written as this line."""
    plain = not header.dialect.quote_all and "raw" not in old and record.cells != [""]
    if plain and not any('"' in raw or "\r" in raw for raw in record.cells):
        return True
    return header.row_line(old, record.ending) == _line(header, record)


def _line(header: Header, record: Record) -> str:
    return header.dialect.delimiter.join(record.cells) + record.ending


def _with_spelling(fresh: Row, raw: Cells, record: Record, newline: str) -> Row:
    if raw:
        fresh["raw"] = raw
    if record.ending not in ("", newline):
        fresh["ending"] = record.ending
    return fresh


def _cells_of(row: Row) -> Cells:
    cells = row.get("cells")
    return cells if isinstance(cells, dict) else {}


def _match(
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
    return {value for value, count in counts.items() if count == 1 and value}


def _mint(cells: Cells, unique: str | None, used: set[str]) -> str:
    """Return a new id: what names the row, or its content and the first free number."""
    named = f"{unique}|{cells.get(unique, '')}" if unique is not None else ""
    if named and cells.get(unique or "") and named not in used:
        used.add(named)
        return named
    content = "\0".join(cells.values()).encode()
    stem = f"row:{blake2b(content, digest_size=8).hexdigest()}"
    number = 0
    while (entity_id := f"{stem}:{number}") in used:
        number += 1
    used.add(entity_id)
    return entity_id
