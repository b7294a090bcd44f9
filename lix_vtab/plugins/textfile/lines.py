"""Lines as they stand in a file, and the snapshots that stand for them."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from lix_vtab.plugins.contract import PluginInvalidInput
from lix_vtab.plugins.entities import encode_text, text_member

__all__ = [
    "DOCUMENT",
    "DOCUMENT_ID",
    "ENDINGS",
    "LINE",
    "Line",
    "content_of",
    "snapshot_of",
    "split",
    "stem_of",
]

LINE = "text_line"
DOCUMENT = "text_document"
DOCUMENT_ID = "__document__"
ENDINGS = ("\n", "\r\n")

Line = tuple[bytes, str]
"""Content and ending."""

_LINES = re.compile(rb"[^\n]*\n|[^\n]+")


def split(data: bytes) -> list[Line]:
    r"""Cut bytes into lines; a carriage return in front of a line feed belongs to the ending.

    >>> split(b"a\r\n\nb")
    [(b'a', '\r\n'), (b'', '\n'), (b'b', '')]
    """
    lines: list[Line] = []
    for line in _LINES.findall(data):
        if line[-2:] == b"\r\n":
            lines.append((line[:-2], "\r\n"))
        elif line[-1:] == b"\n":
            lines.append((line[:-1], "\n"))
        else:
            lines.append((line, ""))
    return lines


def content_of(row: Mapping[str, Any]) -> bytes:
    """Return the bytes of a line, without its ending."""
    if "content" in row:
        return encode_text(text_member(row, "content"))
    try:
        return b64decode(text_member(row, "content_base64"), validate=True)
    except Base64Error as problem:
        raise PluginInvalidInput(f"content_base64 is not base64: {problem}") from problem


def snapshot_of(
    old: dict[str, Any] | None, id: str, order: str, line: Line, newline: str
) -> dict[str, Any]:
    """Return the snapshot of a line: the old one itself when it still says the same."""
    content, ending = line
    if (
        old is not None
        and old.get("order") == order
        and content_of(old) == content
        and ending in ("", old.get("ending", newline))
    ):
        return old
    row: dict[str, Any] = {"id": id, "order": order}
    try:
        row["content"] = content.decode()
    except UnicodeDecodeError:
        row["content_base64"] = b64encode(content).decode()
    if ending not in ("", newline):
        row["ending"] = ending
    return row


def stem_of(content: bytes) -> str:
    """Return what the id of a line begins with that first held this content."""
    return f"line:{blake2b(content, digest_size=8).hexdigest()}:"
