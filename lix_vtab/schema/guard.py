"""What could make validation against a definition slow, deep or endless, found by looking at it.

Compiled validators are fast but cannot be stopped. So a definition is looked at once, when it is
compiled: what may run forever is refused, and what is safe only for ordinary values is remembered
in a `Guard`, which sends extraordinary values to a slower judge with a budget.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from lix_vtab.model.dataclasses import dataclass
from lix_vtab.schema.graph import Graph, Label, Node
from lix_vtab.schema.patterns import Weight, weigh
from lix_vtab.schema.types import admitted_types

__all__ = ["MAX_PATHS", "Guard", "find_endless", "guard_of", "patterns_of"]

MAX_PATHS = 20_000
"""Ways from the root to subschemas beyond which a definition counts as explosive."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Why some values must not meet the compiled validator.

    `explosive`: the work may double with every level of a value (or of the definition).
    `deep`: the validator recurses as deep as the value does.
    `heavy`: there is a pattern that long texts could stall.
    `opaque`: `jsonschema` would match property names with Python's own regular expressions.
    `dynamic`: what a reference means may depend on the way that leads to it.
    """

    explosive: bool = False
    deep: bool = False
    heavy: bool = False
    opaque: bool = False
    dynamic: bool = False

    @property
    def open(self) -> bool:
        """Tell whether every value may go straight to the compiled validator."""
        return not (self.explosive or self.deep or self.heavy)


def guard_of(graph: Graph) -> Guard:
    """Derive the guard of a definition without endless subschemas."""
    components = _components(graph)
    recursive = [part for part in components if _is_cyclic(part)]
    keywords = {keyword for node in graph.nodes for keyword in node.schema}
    return Guard(
        explosive=any(_doubles(part) for part in recursive)
        or _count_paths(graph, components) > MAX_PATHS,
        deep=bool(recursive) or _compares_structures(graph),
        heavy=any(weigh(pattern) is not Weight.LIGHT for _, pattern in patterns_of(graph)),
        opaque="unevaluatedProperties" in keywords and "patternProperties" in keywords,
        dynamic=not keywords.isdisjoint(("$dynamicRef", "$recursiveRef")),
    )


def patterns_of(graph: Graph) -> Iterator[tuple[str, str]]:
    """Yield place and text of every regular expression."""
    for node in graph.nodes:
        pattern = node.schema.get("pattern")
        if isinstance(pattern, str):
            yield f"{node.where}/pattern", pattern
        named = node.schema.get("patternProperties")
        for text in named if isinstance(named, dict) else ():
            yield f"{node.where}/patternProperties", text


def _compares_structures(graph: Graph) -> bool:
    """Tell whether `uniqueItems` may have to compare arrays or objects, however deep."""
    nodes = {id(node.schema): node for node in graph.nodes}
    for node in graph.nodes:
        if node.schema.get("uniqueItems") is True:
            items = nodes.get(id(node.schema.get("items")))
            if items is None or not admitted_types(items, nodes).isdisjoint(("array", "object")):
                return True
    return False


def find_endless(graph: Graph) -> str | None:
    """Describe a subschema that applies itself to the same value again, None when there is none."""
    from graphlib import CycleError, TopologicalSorter  # for those who register a schema

    sorter = TopologicalSorter({node: list(node.same()) for node in graph.nodes})
    try:
        sorter.prepare()
    except CycleError as error:
        round_trip = " -> ".join(node.where or "#" for node in error.args[1])
        return f"{round_trip} applies itself to the same value without end"
    return None


def _is_cyclic(part: frozenset[Node]) -> bool:
    return len(part) > 1 or any(edge.target in part for node in part for edge in node.edges)


def _components(graph: Graph) -> list[frozenset[Node]]:
    """Return the strongly connected parts (Kosaraju, without recursion)."""
    forward = {node: [edge.target for edge in node.edges] for node in graph.nodes}
    backward: dict[Node, list[Node]] = {node: [] for node in graph.nodes}
    for node, targets in forward.items():
        for target in targets:
            backward[target].append(node)
    parts: list[frozenset[Node]] = []
    seen: set[Node] = set()
    for node in reversed(list(_postorder(graph.nodes, forward, set()))):
        if node not in seen:
            parts.append(frozenset(_postorder((node,), backward, seen)))
    return parts


def _postorder(
    starts: Iterable[Node], steps: dict[Node, list[Node]], seen: set[Node]
) -> Iterator[Node]:
    for start in starts:
        if start in seen:
            continue
        seen.add(start)
        stack = [(start, iter(steps[start]))]
        while stack:
            node, pending = stack[-1]
            for target in pending:
                if target not in seen:
                    seen.add(target)
                    stack.append((target, iter(steps[target])))
                    break
            else:
                stack.pop()
                yield node


def _count_paths(graph: Graph, components: list[frozenset[Node]]) -> int:
    """Count the ways from the root to subschemas; a step down inside a recursion is not one."""
    from graphlib import TopologicalSorter

    home = {node: index for index, part in enumerate(components) for node in part}
    steps = {
        node: [
            edge.target
            for edge in node.edges
            if edge.label is None or home[edge.target] != home[node]
        ]
        for node in graph.nodes
    }
    ways: dict[Node, int] = {}
    for node in TopologicalSorter(steps).static_order():
        # the sorter yields targets first, so their counts are there
        ways[node] = min(1 + sum(ways[target] for target in steps[node]), MAX_PATHS + 1)
    return ways[graph.root]


def _doubles(part: frozenset[Node]) -> bool:
    """Tell whether a value's part can be judged twice by the same recursion.

    One way down per part (`children` -> items -> the root) costs as much as the value is big; two
    ways down to the same part cost twice as much at every level.
    """
    entries = {edge.target for node in part for edge in node.edges if edge.label is not None}
    return any(_overlap(_ways_down(entry, part)) for entry in entries & part)


def _ways_down(entry: Node, part: frozenset[Node]) -> list[tuple[Label, int]]:
    """List the steps to parts of a value that `entry` and what it applies can take, repeats kept.

    A step counts twice when two paths lead to it; far too many paths count as one such repeat.
    """
    ways: list[tuple[Label, int]] = []
    pending = [entry]
    for visits in range(MAX_PATHS):
        if not pending:
            return ways
        node = pending.pop()
        inside = [edge for edge in node.edges if edge.target in part]
        pending += [edge.target for edge in inside if edge.label is None]
        ways += [(edge.label, id(node)) for edge in inside if edge.label is not None]
        if visits > len(part) and len(ways) != len(set(ways)):
            break
    return ways * 2


def _overlap(ways: list[tuple[Label, int]]) -> bool:
    """Tell whether two of the ways down may lead to the same part of a value."""
    labels = Counter(label for label, _ in ways)
    if any(count > 1 for count in labels.values()):
        return True
    return _meet(ways, "property", "rest", "any-property") or _meet(
        ways, "item", "items", "any-item"
    )


def _meet(ways: list[tuple[Label, int]], named: str, rest: str, loose: str) -> bool:
    """Tell whether a named part, the rest beside named parts, and any part can be the same."""
    by_kind = {
        kind: {owner for label, owner in ways if label[0] == kind} for kind in (named, rest, loose)
    }
    if by_kind[loose]:
        return bool(by_kind[named] or by_kind[rest])
    return bool(by_kind[rest]) and not by_kind[named] <= by_kind[rest]
