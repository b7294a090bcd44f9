"""What is wrong with writing a row, whatever it says."""

from __future__ import annotations

from lix_vtab.errors import ImmutableError, UniqueError, VersionNotFound
from lix_vtab.model.keys import split_entity_id
from lix_vtab.mutation.writes import RowWrite
from lix_vtab.schema.compiled import CompiledSchema

__all__ = ["already_there", "immutable", "unknown_version"]


def already_there(row: RowWrite, schema: CompiledSchema | None) -> UniqueError:
    """Return the error for a row whose key the version already has."""
    message = f"{row.schema_key} already has an entity '{row.entity_id}'"
    if row.file_id != "lix":
        message += f" in file '{row.file_id}'"
    if schema is not None and schema.primary_key:
        fields = ", ".join(pointer.text for pointer in schema.primary_key)
        parts = split_entity_id(row.entity_id, len(schema.primary_key))
        values = ", ".join(f"'{part}'" for part in parts)
        message = (
            f"Primary key constraint violation: the primary key constraint on ({fields}) is "
            f"violated by values ({values}): {message}"
        )
    return UniqueError(
        message,
        hint="UPDATE it, or INSERT OR REPLACE",
        details={"schema_key": row.schema_key, "entity_id": row.entity_id},
    )


def immutable(row: RowWrite) -> ImmutableError:
    """Return the error for a row that must stay as it is."""
    return ImmutableError(
        f"Schema '{row.schema_key}' is immutable and cannot be updated.",
        hint="delete the row and insert another",
        details={"schema_key": row.schema_key, "entity_id": row.entity_id},
    )


def unknown_version(
    version_id: str, *, hint: str = "SELECT id, name FROM lix_version lists them"
) -> VersionNotFound:
    """Return the error for a version id nothing answers to."""
    return VersionNotFound(
        f"Version with id '{version_id}' does not exist",
        hint=hint,
        details={"version_id": version_id},
    )
