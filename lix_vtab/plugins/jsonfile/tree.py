"""The stored entities of a JSON file as a tree, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lix_vtab.plugins.contract import PluginInvalidInput
from lix_vtab.plugins.jsonfile.layout import check_layout
from lix_vtab.plugins.jsonfile.position import Ranking
from lix_vtab.plugins.jsonfile.scan import DEEPEST, spell

__all__ = ["Entity", "build", "content_of", "escape", "is_index", "kind_of"]

_BAD_ESCAPE = re.compile(r"~(?![01])")
_INDEX = re.compile(r"0|[1-9][0-9]*", re.ASCII)
_OTHER_TOKEN = re.compile(r"(?:id|key)=.*|\+.+", re.DOTALL)
_HIGHEST_INDEX = 100_000
_NOTHING: Mapping[str, Any] = {}


class Entity:
    """One stored value; `inline` ones come from the content of a container's own row.

    A `settled` one is known to be as the text has it, so that nobody need look inside.
    """

    __slots__ = (
        "children",
        "content",
        "id",
        "inline",
        "kind",
        "layout",
        "settled",
        "snapshot",
        "token",
        "value",
    )

    def __init__(self, id: str, token: str, snapshot: dict[str, Any], *, inline: bool) -> None:
        self.id = id
        self.token = token
        self.snapshot = snapshot
        self.value = snapshot["value"]
        self.layout: Mapping[str, Any] = snapshot.get("layout") or _NOTHING
        self.kind = kind_of(self.value)
        self.children: list[Entity] = []
        self.inline = inline
        self.settled = False
        self.content: str | None = None


def kind_of(value: Any) -> str:
    """Return "{", "[" or "" for an object, an array or a scalar."""
    return "{" if isinstance(value, dict) else "[" if isinstance(value, list) else ""


def is_index(token: str) -> bool:
    """Tell whether a token consists of digits."""
    return token.isdecimal() and token.isascii()


def escape(token: str) -> str:
    """Write a token as a part of a JSON pointer.

    >>> escape("a/b~c")
    'a~1b~0c'
    """
    if "~" in token or "/" in token:
        return token.replace("~", "~0").replace("/", "~1")
    return token


def build(entities: Mapping[str, Any]) -> Entity | None:
    """Build the tree of a complete set of snapshots (None: tombstone); None when all are gone.

    Raise PluginInvalidInput when the set is no JSON value.
    """
    nodes: dict[str, Entity] = {}
    gone: list[str] = []
    for entity_id, snapshot in entities.items():
        token = _token(entity_id)
        if snapshot is None:
            gone.append(entity_id)
        else:
            _check_snapshot(entity_id, snapshot)
            nodes[entity_id] = Entity(entity_id, token, snapshot, inline=False)
    if "" not in nodes:
        if "" in entities and len(entities) > 1:
            raise PluginInvalidInput("a root tombstone cannot coexist with other rows")
        if len(entities) > ("" in entities):
            raise PluginInvalidInput(
                "non-root projection rows require a root row: an entity whose id is the empty "
                "text, for the document as a whole"
            )
        return None
    for entity_id, node in nodes.items():
        if entity_id:
            _parent(entity_id, nodes, entities).children.append(node)
    _check_tombstones(gone, nodes)
    for node in list(nodes.values()):
        if node.kind:
            _arrange(node, entity_depth=node.id.count("/"))
    return nodes[""]


def _token(entity_id: str) -> str:
    parent, slash, token = entity_id.rpartition("/")
    if not slash and entity_id:
        raise PluginInvalidInput(f"{entity_id!r} is no JSON pointer: it must start with '/'")
    if "~" not in entity_id:
        if parent and parent[0] != "/":
            raise PluginInvalidInput(f"{entity_id!r} is no JSON pointer: it must start with '/'")
        return token
    if _BAD_ESCAPE.search(entity_id):
        raise PluginInvalidInput(f"invalid JSON pointer escape in {entity_id!r}")
    return token.replace("~1", "/").replace("~0", "~")


def _check_snapshot(entity_id: str, snapshot: Any) -> None:
    if not isinstance(snapshot, dict):
        raise PluginInvalidInput(f"the snapshot of {entity_id!r} must be an object")
    for name in ("path", "value"):
        if name not in snapshot:
            raise PluginInvalidInput(f"the snapshot of {entity_id!r} must contain {name!r}")
    if len(snapshot) > 2:
        more = sorted(snapshot.keys() - {"path", "value", "layout"})
        if more:
            raise PluginInvalidInput(
                f"the snapshot of {entity_id!r} has unsupported properties: {', '.join(more)}"
            )
        check_layout(entity_id, snapshot["layout"])
    path = snapshot["path"]
    if path != entity_id:
        if not isinstance(path, str):
            raise PluginInvalidInput(f"the path of {entity_id!r} must be a string, not {path!r}")
        raise PluginInvalidInput(f"snapshot path '{path}' does not match {entity_id!r}")


def _parent(entity_id: str, nodes: Mapping[str, Entity], entities: Mapping[str, Any]) -> Entity:
    parent_id = entity_id.rpartition("/")[0]
    parent = nodes.get(parent_id)
    if parent is not None and parent.kind:
        return parent
    if parent is not None:
        raise PluginInvalidInput(f"the parent of {entity_id!r}, {parent_id!r}, is not a container")
    above = parent_id
    while above and above not in entities:
        above = above.rpartition("/")[0]
    if above in entities and entities[above] is None:
        raise PluginInvalidInput(f"{entity_id!r} conflicts with tombstoned ancestor {above!r}")
    raise PluginInvalidInput(f"missing ancestor container row {parent_id!r} of {entity_id!r}")


def _check_tombstones(gone: list[str], nodes: Mapping[str, Entity]) -> None:
    for entity_id in gone:
        parent = nodes.get(entity_id.rpartition("/")[0])
        if entity_id and parent is not None and parent.kind == "[" and parent.children:
            token = _token(entity_id)
            if token == "-" or token.isdecimal():
                _check_array_token(entity_id, token)


def _check_array_token(entity_id: str, token: str) -> None:
    if _INDEX.fullmatch(token):
        if len(token) > 6 or int(token) > _HIGHEST_INDEX:
            raise PluginInvalidInput(
                f"the index of {entity_id!r} exceeds max supported index {_HIGHEST_INDEX}"
            )
    elif token == "-":
        raise PluginInvalidInput(f"non-canonical '-' array token in {entity_id!r}")
    elif not _OTHER_TOKEN.fullmatch(token):
        raise PluginInvalidInput(f"non-canonical array index token in {entity_id!r}")


def _arrange(node: Entity, entity_depth: int) -> None:
    """Check and sort the children of a container, those written inside its row included."""
    if entity_depth >= DEEPEST:
        raise PluginInvalidInput(f"containers nest deeper than {DEEPEST} at {node.id!r}")
    children = node.children
    if node.kind == "[":
        for child in children:
            if not is_index(child.token) or child.token[0] == "0" or len(child.token) > 5:
                _check_array_token(child.id, child.token)
    if node.value:
        _expand(node, entity_depth)
    if node.kind == "[" and "elements" not in node.layout:
        _check_dense(node)
    if len(children) > 1:
        ranking = Ranking(node.kind, node.layout.get("order", ()))
        children.sort(key=lambda child: ranking.place(child.token, child.layout.get("at")))


def _check_dense(node: Entity) -> None:
    indexes = sorted(
        int(child.token)
        for child in node.children
        if "at" not in child.layout and is_index(child.token)
    )
    if indexes and indexes[-1] != len(indexes) - 1:
        missing = next(at for at, index in enumerate(indexes) if at != index)
        raise PluginInvalidInput(
            f"sparse array projection: {node.id!r} has the index {indexes[-1]} but not {missing}"
        )


def _expand(node: Entity, entity_depth: int) -> None:
    """Add what a container's own row holds and no row of its own overrides."""
    taken = {child.token for child in node.children}
    value = node.value
    members = value.items() if node.kind == "{" else ((str(at), v) for at, v in enumerate(value))
    for token, member in members:
        if token in taken:
            continue
        child_id = f"{node.id}/{escape(token)}"
        snapshot = {"path": child_id, "value": member}
        child = Entity(child_id, token, snapshot, inline=True)
        node.children.append(child)
        if child.kind:
            _arrange(child, entity_depth + 1)


def content_of(node: Any) -> str:
    """Return the value of a tree (stored or scanned) as text that is equal for equal values."""
    if node.content is None:
        if not node.kind:
            node.content = spell(node.value)
        elif node.kind == "[":
            node.content = f"[{','.join(map(content_of, node.children))}]"
        else:
            members = sorted(f"{spell(c.token)}:{content_of(c)}" for c in node.children)
            node.content = f"{{{','.join(members)}}}"
    return str(node.content)
