"""The shortest way for the commonest edits of a table: a few rows, however many there are.

Only the rows that changed and their neighbours are looked up, by the ids that rows of their content
have as a rule. A row that is found, and whose line stands in the text once, proves where rows begin
there. Whenever anything is in doubt the answer is None, and all rows are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from lix_vtab.plugins.contract import EntityChange, PluginInvalidInput, StateContext
from lix_vtab.plugins.csvfile.rows import (
    ROW,
    Row,
    cells_of,
    line_of,
    match_rows,
    mint,
    possible_ids,
    row_snapshot,
)
from lix_vtab.plugins.csvfile.table import Header, read_cells
from lix_vtab.plugins.csvfile.text import Record, read_records
from lix_vtab.plugins.entities import changed, current_snapshot, encode_text
from lix_vtab.plugins.lines import differing_lines
from lix_vtab.plugins.minting import Minter
from lix_vtab.plugins.order import place
from lix_vtab.plugins.splice import LINE_ENDS, splice

__all__ = ["edited_rows"]

_MOST_LINES = 32
_MOST_EQUAL = 4

Known = tuple[str, Row]
"""The id and the snapshot of a row."""


def edited_rows(
    snapshot: Row, before: bytes, after: bytes, context: StateContext
) -> list[EntityChange] | None:
    """Return what changed between two texts of a table when only a few rows did, else None."""
    header = Header.of(snapshot)
    top = encode_text("\ufeff" * header.bom + header.own_line(snapshot.get("raw"), "\n"))[:-1]
    newline = header.dialect.newline
    head = len(top) + len(newline)
    if newline == "\r" or header.dialect.delimiter.encode() not in top.partition(b"\n")[0]:
        return None
    start, stop = differing_lines(before, after)
    rest = len(before) - stop
    if before[:head] != top + newline.encode() or start < head:
        return None
    if not rest and not before[-1:] == after[-1:] == b"\n":
        return None  # whether the last line ends is said by the header
    reader = _Reader(header, before, context)
    above = [] if start == head else reader.known(before.rfind(b"\n", 0, start - 1) + 1, start)
    below = reader.known(stop, before.find(b"\n", stop) + 1 or len(before)) if rest else []
    old = reader.known(start, stop)
    new = _records(header, after[start : len(after) - rest])
    if above is None or below is None or old is None or new is None:
        return None
    if not (above or old or below):
        return None  # the first rows of a table tell which column names them
    return reader.changes(above[-1:], old, new, below[:1])


def _records(header: Header, passage: bytes) -> list[Record] | None:
    """Return the rows of a passage that ends where a row does; None when it does not."""
    if passage.count(b"\n") > _MOST_LINES:
        return None
    try:
        return read_records(passage.decode(), header.dialect.delimiter) if passage else []
    except (PluginInvalidInput, UnicodeDecodeError):
        return None


class _Reader:
    """Finds rows of a text, and says what came of them."""

    def __init__(self, header: Header, text: bytes, context: StateContext) -> None:
        self.header = header
        self.text = text
        self.context = context

    def known(self, start: int, stop: int) -> list[Known] | None:
        """Return the stored rows a passage consists of; None when they cannot be told."""
        records = _records(self.header, self.text[start:stop])
        if records is None:
            return None
        rows = []
        for record in records:
            row = self._row(record)
            if row is None:
                return None
            rows.append(row)
        return rows

    def _row(self, record: Record) -> Known | None:
        header = self.header
        line = line_of(header, Record(record.cells, "")).encode()
        if splice(self.text, line, b"", LINE_ENDS) is None:
            return None
        cells = read_cells(record, header.columns)
        for id in islice(possible_ids(cells, header.unique), _MOST_EQUAL):
            row = current_snapshot(self.context, ROW, id)
            if (
                isinstance(row, dict)
                and row.get("ending", header.dialect.newline) == header.dialect.newline
                and record.ending in ("", header.dialect.newline)
                and header.row_line(row, record.ending) == line_of(header, record)
            ):
                return id, row
        return None

    def changes(
        self,
        above: Sequence[Known],
        old: Sequence[Known],
        new: Sequence[Record],
        below: Sequence[Known],
    ) -> list[EntityChange] | None:
        """Return what becomes of rows between two that stay; None when it takes more than these."""
        header = self.header
        if any(record.ending not in ("", header.dialect.newline) for record in new):
            return None
        cells = [read_cells(record, header.columns) for record in new]
        keys = sorted(key for key, _ in header.columns)
        found = match_rows([cells_of(row) for _, row in old], cells, keys, header.unique)
        partners = [None if at is None else old[at] for at in found]
        around = (*above, *partners, *below)
        orders = place([(None, "") if x is None else (x[1].get("order"), x[0]) for x in around])
        stay = [*zip(above, orders[:1], strict=False), *zip(below, orders[-1:], strict=False)]
        if any(row.get("order") != order for (_, row), order in stay):
            return None
        stored, rows = dict(old), dict[str, Row]()
        minter = Minter(lambda id: id in rows or self.context.find(ROW, id) is not None)
        for known, record, said, order in zip(
            partners, new, cells, orders[len(above) :], strict=False
        ):
            id = mint(said, header.unique, minter) if known is None else known[0]
            rows[id] = row_snapshot(header, known and known[1], id, order, said, record)
        return list(changed(ROW, stored, rows))
