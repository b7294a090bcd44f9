"""Sections of differences as text: unified, side by side, or counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import zip_longest

from lix_vtab.cli.diff.blocks import Block, Section
from lix_vtab.cli.diff.words import marked_pair
from lix_vtab.cli.paint import Paint
from lix_vtab.cli.text import clip, harmless, pad, width

__all__ = ["counted", "side_by_side", "unified"]

_MEANINGS = {"added": "added", "removed": "removed", "modified": "changed", "renamed": "changed"}
_BAR = 40


def unified(section: Section, paint: Paint) -> Iterator[str]:
    """Yield the lines of a section, removed ones before added ones."""
    yield _title(section, paint)
    for hunk in section.hunks:
        if hunk.heading:
            yield paint("place", harmless(hunk.heading))
        for block in hunk.blocks:
            yield from _unified_block(block, paint)


def _unified_block(block: Block, paint: Paint) -> Iterator[str]:
    left, right = [harmless(line) for line in block.left], [harmless(line) for line in block.right]
    if block.same:
        yield from (f" {line}" for line in left)
        return
    if len(left) == len(right):
        pairs = [marked_pair(old, new, paint) for old, new in zip(left, right, strict=True)]
        left, right = [old for old, _ in pairs], [new for _, new in pairs]
    else:
        left = [paint("removed", line) for line in left]
        right = [paint("added", line) for line in right]
    yield from (paint("removed", "-") + line for line in left)
    yield from (paint("added", "+") + line for line in right)


def side_by_side(section: Section, paint: Paint, wide: int) -> Iterator[str]:
    """Yield the lines of a section in two columns."""
    yield _title(section, paint)
    gutter = _gutter(section)
    room = max((wide - 3) // 2 - gutter, 8)
    for number, hunk in enumerate(section.hunks):
        if number:
            yield paint("dim", "⋯")
        for block in hunk.blocks:
            yield from _pairs(block, room, gutter, paint)


def _pairs(block: Block, room: int, gutter: int, paint: Paint) -> Iterator[str]:
    for offset, (old, new) in enumerate(zip_longest(block.left, block.right)):
        left = None if old is None else clip(harmless(old).expandtabs(4), room)
        right = None if new is None else clip(harmless(new).expandtabs(4), room)
        fill = " " * (room - width(left or ""))
        mark = " " if block.same else "<" if right is None else ">" if left is None else "|"
        if block.same:
            shown_left, shown_right = left or "", right or ""
        elif left is not None and right is not None:
            shown_left, shown_right = marked_pair(left, right, paint)
        else:
            shown_left, shown_right = paint("removed", left or ""), paint("added", right or "")
        numbers = [
            ""
            if not gutter
            else pad(str(at + offset) if there else "", gutter - 1, right=True) + " "
            for at, there in ((block.left_at, old is not None), (block.right_at, new is not None))
        ]
        line = (
            f"{paint('dim', numbers[0])}{shown_left}{fill} {mark} "
            f"{paint('dim', numbers[1])}{shown_right}"
        )
        yield line.rstrip()


def _gutter(section: Section) -> int:
    """Return how wide line numbers are, with the blank behind them."""
    if not section.numbered:
        return 0
    blocks = [block for hunk in section.hunks for block in hunk.blocks]
    ends = [max(b.left_at + len(b.left), b.right_at + len(b.right)) for b in blocks]
    return len(str(max(ends, default=1))) + 1


def counted(sections: Iterable[Section], paint: Paint) -> Iterator[str]:
    """Yield a line for each section with counts, and a line with their sum."""
    rows = [(section, *section.count()) for section in sections]
    names = [_name(section) for section, _, _ in rows]
    wide = max(map(width, names), default=0)
    most = max((added + removed for _, added, removed in rows), default=0)
    for (section, added, removed), name in zip(rows, names, strict=True):
        scale = min(1.0, _BAR / most) if most else 0
        bars = paint("added", "+" * round(added * scale)) + paint(
            "removed", "-" * round(removed * scale)
        )
        note = section.note if not added + removed else f"{added + removed:>4} {bars}"
        yield f" {pad(name, wide)} | {note}".rstrip()
    plus, minus = sum(added for _, added, _ in rows), sum(removed for _, _, removed in rows)
    files = sum(section.name.startswith("/") for section, _, _ in rows)
    counts = [_count(files, "file"), _count(len(rows) - files, "row")]
    yield f" {' and '.join(filter(None, counts))} changed, {plus} added(+), {minus} removed(-)"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}" if number else ""


def _title(section: Section, paint: Paint) -> str:
    status = paint(_MEANINGS.get(section.status, "heading"), section.status)
    note = f"  {paint('dim', section.note)}" if section.note else ""
    return f"{status} {paint('heading', _name(section))}{note}"


def _name(section: Section) -> str:
    name = harmless(section.name)
    return f"{harmless(section.before_name)} → {name}" if section.before_name else name
