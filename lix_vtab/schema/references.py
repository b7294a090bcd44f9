"""References that change their meaning between two versions of a schema, seen from far away.

Loosening a definition loosens whatever refers to it, except below `not`, `oneOf`, `if` and the
like, where more matches may mean fewer valid values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from lix_vtab.model.json import Json, canonical_json
from lix_vtab.schema.pointers import MISSING, is_pointer, parse_pointer

__all__ = ["find_shifted_references"]

_TURNING: Final = frozenset({"not", "oneOf", "if", "contains", "dependencies", "dependentSchemas"})
"""Keywords below which looser may be stricter, or that are compared by their text."""

_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")


def find_shifted_references(old: dict[str, Json], new: dict[str, Json]) -> Iterator[str]:
    """Yield the references of `new` whose target changed although only equality is safe there."""
    pending = [found for found in _references(new, "", strict=False) if found[2]]
    seen = set()
    while pending:
        place, reference, _ = pending.pop()
        if reference in seen:
            continue
        seen.add(reference)
        before, after = _target(old, reference), _target(new, reference)
        if before is MISSING or canonical_json(before) != canonical_json(after):
            yield f"{place} refers to {reference!r}, which changed"
        else:
            pending += _references(after, reference, strict=True)


def _references(schema: Json, where: str, *, strict: bool) -> Iterator[tuple[str, str, bool]]:
    """Yield place and text of every reference below, and whether its target must stay equal."""
    if isinstance(schema, list):
        for index, item in enumerate(schema):
            yield from _references(item, f"{where}/{index}", strict=strict)
    elif isinstance(schema, dict):
        for keyword, value in schema.items():
            place = f"{where}/{keyword}"
            if keyword in _REFERENCES and isinstance(value, str):
                yield place, value, strict or not _compared(value)
            else:
                yield from _references(value, place, strict=strict or keyword in _TURNING)


def _compared(reference: str) -> bool:
    """Tell whether the target of a reference is among what versions are compared by."""
    place = unquote(reference).removeprefix("#")
    return place == "" or place.startswith(("/definitions/", "/$defs/", "/properties/"))


def _target(definition: dict[str, Json], reference: str) -> Json:
    """Return what a reference leads to; anchors and ids may lead anywhere, so to everything."""
    place = unquote(reference).removeprefix("#")
    if not reference.startswith("#") or not is_pointer(place):
        return definition
    return parse_pointer(place).find(definition)
