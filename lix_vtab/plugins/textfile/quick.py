"""The shortest way for the commonest edits: a few lines, whatever the length of the text.

Only the lines that changed and their neighbours are looked up, by the ids that lines of their
content have as a rule. Whenever anything is in doubt the answer is None, and all are compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lix_vtab.plugins.contract import StateContext
from lix_vtab.plugins.entities import current_snapshot
from lix_vtab.plugins.lines import begins_line, differing_lines
from lix_vtab.plugins.textfile.lines import LINE, Line, content_of, split, stem_of
from lix_vtab.plugins.textfile.passage import Passage, Row

__all__ = ["edited_passage"]

_MOST_LINES = 32
_MOST_EQUAL = 8


def edited_passage(before: bytes, after: bytes, context: StateContext) -> Passage | None:
    """Return the passage in which two texts differ, with the snapshots of its lines."""
    if before[-1:] != b"\n" or after[-1:] != b"\n":
        return None  # what the last line lacks is said by the document
    start, stop = differing_lines(before, after)
    shift = len(after) - len(before)
    old, new = _few(before, start, stop), _few(after, start, stop + shift)
    if old is None or new is None:
        return None
    places = [before.rfind(b"\n", 0, start - 1) + 1] if start else []
    above, at = len(places), start
    for content, ending in old:
        places.append(at)
        at += len(content) + len(ending)
    if stop < len(before):
        places.append(stop)
    rows: list[Row] = []
    for at in places:
        row = _row_at(before, at, context)
        if row is None:
            return None
        rows.append(row)
    behind = above + len(old)
    return Passage(rows[above:behind], new, rows[:above], rows[behind:])


def _few(data: bytes, start: int, stop: int) -> list[Line] | None:
    return split(data[start:stop]) if data.count(b"\n", start, stop) <= _MOST_LINES else None


def _row_at(data: bytes, at: int, context: StateContext) -> Row | None:
    """Return the line that begins at a place, None when it cannot be told from others."""
    ((content, _),) = split(data[at : data.index(b"\n", at) + 1])
    found: list[tuple[str, str, Any]] = []
    wanted = -1
    stem = stem_of(content)
    for number, place in enumerate(_places(data, content)):
        if number == _MOST_EQUAL:
            return None
        if place == at:
            wanted = number
        snapshot = current_snapshot(context, LINE, f"{stem}{number}")
        order = None if snapshot is None else snapshot.get("order")
        if not isinstance(order, str) or not order or content_of(snapshot) != content:
            return None
        found.append((order, f"{stem}{number}", snapshot))
    if wanted == -1:
        return None
    _, id, snapshot = sorted(found, key=lambda each: each[:2])[wanted]
    return id, snapshot


def _places(data: bytes, content: bytes) -> Iterator[int]:
    """Yield where the lines of a content begin."""
    at = data.find(content) if content[-1:] not in (b"", b"\r") else -1
    while at != -1:
        end = at + len(content)
        if begins_line(data, at) and data[end : end + 2].removeprefix(b"\r")[:1] == b"\n":
            yield at
        at = data.find(content, at + 1)
