"""A short way for edits within one container: members that come, go or change.

Only what changed and the members beside it are looked up, whatever the size of the file. Those
beside it stay as they are, so that what is between them can be compared as if it were all there is.
Whenever anything is in doubt the answer is None, and the whole text is compared instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import orjson

from lix_vtab.model.tuples import NamedTuple
from lix_vtab.plugins.contract import EntityChange, PluginInvalidInput, StateContext
from lix_vtab.plugins.jsonfile.differ import changes_within
from lix_vtab.plugins.jsonfile.elements import identity_of
from lix_vtab.plugins.jsonfile.layout import Frame, Style
from lix_vtab.plugins.jsonfile.offsets import members_end, value_offset
from lix_vtab.plugins.jsonfile.position import Ranking
from lix_vtab.plugins.jsonfile.render import node_text, root_frame
from lix_vtab.plugins.jsonfile.scan import DEEPEST, Node, scan
from lix_vtab.plugins.jsonfile.stored import Shelf, Uncertain
from lix_vtab.plugins.jsonfile.tree import Entity, escape

__all__ = ["edited_members"]

_MOST_MEMBERS = 64
_MOST_WITHOUT_ID = 16
_LONGEST_PATH = 32

Step = str | int


class _Spot(NamedTuple):
    """Where two values differ: a container, and how many of its members at both ends stay."""

    path: tuple[Step, ...]
    old: Any
    new: Any
    head: int
    tail: int


class _Region(NamedTuple):
    """Where some members of a container stand, what they are, and the space behind the last."""

    start: int
    stop: int
    members: list[Node]
    end: str


def edited_members(before: bytes, after: bytes, context: StateContext) -> list[EntityChange] | None:
    """Return what changed between two texts when it did so within one container, else None."""
    try:
        old, new = orjson.loads(before), orjson.loads(after)
        spot = _find(old, new)
        if spot is None:
            return None
        shelf = Shelf(context)
        way = shelf.way(old, new, spot.path)
        return _compare(before.decode(), after.decode(), way, spot, shelf)
    except (ValueError, PluginInvalidInput):
        return None


def _find(old: Any, new: Any) -> _Spot | None:
    """Follow the difference of two values down to the container that has all of it."""
    path: list[Step] = []
    while True:
        spot = _spot(tuple(path), old, new)
        if spot is None or len(path) > _LONGEST_PATH:
            return None
        at = spot.head
        if len(old) != len(new) or len(old) - at - spot.tail != 1:
            return spot
        step: Step = at if isinstance(new, list) else _names(new)[at]
        if _names(old)[at] != _names(new)[at] or not _alike(old[step], new[step]):
            return spot
        path.append(step)
        old, new = old[step], new[step]


def _alike(old: Any, new: Any) -> bool:
    """Tell whether both are objects, or both arrays, with members."""
    return type(old) is type(new) and isinstance(old, dict | list) and bool(old) and bool(new)


def _spot(path: tuple[Step, ...], old: Any, new: Any) -> _Spot | None:
    if not _alike(old, new):
        return None
    olds, news = ([*x.items()] if isinstance(x, dict) else x for x in (old, new))
    most = min(len(olds), len(news))
    head = _common(olds, news, most)
    tail = _common(olds[::-1], news[::-1], most - head)
    if len(olds) == len(news) == head or max(len(olds), len(news)) - head - tail > _MOST_MEMBERS:
        return None
    return _Spot(path, old, new, head, tail)


def _names(value: Any) -> Sequence[Step]:
    return [*value] if isinstance(value, dict) else range(len(value))


def _common(old: Sequence[Any], new: Sequence[Any], most: int) -> int:
    pairs = zip(old[:most], new[:most], strict=True)
    return next((at for at, (one, other) in enumerate(pairs) if one != other), most)


def _compare(
    before: str, after: str, way: Sequence[Entity], spot: _Spot, shelf: Shelf
) -> list[EntityChange] | None:
    container = way[-1]
    how = container.layout.get("elements", "index") if container.kind == "[" else ""
    if how == "index":
        if max(len(spot.old), len(spot.new)) > _MOST_WITHOUT_ID:
            return None
        spot = spot._replace(head=0, tail=0)
    old, new = _region(before, spot.path, spot.old, spot), _region(after, spot.path, spot.new, spot)
    if before[: old.start] != after[: new.start] or before[old.stop :] != after[new.stop :]:
        return None
    if max(map(_height, new.members)) + len(way) > DEEPEST:
        return None
    settled = _settle(shelf, container, before, spot, old, new)
    if how in ("id", "key"):
        _check_ids(shelf, container, how, spot, old, new)
    outer: Frame | None = None
    for entity in way[:-1]:
        outer = root_frame(entity) if outer is None else outer.inside(entity.layout)
    frame = root_frame(container) if outer is None else outer.inside(container.layout)
    node = Node(container.token, "", "", "", container.kind)
    node.children = new.members
    node.end = frame.last if after[new.stop] == "," else new.end
    changes = changes_within(container, node, outer, Style.of(way[0].layout))
    stays = {"", *[entity.id for entity in settled], *([container.id] if settled else [])}
    below = tuple(f"{entity.id}/" for entity in settled)
    if any(c.entity_id in stays or c.entity_id.startswith(below) for c in changes):
        return None
    return changes


def _height(node: Node) -> int:
    """Return how deep containers nest in a value."""
    return 1 + max(map(_height, node.children), default=0) if node.kind else 0


def _region(text: str, path: Sequence[Step], value: Any, spot: _Spot) -> _Region:
    """Return the members between those that stay, with one of these on either side."""
    opening = value_offset(text, path)
    if opening is None:
        raise Uncertain("an object has two members of one name")
    kind = text[opening]
    first, last = max(spot.head - 1, 0), len(value) - max(spot.tail - 1, 0)
    start = members_end(text, opening + 1, first, kind)
    region = _members(text, start, last - first, kind)
    if kind == "{" and [node.token for node in region.members] != _names(value)[first:last]:
        raise Uncertain("an object has two members of one name")
    if spot.tail == 0 and text[region.stop] == ",":
        raise Uncertain("an object has two members of one name")
    if spot.head > 1:
        region.members[:0] = _members(text, opening + 1, 1, kind).members
    return region


def _members(text: str, start: int, count: int, kind: str) -> _Region:
    stop = members_end(text, start, count, kind)
    stop -= text[stop - 1] == ","
    closing = "}" if kind == "{" else "]"
    root, _ = scan(f"{kind}{text[start:stop]}{closing}".encode())
    members, end = root.children, root.end
    if len(members) != count:
        raise Uncertain("an object has two members of one name")
    if text[stop] == ",":
        members[-1].after, end = end, ""
    return _Region(start, stop, members, end)


def _settle(
    shelf: Shelf, container: Entity, before: str, spot: _Spot, old: _Region, new: _Region
) -> list[Entity]:
    """Give the container its stored members; return those that stay as they are."""
    head, tail = min(spot.head, 2), min(spot.tail, 1)
    olds, news = old.members, new.members
    stay = [*zip(olds[:head], news[:head], strict=True)]
    stay += zip(olds[len(olds) - tail :], news[len(news) - tail :], strict=True)
    if any(node_text(one) != node_text(other) for one, other in stay):
        raise Uncertain(container.id)
    settled = [shelf.settled(container, one) for one, _ in stay]
    between = shelf.fill(container, olds[head : len(olds) - tail])
    container.children = [*settled[:head], *between, *settled[head:]]
    ranking = Ranking(container.kind, container.layout.get("order", ()))
    places = [ranking.place(each.token, each.layout.get("at")) for each in container.children]
    if places != sorted(places):
        raise Uncertain(container.id)
    return settled


def _check_ids(
    shelf: Shelf, container: Entity, how: str, spot: _Spot, old: _Region, new: _Region
) -> None:
    """Make sure that elements are known by ids of their own, and that new ones are new."""
    known = {each.token for each in container.children}
    for region, elements in ((old, spot.old), (new, spot.new)):
        times = Counter(str(e[how]) for e in elements if type(e) is dict and how in e)
        for node in region.members:
            id = identity_of(node, how)
            token = f"{how}={id}"
            if id is None or times[id] != 1:
                raise Uncertain(container.id)
            if token not in known and shelf.has(f"{container.id}/{escape(token)}"):
                raise Uncertain(container.id)
