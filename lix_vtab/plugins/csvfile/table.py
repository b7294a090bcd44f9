"""The header and the rows of a table as snapshots, and their lines written from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lix_vtab.model.dataclasses import dataclass
from lix_vtab.plugins.align import align
from lix_vtab.plugins.contract import PluginInvalidInput
from lix_vtab.plugins.csvfile.text import Dialect, Record, value_of
from lix_vtab.plugins.entities import text_member

__all__ = [
    "ENDINGS",
    "HEADER_ID",
    "Header",
    "find_unique",
    "match_columns",
    "read_cells",
    "spelled_otherwise",
]

HEADER_ID = "header"
ENDINGS = ("\n", "\r\n", "\r")

_ID_NAMES = ("id", "key", "uuid", "guid")

Columns = tuple[tuple[str, str], ...]
"""Key and name of each column; the key lasts when the column is renamed or moved."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the rows of a table share."""

    columns: Columns
    dialect: Dialect
    unique: str | None = None
    unterminated: bool = False
    bom: bool = False

    @classmethod
    def of(cls, snapshot: Mapping[str, Any]) -> Header:
        """Read a header from its snapshot; refuse one that names no columns or no dialect."""
        delimiter = text_member(snapshot, "delimiter", ",")
        newline = text_member(snapshot, "newline", "\n")
        if len(delimiter) != 1 or delimiter in '"\r\n' or newline not in ENDINGS:
            raise PluginInvalidInput("the header of a table needs a delimiter and a newline")
        return cls(
            _read_columns(snapshot.get("columns")),
            Dialect(delimiter, newline, snapshot.get("quoting") == "all"),
            snapshot.get("unique_column"),
            bool(snapshot.get("unterminated")),
            bool(snapshot.get("bom")),
        )

    def snapshot(self) -> dict[str, Any]:
        """Write the header down; what is usual is left out."""
        dialect = self.dialect
        said: dict[str, Any] = {
            "id": HEADER_ID,
            "columns": [{"key": key, "name": name} for key, name in self.columns],
            "delimiter": dialect.delimiter,
            "newline": dialect.newline,
        }
        if dialect.quote_all:
            said["quoting"] = "all"
        if self.unique is not None:
            said["unique_column"] = self.unique
        if self.unterminated:
            said["unterminated"] = True
        if self.bom:
            said["bom"] = True
        return said

    def own_line(self, raw: Any, ending: str) -> str:
        """Write the line of names, with its ending."""
        return _join(self.dialect, self.columns, raw, ending)

    def row_line(self, row: Mapping[str, Any], ending: str) -> str:
        """Write the line of a row, with its ending."""
        cells = row.get("cells", {})
        if not isinstance(cells, dict) or not all(isinstance(v, str) for v in cells.values()):
            raise PluginInvalidInput("the cells of a table row must be an object of strings")
        keys = [key for key, _ in self.columns]
        extra = len(cells.keys() - set(keys))
        keys += [f"#{at + 1}" for at in range(extra) if f"#{at + 1}" in cells]
        while keys and keys[-1] not in cells:
            keys.pop()
        named = [(key, cells.get(key, "")) for key in keys]
        return _join(self.dialect, named, row.get("raw"), ending)


def _read_columns(columns: Any) -> Columns:
    if isinstance(columns, list) and columns and all(isinstance(each, dict) for each in columns):
        return tuple((text_member(each, "key"), text_member(each, "name")) for each in columns)
    raise PluginInvalidInput("the columns of a table must be an array of objects, at least one")


def _join(dialect: Dialect, cells: Sequence[tuple[str, str]], raw: Any, ending: str) -> str:
    """Write a line; `raw` holds the cells that are spelled in another than the usual way."""
    kept = raw if isinstance(raw, dict) else {}
    written = []
    for key, value in cells:
        spelling = kept.get(key)
        if isinstance(spelling, str) and dialect.keeps(spelling, value):
            written.append(spelling)
        else:
            written.append(dialect.write(value))
    if written and written[-1][-1:] == "\r" and ending[:1] == "\n":
        # the two would be read as one line ending
        written[-1] = Dialect(quote_all=True).write(cells[-1][1])
    if written == [""] and cells[0][0] not in kept:
        return '""' + ending  # an empty line is a row without cells
    return dialect.delimiter.join(written) + ending


def read_cells(record: Record, columns: Columns) -> dict[str, str]:
    """Return what the cells of a record say by column; those beyond the columns are #1, #2, ...

    An empty line has no cells.
    """
    raws = record.cells
    if raws == [""]:
        return {}
    values = [value_of(raw) if raw[:1] == '"' else raw for raw in raws]
    cells = {key: value for (key, _), value in zip(columns, values, strict=False)}
    for at in range(len(columns), len(values)):
        cells[f"#{at - len(columns) + 1}"] = values[at]
    return cells


def spelled_otherwise(
    dialect: Dialect, cells: Sequence[tuple[str, str]], record: Record
) -> dict[str, str]:
    """Return the cells that a record does not spell in the usual way."""
    if not dialect.quote_all and not any('"' in raw or "\r" in raw for raw in record.cells):
        return {}
    return {
        key: raw
        for (key, value), raw in zip(cells, record.cells, strict=False)
        if dialect.write(value) != raw
    }


def match_columns(old: Columns, names: Sequence[str]) -> Columns:
    """Give every column its key: the one it has, even when renamed, or a new one.

    >>> match_columns((("Name", "Name"), ("Age", "Age")), ["Age", "Full name"])
    (('Age', 'Age'), ('Name', 'Full name'))
    """
    found = align([name for _, name in old], names)
    kept = set(found)
    left = [at for at in range(len(old)) if at not in kept]
    if len(old) == len(names) and len(left) == 1:
        # one name is new and one is gone: the column was renamed, wherever it stands now
        found = [left[0] if at is None else at for at in found]
    used = {key for key, _ in old}
    columns = []
    for at, (match, name) in enumerate(zip(found, names, strict=True)):
        key = _new_key(name, at, used) if match is None else old[match][0]
        used.add(key)
        columns.append((key, name))
    return tuple(columns)


def _new_key(name: str, at: int, used: set[str]) -> str:
    key = stem = name if name and name[0] != "#" else f"column {at + 1}"
    number = 1
    while key in used:
        number += 1
        key = f"{stem} ({number})"
    return key


def find_unique(columns: Columns, rows: Sequence[Mapping[str, str]]) -> str | None:
    """Return the first column that names each row: every value there, none twice.

    Columns called id, key, uuid or guid go first.
    """
    if not rows:
        return None
    keys = [key for key, _ in columns]
    named = [key for key in keys if key.lower() in _ID_NAMES]
    for key in dict.fromkeys([*named, *keys]):
        values = [row.get(key, "") for row in rows if row]
        if values and all(values) and len(set(values)) == len(values):
            return key
    return None
