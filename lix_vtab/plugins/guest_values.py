"""Changes and states the way WebAssembly guests exchange them: snapshots are JSON text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lix_vtab.model.json import canonical_json, parse_json
from lix_vtab.plugins.contract import EntityChange, PluginInternal, StateContext

__all__ = ["change_json", "read_change", "state_json"]


def state_json(context: StateContext | None, columns: Sequence[str]) -> dict[str, Any] | None:
    """Return the state context with the columns the manifest asks for."""
    if context is None:
        return None
    rows = [{name: getattr(row, name) for name in columns} for row in context.active_state]
    return {"active_state": rows}


def change_json(change: EntityChange) -> dict[str, Any]:
    """Return a change as guests see it: the snapshot is JSON text."""
    content = change.snapshot_content
    return {
        "entity_id": change.entity_id,
        "schema_key": change.schema_key,
        "schema_version": change.schema_version,
        "snapshot_content": None if content is None else canonical_json(content),
    }


def read_change(change: Any) -> EntityChange:
    """Return the change a guest describes."""
    try:
        text = change["snapshot_content"]
        return EntityChange(
            change["entity_id"],
            change["schema_key"],
            None if text is None else parse_json(text),
            change["schema_version"],
        )
    except (TypeError, KeyError, ValueError) as problem:
        raise PluginInternal(f"the guest replied with {change!r:.200}: {problem!r}") from problem
