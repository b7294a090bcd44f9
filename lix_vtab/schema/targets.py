"""Check that the foreign keys of a schema point at keys of other stored schemas."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from lix_vtab.errors import SchemaDefinitionError, SchemaNotFound
from lix_vtab.schema.compiled import CompiledSchema, compile_schema

__all__ = ["STATE_TARGET", "check_foreign_key_targets", "state_target"]

STATE_TARGET = "lix_state"
"""Key under which any entity can be referenced, by entity id, schema key and file id."""


def check_foreign_key_targets(
    schema: CompiledSchema, find: Callable[[str], CompiledSchema | None]
) -> None:
    """Check every foreign key against the newest schema of its target.

    `find` returns the newest stored schema of a key; `schema` itself and `lix_state` need not be
    stored. Raises SchemaNotFound, or SchemaDefinitionError when the target properties are no key.
    """
    for index, foreign_key in enumerate(schema.foreign_keys):
        key = foreign_key.target_key
        if key == schema.key:
            target: CompiledSchema | None = schema
        else:
            target = state_target() if key == STATE_TARGET else find(key)
        if target is None:
            raise SchemaNotFound(
                f"schema '{key}' is not stored",
                hint=f"'{schema.key}' references it: store '{key}' first, or in the same INSERT",
                details={"schema_key": key, "referenced_by": schema.key},
            )
        if foreign_key.target_properties not in (target.primary_key, *target.unique):
            listed = ", ".join(pointer.text for pointer in foreign_key.target_properties)
            raise SchemaDefinitionError(
                f"foreign key at index {index} references properties that are not a primary key "
                f"or unique key on schema '{key}'",
                hint=f"({listed}) must be a key of '{key}', in the same order",
                details={"schema_key": schema.key, "target": key, "index": index},
            )


@lru_cache(maxsize=1)
def state_target() -> CompiledSchema:
    """Return the schema that stands for all state when a foreign key references `lix_state`."""
    key = ["entity_id", "schema_key", "file_id"]
    names = [*key, "version_id"]
    return compile_schema(
        {
            "x-lix-key": STATE_TARGET,
            "x-lix-version": "1",
            "x-lix-primary-key": [f"/{name}" for name in key],
            "type": "object",
            "properties": {name: {"type": "string"} for name in names},
            "required": names,
            "additionalProperties": False,
        }
    )
