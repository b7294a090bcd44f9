"""Judge schema definitions: JSON Schema documents with `x-lix-*` keywords.

The rules come in three rings, and each ring lists everything it finds: what can be looked at safely
at all, what the meta-schemas say, and what only makes sense once those hold.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from lix_vtab.errors import CelError, SchemaDefinitionError
from lix_vtab.model.json import Json, canonical_json, parse_json
from lix_vtab.schema.cel import parse_cel
from lix_vtab.schema.checker import Checker
from lix_vtab.schema.dialects import DIALECTS, Dialect, find_dialect
from lix_vtab.schema.semantics import find_faults
from lix_vtab.schema.survey import survey

__all__ = [
    "MAX_BYTES",
    "MAX_NESTING",
    "MAX_PROPERTIES",
    "cel_problem",
    "definition_text",
    "refuse",
    "refuse_reserved_key",
    "schema_definition",
    "validate_schema",
]

MAX_BYTES: Final = 1 << 20
"""Size a definition may have, as JSON text."""

MAX_NESTING: Final = 100
"""Levels of nesting a definition may have."""

MAX_PROPERTIES: Final = 1000
"""Properties a schema may have; each is a column, and SQLite bounds those."""

RESERVED_PREFIX: Final = "lix_"
"""Schema keys that start so belong to lix itself."""

_META_SCHEMA = Path(__file__).with_name("lix_schema_definition.json")


def validate_schema(definition: Any) -> None:
    """Check a schema definition; raise SchemaDefinitionError listing everything wrong with it.

    The check needs no database: the targets of foreign keys need not exist.

    >>> validate_schema({
    ...     "x-lix-key": "task", "x-lix-version": "1", "type": "object",
    ...     "properties": {"id": {"type": "string"}}, "additionalProperties": False,
    ... })
    """
    violations = _find_oversize(definition)
    if not violations:
        dialect = find_dialect(definition)
        if dialect is None:
            violations = [_unknown_dialect(definition)]
        else:
            violations = _find_malformed(definition, dialect) or find_faults(definition, dialect)
    if violations:
        raise refuse(violations)


def definition_text(definition: Any) -> str:
    """Write a definition as JSON; raise SchemaDefinitionError when it is none.

    >>> definition_text({"x-lix-key": "task"})
    '{"x-lix-key":"task"}'
    """
    value = dict(definition) if isinstance(definition, Mapping) else definition
    violations = _find_oversize(value)
    if violations:
        raise refuse(violations)
    return canonical_json(value)


def refuse(violations: list[str]) -> SchemaDefinitionError:
    """Return the error that lists `violations`."""
    return SchemaDefinitionError(
        f"Invalid Lix schema definition: {'; '.join(violations)}",
        details={"violations": violations},
    )


def refuse_reserved_key(key: str, *, allow_reserved: bool = False) -> None:
    """Raise SchemaDefinitionError when `key` belongs to lix and the caller may not use it.

    >>> refuse_reserved_key("lix_mine", allow_reserved=True)
    """
    if not allow_reserved and key.startswith(RESERVED_PREFIX):
        raise SchemaDefinitionError(
            f"Invalid Lix schema definition: x-lix-key '{key}' is reserved",
            hint=f"keys that start with '{RESERVED_PREFIX}' belong to lix; choose another name",
            details={"violations": [f"x-lix-key '{key}' is reserved"], "schema_key": key},
        )


def schema_definition() -> dict[str, Json]:
    """Return the meta-schema of the `x-lix-*` keywords, as a fresh document.

    A definition also has to satisfy the meta-schema of its own draft.
    """
    document: dict[str, Json] = parse_json(_META_SCHEMA.read_bytes())
    return document


def _find_oversize(definition: Any) -> list[str]:
    """Find what makes a document unfit to be looked at by anything recursive."""
    if not isinstance(definition, dict):
        return [f"a schema definition is a JSON object, not a {type(definition).__name__}"]
    extent = survey(definition, max_depth=MAX_NESTING)
    if extent.flaw:
        return [extent.flaw]
    if extent.depth > MAX_NESTING:
        return [f"it is nested more than {MAX_NESTING} levels deep"]
    if extent.weight > MAX_BYTES:
        return [f"it is larger than {MAX_BYTES} bytes"]
    try:
        json.dumps(definition, ensure_ascii=False).encode()
    except ValueError as error:
        # a lone surrogate, or an integer too long to be written
        return [f"it cannot be written as JSON: {error}"[:200]]
    properties = definition.get("properties")
    if isinstance(properties, dict) and len(properties) > MAX_PROPERTIES:
        return [f"it has {len(properties)} properties; {MAX_PROPERTIES} are the most"]
    return []


def _find_malformed(definition: dict[str, Json], dialect: Dialect) -> list[str]:
    """Return what the meta-schemas object to, each objection once."""
    import jsonschema_rs

    found: list[str] = []
    if not jsonschema_rs.meta.is_valid({**definition, "$schema": dialect.uri}):
        found += _draft_checker(dialect).violations(definition)
    found += _lix_checker().violations(definition)
    return list(dict.fromkeys(found))


def _unknown_dialect(definition: Mapping[str, Any]) -> str:
    known = ", ".join(DIALECTS)
    named = str(definition["$schema"])[:200]
    return f"/$schema {named!r} is not a supported draft (supported: {known})"


@lru_cache(maxsize=8)
def _draft_checker(dialect: Dialect) -> Checker:
    import jsonschema

    return Checker(getattr(jsonschema, dialect.reference).META_SCHEMA, dialect)


@lru_cache(maxsize=1)
def _lix_checker() -> Checker:
    document = schema_definition()
    dialect = find_dialect(document)
    assert dialect is not None
    return Checker(document, dialect, formats={"cel": cel_problem})


def cel_problem(text: str) -> str | None:
    """Return why `text` is no CEL expression, None when it is one."""
    try:
        parse_cel(text)
    except CelError as error:
        return error.message
    return None
