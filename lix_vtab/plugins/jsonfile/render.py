"""Write the stored tree of a JSON file as text."""

from __future__ import annotations

import re
from collections.abc import Callable

from lix_vtab.plugins.contract import PluginInvalidInput
from lix_vtab.plugins.jsonfile.layout import Frame, Style, effective_key, effective_raw
from lix_vtab.plugins.jsonfile.scan import Node, scan, spell
from lix_vtab.plugins.jsonfile.tree import Entity

__all__ = ["node_text", "render", "render_value", "root_frame"]

_CLOSING = {"{": "}", "[": "]"}
_ONE_MEMBER = re.compile(r",[ \t\r\n]*\Z")


def render(root: Entity) -> str:
    """Return the text of a whole file."""
    layout = root.layout
    pieces = [layout.get("lead", "")]
    render_value(root, root_frame(root), pieces.append)
    pieces.append(layout.get("tail", ""))
    return "".join(pieces)


def root_frame(root: Entity) -> Frame:
    """Return the frame of the root's members."""
    return Frame(Style.of(root.layout), 1, root.layout, None)


def render_value(node: Entity, frame: Frame | None, write: Callable[[str], object]) -> None:
    """Write one value; `frame` is the frame of its own members (unused for a scalar)."""
    if not node.kind:
        layout = node.layout
        write(effective_raw(node.value, layout) if layout else spell(node.value))
        return
    assert frame is not None
    write(node.kind)
    in_object = node.kind == "{"
    last = len(node.children) - 1
    space = frame.first
    for at, child in enumerate(node.children):
        layout = child.layout
        if not layout:
            write(space)
            if in_object:
                write(spell(child.token) + frame.colon)
        else:
            for text in live_shadows(child, node.children[at:]):
                write(text)
            write(layout.get("before", space))
            if in_object:
                write(effective_key(child.token, layout) + layout.get("colon", frame.colon))
        render_value(child, frame.inside(layout) if child.kind else None, write)
        if at < last:
            write(layout.get("after", "") + "," if layout else ",")
        space = frame.next
    write(frame.last if last >= 0 else frame.empty)
    write(_CLOSING[node.kind])


def live_shadows(child: Entity, following: list[Entity]) -> list[str]:
    """Return the texts of overridden members in front of `child` that are still overridden."""
    shadows = child.layout.get("shadows")
    if not shadows:
        return []
    names = {later.token for later in following}
    return [text for token, text in shadows if token in names and _is_member(token, text)]


def _is_member(token: str, text: str) -> bool:
    """Tell whether a text is one member with this name and its comma."""
    body = _ONE_MEMBER.sub("", text)
    if body == text or not text.endswith(","):
        return False
    try:
        root, _ = scan(f"{{{body}}}".encode())
    except (PluginInvalidInput, UnicodeEncodeError):
        return False
    return [node.token for node in root.children] == [token]


def node_text(node: Node) -> str:
    """Return the text of a scanned value, as it was."""
    if not node.kind:
        return node.raw
    pieces = [node.kind]
    for at, child in enumerate(node.children):
        pieces += [text for _, text in child.shadows or ()]
        pieces += [child.before, child.key, child.colon, node_text(child)]
        pieces.append(child.after + "," if at < len(node.children) - 1 else "")
    return "".join([*pieces, node.end, _CLOSING[node.kind]])
