"""How a JSON text is laid out: what the entities say about space and spelling, and the defaults.

A snapshot's `layout` names only what differs from the default. Defaults come from the style of the
file (kept by the root) and from the containers around a value:

- root only: `lead`, `tail` (space around the whole text, a byte order mark included), `indent`,
  `newline`, `gap`, `colon` (the style);
- containers: `first`, `next`, `last` (space before the first member, before the others, before the
  closing bracket), `empty` (space inside an empty one), `order` (tokens in their order),
  `elements` (how tokens of an array came about);
- members: `before`, `key`, `colon`, `after`, `raw` (spelling of a scalar), `at` (place among the
  siblings), `shadows` (members of the same name that a later one overrides).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lix_vtab.model.dataclasses import dataclass
from lix_vtab.plugins.contract import PluginInvalidInput
from lix_vtab.plugins.jsonfile.scan import Node, is_scalar, parse_scalar, spell
from lix_vtab.plugins.order import is_order_key

__all__ = [
    "LAYOUT_SCHEMA",
    "Frame",
    "Style",
    "check_layout",
    "effective_key",
    "effective_raw",
    "guess_style",
]

Layout = Mapping[str, Any]

_SPACE = r"^[ \t\r\n]*$"
_COLON = r"^[ \t\r\n]*:[ \t\r\n]*$"
_PATTERNS = {
    **dict.fromkeys(
        ("before", "after", "first", "next", "last", "empty", "tail", "newline", "gap"), _SPACE
    ),
    "lead": "^\ufeff?[ \t\r\n]*$",
    "indent": r"^[ \t]*$",
    "colon": _COLON,
}
_COMPILED = {name: re.compile(pattern.replace("$", r"\Z")) for name, pattern in _PATTERNS.items()}
_TEXT = {"type": "string"}

LAYOUT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        **{name: {"type": "string", "pattern": p} for name, p in sorted(_PATTERNS.items())},
        "key": _TEXT,
        "raw": _TEXT,
        "elements": {"enum": ["index", "id", "key"]},
        "order": {"type": "array", "items": _TEXT},
        "at": {
            "type": "array",
            "minItems": 2,
            "maxItems": 2,
            "items": {"type": ["string", "null"]},
        },
        "shadows": {
            "type": "array",
            "items": {"type": "array", "minItems": 2, "maxItems": 2, "items": _TEXT},
        },
    },
}


@dataclass(frozen=True, slots=True)
class Style:
    """The habits of a file: one line per member (`indent` set), or `gap` between members."""

    indent: str | None = None
    newline: str = "\n"
    gap: str = ""
    colon: str = ":"

    @classmethod
    def of(cls, layout: Layout) -> Style:
        """Read the style from the layout of the root."""
        return cls(
            layout.get("indent"),
            layout.get("newline", "\n"),
            layout.get("gap", ""),
            layout.get("colon", ":"),
        )

    def layout(self) -> dict[str, str]:
        """Return what the root has to say about this style."""
        said = {} if self.indent is None else {"indent": self.indent}
        for name in ("newline", "gap", "colon"):
            value = getattr(self, name)
            if value != getattr(_PLAIN, name):
                said[name] = value
        return said


_PLAIN = Style()
_Spaces = tuple[str, str, str]


class Frame:
    """The space that the members of one container get when they say nothing themselves."""

    __slots__ = (
        "_inherited",
        "colon",
        "defaults",
        "depth",
        "empty",
        "first",
        "last",
        "next",
        "style",
    )

    def __init__(self, style: Style, depth: int, layout: Layout, inherited: _Spaces | None) -> None:
        self.style = style
        self.depth = depth
        self.colon = style.colon
        self._inherited = inherited
        if inherited is not None:
            self.defaults = inherited
        elif style.indent is None:
            self.defaults = ("", style.gap, "")
        else:
            line = style.newline + style.indent * depth
            self.defaults = (line, line, style.newline + style.indent * (depth - 1))
        self.set_spaces(layout)

    def set_spaces(self, layout: Layout) -> None:
        """Take over what a container's own layout says."""
        first, following, last = self.defaults
        self.first: str = layout.get("first", first)
        self.next: str = layout.get("next", following)
        self.last: str = layout.get("last", last)
        self.empty: str = layout.get("empty", "")

    def inside(self, layout: Layout) -> Frame:
        """Return the frame of a container within this one: what is on one line stays on one."""
        spaces = (self.first, self.next, self.last)
        inherited = self._inherited
        if spaces != self.defaults and not any("\n" in space for space in spaces):
            inherited = spaces
        return Frame(self.style, self.depth + 1, layout, inherited)


def guess_style(root: Node) -> Style:
    """Guess the style of a text from its outer containers."""
    indent, newline, gap = None, "\n", ""
    colon = _first_colon(root) or ":"
    first = root.children[0].before if root.kind and root.children else ""
    start, line_feed, rest = first.rpartition("\n")
    if line_feed and start in ("", "\r") and rest.strip(" \t") == "" and rest:
        indent, newline = rest, start + "\n"
    elif not line_feed:
        gap = _first_gap(root)
    return Style(indent, newline, gap, colon)


def _first_colon(node: Node) -> str | None:
    while node.kind and node.children:
        node = node.children[0]
        if node.colon:
            return node.colon
    return None


def _first_gap(node: Node) -> str:
    while node.kind and node.children:
        if len(node.children) > 1:
            gap = node.children[1].before
            return gap if "\n" not in gap else ""
        node = node.children[0]
    return ""


def effective_raw(value: Any, layout: Layout) -> str:
    """Return the spelling of a stored scalar: the kept one, unless the value has changed since."""
    usual = spell(value)
    raw = layout.get("raw")
    if raw is None:
        return usual
    return raw if is_scalar(raw) and spell(parse_scalar(raw)) == usual else usual


def effective_key(token: str, layout: Layout) -> str:
    """Return the spelling of a stored key: the kept one if it still spells this key."""
    key = layout.get("key")
    return spell(token) if key is None else effective_raw(token, {"raw": key})


def check_layout(entity_id: str, layout: Any) -> None:
    """Refuse a layout that could spoil the text."""
    if not isinstance(layout, dict):
        raise PluginInvalidInput(f"the layout of {entity_id!r} must be an object")
    for name, value in layout.items():
        pattern = _COMPILED.get(name)
        if pattern is not None:
            good = isinstance(value, str) and pattern.match(value) is not None
        else:
            check = _CHECKS.get(name)
            if check is None:
                raise PluginInvalidInput(f"the layout of {entity_id!r} has no property {name!r}")
            good = check(value)
        if not good:
            raise PluginInvalidInput(f"layout.{name} of {entity_id!r} is wrong: {value!r:.80}")


def _is_place(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and (value[0] is None or isinstance(value[0], str))
        and is_order_key(value[1])
    )


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_shadows(value: Any) -> bool:
    return isinstance(value, list) and all(_is_texts(item) and len(item) == 2 for item in value)


_CHECKS = {
    "key": lambda value: isinstance(value, str),
    "raw": lambda value: isinstance(value, str),
    "elements": ("index", "id", "key").__contains__,
    "order": _is_texts,
    "at": _is_place,
    "shadows": _is_shadows,
}
