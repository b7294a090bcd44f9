"""Which JSON types a schema admits, and how its values look in SQL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from typing import Final

from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.json import Json
from lix_vtab.schema.graph import Graph, Node

__all__ = ["ALL_TYPES", "Property", "admitted_types", "describe_properties"]

ALL_TYPES: Final = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})
"""Every JSON type; `integer` and `number` both stand here when fractions are admitted."""


@dataclass(frozen=True, slots=True)
class Property:
    """One first-level property: its schema and what follows from it.

    `sql_type` is the declared type of its column: TEXT, INTEGER, REAL, BOOLEAN, JSON, or nothing
    when values of several kinds are admitted.
    """

    name: str
    schema: Json
    required: bool
    admits: frozenset[str]
    sql_type: str = field(init=False)
    string: bool = field(init=False)
    boolean: bool = field(init=False)
    number: bool = field(init=False)
    fraction: bool = field(init=False)
    structure: bool = field(init=False)
    null: bool = field(init=False)

    def __post_init__(self) -> None:
        admits = self.admits
        flags = {
            "sql_type": _sql_type(admits),
            "string": "string" in admits,
            "boolean": "boolean" in admits,
            "number": "integer" in admits or "number" in admits,
            "fraction": "number" in admits,
            "structure": "array" in admits or "object" in admits,
            "null": "null" in admits,
        }
        for name, value in flags.items():
            object.__setattr__(self, name, value)


def describe_properties(definition: dict[str, Json], graph: Graph) -> dict[str, Property]:
    """Describe the first-level properties, sorted by name."""
    nodes = {id(node.schema): node for node in graph.nodes}
    required = set(definition.get("required", ()))
    return {
        name: Property(name, schema, name in required, admitted_types(nodes[id(schema)], nodes))
        for name, schema in sorted(definition.get("properties", {}).items())
    }


def admitted_types(node: Node, nodes: dict[int, Node]) -> frozenset[str]:
    """Return the types a value may have to stand a chance with the schema of `node`.

    Looks through `type`, `enum`, `const`, references and combinations; never too few, maybe too
    many.
    """
    return _Admission(nodes).of(node)


class _Admission:
    """One walk over same-value subschemas, each visited once."""

    def __init__(self, nodes: dict[int, Node]) -> None:
        self._nodes = nodes
        self._known: dict[Node, frozenset[str]] = {}

    def of(self, node: Node) -> frozenset[str]:
        known = self._known.get(node)
        if known is None:
            # a placeholder first: definitions without endless subschemas never need it
            self._known[node] = ALL_TYPES
            known = self._known[node] = self._compute(node)
        return known

    def _compute(self, node: Node) -> frozenset[str]:
        schema = node.schema
        found = ALL_TYPES if node.replaced else _own_types(schema)
        for target in node.references[:1]:
            # further targets belong to dynamic references, whose meaning depends on the path
            found &= ALL_TYPES if len(node.references) > 1 else self.of(target)
        if node.replaced:
            return found
        for keyword in ("anyOf", "oneOf"):
            if isinstance(schema.get(keyword), list):
                found &= frozenset().union(*map(self._below, schema[keyword]))
        for below in schema.get("allOf", ()):
            found &= self._below(below)
        return found

    def _below(self, schema: Json) -> frozenset[str]:
        if isinstance(schema, bool):
            return ALL_TYPES if schema else frozenset()
        return self.of(self._nodes[id(schema)])


def _own_types(schema: dict[str, Json]) -> frozenset[str]:
    found = ALL_TYPES
    named = schema.get("type")
    if named is not None:
        found &= _expand([named] if isinstance(named, str) else named)
    if isinstance(schema.get("enum"), list):
        found &= _expand(map(_type_of, schema["enum"]))
    if "const" in schema:
        found &= _expand([_type_of(schema["const"])])
    return found


def _expand(names: Iterable[str]) -> frozenset[str]:
    listed = frozenset(names)
    return listed | {"integer"} if "number" in listed else listed


def _type_of(value: Json) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _sql_type(admits: frozenset[str]) -> str:
    kinds = {
        frozenset({"string"}): "TEXT",
        frozenset({"integer"}): "INTEGER",
        frozenset({"integer", "number"}): "REAL",
        frozenset({"boolean"}): "BOOLEAN",
        frozenset({"array"}): "JSON",
        frozenset({"object"}): "JSON",
        frozenset({"array", "object"}): "JSON",
    }
    return kinds.get(admits - {"null"}, "")
