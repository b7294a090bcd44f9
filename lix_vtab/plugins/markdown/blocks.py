"""Cut Markdown into its top-level blocks: CommonMark, tables, footnotes, front matter, math.

Only the outermost structure matters here, so lines are classified and grouped, not parsed. Wherever
this disagrees with a full parser, blocks are cut elsewhere; no character is ever lost.
"""

from __future__ import annotations

import re

from lix_vtab.model.dataclasses import dataclass

__all__ = ["Block", "cut"]

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*\Z)|~{3,})")
_HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]|\Z)")
_RULE = re.compile(r" {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})\Z")
_UNDERLINE = re.compile(r" {0,3}(?:=+|-+)[ \t]*\Z")
_QUOTE = re.compile(r" {0,3}>")
_ITEM = re.compile(r"( {0,3})([-+*]|[0-9]{1,9}[.)])(?:([ \t]+)(?=\S)|[ \t]*\Z)")
_INDENTED = re.compile(r"(?: {4}| {0,3}\t)")
_FOOTNOTE = re.compile(r" {0,3}\[\^[^\]]+\]:")
_DEFINITION = re.compile(r" {0,3}\[(?:[^\[\]\\]|\\.)+\]:[ \t]*\S")
_MATH = re.compile(r" {0,3}\$\$[^$]*\Z")
_MATH_END = re.compile(r".*\$\$[ \t]*\Z")
_CELLS = r"[ \t]*+:?-++:?[ \t]*+"
_TABLE = re.compile(rf" {{0,3}}\|?{_CELLS}(?:\|{_CELLS})*+\|?[ \t]*+\Z")
_FRONT_MATTER = {"---": "yaml", "+++": "toml"}

_TAGS = (
    "address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|"
    "dialog|dir|div|dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|"
    "hr|html|iframe|legend|li|link|main|menu|menuitem|nav|noframes|ol|optgroup|option|p|param|"
    "search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|track|ul"
)
_HTML = (
    (r"<(?:script|pre|style|textarea)(?:[\s>]|\Z)", r"</(?:script|pre|style|textarea)>"),
    (r"<!--", r"-->"),
    (r"<\?", r"\?>"),
    (r"<![A-Za-z]", r">"),
    (r"<!\[CDATA\[", r"\]\]>"),
    (rf"</?(?:{_TAGS})(?:\s|/?>|\Z)", None),
)
_HTML_STARTS = tuple(
    (re.compile(rf" {{0,3}}{start}", re.I), None if end is None else re.compile(end, re.I))
    for start, end in _HTML
)
_LONE_TAG = re.compile(r" {0,3}</?[A-Za-z][A-Za-z0-9-]*(?:\s[^<>]*)?/?>[ \t]*\Z")


@dataclass(frozen=True, slots=True)
class Block:
    """A block: its kind and where its text begins and ends, the last line ending not included."""

    type: str
    start: int
    end: int


def cut(text: str) -> list[Block]:
    r"""Return the blocks of a text in order.

    >>> [(block.type, block.end) for block in cut("# Title\n\nSome\ntext.\n")]
    [('heading', 7), ('paragraph', 19)]
    """
    return _Cutter(text).blocks()


class _Cutter:
    def __init__(self, text: str) -> None:
        bom = text.startswith("\ufeff")
        whole = _LINE.findall(text[bom:])
        self.starts = [int(bom)]
        for line in whole:
            self.starts.append(self.starts[-1] + len(line))
        self.lines = [line.rstrip("\r\n") for line in whole]
        self.size = len(whole)

    def blocks(self) -> list[Block]:
        found: list[Block] = []
        at = 0
        if self.size and self.lines[0].rstrip() in _FRONT_MATTER:
            at = self._front_matter()
            if at:
                found.append(self._block(_FRONT_MATTER[self.lines[0].rstrip()], 0, at))
        while at < self.size:
            if self._blank(at):
                at += 1
                continue
            kind, stop = self._next(at)
            while self._blank(stop - 1):
                stop -= 1
            found.append(self._block(kind, at, stop))
            at = stop
        return found

    def _block(self, kind: str, first: int, stop: int) -> Block:
        return Block(kind, self.starts[first], self.starts[stop - 1] + len(self.lines[stop - 1]))

    def _blank(self, at: int) -> bool:
        return not self.lines[at].strip(" \t")

    def _front_matter(self) -> int:
        marker = self.lines[0].rstrip()
        for at in range(1, self.size):
            if self.lines[at].rstrip() == marker:
                return at + 1
        return 0

    def _next(self, at: int) -> tuple[str, int]:
        """Return the kind of the block that begins at a line, and the line behind it."""
        line = self.lines[at]
        if _INDENTED.match(line):
            return "code", self._indented(at)
        if fence := _FENCE.match(line):
            return "code", self._fence(at, fence[1])
        if _HEADING.match(line):
            return "heading", at + 1
        if _RULE.match(line):
            return "thematicBreak", at + 1
        if _QUOTE.match(line):
            return "blockquote", self._lazy(at + 1, _QUOTE)
        if _ITEM.match(line):
            return "list", self._list(at)
        if _FOOTNOTE.match(line):
            return "footnoteDefinition", self._footnote(at)
        if _MATH.match(line):
            return "math", self._until(at + 1, _MATH_END)
        stop = self._html(at)
        if stop:
            return "html", stop
        if _DEFINITION.match(line):
            return "definition", at + 1
        if self._is_table(at):
            return "table", self._lazy(at + 2, None)
        return self._paragraph(at)

    def _indented(self, at: int) -> int:
        stop = at + 1
        while stop < self.size and (self._blank(stop) or _INDENTED.match(self.lines[stop])):
            stop += 1
        return stop

    def _fence(self, at: int, fence: str) -> int:
        closing = re.compile(rf" {{0,3}}{re.escape(fence[0])}{{{len(fence)},}}[ \t]*\Z")
        return self._until(at + 1, closing)

    def _until(self, at: int, closing: re.Pattern[str]) -> int:
        """Return the line behind the first one that closes, or the end of the text."""
        while at < self.size:
            at += 1
            if closing.match(self.lines[at - 1]):
                return at
        return at

    def _html(self, at: int) -> int:
        """Return the line behind the HTML block that begins here, or 0."""
        line = self.lines[at]
        if "<" not in line:
            return 0
        for start, end in _HTML_STARTS:
            if start.match(line):
                if end is None:
                    return self._to_blank(at)
                while at < self.size and not end.search(self.lines[at]):
                    at += 1
                return min(at + 1, self.size)
        return self._to_blank(at) if _LONE_TAG.match(line) else 0

    def _to_blank(self, at: int) -> int:
        while at < self.size and not self._blank(at):
            at += 1
        return at

    def _interrupts(self, at: int) -> bool:
        """Tell whether a line ends a paragraph by beginning something else."""
        line = self.lines[at]
        head = line.lstrip(" ")[:1]
        if head not in "#`~>-+*_$<0123456789" or _INDENTED.match(line):
            return False
        if _FENCE.match(line) or _HEADING.match(line) or _RULE.match(line) or _QUOTE.match(line):
            return True
        item = _ITEM.match(line)
        if item:
            return item[3] is not None and (not item[2][0].isdigit() or item[2][:-1] == "1")
        if _MATH.match(line):
            return True
        return any(start.match(line) for start, _ in _HTML_STARTS)

    def _is_table(self, at: int) -> bool:
        if at + 1 >= self.size or not _TABLE.match(self.lines[at + 1]):
            return False
        rule = self.lines[at + 1].strip().strip("|")
        heads = re.sub(r"\\.", "", self.lines[at]).strip().strip("|")
        return "|" in self.lines[at] + self.lines[at + 1] and heads.count("|") == rule.count("|")

    def _lazy(self, at: int, marker: re.Pattern[str] | None) -> int:
        """Follow lines with a marker, and plain ones that continue a paragraph in front of them."""
        while at < self.size and not self._blank(at):
            if (marker is None or not marker.match(self.lines[at])) and self._interrupts(at):
                break
            at += 1
        return at

    def _paragraph(self, at: int) -> tuple[str, int]:
        stop = at + 1
        while stop < self.size and not self._blank(stop):
            if _UNDERLINE.match(self.lines[stop]):
                return "heading", stop + 1
            if self._interrupts(stop) or self._is_table(stop):
                break
            stop += 1
        return "paragraph", stop

    def _footnote(self, at: int) -> int:
        stop = at + 1
        while stop < self.size:
            if self._blank(stop):
                after = self._skip_blank(stop)
                if after == self.size or not _INDENTED.match(self.lines[after]):
                    break
                stop = after
            elif not _INDENTED.match(self.lines[stop]) and (
                self._interrupts(stop) or _FOOTNOTE.match(self.lines[stop])
            ):
                break
            stop += 1
        return stop

    def _skip_blank(self, at: int) -> int:
        while at < self.size and self._blank(at):
            at += 1
        return at

    def _list(self, at: int) -> int:
        """Return the line behind a list: items with one kind of marker and what they contain."""
        first = _ITEM.match(self.lines[at])
        assert first is not None
        marker = first[2][-1]
        inside = _content_column(first)
        stop = at + 1
        while stop < self.size:
            after_blank = self._blank(stop)
            here = self._skip_blank(stop)
            if here == self.size:
                break
            line = self.lines[here]
            item = _ITEM.match(line)
            if _column(line) >= inside:
                pass  # belongs to the item
            elif item and item[2][-1] == marker and not _RULE.match(line):
                inside = _content_column(item)
            elif after_blank or item or self._interrupts(here):
                break
            stop = here + 1
        return stop


def _column(line: str) -> int:
    expanded = line.expandtabs(4)
    return len(expanded) - len(expanded.lstrip(" "))


def _content_column(item: re.Match[str]) -> int:
    """Return the column at which an item's content begins."""
    marker = len(item[1]) + len(item[2])
    space = len(item[3].expandtabs(4)) if item[3] else 1
    return marker + (space if space <= 4 else 1)
