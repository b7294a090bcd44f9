"""The shortest way for the commonest edit: one scalar replaced by another, all else untouched.

Nothing but that scalar's own entity is looked up, whatever the size of the file. Whenever anything
is in doubt the answer is None, and the whole text is compared instead.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from lix_vtab.model.json import parse_json
from lix_vtab.plugins.align import common_prefix
from lix_vtab.plugins.contract import EntityChange, StateContext
from lix_vtab.plugins.jsonfile.differ import SCHEMA_KEY
from lix_vtab.plugins.jsonfile.scan import is_usual, parse_scalar, scan_scalar, spell
from lix_vtab.plugins.jsonfile.tree import escape

__all__ = ["is_proven", "keyed_token", "replaced_scalar"]

_OUTSIDE = re.compile(r'(?:[^"]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', re.DOTALL)
_WORD = re.compile(r"[-+.0-9A-Za-z]*\Z")
_MISSING: Any = object()


def replaced_scalar(before: bytes, after: bytes, context: StateContext) -> EntityChange | None:
    """Return the one change between two texts when a single scalar was replaced, else None."""
    try:
        old_value, new_value = orjson.loads(before), orjson.loads(after)
        old_text, new_text = before.decode(), after.decode()
    except ValueError:
        return None
    path: list[Any] = []
    if not _single_difference(old_value, new_value, path):
        return None
    spelled = _replaced_token(old_text, new_text)
    if spelled is None:
        return None
    old_raw, new_raw = spelled
    entity_id = _entity_id(old_value, path, context)
    row = context.find(SCHEMA_KEY, entity_id) if entity_id is not None else None
    if row is None or row.snapshot_content is None:
        return None
    snapshot = parse_json(row.snapshot_content)
    value = snapshot.get("value", _MISSING)
    if isinstance(value, dict | list) or spell(value) != spell(parse_scalar(old_raw)):
        return None
    return _change(row.entity_id, snapshot, new_raw)


def _change(entity_id: str, snapshot: dict[str, Any], raw: str) -> EntityChange:
    layout = dict(snapshot.get("layout") or {})
    layout.pop("raw", None)
    if not is_usual(raw):
        layout["raw"] = raw
    changed = {"path": entity_id, "value": parse_scalar(raw)}
    if layout:
        changed["layout"] = layout
    return EntityChange(entity_id, SCHEMA_KEY, changed)


def _single_difference(old: Any, new: Any, path: list[Any]) -> bool:
    """Follow the one difference between two values down to a scalar, noting the way."""
    while True:
        if type(old) is dict and type(new) is dict and old.keys() == new.keys():
            places = [name for name, value in old.items() if new[name] != value]
        elif type(old) is list and type(new) is list and len(old) == len(new):
            places = [at for at, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
        else:
            return not isinstance(old, dict | list) and not isinstance(new, dict | list)
        if len(places) != 1:
            return False
        path.append(places[0])
        old, new = old[places[0]], new[places[0]]


def _replaced_token(old: str, new: str) -> tuple[str, str] | None:
    """Return the two scalars in which two texts differ, if they differ in nothing else."""
    at = common_prefix(old, new)
    quote = _OUTSIDE.match(old, 0, at)
    assert quote is not None
    start = quote.end()
    if start == at:
        # not inside a string: the token may have begun before the first difference
        word = _WORD.search(old, max(0, at - 400), at)
        start = at - len(word[0]) if word else at
    old_raw, new_raw = scan_scalar(old, start), scan_scalar(new, start)
    if old_raw is None or new_raw is None:
        return None
    if old[start + len(old_raw) :] != new[start + len(new_raw) :]:
        return None
    return old_raw, new_raw


def _entity_id(value: Any, path: list[Any], context: StateContext) -> str | None:
    """Return the id of the scalar at a path, or None when its identity is not certain.

    Tokens of arrays are guessed; a guess holds when an element's own id proves it, or when no
    other place of the same shape holds the same value.
    """
    pointer = ""
    wild: tuple[Any, int] | None = None
    here = value
    for depth, step in enumerate(path):
        if isinstance(here, dict):
            token = step
        else:
            token = str(step)
            keyed = keyed_token(here, step) if wild is None else None
            if keyed is not None and is_proven(f"{pointer}/{escape(keyed[0])}", keyed, context):
                token = keyed[0]
            elif wild is None:
                wild = (here, depth)
        pointer += f"/{escape(token)}"
        here = here[step]
    if wild is not None and _count(wild[0], path[wild[1] :], here) != 1:
        return None
    return pointer


def keyed_token(elements: list[Any], at: int) -> tuple[str, str, Any] | None:
    """Return the token of an element by its own id, the id's name and its value; None without."""
    for name in ("id", "key"):
        element = elements[at]
        value = element.get(name) if type(element) is dict else None
        if type(value) not in (str, int):
            continue
        same = sum(type(other) is dict and other.get(name) == value for other in elements)
        if same == 1:
            return (f"{name}={value}", name, value)
    return None


def is_proven(pointer: str, keyed: tuple[str, str, Any], context: StateContext) -> bool:
    """Tell whether the entity of an element's id says what the text says."""
    row = context.find(SCHEMA_KEY, f"{pointer}/{keyed[1]}")
    if row is None or row.snapshot_content is None:
        return False
    return bool(parse_json(row.snapshot_content).get("value", _MISSING) == keyed[2])


def _count(value: Any, path: list[Any], wanted: Any) -> int:
    """Count the places of a shape (any element of an array) that hold a value."""
    if not path:
        return int(value == wanted)
    if isinstance(value, list):
        return sum(_count(element, path[1:], wanted) for element in value)
    if isinstance(value, dict) and path[0] in value:
        return _count(value[path[0]], path[1:], wanted)
    return 0
