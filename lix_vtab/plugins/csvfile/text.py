"""Read and write CSV text, every character kept: delimiters, quotes, line endings, odd rows."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice

from lix_vtab.model.dataclasses import dataclass
from lix_vtab.plugins.contract import PluginInvalidInput

__all__ = ["Dialect", "Record", "read_records", "sniff_delimiter", "value_of"]

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE = 50
_QUOTED = re.compile(r'"([^"]*+(?:""[^"]*+)*+)"(.*)', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written: its delimiter, its line ending, and whether every cell is quoted."""

    delimiter: str = ","
    newline: str = "\n"
    quote_all: bool = False

    def keeps(self, raw: str, value: str) -> bool:
        """Tell whether `raw` is another way to write `value` as one cell."""
        if value_of(raw) != value:
            return False
        match = _QUOTED.fullmatch(raw)
        plain = match[2] if match else raw
        return not (self.delimiter in plain or "\n" in plain or self.newline in plain)

    def write(self, value: str) -> str:
        """Write one cell the usual way.

        >>> Dialect().write("a,b"), Dialect(quote_all=True).write("1")
        ('"a,b"', '"1"')
        """
        if self.quote_all or self.delimiter in value or '"' in value or _breaks(value):
            return '"' + value.replace('"', '""') + '"'
        return value


@dataclass(slots=True)
class Record:
    """One line of the table: its cells as written, and its line ending."""

    cells: list[str]
    ending: str


def _breaks(value: str) -> bool:
    return "\n" in value or "\r" in value


def value_of(raw: str) -> str:
    """Return what a cell says.

    >>> value_of('"a ""b"" c"'), value_of("plain"), value_of('"odd" end')
    ('a "b" c', 'plain', 'odd end')
    """
    if raw[:1] != '"':
        return raw
    match = _QUOTED.fullmatch(raw)
    return match[1].replace('""', '"') + match[2] if match else raw


def sniff_delimiter(text: str, path: str) -> str:
    """Guess the delimiter from the name of the file and its first lines."""
    if path.lower().endswith(".tsv"):
        return "\t"
    lines = [line for line in islice(text.splitlines(), _SAMPLE) if line]
    best, best_score = ",", 0.0
    for delimiter in _DELIMITERS:
        counts = [re.sub(r'"[^"]*"', "", line).count(delimiter) for line in lines]
        if not counts or not counts[0]:
            continue
        # a delimiter occurs in the heading, and equally often in the other lines
        score = counts.count(counts[0]) / len(counts) + min(counts[0], 50) / 1000
        if score > best_score:
            best, best_score = delimiter, score
    return best


def read_records(text: str, delimiter: str) -> list[Record]:
    """Split text into records; raise PluginInvalidInput for a quote that is never closed."""
    endings = r"\r\n|\n" if "\n" in text else r"\r"
    if '"' not in text:
        return _read_plain(text, delimiter, endings)
    records: list[Record] = []
    cells: list[str] = []
    cell = _cell_pattern(delimiter, endings).match
    at, size = 0, len(text)
    while at < size or cells:
        match = cell(text, at)
        if match is None:
            line = text.count("\n", 0, at) + 1
            raise PluginInvalidInput(f"file.data is no CSV: the quote in line {line} never closes")
        raw, stop = match.groups()
        at = match.end()
        cells.append(raw)
        if stop != delimiter:
            records.append(Record(cells, stop))
            cells = []
    return records


def _read_plain(text: str, delimiter: str, endings: str) -> list[Record]:
    pieces = re.split(f"({endings})", text)
    records = [
        Record(pieces[at].split(delimiter), pieces[at + 1]) for at in range(0, len(pieces) - 1, 2)
    ]
    if pieces[-1]:
        records.append(Record(pieces[-1].split(delimiter), ""))
    return records


@lru_cache(maxsize=16)
def _cell_pattern(delimiter: str, endings: str) -> re.Pattern[str]:
    mark = re.escape(delimiter)
    if endings == r"\r":
        plain = rf"[^{mark}\r]*+"
    else:
        # a lone \r inside a file with \n is content
        plain = rf"[^{mark}\r\n]*+(?:\r(?!\n)[^{mark}\r\n]*+)*+"
    return re.compile(rf'((?:"[^"]*+(?:""[^"]*+)*+"|(?!")){plain})({mark}|{endings}|\Z)')
