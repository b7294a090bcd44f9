"""Entity keys: how the parts of a composite primary key become one `entity_id` and back."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["join_entity_id", "split_entity_id"]


def join_entity_id(parts: Iterable[str]) -> str:
    r"""Join key parts with `~`; in a composite key `\` and `~` inside a part get a backslash.

    A key of one part is that part, unchanged.

    >>> join_entity_id(["a~b", "c"])
    'a\\~b~c'
    """
    listed = list(parts)
    if len(listed) == 1:
        return listed[0]
    return "~".join(part.replace("\\", "\\\\").replace("~", "\\~") for part in listed)


def split_entity_id(entity_id: str, count: int) -> list[str]:
    r"""Undo `join_entity_id` for a key of `count` parts.

    >>> split_entity_id(r"a\~b~c", 2)
    ['a~b', 'c']
    """
    if count == 1:
        return [entity_id]
    parts = [""]
    symbols = iter(entity_id)
    for symbol in symbols:
        if symbol == "\\":
            parts[-1] += next(symbols, "")
        elif symbol == "~":
            parts.append("")
        else:
            parts[-1] += symbol
    if len(parts) != count:
        raise ValueError(f"entity id {entity_id!r} has {len(parts)} parts, expected {count}")
    return parts
