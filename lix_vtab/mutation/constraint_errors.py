"""Violations of rules between rows, and the error that names all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lix_vtab.errors import ConstraintError, ForeignKeyError, UniqueError
from lix_vtab.model.json import Json
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.mutation.constraint_rules import Group, Reference
from lix_vtab.schema.keys import key_text

__all__ = ["Violation", "constraint_error", "duplicate", "missing", "referenced", "untracked"]

SHOWN = 20
"""How many violations a message spells out."""


class Violation(NamedTuple):
    """One broken rule: which, in words, and the facts for programs."""

    rule: str
    message: str
    details: dict[str, Any]


def constraint_error(violations: Sequence[Violation]) -> ConstraintError:
    """Return the error for one or more violations."""
    shown = [violation.message for violation in violations[:SHOWN]]
    if len(violations) > SHOWN:
        shown.append(f"and {len(violations) - SHOWN} more")
    unique = all(violation.rule == "unique" for violation in violations)
    kind = UniqueError if unique else ForeignKeyError
    hints = {
        "unique": "change the value, or the row that has it",
        "foreign key": "write the row referred to first, or in the same statement",
        "delete": "delete or change the referring rows first, or in the same statement",
        "tracked": "make the row referred to tracked, or the referring row untracked",
    }
    return kind(
        "; ".join(shown),
        hint=hints[violations[0].rule],
        details={
            **violations[0].details,
            "violations": [violation.message for violation in violations],
        },
    )


def duplicate(
    group: Group, schema_version: str, entity_id: str, values: list[Json], rival: str, version: str
) -> Violation:
    """Say that another row has the values of a unique group."""
    listed = _listed(values)
    return Violation(
        "unique",
        f"Unique constraint violation: the unique constraint on ({group.text}) of schema "
        f"'{group.schema_key}' ({schema_version}) is violated by values ({listed}) of entity "
        f"'{entity_id}': entity '{rival}' has them in version '{version}'",
        _details(group.schema_key, entity_id, group, values, version) | {"rival": rival},
    )


def missing(reference: Reference, entity_id: str, values: list[Json], version: str) -> Violation:
    """Say that what a row refers to is not there."""
    return Violation("foreign key", *_reference(reference, entity_id, values, version, ""))


def untracked(reference: Reference, entity_id: str, values: list[Json], version: str) -> Violation:
    """Say that a tracked row refers to one that leaves no trace in history."""
    note = " except untracked ones; tracked entities cannot reference untracked entities"
    return Violation("tracked", *_reference(reference, entity_id, values, version, note))


def referenced(
    reference: Reference,
    schema_key: str,
    entity_id: str,
    values: list[Json],
    count: int,
    version: str,
) -> Violation:
    """Say that a row cannot go because others refer to it."""
    local = reference.local
    return Violation(
        "delete",
        "Foreign key constraint violation: Cannot delete entity because it is referenced by "
        f"{count} record(s) in schema '{local.schema_key}' via foreign key ({local.text}): "
        f"entity '{entity_id}' of schema '{schema_key}' in version '{version}' "
        f"with values ({_listed(values)})",
        {
            "schema_key": schema_key,
            "entity_id": entity_id,
            "version_id": version,
            "referenced_by": local.schema_key,
            "properties": [pointer.text for pointer in local.pointers],
            "values": values,
            "count": count,
        },
    )


def _reference(
    reference: Reference, entity_id: str, values: list[Json], version: str, note: str
) -> tuple[str, dict[str, Any]]:
    local = reference.local
    remote = ", ".join(pointer.text for pointer in reference.target_properties)
    message = (
        f"Foreign key constraint violation. The schema '{local.schema_key}' "
        f"({reference.schema_version}) has a foreign key constraint on ({local.text}) "
        f"referencing '{reference.target_key}.({remote})' but no matching record exists "
        f"with values ({_listed(values)}) in version '{version}'{note}: "
        f"entity '{entity_id}'"
    )
    details = _details(local.schema_key, entity_id, local, values, version)
    return message, details | {"target": reference.target_key}


def _details(
    schema_key: str, entity_id: str, group: Group, values: list[Json], version: str
) -> dict[str, Any]:
    return {
        "schema_key": schema_key,
        "entity_id": entity_id,
        "version_id": version,
        "properties": [pointer.text for pointer in group.pointers],
        "values": values,
    }


def _listed(values: Sequence[Json]) -> str:
    return ", ".join(f"'{key_text(value)}'" for value in values)
