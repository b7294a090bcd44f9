"""Compare two versions of a schema: what would make existing rows invalid or change their meaning.

A newer version may add optional properties and loosen constraints. Whatever is not known to be a
loosening counts as a break, so nothing slips through for want of a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from lix_vtab.model.json import Json, canonical_json
from lix_vtab.schema.dialects import find_dialect
from lix_vtab.schema.pointers import escape
from lix_vtab.schema.references import find_shifted_references

__all__ = ["breaking_changes"]

_SILENT: Final = frozenset(
    {
        "$comment",
        "$defs",
        "$id",
        "$schema",
        "default",
        "definitions",
        "deprecated",
        "description",
        "examples",
        "readOnly",
        "title",
        "writeOnly",
    }
)
"""Keywords that constrain nothing by themselves."""

_LOWER: Final = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})
_UPPER: Final = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})
_UNEVALUATED: Final = frozenset({"unevaluatedItems", "unevaluatedProperties"})
_COUNTED_ON: Final = frozenset({"contains", "minContains", "maxContains", "prefixItems"})
_PARTS: Final = frozenset({"items", "additionalItems", "propertyNames", "additionalProperties"})


def breaking_changes(old: dict[str, Json], new: dict[str, Json]) -> list[str]:
    """List why rows of `old` could not live under `new`; empty when they can.

    Both are valid definitions of the same key.

    >>> old = {"properties": {"id": {"type": "string"}}, "additionalProperties": False}
    >>> new = {**old, "required": ["id"]}
    >>> breaking_changes(old, new)
    ["/required 'id' is now required"]
    """
    breaks = list(_identity(old, new))
    breaks += _compare(old, new, "")
    breaks += _definitions(_named(old), _named(new))
    breaks += find_shifted_references(old, new)
    return breaks


def _identity(old: dict[str, Json], new: dict[str, Json]) -> Iterator[str]:
    if old.get("x-lix-key") != new.get("x-lix-key"):
        yield f"/x-lix-key changed from '{old.get('x-lix-key')}' to '{new.get('x-lix-key')}'"
    if find_dialect(old) is not find_dialect(new):
        yield "/$schema names another draft"
    if old.get("x-lix-primary-key") != new.get("x-lix-primary-key"):
        yield "/x-lix-primary-key changed, and with it the identity of every row"
    for group in new.get("x-lix-unique", ()):
        if group not in old.get("x-lix-unique", ()):
            yield f"/x-lix-unique {canonical_json(group)} was added"
    for foreign_key in new.get("x-lix-foreign-keys", ()):
        if _reference(foreign_key) not in map(_reference, old.get("x-lix-foreign-keys", ())):
            target = foreign_key["references"]["schemaKey"]
            yield f"/x-lix-foreign-keys the reference to '{target}' was added or changed"
    if new.get("x-lix-immutable") is True and old.get("x-lix-immutable") is not True:
        yield "/x-lix-immutable rows can no longer be updated"
    if old.get("x-lix-override-lixcols", {}) != new.get("x-lix-override-lixcols", {}):
        yield "/x-lix-override-lixcols changed, and with it where rows live"
    every = ["state", "state_by_version", "state_history"]
    for view in old.get("x-lix-entity-views", every):
        if view not in new.get("x-lix-entity-views", every):
            yield f"/x-lix-entity-views '{view}' was removed"


def _reference(foreign_key: dict[str, Json]) -> str:
    """Write a foreign key with its defaults, without what has no meaning."""
    return canonical_json(
        [
            foreign_key["properties"],
            foreign_key["references"],
            foreign_key.get("mode", "immediate"),
            "file_id" in foreign_key.get("scope", ()),
        ]
    )


def _named(schema: dict[str, Json]) -> dict[str, Json]:
    """Return everything a `$ref` by name can reach, by pointer."""
    return {
        f"/{keyword}/{escape(name)}": below
        for keyword in ("definitions", "$defs")
        for name, below in schema.get(keyword, {}).items()
    }


def _definitions(old: dict[str, Json], new: dict[str, Json]) -> Iterator[str]:
    for where, schema in old.items():
        if where in new:
            yield from _compare(schema, new[where], where)


def _compare(old: Json, new: Json, where: str) -> Iterator[str]:
    """Yield the constraints that hold in `new` and did not hold in `old`."""
    if old == new and canonical_json(old) == canonical_json(new):
        return
    if new is True or new == {} or old is False:
        return
    if new is False:
        yield f"{where or '/'} admits no value any more"
        return
    # up to draft 7 a reference hides what stands beside it, which holds once it is gone
    revealed = old is not True and "$ref" in old and "$ref" not in new
    before = {} if old is True or revealed else old
    if not _UNEVALUATED.isdisjoint(new):
        # what other keywords leave unevaluated depends on every one of them
        yield f"{where or '/'} changed beside {min(_UNEVALUATED.intersection(new))}"
        return
    for keyword in dict.fromkeys((*before, *new)):
        if keyword in _SILENT or keyword.startswith("x-"):
            continue
        compare = _RULES.get(keyword, _any_change)
        yield from compare(before, new, f"{where}/{keyword}", keyword)


_Rule = Callable[[dict[str, Json], dict[str, Json], str, str], Iterator[str]]


def _any_change(
    old: dict[str, Json], new: dict[str, Json], where: str, keyword: str
) -> Iterator[str]:
    """Accept only that the keyword stays or goes."""
    if keyword not in new:
        return
    if keyword not in old:
        yield f"{where} was added"
    elif canonical_json(old[keyword]) != canonical_json(new[keyword]):
        yield f"{where} changed"


def _exact(old: dict[str, Json], new: dict[str, Json], where: str, keyword: str) -> Iterator[str]:
    """Accept no change: other keywords count on this one."""
    if keyword in old and keyword not in new:
        yield f"{where} was removed"
    yield from _any_change(old, new, where, keyword)


def _type(old: dict[str, Json], new: dict[str, Json], where: str, keyword: str) -> Iterator[str]:
    if "type" not in new:
        return
    if "type" not in old:
        yield f"{where} was added"
        return
    before, after = (
        {kind} if isinstance(kind, str) else set(kind) for kind in (old["type"], new["type"])
    )
    if "number" in after:
        after.add("integer")
    for kind in sorted(before - after):
        yield f"{where} no longer admits {kind}"


def _enum(old: dict[str, Json], new: dict[str, Json], where: str, keyword: str) -> Iterator[str]:
    if "enum" not in new:
        return
    if "enum" not in old and "const" not in old:
        yield f"{where} was added"
        return
    before = old["enum"] if "enum" in old else [old["const"]]
    after = set(map(canonical_json, new["enum"]))
    lost = [text for text in map(canonical_json, before) if text not in after]
    if lost:
        shown = ", ".join(lost[:10]) + (", ..." if len(lost) > 10 else "")
        yield f"{where} no longer admits {shown}"


def _lower(old: dict[str, Json], new: dict[str, Json], where: str, keyword: str) -> Iterator[str]:
    yield from _bound(old, new, where, keyword, 1)


def _upper(old: dict[str, Json], new: dict[str, Json], where: str, keyword: str) -> Iterator[str]:
    yield from _bound(old, new, where, keyword, -1)


def _bound(
    old: dict[str, Json], new: dict[str, Json], where: str, keyword: str, sign: int
) -> Iterator[str]:
    if keyword not in new:
        return
    before, after = old.get(keyword), new[keyword]
    if isinstance(before, bool) or isinstance(after, bool):
        # draft-04 writes exclusive bounds as flags
        yield from _any_change(old, new, where, keyword)
    elif before is None:
        yield f"{where} was added"
    elif after * sign > before * sign:
        yield f"{where} tightened from {before} to {after}"


def _required(
    old: dict[str, Json], new: dict[str, Json], where: str, keyword: str
) -> Iterator[str]:
    before = old.get("required", ())
    for name in new.get("required", ()):
        if name not in before:
            yield f"{where} {name!r} is now required"


def _properties(
    old: dict[str, Json], new: dict[str, Json], where: str, keyword: str
) -> Iterator[str]:
    before, after = old.get(keyword, {}), new.get(keyword, {})
    for name, schema in before.items():
        place = f"{where}/{escape(name)}"
        if name in after:
            yield from _compare(schema, after[name], place)
        elif keyword == "properties" and _closed(new):
            yield f"{place} was removed"
        elif _closed(new) or isinstance(new.get("additionalProperties"), dict):
            yield f"{place} was removed, other rules hold for its values now"
    for name, schema in after.items():
        if name in before or schema is True or schema == {}:
            continue
        if not _closed(old):
            yield f"{where}/{escape(name)} was added where any value was admitted"
        elif old.get("patternProperties") or (
            keyword == "patternProperties" and old.get("properties")
        ):
            yield f"{where}/{escape(name)} was added and may constrain properties that were there"


def _closed(schema: dict[str, Json]) -> bool:
    return schema.get("additionalProperties") is False


def _part(old: dict[str, Json], new: dict[str, Json], where: str, keyword: str) -> Iterator[str]:
    if keyword not in new:
        return
    before, after = old.get(keyword, True), new[keyword]
    if isinstance(before, list) or isinstance(after, list):
        yield from _any_change(old, new, where, keyword)
    else:
        yield from _compare(before, after, where)


def _branches(
    old: dict[str, Json], new: dict[str, Json], where: str, keyword: str
) -> Iterator[str]:
    """Every old branch must still be there, in the same place or not; new ones are welcome."""
    if keyword not in new:
        return
    if keyword not in old:
        yield f"{where} was added"
        return
    after = new[keyword]
    for index, branch in enumerate(old[keyword]):
        loosened = (list(_compare(branch, other, where)) for other in after)
        if all(loosened):
            yield f"{where}/{index} was removed or tightened"


def _all_of(old: dict[str, Json], new: dict[str, Json], where: str, keyword: str) -> Iterator[str]:
    """Every branch of the new version must follow from a branch of the old one."""
    before = old.get(keyword, ())
    for index, branch in enumerate(new.get(keyword, ())):
        if all(list(_compare(other, branch, where)) for other in before):
            yield f"{where}/{index} was added or tightened"


def _unique_items(
    old: dict[str, Json], new: dict[str, Json], where: str, keyword: str
) -> Iterator[str]:
    if new.get(keyword) is True and old.get(keyword) is not True:
        yield f"{where} was added"


_RULES: Final[dict[str, _Rule]] = {
    "type": _type,
    "enum": _enum,
    "required": _required,
    "properties": _properties,
    "patternProperties": _properties,
    "allOf": _all_of,
    "anyOf": _branches,
    "uniqueItems": _unique_items,
    **dict.fromkeys(_COUNTED_ON, _exact),
    **dict.fromkeys(_LOWER, _lower),
    **dict.fromkeys(_UPPER, _upper),
    **dict.fromkeys(_PARTS, _part),
}
