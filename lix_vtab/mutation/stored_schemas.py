"""`lix_stored_schema` rows: filling them in, checking them, and what storing one sets off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lix_vtab.errors import ConstraintViolation, SchemaDefinitionError
from lix_vtab.model.json import parse_json
from lix_vtab.mutation.catalogue import STORED_SCHEMA, Catalogue
from lix_vtab.mutation.writer import RowWrite, Watcher, Write, Writer
from lix_vtab.schema.stored import schema_of_snapshot
from lix_vtab.storage.versions import GLOBAL

__all__ = ["StoredSchemas"]


class StoredSchemas:
    """Rules of the schema of schemas. `stored` and `removed` are told about each change."""

    __slots__ = ("_catalogue", "_on_change", "_writer")

    def __init__(self, writer: Writer, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._writer = writer
        self._on_change: list[Callable[[Write], None]] = []
        writer.watch(STORED_SCHEMA, Watcher(self._check, self._then))

    def on_change(self, hook: Callable[[Write], None]) -> None:
        """Call `hook` after a schema was stored or removed."""
        self._on_change.append(hook)

    def register(self, definition: str, writer_key: str | None = None) -> str:
        """Store a schema given as JSON text; return the entity id of its row."""
        try:
            content = {"value": parse_json(definition)}
        except (ValueError, RecursionError) as error:
            raise SchemaDefinitionError(
                f"Invalid Lix schema definition: not JSON: {error}"
            ) from error
        identity, _ = schema_of_snapshot(content)
        row = RowWrite(
            identity.entity_id,
            STORED_SCHEMA,
            "lix",
            "lix",
            "1",
            content,
            writer_key=writer_key,
        )
        self._writer.put(GLOBAL, row)
        return identity.entity_id

    def complete(self, given: dict[str, Any], label: str) -> dict[str, Any]:
        """Fill in what a stored schema's row must say; refuse anything else."""
        key, version = self._identity(given.get("snapshot_content"))
        fixed = {
            "entity_id": f"{key}~{version}",
            "schema_key": STORED_SCHEMA,
            "schema_version": "1",
            "file_id": "lix",
            "plugin_key": "lix",
            "version_id": GLOBAL,
        }
        for column, value in fixed.items():
            if given.get(column) not in (None, value, *self._also(column, version)):
                raise ConstraintViolation(
                    "stored schema insert entity_id must match schema key + version"
                    if column == "entity_id"
                    else f"stored schema insert requires {column} = '{value}'",
                    details={"column": column, "value": given[column]},
                )
        return {**given, **fixed}

    def _also(self, column: str, version: str) -> tuple[str, ...]:
        return (version,) if column == "schema_version" else ()

    def _identity(self, content: Any) -> tuple[str, str]:
        if not isinstance(content, str):
            raise SchemaDefinitionError("stored schema insert requires snapshot_content")
        identity, _ = schema_of_snapshot(content)
        return identity.key, identity.version

    def _check(self, write: Write) -> None:
        if write.version_id != GLOBAL:
            raise ConstraintViolation(
                f"stored schema insert requires version_id = 'global', got '{write.version_id}'"
            )

    def _then(self, write: Write) -> None:
        self._catalogue.forget()
        for hook in self._on_change:
            hook(write)
