"""Read JSON text and keep every character: values with their spelling and the space around them."""

from __future__ import annotations

import json
import re
from math import isinf
from typing import Any

import orjson

from lix_vtab.plugins.contract import PluginInvalidInput

__all__ = [
    "DEEPEST",
    "SCALAR",
    "SPACE",
    "STRING",
    "Node",
    "is_scalar",
    "is_usual",
    "member_at",
    "parse_scalar",
    "scan",
    "scan_scalar",
    "skip_space",
    "spell",
]

DEEPEST = 127
"""Containers may nest this deep."""

SPACE = r"[ \t\r\n]*+"
STRING = r'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+"'
_NUMBER = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
SCALAR = rf"{STRING}|{_NUMBER}|true|false|null"
_VALUE = rf"(?:({SCALAR})({SPACE})([,%s])|([\[{{]))"
_MEMBER = re.compile(rf"({SPACE})({STRING})({SPACE}:{SPACE})" + _VALUE % "}", re.ASCII)
_ELEMENT = re.compile(rf"({SPACE})" + _VALUE % r"\]", re.ASCII)
_CLOSE = {
    "{": re.compile(rf"({SPACE})}}"),
    "[": re.compile(rf"({SPACE})\]"),
}
_AFTER = {
    "{": re.compile(rf"({SPACE})([,}}])"),
    "[": re.compile(rf"({SPACE})([,\]])"),
}
_ROOT = re.compile(rf"(\ufeff?{SPACE})(?:({SCALAR})|([\[{{]))", re.ASCII)
_SCALAR_AT = re.compile(SCALAR, re.ASCII)
_NAME = re.compile(rf"({STRING}){SPACE}:{SPACE}", re.ASCII)
_BLANK = re.compile(SPACE)
_END = re.compile(rf"({SPACE})\Z")
_WORDS = {"true": True, "false": False, "null": None}


class Node:
    """One value of the text.

    `before` is the space in front (of the key, for a member), `key` the key as spelled, `colon`
    the colon with its space, `raw` the spelling of a scalar, `after` the space before a following
    comma, `end` the space before a closing bracket. `kind` is "{", "[" or "" for a scalar.
    """

    __slots__ = (
        "after", "before", "children", "colon", "content", "end", "key", "kind", "names", "raw",
        "shadows", "token",
    )  # fmt: skip

    def __init__(self, token: str, before: str, key: str, colon: str, kind: str) -> None:
        self.token = token
        self.before = before
        self.key = key
        self.colon = colon
        self.kind = kind
        self.raw = ""
        self.after = ""
        self.end = ""
        if kind:
            self.children: list[Node] = []
            self.names: dict[str, Node] = {}
        self.shadows: list[list[str]] | None = None
        self.content: str | None = None

    @property
    def value(self) -> Any:
        """Return the value of a scalar, an empty container for a container."""
        return parse_scalar(self.raw) if not self.kind else {} if self.kind == "{" else []


def scan(data: bytes) -> tuple[Node, str]:
    """Return the root and the space after it; raise PluginInvalidInput for what is not JSON.

    >>> root, tail = scan(b'{"a": [1.50]}')
    >>> root.names["a"].children[0].raw
    '1.50'
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as problem:
        raise _invalid(str(problem)) from problem
    match = _ROOT.match(text)
    if match is None:
        raise _explain(text)
    lead, raw, kind = match.groups()
    root = Node("", lead, "", "", kind or "")
    end = match.end()
    if kind:
        end = _fill(root, text, end, 1)
    else:
        root.raw = raw
        parse_scalar(raw)
    tail = _END.match(text, end)
    if tail is None:
        raise _explain(text)
    return root, tail[1]


def parse_scalar(raw: str) -> Any:
    """Return the value of a scalar as JSON spells it; raise PluginInvalidInput for what has none.

    >>> parse_scalar("1e2"), parse_scalar("-0"), parse_scalar('"a/b"')
    (100.0, -0.0, 'a/b')
    """
    head = raw[0]
    if head == '"':
        return raw[1:-1] if "\\" not in raw else _unescape(raw)
    if head in "tfn":
        return _WORDS[raw]
    try:
        if raw == "-0" or not raw.lstrip("-").isdigit():
            number = float(raw)
            if isinf(number):
                raise _invalid(f"the number {raw} is out of range")
            return number
        return int(raw)
    except ValueError as problem:
        raise _invalid(str(problem)) from problem


def scan_scalar(text: str, at: int) -> str | None:
    """Return the scalar that starts at a position, or None."""
    match = _SCALAR_AT.match(text, at)
    return match[0] if match else None


def member_at(text: str, at: int) -> tuple[str, int]:
    """Return the name of the member that starts at a position, and where its value starts."""
    match = _NAME.match(text, at)
    if match is None:
        raise _explain(text)
    key = match[1]
    return (key[1:-1] if "\\" not in key else _unescape(key)), match.end()


def skip_space(text: str, at: int) -> int:
    """Return the first position from `at` on that holds no white space."""
    match = _BLANK.match(text, at)
    return match.end() if match else at


def is_scalar(raw: str) -> bool:
    """Tell whether a text is one JSON scalar with a value."""
    if not _SCALAR_AT.fullmatch(raw):
        return False
    try:
        parse_scalar(raw)
    except PluginInvalidInput:
        return False
    return True


def is_usual(raw: str) -> bool:
    """Tell whether a scalar is spelled the way `spell` would."""
    if raw.isdigit() or (raw[0] in '"tfn' and "\\" not in raw):
        return True
    return spell(parse_scalar(raw)) == raw


def spell(value: Any) -> str:
    """Write a scalar the usual way.

    >>> spell("é"), spell(1.50), spell(None)
    ('"é"', '1.5', 'null')
    """
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        # an integer beyond 64 bits, or a lone surrogate that no file can hold
        return json.dumps(value, ensure_ascii=False)


def _unescape(raw: str) -> str:
    try:
        text: str = orjson.loads(raw)
    except ValueError as problem:
        raise _invalid(f"the string {raw:.80} holds half a character: {problem}") from problem
    return text


def _fill(parent: Node, text: str, at: int, depth: int) -> int:
    """Read the members of a container from `at`, behind its bracket; return where it ends."""
    if depth > DEEPEST:
        raise _invalid(f"containers nest deeper than {DEEPEST}")
    kind = parent.kind
    closing = _CLOSE[kind].match(text, at)
    if closing:
        parent.end = closing[1]
        return closing.end()
    in_object = kind == "{"
    member = (_MEMBER if in_object else _ELEMENT).match
    after = _AFTER[kind].match
    children, names = parent.children, parent.names
    starts = [at]
    while True:
        match = member(text, at)
        if match is None:
            raise _explain(text)
        if in_object:
            before, key, colon, raw, space, stop, opening = match.groups()
            token = key[1:-1] if "\\" not in key else _unescape(key)
        else:
            before, raw, space, stop, opening = match.groups()
            token = key = colon = ""
        node = Node(token, before, key, colon, opening or "")
        at = match.end()
        if opening:
            at = _fill(node, text, at, depth + 1)
            match = after(text, at)
            if match is None:
                raise _explain(text)
            space, stop = match.groups()
            at = match.end()
        else:
            node.raw = raw
            if "\\" in raw or raw[0] not in '"tfn':
                parse_scalar(raw)
        children.append(node)
        starts.append(at)
        if in_object:
            names[token] = node
        if stop != ",":
            parent.end = space
            break
        node.after = space
    if in_object and len(names) < len(children):
        _shadow_repeats(parent, text, starts)
    return at


def _shadow_repeats(parent: Node, text: str, starts: list[int]) -> None:
    """Keep the last member of each name; hang the text of the others on the next one kept."""
    kept: list[Node] = []
    waiting: list[list[str]] = []
    for at, child in enumerate(parent.children):
        if parent.names[child.token] is not child:
            waiting.append([child.token, text[starts[at] : starts[at + 1]]])
            continue
        if waiting:
            child.shadows, waiting = waiting, []
        kept.append(child)
    parent.children = kept


def _explain(text: str) -> PluginInvalidInput:
    try:
        json.loads(text)
    except (ValueError, RecursionError) as problem:
        return _invalid(str(problem))
    return _invalid("NaN and Infinity are no JSON numbers")


def _invalid(reason: str) -> PluginInvalidInput:
    return PluginInvalidInput(f"file.data must be valid JSON UTF-8 bytes: {reason}")
