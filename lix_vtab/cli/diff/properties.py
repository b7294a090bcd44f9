"""Differences of JSON values, property by property."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lix_vtab.cli.diff.blocks import Block, text_hunks

__all__ = ["ABSENT", "property_blocks", "value_block"]

ABSENT: Any = object()
"""Stands for a value that is not there."""


def property_blocks(before: Any, after: Any, name: str = "") -> Iterator[Block]:
    """Yield a block for each property that differs; objects are compared inside.

    >>> [(b.left, b.right) for b in property_blocks({"a": 1, "b": {"c": 2}}, {"a": 1, "b": {}})]
    [(('b.c: 2',), ())]
    """
    if isinstance(before, dict) and isinstance(after, dict):
        for key in (*before, *(key for key in after if key not in before)):
            inner = f"{name}.{key}" if name else key
            yield from property_blocks(before.get(key, ABSENT), after.get(key, ABSENT), inner)
    elif before is ABSENT or after is ABSENT or before != after or type(before) is not type(after):
        yield from value_block(name, before, after)


def value_block(name: str, before: Any, after: Any) -> Iterator[Block]:
    """Yield the block of one value; texts of several lines are compared line by line."""
    if _has_lines(before) or _has_lines(after):
        left, right = _lines(before), _lines(after)
        yield Block(True, (f"{name}:",), (f"{name}:",))
        for hunk in text_hunks(left, right, 1):
            for block in hunk.blocks:
                yield Block(block.same, _indented(block.left), _indented(block.right))
        return
    yield Block(False, _line(name, before), _line(name, after))


def _line(name: str, value: Any) -> tuple[str, ...]:
    if value is ABSENT:
        return ()
    shown = json.dumps(value, ensure_ascii=False)
    return (f"{name}: {shown}" if name else shown,)


def _has_lines(value: Any) -> bool:
    return isinstance(value, str) and "\n" in value.rstrip("\n")


def _lines(value: Any) -> list[str]:
    if value is ABSENT:
        return []
    return value.split("\n") if isinstance(value, str) else [json.dumps(value, ensure_ascii=False)]


def _indented(lines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"  {line}" for line in lines)
