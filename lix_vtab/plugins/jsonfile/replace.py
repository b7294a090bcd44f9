"""Replacing scalars in the text of a JSON file, without writing the rest of it again.

The place of a value is found by its pointer. Names of members are certain; which element of an
array is meant is proven by the element's own id, or by no other place holding the same value.
Whenever anything is in doubt the answer is None, and the whole file is written anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson

from lix_vtab.plugins.contract import Replacement, StateContext
from lix_vtab.plugins.entities import current_snapshot
from lix_vtab.plugins.jsonfile.differ import SCHEMA_KEY
from lix_vtab.plugins.jsonfile.layout import check_layout, effective_raw
from lix_vtab.plugins.jsonfile.offsets import value_offset
from lix_vtab.plugins.jsonfile.scan import scan_scalar, spell
from lix_vtab.plugins.jsonfile.tree import escape

__all__ = ["replace_scalars"]

_MISSING: list[Any] = []
_SPELLED = {"path", "value", "layout"}
_IDS = ("/id", "/key")
_NOTHING: dict[str, Any] = {}

Step = str | int
Find = Callable[[str], Any]


def replace_scalars(
    data: bytes, replacements: Sequence[Replacement], context: StateContext
) -> bytes | None:
    """Return the text with all replacements made, or None."""

    def find(pointer: str) -> Any:
        return current_snapshot(context, SCHEMA_KEY, pointer)

    if len(replacements) > 1 and any(x.after.entity_id.endswith(_IDS) for x in replacements):
        return None  # ids prove where elements are, so they must not move meanwhile
    made: bytes | None = data
    for before, after in replacements:
        raws = _raws(before.snapshot_content, after.snapshot_content, after.entity_id)
        if raws is None or made is None:
            return None
        made = _replace(made, after.entity_id, *raws, find)
    return made


def _raws(old: Any, new: Any, entity_id: str) -> tuple[str, str] | None:
    """Return how a scalar was spelled and will be; None when more than its value changed."""
    for snapshot in (old, new):
        if not isinstance(snapshot, dict) or not snapshot.keys() <= _SPELLED:
            return None
        value = snapshot.get("value", _MISSING)
        if snapshot.get("path") != entity_id or isinstance(value, dict | list):
            return None
    layouts = [dict(snapshot.get("layout") or _NOTHING) for snapshot in (old, new)]
    check_layout(entity_id, layouts[1])
    was, becomes = (
        effective_raw(snapshot["value"], layout)
        for snapshot, layout in zip((old, new), layouts, strict=True)
    )
    for layout in layouts:
        layout.pop("raw", None)
    return (was, becomes) if layouts[0] == layouts[1] else None


def _replace(data: bytes, entity_id: str, was: str, becomes: str, find: Find) -> bytes | None:
    try:
        tree, text = orjson.loads(data), data.decode()
        old, new = spell(orjson.loads(was)), spell(orjson.loads(becomes))
    except ValueError:
        return None
    if old == new:
        return None
    tokens = [part.replace("~1", "/").replace("~0", "~") for part in entity_id.split("/")[1:]]
    places = list(_places(tree, tokens, "", find))
    held = [place for place in places if _spelled(tree, place) == old]
    if len(held) != 1:
        return None
    at = value_offset(text, held[0])
    if at is None or scan_scalar(text, at) != was:
        return None
    made = (text[:at] + becomes + text[at + len(was) :]).encode()
    # a member that a later one of the same name overrides would show the old value still
    if _spelled(orjson.loads(made), held[0]) != new:
        return None
    return made


def _places(
    tree: Any, tokens: Sequence[str], pointer: str, find: Find
) -> Iterator[tuple[Step, ...]]:
    """Yield the places a pointer may stand for: the one it does stand for is among them."""
    if not tokens:
        yield ()
        return
    token, rest = tokens[0], tokens[1:]
    below = f"{pointer}/{escape(token)}"
    steps: Sequence[Step] = ()
    if isinstance(tree, dict):
        steps = (token,) if token in tree else ()
    elif isinstance(tree, list):
        steps = _keyed(tree, token, below, find) or range(len(tree))
    for step in steps:
        for place in _places(tree[step], rest, below, find):
            yield (step, *place)


def _keyed(elements: list[Any], token: str, pointer: str, find: Find) -> list[Step]:
    """Return the one element whose own id is in its token, if its entity says so too."""
    name, equals, _ = token.partition("=")
    if not equals or name not in ("id", "key"):
        return []
    snapshot = find(f"{pointer}/{name}")
    if snapshot is None:
        return []
    own = spell(snapshot.get("value"))
    found: list[Step] = [
        at
        for at, element in enumerate(elements)
        if type(element) is dict and name in element and spell(element[name]) == own
    ]
    return found if len(found) == 1 else []


def _spelled(tree: Any, place: Sequence[Step]) -> str | None:
    for step in place:
        tree = tree[step]
    return None if isinstance(tree, dict | list) else spell(tree)
