"""plugin_json: a JSON file as one entity per value, addressed by JSON pointers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lix_vtab.plugins.contract import (
    EntityChange,
    File,
    PluginInvalidInput,
    Replacement,
    StateContext,
)
from lix_vtab.plugins.entities import changed, current_entities, encode_text, entity_sets, schema
from lix_vtab.plugins.jsonfile.differ import SCHEMA_KEY, changes_between, deletions
from lix_vtab.plugins.jsonfile.layout import LAYOUT_SCHEMA, Style, guess_style
from lix_vtab.plugins.jsonfile.members import edited_members
from lix_vtab.plugins.jsonfile.quick import replaced_scalar
from lix_vtab.plugins.jsonfile.render import render
from lix_vtab.plugins.jsonfile.replace import replace_scalars
from lix_vtab.plugins.jsonfile.scan import scan
from lix_vtab.plugins.jsonfile.tree import build

__all__ = ["SCHEMA_KEY", "JsonPlugin"]


class JsonPlugin:
    """Values of JSON files; layout lives beside them, so bytes come back as they were."""

    key = "plugin_json"
    manifest: Mapping[str, Any] = {
        "key": "plugin_json",
        "runtime": "python",
        "api_version": "1.0.0",
        "match": {"path_glob": "*.json"},
        "detect_changes": {"state_context": {"include_active_state": True}},
        "on_invalid": "blob",
    }
    schemas: Sequence[Mapping[str, Any]] = (
        schema(
            SCHEMA_KEY,
            "One value of a JSON file. Objects and arrays hold {} and []; their members are"
            " entities of their own.",
            {"path": {"type": "string"}, "value": {}, "layout": LAYOUT_SCHEMA},
            ["path", "value"],
        ),
    )

    def detect_changes(
        self, before: File | None, after: File, state_context: StateContext | None
    ) -> Iterable[EntityChange]:
        """Name the values that are new, changed, moved or gone, and those laid out differently."""
        if before is None:
            return _create(after.data)
        if before.data == after.data:
            return []
        if state_context is not None:
            quick = replaced_scalar(before.data, after.data, state_context)
            if quick is not None:
                return [quick]
            several = edited_members(before.data, after.data, state_context)
            if several is not None:
                return several
        return _update(_stored(before, state_context), after.data)

    def apply_changes(self, file: File, changes: Sequence[EntityChange]) -> bytes:
        """Write the text of a complete set of values."""
        entities = entity_sets(changes, (SCHEMA_KEY,))[SCHEMA_KEY]
        root = build(entities)
        if root is None:
            return b"null" if entities else b""
        return encode_text(render(root))

    def replace_entities(
        self, file: File, replacements: Sequence[Replacement], state_context: StateContext
    ) -> bytes | None:
        """Write edited scalars into the text as it was."""
        return replace_scalars(file.data, replacements, state_context)


def _create(data: bytes) -> list[EntityChange]:
    if not data:
        return []
    root, tail = scan(data)
    return changes_between(None, root, tail, guess_style(root))


def _stored(before: File, context: StateContext | None) -> dict[str, Any]:
    """Return the snapshots that stand for `before`: the current ones, or those of its text."""
    entities = current_entities(context, (SCHEMA_KEY,))[SCHEMA_KEY]
    if not entities:
        try:
            entities = entity_sets(_create(before.data), (SCHEMA_KEY,))[SCHEMA_KEY]
        except PluginInvalidInput:
            return {}  # it was kept as a blob until now
    return entities


def _update(entities: dict[str, Any], data: bytes) -> list[EntityChange]:
    try:
        old = build(entities)
    except PluginInvalidInput:
        return _start_over(entities, data)
    if not data:
        return deletions(old) if old is not None else []
    root, tail = scan(data)
    guessed = guess_style(root)
    if old is None:
        return changes_between(None, root, tail, guessed)
    style = Style.of(old.layout)
    changes = changes_between(old, root, tail, style)
    if guessed != style and any(change.entity_id == "" for change in changes):
        restyled = changes_between(old, root, tail, guessed)
        if len(restyled) <= len(changes):
            return restyled
    return changes


def _start_over(entities: dict[str, Any], data: bytes) -> list[EntityChange]:
    """Replace a set that is no JSON value, as edits by hand may leave one."""
    created = {change.entity_id: change.snapshot_content for change in _create(data)}
    return list(changed(SCHEMA_KEY, entities, created))
