"""The subschemas of a definition as a graph, references followed.

An edge without a label applies the target to the same value (`allOf`, `$ref`, `if`); an edge with a
label applies it to a part of the value, and the label says to which part. The graph is what the
questions about a whole definition are asked of: can it run forever, which types does it admit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import Any, Protocol

from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.json import Json
from lix_vtab.schema.dialects import Dialect
from lix_vtab.schema.pointers import pointer_text

__all__ = ["Edge", "Graph", "Label", "Node", "build_graph"]

Label = tuple[str, str | int]
"""Which part of a value an edge leads to, such as `("property", "name")` or `("items", "")`."""

_SAME_ONE = ("not", "if", "then", "else")
_SAME_LIST = ("allOf", "anyOf", "oneOf")
_SAME_MAP = ("dependentSchemas", "dependencies")
_PART_ONE = {
    "additionalProperties": "rest",
    "unevaluatedProperties": "any-property",
    "propertyNames": "names",
    "items": "items",
    "additionalItems": "items",
    "contains": "any-item",
    "unevaluatedItems": "any-item",
}
_PART_LIST = ("items", "prefixItems")
_PART_MAP = {"properties": "property", "patternProperties": "any-property"}
_NAMED = ("definitions", "$defs")
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")


@dataclass(eq=False, slots=True)
class Node:
    """One subschema: where it stands, what it is, where it leads.

    `replaced` marks a schema whose `$ref` stands for all of it (drafts up to 07).
    """

    where: str
    schema: dict[str, Json]
    replaced: bool = False
    edges: list[Edge] = field(default_factory=list)
    references: list[Node] = field(default_factory=list)

    def same(self) -> Iterator[Node]:
        """Yield the nodes that judge the same value."""
        return (edge.target for edge in self.edges if edge.label is None)


@dataclass(frozen=True, slots=True)
class Edge:
    """A step from one subschema to another; `label` is None when the value stays the same."""

    label: Label | None
    target: Node


@dataclass(frozen=True, slots=True)
class Graph:
    """Every subschema of a definition, the root first, and the references that lead nowhere."""

    nodes: tuple[Node, ...]
    unresolved: tuple[str, ...]

    @property
    def root(self) -> Node:
        """Return the node of the definition itself."""
        return self.nodes[0]


def build_graph(definition: dict[str, Json], dialect: Dialect) -> Graph:
    """Build the graph of a definition whose shape its meta-schema has approved."""
    builder = _Builder(definition, dialect)
    builder.run()
    return Graph(tuple(builder.nodes.values()), tuple(builder.unresolved))


class _Resolver(Protocol):
    """The part of a `referencing` resolver that is used here."""

    def lookup(self, ref: str) -> Any: ...

    def in_subresource(self, subresource: Any) -> _Resolver: ...


class _Builder:
    """Visit every subschema once, with the base URI that holds there."""

    def __init__(self, definition: dict[str, Json], dialect: Dialect) -> None:
        self.nodes: dict[int, Node] = {}
        self.unresolved: list[str] = []
        self._definition = definition
        self._dialect = dialect
        self._scopes: list[tuple[Node, _Scope]] = []
        self._dynamic: list[tuple[Node, str]] = []

    def run(self) -> None:
        root = _Scope.outermost(self._definition, self._dialect)
        self._node(self._definition, "", root)
        while self._scopes:
            node, scope = self._scopes.pop()
            self._expand(node, scope)
        for node, reference in self._dynamic:
            for target in self._anchored(reference):
                _link(node, target)

    def _node(self, schema: dict[str, Json], where: str, scope: _Scope) -> Node:
        known = self.nodes.get(id(schema))
        if known is None:
            known = self.nodes[id(schema)] = Node(where, schema)
            self._scopes.append((known, scope))
        return known

    def _expand(self, node: Node, scope: _Scope) -> None:
        inner = scope.enter(node.schema)
        for keyword in _REFERENCES:
            if isinstance(node.schema.get(keyword), str):
                self._follow(node, keyword, inner)
        node.replaced = self._dialect.legacy and "$ref" in node.schema
        for label, path, schema in _subschemas(node.schema):
            target = self._node(schema, node.where + pointer_text(path), inner)
            if label != ("named", "") and not node.replaced:
                node.edges.append(Edge(label, target))

    def _follow(self, node: Node, keyword: str, scope: _Scope) -> None:
        reference = node.schema[keyword]
        found = scope.resolve(reference)
        if found is None:
            place = f"{node.where}/{keyword}"
            self.unresolved.append(f"{place} {reference!r} leads to no schema in this definition")
            return
        schema, below = found
        if isinstance(schema, dict):
            _link(node, self._node(schema, reference, below))
        if keyword != "$ref":
            self._dynamic.append((node, reference))

    def _anchored(self, reference: str) -> list[Node]:
        """Return every node a dynamic reference may end at, whatever the path that led there."""
        anchor = reference.rpartition("#")[2]
        return [
            node
            for node in self.nodes.values()
            if node.schema.get("$dynamicAnchor") == anchor
            or (not anchor and node.schema.get("$recursiveAnchor") is True)
        ]


def _link(node: Node, target: Node) -> None:
    if target not in node.references:
        node.references.append(target)
        node.edges.append(Edge(None, target))


class _Scope:
    """Resolve references relative to one place; the library is loaded at the first reference."""

    __slots__ = ("_path", "_resolver", "_root", "_specification")

    def __init__(
        self, root: dict[str, Json], path: tuple[dict[str, Json], ...], specification: str
    ) -> None:
        self._root = root
        self._path = path
        self._specification = specification
        self._resolver: _Resolver | None = None

    @classmethod
    def outermost(cls, root: dict[str, Json], dialect: Dialect) -> _Scope:
        return cls(root, (), dialect.uri)

    def enter(self, schema: dict[str, Json]) -> _Scope:
        """Return the scope inside `schema`, which is another one when it has an id."""
        if schema is self._root or not ("$id" in schema or "id" in schema):
            return self
        return _Scope(self._root, (*self._path, schema), self._specification)

    def resolve(self, reference: str) -> tuple[Json, _Scope] | None:
        if reference == "#" and not self._path:
            return self._root, self
        from referencing.exceptions import Unresolvable

        try:
            found = self._connect().lookup(reference)
        except (Unresolvable, ValueError, LookupError, TypeError, AttributeError):
            # the library checks neither the URI nor what it walks through
            return None
        if not isinstance(found.contents, dict | bool):
            return None
        scope = _Scope(self._root, self._path, self._specification)
        scope._resolver = found.resolver
        return found.contents, scope

    def _connect(self) -> _Resolver:
        if self._resolver is None:
            from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]
            from referencing.jsonschema import specification_with

            specification = specification_with(self._specification)
            resolver: _Resolver = REGISTRY.resolver_with_root(
                specification.create_resource(self._root)
            )
            for schema in self._path:
                resolver = resolver.in_subresource(specification.create_resource(schema))
            self._resolver = resolver
        return self._resolver


_Below = Iterator[tuple[Label | None, tuple[str | int, ...], dict[str, Json]]]


def _subschemas(schema: dict[str, Json]) -> _Below:
    """Yield label, path and schema of everything one step below; `named` marks mere definitions.

    Boolean schemas lead nowhere and are left out.
    """
    for keyword, value in schema.items():
        if isinstance(value, list):
            yield from _below_array(keyword, value)
        elif isinstance(value, dict):
            if keyword in _SAME_ONE:
                yield None, (keyword,), value
            elif keyword in _PART_ONE:
                yield (_PART_ONE[keyword], ""), (keyword,), value
            else:
                yield from _below_map(keyword, value)


def _below_map(keyword: str, value: dict[str, Json]) -> _Below:
    label: Label | None
    for name, below in value.items():
        if not isinstance(below, dict):
            continue
        if keyword in _SAME_MAP:
            label = None
        elif keyword in _PART_MAP:
            label = (_PART_MAP[keyword], name if keyword == "properties" else "")
        elif keyword in _NAMED:
            label = ("named", "")
        else:
            return
        yield label, (keyword, name), below


def _below_array(keyword: str, value: list[Json]) -> _Below:
    if keyword not in _SAME_LIST and keyword not in _PART_LIST:
        return
    for index, below in enumerate(value):
        if isinstance(below, dict):
            label = None if keyword in _SAME_LIST else ("item", index)
            yield label, (keyword, index), below
