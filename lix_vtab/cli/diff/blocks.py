"""Differences as blocks of lines, whatever the lines are: text, properties, records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field

from lix_vtab.model.dataclasses import dataclass

__all__ = ["Block", "Hunk", "Section", "text_hunks"]

_MANY = 5000
"""Beyond so many lines the matcher may treat frequent lines as noise, or it takes forever."""


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of the left side and what stands for them on the right side.

    `left_at` and `right_at` number the first lines, from 1.
    """

    same: bool
    left: tuple[str, ...]
    right: tuple[str, ...]
    left_at: int = 0
    right_at: int = 0


@dataclass(frozen=True, slots=True)
class Hunk:
    """Blocks shown together, under a heading or none."""

    blocks: tuple[Block, ...]
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """All differences of one thing; `numbered` when its lines have numbers."""

    status: str
    name: str
    before_name: str = ""
    note: str = ""
    hunks: tuple[Hunk, ...] = field(default=())
    numbered: bool = False

    def count(self) -> tuple[int, int]:
        """Return how many lines were added and removed."""
        blocks = [block for hunk in self.hunks for block in hunk.blocks if not block.same]
        return sum(len(b.right) for b in blocks), sum(len(b.left) for b in blocks)


def text_hunks(before: Sequence[str], after: Sequence[str], context: int = 3) -> Iterator[Hunk]:
    """Yield the hunks that lead from lines to other lines, with lines around them.

    >>> [hunk.heading for hunk in text_hunks(["a", "b"], ["a", "c"])]
    ['@@ -1,2 +1,2 @@']
    """
    from difflib import SequenceMatcher  # for texts that differ

    matcher = SequenceMatcher(None, before, after, autojunk=max(len(before), len(after)) > _MANY)
    for group in matcher.get_grouped_opcodes(context):
        blocks = [
            Block(tag == "equal", tuple(before[i:j]), tuple(after[k:m]), i + 1, k + 1)
            for tag, i, j, k, m in group
        ]
        left = (group[0][1], group[-1][2])
        right = (group[0][3], group[-1][4])
        yield Hunk(tuple(blocks), f"@@ -{_range(*left)} +{_range(*right)} @@")


def _range(start: int, end: int) -> str:
    """Write a range of lines as unified diffs do.

    >>> _range(0, 1), _range(2, 2), _range(0, 3)
    ('1', '2,0', '1,3')
    """
    length = end - start
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"
