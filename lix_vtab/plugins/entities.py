"""What the shipped plugins share: entity sets as mappings, and the changes between two of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lix_vtab.model.json import canonical_json, parse_json
from lix_vtab.plugins.contract import EntityChange, PluginInvalidInput, StateContext

__all__ = [
    "EntitySets",
    "changed",
    "current_entities",
    "current_snapshot",
    "entity_sets",
    "in_order",
    "same_but",
    "schema",
]

EntitySets = dict[str, dict[str, Any]]
"""Snapshots by schema key and entity id."""


def schema(
    key: str, title: str, properties: Mapping[str, Any], required: Sequence[str], **more: Any
) -> dict[str, Any]:
    """Build the definition of a plugin's schema; its primary key is the first property."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "x-lix-key": key,
        "x-lix-version": "1",
        "x-lix-primary-key": [f"/{next(iter(properties))}"],
        "description": title,
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
        **more,
    }


def current_entities(context: StateContext | None, keys: Sequence[str]) -> EntitySets:
    """Return the file's live entities of the given schemas, parsed in one go."""
    sets: EntitySets = {key: {} for key in keys}
    if context is None:
        return sets
    rows = [row for row in context.active_state if row.schema_key in sets and row.snapshot_content]
    texts = ",".join([row.snapshot_content for row in rows])  # type: ignore[misc]  # none is empty
    for row, snapshot in zip(rows, parse_json(f"[{texts}]"), strict=True):
        sets[row.schema_key][row.entity_id] = snapshot  # type: ignore[index]  # a key of `sets`
    return sets


def current_snapshot(context: StateContext, schema_key: str, entity_id: str) -> Any:
    """Return the snapshot of one live entity, None when there is none."""
    row = context.find(schema_key, entity_id)
    if row is None or row.snapshot_content is None:
        return None
    return parse_json(row.snapshot_content)


def entity_sets(changes: Iterable[EntityChange], keys: Sequence[str]) -> EntitySets:
    """Sort changes by schema, tombstones (None) included; refuse repeats and foreign versions.

    Changes of other schemas are none of the plugin's business and left out.
    """
    sets: EntitySets = {key: {} for key in keys}
    for change in changes:
        members = sets.get(change.schema_key)
        if members is None:
            continue
        if change.schema_version != "1":
            raise PluginInvalidInput(
                f"unsupported schema_version {change.schema_version!r} of {change.schema_key}"
                f" {change.entity_id!r}; this plugin knows '1'"
            )
        if change.entity_id in members:
            raise PluginInvalidInput(f"duplicate entity_id {change.entity_id!r}")
        members[change.entity_id] = change.snapshot_content
    return sets


def changed(
    schema_key: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterable[EntityChange]:
    """Yield tombstones for what vanished (in old order), then what is new or different."""
    for entity_id in old:
        if entity_id not in new:
            yield EntityChange(entity_id, schema_key, None)
    for entity_id, snapshot in new.items():
        before = old.get(entity_id)
        if before is not snapshot and (
            before is None or canonical_json(before) != canonical_json(snapshot)
        ):
            yield EntityChange(entity_id, schema_key, snapshot)


def same_but(old: Any, new: Any, *names: str) -> bool:
    """Tell whether two snapshots are objects that differ in nothing but these properties.

    >>> same_but({"id": "1", "text": "a"}, {"id": "1", "text": "b"}, "text")
    True
    """
    if not isinstance(old, dict) or not isinstance(new, dict):
        return False
    rest = [{n: v for n, v in row.items() if n not in names} for row in (old, new)]
    return rest[0] == rest[1]


def in_order(schema_key: str, rows: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return rows by their order keys and ids, those without a key last."""
    try:
        keys = [(row["order"], id) for id, row in rows.items()]
    except (KeyError, TypeError):
        keys = []
    # told apart here, for a function called for each of many rows costs more than all the rest
    if {str} == {type(order) for order, _ in keys} and "" not in (order for order, _ in keys):
        keys.sort()
        return [(id, rows[id]) for _, id in keys]

    def position(item: tuple[str, Any]) -> tuple[bool, str, str]:
        order = text_member(require_object(schema_key, *item), "order")
        return not order, order, item[0]

    return sorted(rows.items(), key=position)


def require_object(schema_key: str, entity_id: str, snapshot: Any) -> dict[str, Any]:
    """Return a snapshot that is an object, or refuse it."""
    if isinstance(snapshot, dict):
        return snapshot
    raise PluginInvalidInput(f"the snapshot of {schema_key} {entity_id!r} must be an object")


def text_member(snapshot: Mapping[str, Any], name: str, default: str = "") -> str:
    """Return a text property, `default` when it is absent; refuse other types."""
    value = snapshot.get(name, default)
    if isinstance(value, str):
        return value
    raise PluginInvalidInput(f"{name!r} must be a string, not {value!r:.80}")


def encode_text(text: str) -> bytes:
    """Encode to UTF-8; refuse lone surrogates, which no file can hold."""
    try:
        return text.encode()
    except UnicodeEncodeError as problem:
        raise PluginInvalidInput(f"text cannot be written as UTF-8: {problem}") from problem
