"""Schema definitions tests start from."""

from __future__ import annotations

import json
from typing import Any

TEXT = {"type": "string"}


def schema(key: str, properties: Any, *required: str, version: str = "1", **more: Any) -> dict:
    """Return a definition; `properties` is a mapping, or names of text properties.

    Keywords are given without `x-lix-`, with underscores: `primary_key=["/id"]`.
    """
    if not isinstance(properties, dict):
        properties = dict.fromkeys(properties.split(), TEXT)
    keywords = {f"x-lix-{name.replace('_', '-')}": value for name, value in more.items()}
    return {
        "x-lix-key": key,
        "x-lix-version": version,
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    } | keywords


TASK = schema(
    "task",
    {
        "id": TEXT,
        "title": TEXT,
        "done": {"type": "boolean"},
        "rank": {"type": "integer"},
        "size": {"type": "number"},
        "tags": {"type": "array"},
        "extra": {},
    },
    "id",
    primary_key=["/id"],
)


def wrapped(definition: dict) -> str:
    """Return the snapshot that stores a definition."""
    return json.dumps({"value": definition})
