"""Judge data against a schema that is not stored anywhere."""

from __future__ import annotations

from typing import Any

from lix_vtab.errors import SchemaValidationError
from lix_vtab.schema.checker import Checker
from lix_vtab.schema.definition import cel_problem, refuse, validate_schema
from lix_vtab.schema.dialects import DEFAULT, find_dialect
from lix_vtab.schema.graph import build_graph
from lix_vtab.schema.guard import guard_of

__all__ = ["validate_data"]


def validate_data(schema: Any, data: Any) -> None:
    """Check a schema definition, then data against it.

    Raises SchemaDefinitionError or SchemaValidationError. The format `cel` is checked here, too.

    >>> task = {
    ...     "x-lix-key": "task", "x-lix-version": "1", "type": "object",
    ...     "properties": {"id": {"type": "string"}}, "additionalProperties": False,
    ... }
    >>> validate_data(task, {"id": "t1"})
    """
    validate_schema(schema)
    dialect = find_dialect(schema) or DEFAULT
    guard = guard_of(build_graph(schema, dialect))
    try:
        checker = Checker(schema, dialect, guard=guard, formats={"cel": cel_problem})
    except ValueError as error:
        raise refuse([str(error)]) from error
    violations = checker.violations(data)
    if violations:
        raise SchemaValidationError(
            f"Data validation failed: {'; '.join(violations)}",
            details={
                "schema_key": schema["x-lix-key"],
                "schema_version": schema["x-lix-version"],
                "violations": violations,
            },
        )
