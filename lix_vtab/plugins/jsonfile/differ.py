"""The changes that turn the stored tree of a JSON file into a new text.

A stored value stays untouched when, in its new surroundings, it would be written as it now stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lix_vtab.plugins.contract import EntityChange
from lix_vtab.plugins.jsonfile.elements import fresh_tokens, match_elements, new_tokens
from lix_vtab.plugins.jsonfile.layout import Frame, Style, effective_key, effective_raw
from lix_vtab.plugins.jsonfile.position import Ranking
from lix_vtab.plugins.jsonfile.render import node_text, render_value
from lix_vtab.plugins.jsonfile.scan import Node, is_usual, parse_scalar, spell
from lix_vtab.plugins.jsonfile.tree import Entity, escape, is_index

__all__ = ["SCHEMA_KEY", "changes_between", "changes_within", "deletions"]

SCHEMA_KEY = "json_pointer"

_NOTHING: Mapping[str, Any] = {}
_SPACES = ("first", "next", "last", "empty")
_OF_MEMBER = ("at", "before", "key", "colon", "after", "shadows")


def changes_between(old: Entity | None, root: Node, tail: str, style: Style) -> list[EntityChange]:
    """Return the changes from a stored tree (None: nothing yet) to a scanned text."""
    differ = _Differ(style)
    differ.root(old, root, tail)
    return differ.out


def changes_within(
    old: Entity, node: Node, outer: Frame | None, style: Style
) -> list[EntityChange]:
    """Return the changes of a container that itself stays where it is, with all below it."""
    differ = _Differ(style)
    own = {name: old.layout[name] for name in _OF_MEMBER if name in old.layout}
    differ.container(old, node, old.id, outer, own, same=True)
    return differ.out


def deletions(node: Entity) -> list[EntityChange]:
    """Return the tombstones of a whole tree, the outer before the inner."""
    differ = _Differ(Style())
    differ.delete(node)
    return differ.out


class _Members:
    """The children of a container on their way in: tokens, stored partners, places, spaces."""

    __slots__ = ("ats", "partners", "said", "tokens")

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.partners: list[Entity | None] = []
        self.ats: Mapping[str, Any] = _NOTHING
        self.said: dict[str, Any] = {}


class _Differ:
    def __init__(self, style: Style) -> None:
        self.style = style
        self.out: list[EntityChange] = []

    def root(self, old: Entity | None, node: Node, tail: str) -> None:
        own: dict[str, Any] = dict(self.style.layout())
        if node.before:
            own["lead"] = node.before
        if tail:
            own["tail"] = tail
        same = old is not None and all(
            old.layout.get(name, "") == own.get(name, "")
            for name in ("lead", "tail", "indent", "newline", "gap", "colon")
        )
        self._value(old, node, "", None, own, same=same)

    def _value(
        self,
        old: Entity | None,
        node: Node,
        pointer: str,
        outer: Frame | None,
        own: dict[str, Any],
        *,
        same: bool,
    ) -> None:
        """Handle one value; `own` is its layout as a member, `same` says that it has it already."""
        if old is not None and old.settled and same:
            return
        if old is not None and old.kind != node.kind:
            self._replace(old, node, pointer, outer, own)
        elif node.kind:
            self.container(old, node, pointer, outer, own, same=same)
        else:
            if same and old is not None and not old.inline:
                layout = old.layout
                raw = effective_raw(old.value, layout) if layout else spell(old.value)
                if raw == node.raw:
                    return
            if not is_usual(node.raw):
                own["raw"] = node.raw
            self._put(pointer, parse_scalar(node.raw), own)

    def _put(self, pointer: str, value: Any, layout: dict[str, Any]) -> None:
        snapshot = {"path": pointer, "value": value}
        if layout:
            snapshot["layout"] = layout
        self.out.append(EntityChange(pointer, SCHEMA_KEY, snapshot))

    def delete(self, node: Entity) -> None:
        """Write tombstones for a node and all below it."""
        if not node.inline:
            self.out.append(EntityChange(node.id, SCHEMA_KEY, None))
        self._delete_children(node)

    def _delete_children(self, node: Entity) -> None:
        children = node.children
        if node.kind == "{":
            children = sorted(children, key=lambda child: child.token)
        else:
            children = children[::-1]
        for child in children:
            self.delete(child)

    def _replace(
        self,
        old: Entity,
        node: Node,
        pointer: str,
        outer: Frame | None,
        own: dict[str, Any],
    ) -> None:
        """Write another kind of value; an id used by both sides appears once."""
        start = len(self.out)
        self._delete_children(old)
        gone = len(self.out)
        self._value(None, node, pointer, outer, own, same=False)
        born = {change.entity_id for change in self.out[gone:]}
        stored = _snapshots(old)
        self.out[start:] = [
            change
            for at, change in enumerate(self.out[start:], start)
            if (at >= gone or change.entity_id not in born)
            and (at < gone or stored.get(change.entity_id) != _typed(change.snapshot_content))
        ]

    def container(
        self,
        old: Entity | None,
        node: Node,
        pointer: str,
        outer: Frame | None,
        own: dict[str, Any],
        *,
        same: bool,
    ) -> None:
        """Handle a container and all below it; the parameters are those of `_value`."""
        layout = _NOTHING if old is None else old.layout
        if old is not None and old.value and same and not old.inline:
            pieces: list[str] = []
            frame = self._frame(outer, layout)
            render_value(old, frame, pieces.append)
            if "".join(pieces) == node_text(node):
                return
        members = self._members(old, node)
        frame = self._frame(outer, layout)
        spaces = _spaces(frame, layout, node, members, fresh=old is None or old.inline)
        unchanged = (
            same
            and old is not None
            and not old.inline
            and not old.value
            and spaces is None
            and all(layout.get(name) == value for name, value in members.said.items())
        )
        if not unchanged:
            said = {name: layout[name] for name in _SPACES if name in layout}
            said = said if spaces is None else spaces
            frame = self._frame(outer, said)
            own = {**own, **said, **_listed(layout, members)}
            self._put(pointer, {} if node.kind == "{" else [], own)
        self._children(old, node, pointer, frame, members)

    def _frame(self, outer: Frame | None, layout: Mapping[str, Any]) -> Frame:
        return Frame(self.style, 1, layout, None) if outer is None else outer.inside(layout)

    def _members(self, old: Entity | None, node: Node) -> _Members:
        members = _Members()
        children = node.children
        stored = old.children if old is not None else []
        if not stored:
            _begin(members, node)
            return members
        assert old is not None
        if node.kind == "{":
            known = {child.token: child for child in stored}
            members.tokens = [child.token for child in children]
            members.partners = [known.get(token) for token in members.tokens]
        else:
            how = old.layout.get("elements", "index")
            members.partners = match_elements(stored, children, how)
            members.tokens = new_tokens(members.partners, children, stored, how)
        if members.tokens == [child.token for child in stored]:
            members.ats = {child.token: child.layout.get("at") for child in stored}
        else:
            ranking = Ranking(node.kind, old.layout.get("order", ()))
            known_ats = {p.token: p.layout.get("at") for p in members.partners if p is not None}
            members.ats = ranking.arrange(members.tokens, known_ats)
        if node.kind == "[" and "elements" not in old.layout and not _is_dense(members):
            members.said["elements"] = "index"
        return members

    def _children(
        self, old: Entity | None, node: Node, pointer: str, frame: Frame, members: _Members
    ) -> None:
        tokens = members.tokens
        final = len(tokens) - 1
        places = range(len(tokens))
        gone: list[Entity] = []
        if old is not None and old.children:
            kept = {id(partner) for partner in members.partners if partner is not None}
            gone = [child for child in old.children if id(child) not in kept]
        if node.kind == "[":
            for at in places:
                self._member(node.children[at], pointer, frame, members, at, at == final)
            for child in reversed(gone):
                self.delete(child)
            return
        steps: list[tuple[bool, str, int, Entity | None]] = [
            (members.partners[at] is None, tokens[at], at, None) for at in places
        ]
        steps += [(False, child.token, -1, child) for child in gone]
        steps.sort(key=lambda step: step[:2])
        for _, _, at, vanished in steps:
            if vanished is not None:
                self.delete(vanished)
            else:
                self._member(node.children[at], pointer, frame, members, at, at == final)

    def _member(
        self, node: Node, pointer: str, frame: Frame, members: _Members, at: int, last: bool
    ) -> None:
        token = members.tokens[at]
        old = members.partners[at]
        place = members.ats.get(token)
        space = frame.next if at else frame.first
        child_pointer = f"{pointer}/{escape(token)}"
        if (
            old is not None
            and not old.inline
            and _same_member(old, node, frame, space, last, place)
        ):
            layout = old.layout
            kept = {name: layout[name] for name in _OF_MEMBER if name in layout} if layout else {}
            self._value(old, node, child_pointer, frame, kept, same=True)
            return
        own: dict[str, Any] = {} if place is None else {"at": place}
        if node.before != space:
            own["before"] = node.before
        if node.key and not is_usual(node.key):
            own["key"] = node.key
        if node.key and node.colon != frame.colon:
            own["colon"] = node.colon
        if node.after:
            own["after"] = node.after
        elif last and old is not None and "after" in old.layout:
            own["after"] = old.layout["after"]
        if node.shadows:
            own["shadows"] = node.shadows
        if old is None and not node.kind:
            if not is_usual(node.raw):
                own["raw"] = node.raw
            self._put(child_pointer, parse_scalar(node.raw), own)
            return
        self._value(old, node, child_pointer, frame, own, same=False)


def _same_member(old: Entity, node: Node, frame: Frame, space: str, last: bool, place: Any) -> bool:
    """Tell whether the stored member would be written as the text has it, its value aside."""
    layout = old.layout
    if not layout:
        return (
            node.before == space
            and not node.after
            and place is None
            and node.shadows is None
            and (not node.key or (node.colon == frame.colon and is_usual(node.key)))
        )
    return (
        layout.get("at") == place
        and layout.get("before", space) == node.before
        and (last or layout.get("after", "") == node.after)
        and layout.get("shadows") == node.shadows
        and (not node.key or layout.get("colon", frame.colon) == node.colon)
        and (not node.key or effective_key(old.token, layout) == node.key)
    )


def _begin(members: _Members, node: Node) -> None:
    """Give the members of a container that had none their tokens and their order."""
    children = node.children
    members.partners = [None] * len(children)
    if node.kind == "{":
        members.tokens = [child.token for child in children]
        if members.tokens != sorted(members.tokens):
            members.said["order"] = members.tokens
    elif children:
        members.tokens, how = fresh_tokens(children)
        members.said["elements"] = how
        if how != "index" and members.tokens != sorted(members.tokens):
            members.said["order"] = members.tokens


def _listed(layout: Mapping[str, Any], members: _Members) -> dict[str, Any]:
    """Return the `order` and `elements` a container keeps or gets."""
    kept = {name: layout[name] for name in ("order", "elements") if name in layout}
    return {**kept, **members.said}


def _is_dense(members: _Members) -> bool:
    plain = [t for t in members.tokens if is_index(t) and members.ats.get(t) is None]
    return sorted(map(int, plain)) == list(range(len(members.tokens)))


def _spaces(
    frame: Frame, layout: Mapping[str, Any], node: Node, members: _Members, *, fresh: bool
) -> dict[str, str] | None:
    """Return what the container must say about space from now on; None when nothing changes."""
    children = node.children
    if not children:
        if node.end == frame.empty:
            return None
        said = {name: layout[name] for name in ("first", "next", "last") if name in layout}
        return {**said, "empty": node.end} if node.end else said
    first, following = _best_spaces(frame, children, members.partners, fresh=fresh)
    if (first, following, node.end) == (frame.first, frame.next, frame.last):
        return None
    chosen = dict(zip(_SPACES, (first, following, node.end), strict=False))
    usual = dict(zip(_SPACES, frame.defaults, strict=False))
    said = {name: space for name, space in chosen.items() if space != usual[name]}
    if "empty" in layout:
        said["empty"] = layout["empty"]
    return said


def _best_spaces(
    frame: Frame, children: Sequence[Node], partners: Sequence[Entity | None], *, fresh: bool
) -> tuple[str, str]:
    """Return the spaces before the first member and the others that leave least to be said."""
    spaces = [
        node.before
        for node, partner in zip(children, partners, strict=True)
        if partner is None or "before" not in partner.layout
    ]
    first, others = children[0].before, [node.before for node in children[1:]]
    if others:
        following = Counter(others).most_common(1)[0][0]
    elif "\n" in first:
        following = first
    else:
        following = " " if frame.style.indent is not None else frame.style.gap
    present = _misfits(spaces, frame.first, frame.next)
    guessed = _misfits(spaces, first, following)
    return (first, following) if guessed + (not fresh) < present else (frame.first, frame.next)


def _misfits(spaces: Sequence[str], first: str, following: str) -> int:
    if not spaces:
        return 0
    return (spaces[0] != first) + len(spaces) - 1 - spaces[1:].count(following)


def _snapshots(node: Entity) -> dict[str, Any]:
    """Return the stored snapshots below a node, fit for comparison."""
    found: dict[str, Any] = {}
    for child in node.children:
        if not child.inline:
            found[child.id] = _typed(child.snapshot)
        found |= _snapshots(child)
    return found


def _typed(snapshot: Any) -> Any:
    """Tell 1, 1.0 and true apart, which Python's equality does not."""
    if isinstance(snapshot, dict):
        return {name: _typed(value) for name, value in snapshot.items()}
    if isinstance(snapshot, list):
        return [_typed(value) for value in snapshot]
    return (type(snapshot), snapshot)
