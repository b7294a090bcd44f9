"""Parts of the stored tree of a JSON file, looked up one by one and held against its text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lix_vtab.plugins.contract import PluginInvalidInput, StateContext
from lix_vtab.plugins.entities import current_snapshot
from lix_vtab.plugins.jsonfile.differ import SCHEMA_KEY
from lix_vtab.plugins.jsonfile.elements import identity_of
from lix_vtab.plugins.jsonfile.layout import effective_raw
from lix_vtab.plugins.jsonfile.position import Ranking
from lix_vtab.plugins.jsonfile.quick import is_proven, keyed_token
from lix_vtab.plugins.jsonfile.scan import Node
from lix_vtab.plugins.jsonfile.tree import Entity, escape

__all__ = ["Shelf", "Uncertain"]

_MOST_LOOKED_UP = 256


class Uncertain(PluginInvalidInput):
    """Say that a look-up does not tell enough."""


class Shelf:
    """Finds stored values; raises Uncertain when what is found may be something else."""

    def __init__(self, context: StateContext) -> None:
        self._context = context
        self._left = _MOST_LOOKED_UP

    def has(self, pointer: str) -> bool:
        """Tell whether there is a value of this pointer."""
        return self._context.find(SCHEMA_KEY, pointer) is not None

    def entity(self, pointer: str, token: str) -> Entity:
        """Return one value, a container without its members."""
        self._left -= 1
        snapshot = current_snapshot(self._context, SCHEMA_KEY, pointer) if self._left > 0 else None
        if not isinstance(snapshot, dict) or snapshot.get("path") != pointer:
            raise Uncertain(pointer)
        found = Entity(pointer, token, snapshot, inline=False)
        if found.kind and found.value:
            raise Uncertain(pointer)  # some members are in this row, and have none of their own
        return found

    def way(self, old: Any, new: Any, path: Sequence[str | int]) -> list[Entity]:
        """Return the containers on a path that two values have in common, the root first."""
        found = [self.entity("", "")]
        for step in path:
            pointer = found[-1].id
            token = step if isinstance(step, str) else self._token(old, new, step, pointer)
            found.append(self.entity(f"{pointer}/{escape(token)}", token))
            old, new = old[step], new[step]
        return found

    def _token(self, old: Any, new: Any, at: int, pointer: str) -> str:
        """Return the token of an element that has the same id of its own in two arrays."""
        keyed = keyed_token(old, at)
        if keyed is None or keyed != keyed_token(new, at):
            raise Uncertain(pointer)
        if not is_proven(f"{pointer}/{escape(keyed[0])}", keyed, self._context):
            raise Uncertain(pointer)
        return keyed[0]

    def settled(self, parent: Entity, node: Node) -> Entity:
        """Return a member that stays as it is."""
        how = parent.layout.get("elements", "index")
        token = node.token if parent.kind == "{" else f"{how}={identity_of(node, how)}"
        found = self.entity(f"{parent.id}/{escape(token)}", token)
        if found.kind != node.kind:
            raise Uncertain(found.id)
        if parent.kind == "[":
            found.children = [self.entity(f"{found.id}/{how}", how)]
            if identity_of(found, how) != identity_of(node, how):
                raise Uncertain(found.id)
        found.settled = True
        return found

    def fill(self, parent: Entity, nodes: Sequence[Node]) -> list[Entity]:
        """Return the members of a container that stand for these, with all below them.

        There are no others: where there are as many as in the text, and all of these, it is all.
        """
        found = [
            self.entity(f"{parent.id}/{escape(token)}", token) for token in _tokens(parent, nodes)
        ]
        ranking = Ranking(parent.kind, parent.layout.get("order", ()))
        found.sort(key=lambda each: ranking.place(each.token, each.layout.get("at")))
        for entity, node in zip(found, nodes, strict=True):
            if entity.kind != node.kind or node.shadows:
                raise Uncertain(entity.id)
            if parent.kind == "{" and entity.token != node.token:
                raise Uncertain(entity.id)
            if node.kind:
                entity.children = self.fill(entity, node.children)
            elif effective_raw(entity.value, entity.layout) != node.raw:
                raise Uncertain(entity.id)
        return found


def _tokens(parent: Entity, nodes: Sequence[Node]) -> list[str]:
    if parent.kind == "{":
        return [node.token for node in nodes]
    how = parent.layout.get("elements", "index")
    if how == "index":
        return [str(at) for at in range(len(nodes))]
    tokens = [f"{how}={identity_of(node, how)}" for node in nodes]
    if len(set(tokens)) < len(tokens):
        raise Uncertain(parent.id)
    return tokens
