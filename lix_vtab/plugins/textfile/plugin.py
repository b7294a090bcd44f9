"""plugin_text: a text file as lines with lasting ids.

Each line is an entity that knows its place by an order key, so inserting, changing or moving a line
writes that line and nothing else. One small document entity holds what all lines share: the line
ending, and whether the last line lacks it. Bytes that are not UTF-8 are kept in base64.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from lix_vtab.plugins.align import align, text_similarity
from lix_vtab.plugins.contract import (
    EntityChange,
    File,
    PluginInvalidInput,
    Replacement,
    StateContext,
)
from lix_vtab.plugins.entities import (
    changed,
    current_entities,
    encode_text,
    entity_sets,
    require_object,
    same_but,
    schema,
    text_member,
)
from lix_vtab.plugins.order import place
from lix_vtab.plugins.splice import LINE_ENDS, splice
from lix_vtab.plugins.textfile.names import is_known_text

__all__ = ["DOCUMENT", "DOCUMENT_ID", "LINE", "TextPlugin"]

LINE = "text_line"
DOCUMENT = "text_document"
DOCUMENT_ID = "__document__"

_LINES = re.compile(rb"[^\n]*\n|[^\n]+")
_ENDINGS = ("\n", "\r\n")

_Line = tuple[bytes, str]
"""Content and ending."""


class TextPlugin:
    """Lines of text files with a known suffix or name."""

    key = "plugin_text"
    manifest: Mapping[str, Any] = {
        "key": "plugin_text",
        "runtime": "python",
        "api_version": "1.0.0",
        "match": {"path_glob": "*", "content_type": "text"},
        "detect_changes": {"state_context": {"include_active_state": True}},
        "on_invalid": "blob",
    }
    schemas: Sequence[Mapping[str, Any]] = (
        schema(
            LINE,
            "One line of a text file.",
            {
                "id": {"type": "string", "minLength": 1},
                "order": {"type": "string", "minLength": 1},
                "content": {"type": "string"},
                "content_base64": {"type": "string"},
                "ending": {"enum": list(_ENDINGS)},
            },
            ["id"],
            oneOf=[{"required": ["content"]}, {"required": ["content_base64"]}],
        ),
        schema(
            DOCUMENT,
            "What the lines of a text file share.",
            {
                "id": {"const": DOCUMENT_ID},
                "newline": {"enum": list(_ENDINGS)},
                "unterminated": {"type": "boolean"},
            },
            ["id"],
        ),
    )

    def accepts_path(self, path: str) -> bool:
        """Take only files whose name says that they are text."""
        return is_known_text(path)

    def detect_changes(
        self, before: File | None, after: File, state_context: StateContext | None
    ) -> Iterable[EntityChange]:
        """Name the lines that are new, changed, moved or gone."""
        if before is None:
            return self._create(after.data)
        if before.data == after.data:
            return []
        sets = current_entities(state_context, (LINE, DOCUMENT))
        if DOCUMENT_ID not in sets[DOCUMENT]:
            sets = entity_sets(self._create(before.data), (LINE, DOCUMENT))
        return _update(sets[LINE], sets[DOCUMENT][DOCUMENT_ID], _split(after.data))

    def apply_changes(self, file: File, changes: Sequence[EntityChange]) -> bytes:
        """Write the lines in the order of their keys."""
        sets = entity_sets(changes, (LINE, DOCUMENT))
        lines = {id: row for id, row in sets[LINE].items() if row is not None}
        if not lines and sets[DOCUMENT].get(DOCUMENT_ID) is None:
            return b""
        return _render(lines, _document(sets[DOCUMENT]))

    def replace_entities(
        self, file: File, replacements: Sequence[Replacement], state_context: StateContext
    ) -> bytes | None:
        """Write edited lines into the text as it was, each in the place of the line it was."""
        data: bytes | None = file.data
        for before, after in replacements:
            old, new = before.snapshot_content, after.snapshot_content
            if data is None or not same_but(old, new, "content", "content_base64"):
                return None
            data = splice(data, _content(old), _content(new), LINE_ENDS)
        return data

    def _create(self, data: bytes) -> Iterable[EntityChange]:
        return _update({}, None, _split(data))


def _split(data: bytes) -> list[_Line]:
    lines: list[_Line] = []
    for line in _LINES.findall(data):
        if line[-2:] == b"\r\n":
            lines.append((line[:-2], "\r\n"))
        elif line[-1:] == b"\n":
            lines.append((line[:-1], "\n"))
        else:
            lines.append((line, ""))
    return lines


def _update(
    old: dict[str, Any], document: dict[str, Any] | None, lines: list[_Line]
) -> Iterator[EntityChange]:
    """Yield tombstones, then new and changed lines in file order, then the document."""
    old = dict(_sorted_lines(old))
    ids = list(old)
    contents = [_content(row) for row in old.values()]
    new_contents = [content for content, _ in lines]
    matches = _match(contents, new_contents)
    rows = [None if at is None else old[ids[at]] for at in matches]
    newline = _choose_newline(rows, lines, (document or {}).get("newline"))
    orders = place(
        [(None, "") if at is None else (old[ids[at]].get("order"), ids[at]) for at in matches]
    )
    used = set(ids)
    new: dict[str, Any] = {}
    for at, row, (content, ending), order in zip(matches, rows, lines, orders, strict=True):
        entity_id = _mint(content, used) if at is None else ids[at]
        new[entity_id] = _row(row, entity_id, order, content, ending, newline)
    yield from changed(LINE, old, new)
    fresh: dict[str, Any] = {"id": DOCUMENT_ID, "newline": newline}
    if lines and not lines[-1][1]:
        fresh["unterminated"] = True
    if document is None or not _same_document(document, fresh, bool(lines)):
        yield EntityChange(DOCUMENT_ID, DOCUMENT, fresh)


def _match(old: list[bytes], new: list[bytes]) -> list[int | None]:
    def similar(i: int, j: int) -> float:
        return text_similarity(old[i].decode("latin-1"), new[j].decode("latin-1"))

    return align(old, new, similar=similar)


def _same_document(old: Mapping[str, Any], new: Mapping[str, Any], has_lines: bool) -> bool:
    """Tell whether two documents say the same; without lines nothing depends on them."""
    if not has_lines:
        return True
    return (old.get("newline", "\n"), bool(old.get("unterminated"))) == (
        new["newline"],
        bool(new.get("unterminated")),
    )


def _choose_newline(
    rows: Sequence[Mapping[str, Any] | None], lines: Sequence[_Line], current: str | None
) -> str:
    """Return the common line ending: the present one, unless another touches fewer lines."""
    if current in _ENDINGS and lines:
        cost = {
            newline: sum(
                ending not in ("", newline if row is None else row.get("ending", newline))
                for row, (_, ending) in zip(rows, lines, strict=True)
            )
            for newline in _ENDINGS
        }
        other = _ENDINGS[current == "\n"]
        return other if cost[other] + 1 < cost[current] else current
    endings = [ending for _, ending in lines]
    return "\r\n" if endings.count("\r\n") > endings.count("\n") else "\n"


def _row(
    old: dict[str, Any] | None, id: str, order: str, content: bytes, ending: str, newline: str
) -> dict[str, Any]:
    """Return the snapshot of a line: the old one itself when it still says the same."""
    if (
        old is not None
        and old.get("order") == order
        and _content(old) == content
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


def _mint(content: bytes, used: set[str]) -> str:
    """Return a new id: content hash and the first free number, so equal edits get equal ids."""
    stem = f"line:{blake2b(content, digest_size=8).hexdigest()}"
    number = 0
    while (entity_id := f"{stem}:{number}") in used:
        number += 1
    used.add(entity_id)
    return entity_id


def _sorted_lines(lines: Mapping[str, Any]) -> list[tuple[str, Any]]:
    def position(item: tuple[str, Any]) -> tuple[bool, str, str]:
        order = text_member(require_object(LINE, *item), "order")
        return not order, order, item[0]

    return sorted(lines.items(), key=position)


def _content(row: Mapping[str, Any]) -> bytes:
    if "content" in row:
        return encode_text(text_member(row, "content"))
    try:
        return b64decode(text_member(row, "content_base64"), validate=True)
    except Base64Error as problem:
        raise PluginInvalidInput(f"content_base64 is not base64: {problem}") from problem


def _document(documents: Mapping[str, Any]) -> Mapping[str, Any]:
    for entity_id in documents:
        if entity_id != DOCUMENT_ID:
            raise PluginInvalidInput(
                f"the entity id of {DOCUMENT} must be {DOCUMENT_ID!r}, not {entity_id!r}"
            )
    document = documents.get(DOCUMENT_ID)
    if document is None:
        raise PluginInvalidInput(f"missing {DOCUMENT} snapshot {DOCUMENT_ID!r}")
    return require_object(DOCUMENT, DOCUMENT_ID, document)


def _render(lines: Mapping[str, Any], document: Mapping[str, Any]) -> bytes:
    newline = document.get("newline", "\n")
    pieces: list[bytes] = []
    ending = ""
    for _, row in _sorted_lines(lines):
        ending = row.get("ending", newline)
        if newline not in _ENDINGS or ending not in _ENDINGS:
            raise PluginInvalidInput("a line ending must be '\\n' or '\\r\\n'")
        pieces.append(_content(row))
        pieces.append(ending.encode())
    if document.get("unterminated") and pieces:
        pieces.pop()
    return b"".join(pieces)
