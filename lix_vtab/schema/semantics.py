"""What the meta-schemas cannot say about a definition whose shape they approve."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lix_vtab.errors import CelError
from lix_vtab.model.json import Json
from lix_vtab.schema.checker import Checker
from lix_vtab.schema.dialects import Dialect, find_dialect
from lix_vtab.schema.graph import Graph, build_graph
from lix_vtab.schema.guard import find_endless, guard_of, patterns_of
from lix_vtab.schema.overrides import evaluate_overrides
from lix_vtab.schema.patterns import Weight, weigh
from lix_vtab.schema.pointers import escape, parse_pointer

__all__ = ["find_faults", "resolves"]

MAX_SUBSCHEMAS: Final = 10_000
MAX_PATTERNS: Final = 1_000
MAX_PATTERN_LENGTH: Final = 4_096

_RESERVED_PROPERTY_PREFIX: Final = "lixcol_"
_FORMER_NAMES: Final = (
    "state",
    "state_by_version",
    "state_history",
    "label",
    "entity_label",
    "conversation",
    "entity_conversation",
)


def find_faults(definition: dict[str, Json], dialect: Dialect) -> list[str]:
    """List what is wrong with a well-formed definition; empty when nothing is."""
    faults = [
        *_property_names(definition),
        *_key_pointers(definition),
        *_foreign_keys(definition),
        *_overrides(definition),
    ]
    graph = build_graph(definition, dialect)
    graph_faults = [*graph.unresolved, *_patterns(graph), *_drafts(graph, dialect), *_size(graph)]
    endless = find_endless(graph)
    if endless:
        graph_faults.append(endless)
    faults += graph_faults
    # what follows needs a graph that is whole
    return faults if graph_faults else faults + _compilation(definition, dialect, graph)


def resolves(definition: dict[str, Json], pointer: str) -> bool:
    """Tell whether `pointer` names a property, nested ones through `properties` of objects."""
    path = parse_pointer(pointer).path
    below: Json = definition
    for segment in path:
        properties = below.get("properties") if isinstance(below, dict) else None
        if not isinstance(properties, dict) or segment not in properties:
            return False
        below = properties[segment]
    return bool(path)


def _property_names(definition: dict[str, Json]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for name in definition.get("properties", {}):
        place = f"/properties/{escape(name)}"
        # column names compare like SQLite compares them: ASCII letters without case
        folded = name.encode().lower().decode()
        if folded in seen:
            yield f"{place} {name!r} and {seen[folded]!r} differ only in case"
        seen[folded] = name
        if folded.startswith(_RESERVED_PROPERTY_PREFIX):
            yield f"{place} {name!r} starts with '{_RESERVED_PROPERTY_PREFIX}', which is reserved"
        if not name or "\0" in name:
            yield f"{place} {name!r} cannot be the name of a column"


def _key_pointers(definition: dict[str, Json]) -> Iterator[str]:
    groups = {
        "x-lix-primary-key": [definition.get("x-lix-primary-key", [])],
        "x-lix-unique": definition.get("x-lix-unique", []),
        "x-lix-index": definition.get("x-lix-index", []),
    }
    for keyword, listed in groups.items():
        for pointer in (pointer for group in listed for pointer in group):
            if not resolves(definition, pointer):
                yield f'{keyword} references missing property "{pointer}".'


def _foreign_keys(definition: dict[str, Json]) -> Iterator[str]:
    for index, foreign_key in enumerate(definition.get("x-lix-foreign-keys", [])):
        references = foreign_key["references"]
        key = references["schemaKey"]
        if key in _FORMER_NAMES:
            yield (
                f'x-lix-foreign-keys references.schemaKey uses deprecated alias "{key}"; '
                f'use "lix_{key}".'
            )
        for pointer in foreign_key["properties"]:
            if not resolves(definition, pointer):
                yield f'x-lix-foreign-keys references missing property "{pointer}".'
        local, remote = len(foreign_key["properties"]), len(references["properties"])
        if local != remote:
            yield f"foreign key at index {index} pairs {local} properties with {remote}"


def _overrides(definition: dict[str, Json]) -> Iterator[str]:
    try:
        evaluate_overrides(definition)
    except CelError as error:
        yield error.message


def _patterns(graph: Graph) -> Iterator[str]:
    found = list(patterns_of(graph))
    if len(found) > MAX_PATTERNS:
        yield f"it has {len(found)} patterns; {MAX_PATTERNS} are the most"
        return
    for place, pattern in found:
        if len(pattern) > MAX_PATTERN_LENGTH:
            yield f"{place} has more than {MAX_PATTERN_LENGTH} characters"
        elif weigh(pattern) is Weight.INVALID:
            shown = pattern if len(pattern) <= 100 else f"{pattern[:100]}..."
            yield f"{place} {shown!r} is no regular expression, or one too large to run"


def _drafts(graph: Graph, dialect: Dialect) -> Iterator[str]:
    for node in graph.nodes:
        local = node.where.startswith(("/", "#"))
        if local and "$schema" in node.schema and find_dialect(node.schema) is not dialect:
            yield f"{node.where}/$schema differs from the draft of the definition"


def _size(graph: Graph) -> Iterator[str]:
    if len(graph.nodes) > MAX_SUBSCHEMAS:
        yield f"it has {len(graph.nodes)} subschemas; {MAX_SUBSCHEMAS} are the most"


def _compilation(definition: dict[str, Json], dialect: Dialect, graph: Graph) -> list[str]:
    guard = guard_of(graph)
    keywords = {keyword for node in graph.nodes for keyword in node.schema}
    if guard.explosive and not keywords.isdisjoint(("unevaluatedItems", "unevaluatedProperties")):
        return ["unevaluated parts cannot be found in bounded time: too many subschemas overlap"]
    try:
        Checker(definition, dialect, guard=guard)
    except ValueError as error:
        return [str(error)]
    return []
