"""Rows of `lix_stored_schema`: a schema wrapped as `{"value": {...}}`."""

from __future__ import annotations

from typing import Any

from lix_vtab.errors import SchemaDefinitionError
from lix_vtab.model.json import Json, parse_json
from lix_vtab.schema.keys import SchemaKey

__all__ = ["schema_of_snapshot", "snapshot_of_schema"]

_PLACE = "stored schema snapshot_content"


def schema_of_snapshot(snapshot: str | dict[str, Json]) -> tuple[SchemaKey, dict[str, Json]]:
    """Unwrap the schema of a stored row, given as JSON text or parsed.

    Checks the wrapper, the key and the version only; `validate_schema` judges the schema.

    >>> schema_of_snapshot('{"value":{"x-lix-key":"users","x-lix-version":"2"}}')[0].entity_id
    'users~2'
    """
    content = _parse(snapshot) if isinstance(snapshot, str) else snapshot
    if not isinstance(content, dict) or "value" not in content:
        raise _refused(f"{_PLACE} must contain value: missing value")
    if len(content) > 1:
        extra = ", ".join(sorted(set(map(str, content)) - {"value"}))
        raise _refused(f"{_PLACE} must contain value and nothing else, not {extra}")
    schema = content["value"]
    if not isinstance(schema, dict):
        raise _refused("stored schema value must be an object")
    key, version = (_text(schema, name) for name in ("x-lix-key", "x-lix-version"))
    identity = SchemaKey(key, version)
    if not identity.number:
        raise _refused("stored schema x-lix-version must be a monotonic integer")
    if version.startswith("0"):
        raise _refused(
            "stored schema x-lix-version must be a monotonic integer without leading zeros"
        )
    return identity, schema


def snapshot_of_schema(schema: dict[str, Json]) -> dict[str, Json]:
    """Wrap a schema the way it is stored."""
    return {"value": schema}


def _parse(text: str) -> Json:
    try:
        return parse_json(text)
    except (ValueError, RecursionError) as error:
        raise _refused(f"{_PLACE} must be valid JSON: invalid JSON: {error}") from error


def _text(schema: dict[str, Any], name: str) -> str:
    value = schema.get(name)
    if not isinstance(value, str):
        raise _refused(f"stored schema value.{name} must be string")
    return value


def _refused(message: str) -> SchemaDefinitionError:
    return SchemaDefinitionError(message, details={"violations": [message]})
