"""What changed between two texts, found in the passage in which they differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lix_vtab.model.dataclasses import dataclass
from lix_vtab.plugins.align import align, text_similarity
from lix_vtab.plugins.contract import EntityChange
from lix_vtab.plugins.entities import changed
from lix_vtab.plugins.minting import Minter
from lix_vtab.plugins.order import place
from lix_vtab.plugins.textfile.lines import ENDINGS, LINE, Line, content_of, snapshot_of, stem_of

__all__ = ["Passage"]

Row = tuple[str, dict[str, Any]]
"""The id and the snapshot of a line."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Lines as they were and as they are, and those just above and below, which stay."""

    old: Sequence[Row]
    new: Sequence[Line]
    above: Sequence[Row] = ()
    below: Sequence[Row] = ()

    def trimmed(self, newline: str) -> Passage:
        """Leave out the lines at both ends that are the same on both sides."""
        old, new = self.old, self.new
        start, stop, shift = 0, len(old), len(new) - len(old)
        most = min(stop, len(new))
        while start < most and _same(old[start][1], new[start], newline):
            start += 1
        while stop > start < stop + shift and _same(
            old[stop - 1][1], new[stop + shift - 1], newline
        ):
            stop -= 1
        above = old[start - 1 : start] if start else self.above
        below = old[stop : stop + 1] or self.below
        return Passage(old[start:stop], new[start : stop + shift], above, below)

    def changes(
        self, current: str | None, taken: Callable[[str], bool]
    ) -> tuple[str, list[EntityChange]] | None:
        """Return the newline of the text, then tombstones, new and changed lines in file order.

        `taken` tells whether a line anywhere has an id. None: it takes more than this passage.
        """
        rows = [None if at is None else self.old[at] for at in self._matches()]
        newline = _choose_newline(rows, self.new, current)
        orders = place([_key(row) for row in (*self.above, *rows, *self.below)])
        first, behind = len(self.above), len(self.above) + len(rows)
        around = zip((*self.above, *self.below), orders[:first] + orders[behind:], strict=True)
        if any(row["order"] != order for (_, row), order in around):
            return None
        old, new = dict(self.old), dict[str, Any]()
        minter = Minter(lambda id: id in new or id in old or taken(id))
        for known, line, order in zip(rows, self.new, orders[first:behind], strict=True):
            id = minter.mint(stem_of(line[0])) if known is None else known[0]
            new[id] = snapshot_of(known and known[1], id, order, line, newline)
        return newline, list(changed(LINE, old, new))

    def _matches(self) -> list[int | None]:
        old = [content_of(row) for _, row in self.old]
        new = [content for content, _ in self.new]

        def similar(i: int, j: int) -> float:
            return text_similarity(old[i].decode("latin-1"), new[j].decode("latin-1"))

        return align(old, new, similar=similar)


def _same(row: Mapping[str, Any], line: Line, newline: str) -> bool:
    content, ending = line
    return content_of(row) == content and ending in ("", row.get("ending", newline))


def _key(row: Row | None) -> tuple[str | None, str]:
    return (None, "") if row is None else (row[1].get("order"), row[0])


def _choose_newline(rows: Sequence[Row | None], lines: Sequence[Line], current: str | None) -> str:
    """Return the common line ending: the present one, unless another touches fewer lines."""
    if current in ENDINGS:
        cost = {
            newline: sum(
                ending not in ("", newline if row is None else row[1].get("ending", newline))
                for row, (_, ending) in zip(rows, lines, strict=True)
            )
            for newline in ENDINGS
        }
        other = ENDINGS[current == "\n"]
        return other if cost[other] + 1 < cost[current] else current
    endings = [ending for _, ending in lines]
    return "\r\n" if endings.count("\r\n") > endings.count("\n") else "\n"
