"""The schemas lix itself lives by, one JSON file each in the directory `builtin`."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from lix_vtab.model.json import Json, parse_json
from lix_vtab.schema.compiled import CompiledSchema, compile_schema
from lix_vtab.schema.definition import schema_definition

__all__ = ["BUILTIN_KEYS", "builtin_schemas", "compiled_builtin", "compiled_builtins"]

BUILTIN_KEYS: Final = (
    "lix_stored_schema",
    "lix_key_value",
    "lix_account",
    "lix_active_account",
    "lix_label",
    "lix_entity_label",
    "lix_change",
    "lix_change_author",
    "lix_change_set",
    "lix_commit",
    "lix_version_descriptor",
    "lix_version_pointer",
    "lix_active_version",
    "lix_change_set_element",
    "lix_commit_edge",
    "lix_file_descriptor",
    "lix_directory_descriptor",
    "lix_binary_blob_ref",
)
"""Every builtin key, targets of foreign keys before those who reference them."""

_FOLDER = Path(__file__).with_name("builtin")


@lru_cache(maxsize=1)
def builtin_schemas() -> tuple[dict[str, Json], ...]:
    """Return the builtin definitions in the order they are stored; do not change them.

    >>> [schema["x-lix-key"] for schema in builtin_schemas()] == list(BUILTIN_KEYS)
    True
    """
    return tuple(_load(key) for key in BUILTIN_KEYS)


def compiled_builtins() -> dict[str, CompiledSchema]:
    """Return the builtin schemas compiled, by key."""
    return {key: compiled_builtin(key) for key in BUILTIN_KEYS}


@cache
def compiled_builtin(key: str) -> CompiledSchema:
    """Return one builtin schema, compiled when it is first asked for."""
    return compile_schema(_load(key), proven=True)


def _load(key: str) -> dict[str, Json]:
    schema: dict[str, Json] = parse_json((_FOLDER / f"{key}.json").read_bytes())
    if key == "lix_stored_schema":
        schema["properties"]["value"]["allOf"] = [schema_definition()]
    return schema
