"""The changes that turn stored rows into a new text, and the text of stored rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lix_vtab.plugins.contract import EntityChange, File, PluginInvalidInput, Replacement
from lix_vtab.plugins.csvfile.rows import (
    ROW,
    Row,
    cells_of,
    line_of,
    match_rows,
    mint,
    row_snapshot,
    with_spelling,
)
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
from lix_vtab.plugins.minting import Minter
from lix_vtab.plugins.order import place
from lix_vtab.plugins.splice import LINE_ENDS, splice

__all__ = ["HEADER", "ROW", "render", "replace_rows", "update"]

HEADER = "csv_header"


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
        rows = [cells_of(row) for row in old.values()]
        self.matches = match_rows(rows, self.cells, sorted(shared), self.unique)
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
        rows: dict[str, Row] = {}
        minter = Minter(lambda id: id in self.old or id in rows)
        for at, match in enumerate(self.matches):
            cells = self.cells[at]
            entity_id = mint(cells, self.unique, minter) if match is None else self.ids[match]
            rows[entity_id] = row_snapshot(
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
        and header.own_line(snapshot.get("raw"), first.ending) == line_of(header, first)
        and first.ending in ("", snapshot.get("ending", newline))
    ):
        return snapshot
    fresh = header.snapshot()
    raw = spelled_otherwise(header.dialect, header.columns, first)
    if first.cells == [""]:
        raw = {header.columns[0][0]: ""}
    return with_spelling(fresh, raw, first, newline)
