"""Fenced blocks of a Markdown document."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Block", "read_blocks", "split_blocks"]

_FENCE = re.compile(
    r"^(?P<fence>`{3,})(?P<info>[^`\n]*)\n(?P<body>.*?)^(?P=fence)[ \t]*$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: its language, further words of the info line, text and place.

    `expected` is the text of a `text` block that follows with nothing but blank lines between.
    """

    path: Path
    line: int
    language: str
    words: tuple[str, ...]
    text: str
    expected: str | None = None

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


def read_blocks(path: Path) -> list[Block]:
    """Return the blocks of the document at `path` in order."""
    return split_blocks(path.read_text(encoding="utf-8"), path)


def split_blocks(text: str, path: Path) -> list[Block]:
    """Return the blocks of `text`; a block's line is that of its first line of content."""
    matches = list(_FENCE.finditer(text))
    blocks = []
    for number, match in enumerate(matches):
        language, *words = match["info"].split() or [""]
        expected = None
        if number + 1 < len(matches) and language != "text":
            after = matches[number + 1]
            if after["info"].strip() == "text" and not text[match.end() : after.start()].strip():
                expected = after["body"]
        line = text.count("\n", 0, match.start()) + 2
        blocks.append(Block(path, line, language, tuple(words), match["body"], expected))
    return blocks
