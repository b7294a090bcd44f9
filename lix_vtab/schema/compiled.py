"""A schema ready for the hot path: everything about (key, version) worked out once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Any, Final

from lix_vtab.errors import ConstraintViolation, LixError, SchemaValidationError
from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.ids import Source
from lix_vtab.model.json import Json
from lix_vtab.schema.checker import Checker
from lix_vtab.schema.defaults import Defaults, collect_defaults
from lix_vtab.schema.definition import refuse
from lix_vtab.schema.dialects import find_dialect
from lix_vtab.schema.graph import build_graph
from lix_vtab.schema.guard import guard_of
from lix_vtab.schema.keys import ForeignKey, SchemaKey, entity_id_reader
from lix_vtab.schema.overrides import Overrides, evaluate_overrides
from lix_vtab.schema.pointers import Pointer, parse_pointer
from lix_vtab.schema.types import Property, describe_properties

__all__ = ["ALL_VIEWS", "CompiledSchema", "compile_schema"]

ALL_VIEWS: Final = frozenset({"state", "state_by_version", "state_history"})
"""The kinds of entity tables a schema has unless `x-lix-entity-views` says otherwise."""

PointerGroup = tuple[Pointer, ...]

_HOMES = {"lix_version_descriptor": "global"}
"""Where rows of a schema have to be, though the schema itself does not say so."""


@dataclass(frozen=True, slots=True, eq=False)
class CompiledSchema:
    """One version of a schema, built by `compile_schema` and never changed.

    Attributes are plain values computed at construction; reading them costs nothing. `home` is the
    version the schema's table shows and writes, whichever version is active; None for most.
    """

    identity: SchemaKey
    definition: Mapping[str, Json]
    properties: Mapping[str, Property]
    primary_key: PointerGroup
    unique: tuple[PointerGroup, ...]
    indexes: tuple[PointerGroup, ...]
    foreign_keys: tuple[ForeignKey, ...]
    immutable: bool
    views: frozenset[str]
    overrides: Overrides
    defaults: Defaults
    checker: Checker
    home: str | None = field(init=False)
    key: str = field(init=False)
    version: str = field(init=False)
    property_names: tuple[str, ...] = field(init=False)
    entity_id_of: Callable[[Json], str | None] = field(init=False)

    def __post_init__(self) -> None:
        place = f"schema '{self.identity.key}' ({self.identity.version})"
        derived: dict[str, Any] = {
            "home": self.overrides.version_id or _HOMES.get(self.identity.key),
            "key": self.identity.key,
            "version": self.identity.version,
            "property_names": tuple(self.properties),
            "entity_id_of": entity_id_reader(self.primary_key, place),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    def validate(self, value: Json, entity_id: str | None = None) -> None:
        """Raise SchemaValidationError listing everything in `value` the schema forbids.

        `entity_id` names the row in the error.
        """
        try:
            if self.checker.accepts(value):
                return
        except ValueError:
            # not JSON, or text no UTF-8 library takes: the slow path tells which
            pass
        violations = self.checker.violations(value)
        if violations:
            raise SchemaValidationError(
                f"snapshot_content does not match schema '{self.key}' ({self.version}): "
                + "; ".join(violations)
                + (f" (entity '{entity_id}')" if entity_id is not None else ""),
                details={
                    "schema_key": self.key,
                    "schema_version": self.version,
                    "entity_id": entity_id,
                    "violations": violations,
                },
            )

    def check_entity_id(self, entity_id: str, value: Json) -> None:
        """Raise ConstraintViolation unless `entity_id` is what the primary key in `value` says.

        Any id is right for a schema without primary key.
        """
        try:
            expected = self.entity_id_of(value)
        except ConstraintViolation as error:
            raise self._inconsistent(entity_id, error.message, error) from error
        if expected is not None and expected != entity_id:
            raise self._inconsistent(entity_id, f"expected '{expected}'")

    def apply_defaults(self, value: dict[str, Json], source: Source) -> dict[str, Json]:
        """Return `value` with the defaults of absent properties, drawing ids from `source`.

        In order of property names, each expression seeing what is there by then; properties
        without a default stay absent. `value` is never changed, and returned as it is when nothing
        was missing.
        """
        return self.defaults.apply(value, source)

    def _inconsistent(
        self, entity_id: str, reason: str, cause: LixError | None = None
    ) -> ConstraintViolation:
        return ConstraintViolation(
            f"entity_id '{entity_id}' is inconsistent for schema '{self.key}' ({self.version}): "
            f"{reason}",
            hint=cause.hint
            if cause
            else "the entity id follows from the primary key; "
            "for another key, delete the row and insert one",
            details={"entity_id": entity_id, "schema_key": self.key},
        )


def compile_schema(definition: dict[str, Json], *, proven: bool = False) -> CompiledSchema:
    """Compile a definition that `validate_schema` has approved.

    The definition belongs to the result from then on; do not change it. `proven` says that its
    validator is known to compile.

    >>> task = compile_schema({
    ...     "x-lix-key": "task", "x-lix-version": "1", "x-lix-primary-key": ["/id"],
    ...     "type": "object", "properties": {"id": {"type": "string"}, "done": {"type": "boolean"}},
    ...     "required": ["id"], "additionalProperties": False,
    ... })
    >>> task.property_names, task.properties["done"].sql_type, task.entity_id_of({"id": "t1"})
    (('done', 'id'), 'BOOLEAN', 't1')
    """
    identity = SchemaKey(definition["x-lix-key"], definition["x-lix-version"])
    checker, properties = _analyse(definition, identity, proven)
    return CompiledSchema(
        identity=identity,
        definition=MappingProxyType(definition),
        properties=MappingProxyType(properties),
        primary_key=_group(definition.get("x-lix-primary-key", ())),
        unique=tuple(map(_group, definition.get("x-lix-unique", ()))),
        indexes=tuple(map(_group, definition.get("x-lix-index", ()))),
        foreign_keys=tuple(map(_foreign_key, definition.get("x-lix-foreign-keys", ()))),
        immutable=definition.get("x-lix-immutable") is True,
        views=frozenset(definition.get("x-lix-entity-views", ALL_VIEWS)),
        overrides=evaluate_overrides(definition),
        defaults=collect_defaults(definition),
        checker=checker,
    )


def _analyse(
    definition: dict[str, Json], identity: SchemaKey, proven: bool
) -> tuple[Checker, dict[str, Property]]:
    """Build what needs the graph of the definition."""
    dialect = find_dialect(definition)
    if dialect is None:
        raise refuse([f"/$schema {definition['$schema']!r} is not a supported draft"])
    graph = build_graph(definition, dialect)
    try:
        checker = Checker(definition, dialect, guard=guard_of(graph), later=proven)
    except ValueError as error:
        reason = f"failed to compile schema '{identity.key}' ({identity.version}): {error}"
        raise refuse([reason]) from error
    return checker, describe_properties(definition, graph)


def _group(pointers: Any) -> PointerGroup:
    return tuple(map(parse_pointer, pointers))


def _foreign_key(definition: Mapping[str, Any]) -> ForeignKey:
    references = definition["references"]
    return ForeignKey(
        properties=_group(definition["properties"]),
        target_key=references["schemaKey"],
        target_properties=_group(references["properties"]),
        materialized=definition.get("mode") == "materialized",
        same_file="file_id" in definition.get("scope", ()),
    )
