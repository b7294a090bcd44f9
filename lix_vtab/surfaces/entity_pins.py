"""What `x-lix-override-lixcols` of a schema means for the rows its tables show and take."""

from __future__ import annotations

from collections.abc import Iterator

from lix_vtab.model.json import Json, canonical_json, parse_json
from lix_vtab.schema import CompiledSchema
from lix_vtab.surfaces.entity_shape import sql_literal

__all__ = ["override_filters", "pinned_metadata", "pinned_values"]

_OF_CONTENT = ("file_id", "plugin_key", "entity_id", "metadata")
"""What a row says wherever it shows, and ever did."""

_OF_PLACE = {"untracked": "{untracked}", "inherited_from_version_id": "{origin}"}
"""What a row is as a version shows it now."""


def pinned_values(schema: CompiledSchema) -> Iterator[tuple[str, Json]]:
    """Yield what every row says about itself, as it is stored; None for SQL NULL."""
    for name in _OF_CONTENT:
        if name in schema.overrides.values:
            value = schema.overrides.values[name]
            if name == "metadata" and value is not None:
                value = canonical_json(pinned_metadata(schema))
            yield name, value


def override_filters(schema: CompiledSchema, *, live: bool = True) -> tuple[str, ...]:
    """Return the conditions on every row a table shows, as templates.

    `live` says that rows are those of versions, which know where they come from.
    """
    values = [(f"{{{name}}}", value) for name, value in pinned_values(schema)]
    if live:
        known = schema.overrides.values
        values += [(field, known[name]) for name, field in _OF_PLACE.items() if name in known]
    return tuple(
        f"{field} IS NULL" if value is None else f"{field} = {sql_literal(value)}"
        for field, value in values
    )


def pinned_metadata(schema: CompiledSchema) -> Json:
    """Return the metadata new rows get; text that is JSON is taken for it."""
    value = schema.overrides.values.get("metadata")
    if not isinstance(value, str):
        return value
    try:
        return parse_json(value)
    except (ValueError, RecursionError):
        return value
