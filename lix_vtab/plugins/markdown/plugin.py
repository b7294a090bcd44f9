"""plugin_md: a Markdown file as its top-level blocks.

Each block is an entity with its source text, its kind and an order key, so writing, moving or
editing one block touches nothing else. What stands between blocks (one blank line, as a rule) is
kept with the block behind it. The document entity holds the line ending and both ends of the file.
"""

from __future__ import annotations

import re
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
    current_snapshot,
    encode_text,
    entity_sets,
    require_object,
    same_but,
    schema,
    text_member,
)
from lix_vtab.plugins.markdown.blocks import cut
from lix_vtab.plugins.minting import Minter
from lix_vtab.plugins.order import place
from lix_vtab.plugins.splice import splice

__all__ = ["BLOCK", "DOCUMENT", "DOCUMENT_ID", "MarkdownPlugin"]

BLOCK = "markdown_block"
DOCUMENT = "markdown_document"
DOCUMENT_ID = "root"

_NEWLINES = ("\n", "\r\n")
_SPACE = re.compile("\ufeff?[ \t\r\n]*")

Row = dict[str, Any]
_Piece = tuple[str, str, str]
"""The space in front of a block, its kind and its text."""


class MarkdownPlugin:
    """Blocks of Markdown files."""

    key = "plugin_md"
    manifest: Mapping[str, Any] = {
        "key": "plugin_md",
        "runtime": "python",
        "api_version": "1.0.0",
        "match": {"path_glob": "*.{md,markdown,mdx}", "content_type": "text"},
        "detect_changes": {"state_context": {"include_active_state": True}},
        "on_invalid": "blob",
    }
    schemas: Sequence[Mapping[str, Any]] = (
        schema(
            BLOCK,
            "One top-level block of a Markdown file. Lines end in \\n unless `verbatim` is true.",
            {
                "id": {"type": "string", "minLength": 1},
                "order": {"type": "string", "minLength": 1},
                "type": {"type": "string", "minLength": 1},
                "markdown": {"type": "string"},
                "before": {"type": "string", "pattern": r"^[ \t\r\n]*$"},
                "verbatim": {"type": "boolean"},
            },
            ["id", "type", "markdown"],
        ),
        schema(
            DOCUMENT,
            "What the blocks of a Markdown file share.",
            {
                "id": {"const": DOCUMENT_ID},
                "newline": {"enum": list(_NEWLINES)},
                "lead": {"type": "string", "pattern": "^\ufeff?[ \t\r\n]*$"},
                "tail": {"type": "string", "pattern": r"^[ \t\r\n]*$"},
            },
            ["id"],
        ),
    )

    def detect_changes(
        self, before: File | None, after: File, state_context: StateContext | None
    ) -> Iterable[EntityChange]:
        """Name the blocks that are new, changed, moved or gone."""
        if before is None:
            return _update(None, {}, after.data)
        if before.data == after.data:
            return []
        sets = current_entities(state_context, (BLOCK, DOCUMENT))
        if not sets[BLOCK] and not sets[DOCUMENT]:
            sets = entity_sets(_stored(before), (BLOCK, DOCUMENT))
        return _update(sets[DOCUMENT].get(DOCUMENT_ID), sets[BLOCK], after.data)

    def apply_changes(self, file: File, changes: Sequence[EntityChange]) -> bytes:
        """Write the blocks in the order of their keys."""
        sets = entity_sets(changes, (BLOCK, DOCUMENT))
        blocks = {id: row for id, row in sets[BLOCK].items() if row is not None}
        return encode_text(_render(_document(sets[DOCUMENT]), _sorted_blocks(blocks)))

    def replace_entities(
        self, file: File, replacements: Sequence[Replacement], state_context: StateContext
    ) -> bytes | None:
        """Write edited blocks into the text as it was, each in the place of the block it was."""
        document = current_snapshot(state_context, DOCUMENT, DOCUMENT_ID) or {}
        newline = document.get("newline", "\n")
        data: bytes | None = file.data
        for before, after in replacements:
            old, new = before.snapshot_content, after.snapshot_content
            if data is None or not same_but(old, new, "markdown", "type"):
                return None
            text = _text(new, newline)
            text_member(new, "type")
            if not text:
                return None  # then the space around it goes as well
            data = splice(data, encode_text(_text(old, newline)), encode_text(text))
        return data


def _stored(before: File) -> Iterable[EntityChange]:
    try:
        return list(_update(None, {}, before.data))
    except PluginInvalidInput:
        return ()  # it was kept as a blob until now


def _pieces(text: str) -> tuple[list[_Piece], str]:
    """Return the blocks with the space in front of each, and the space behind the last."""
    pieces: list[_Piece] = []
    at = 0
    for block in cut(text):
        pieces.append((text[at : block.start], block.type, text[block.start : block.end]))
        at = block.end
    return pieces, text[at:]


def _update(document: Row | None, old: Mapping[str, Row], data: bytes) -> Iterator[EntityChange]:
    """Yield tombstones, then new and changed blocks in file order, then the document."""
    try:
        text = data.decode()
    except UnicodeDecodeError as problem:
        raise PluginInvalidInput(f"file.data is no UTF-8 text: {problem}") from problem
    old = dict(_sorted_blocks(old))
    documents = {} if document is None else {DOCUMENT_ID: document}
    pieces, tail = _pieces(text)
    ids = list(old)
    matches = _match(list(old.values()), pieces)
    newline = _choose_newline(text, None if document is None else document.get("newline"))
    orders = place(
        [(None, "") if at is None else (old[ids[at]].get("order"), ids[at]) for at in matches]
    )
    new: dict[str, Row] = {}
    minter = Minter(lambda id: id in old or id in new)
    for at, piece, order in zip(matches, pieces, orders, strict=True):
        entity_id = minter.mint(_stem(piece)) if at is None else ids[at]
        partner = None if at is None else old[ids[at]]
        new[entity_id] = _block(partner, entity_id, order, piece, newline, first=not new)
    yield from changed(BLOCK, old, new)
    if text:
        lead = pieces[0][0] if pieces else text
        fresh = _fresh_document(newline, lead, tail if pieces else "", bool(pieces))
        documents_now = {DOCUMENT_ID: _keep(document, fresh, bool(pieces))}
    else:
        documents_now = {}
    yield from changed(DOCUMENT, documents, documents_now)


def _match(old: Sequence[Row], new: Sequence[_Piece]) -> list[int | None]:
    old_blocks = [(row["type"], _normal(text_member(row, "markdown"))) for row in old]
    new_blocks = [(kind, _normal(text)) for _, kind, text in new]

    def similar(i: int, j: int) -> float:
        (old_kind, old_text), (kind, text) = old_blocks[i], new_blocks[j]
        return text_similarity(old_text, text) if old_kind == kind else -1.0

    return align(old_blocks, new_blocks, similar=similar)


def _normal(text: str) -> str:
    return text.replace("\r\n", "\n")


def _choose_newline(text: str, current: str | None) -> str:
    """Return the line ending of most lines; the present one on a tie."""
    windows = text.count("\r\n")
    unix = text.count("\n") - windows
    if windows == unix and current in _NEWLINES:
        return str(current)
    return "\r\n" if windows > unix else "\n"


def _block(
    old: Row | None, id: str, order: str, piece: _Piece, newline: str, *, first: bool
) -> Row:
    """Return the snapshot of a block: the stored one when it would be written like this."""
    before, kind, text = piece
    if old is not None and old.get("order") == order and old.get("type") == kind:
        same_space = first or _space_before(old, newline) == before
        if same_space and _text(old, newline) == text:
            return old
    row: Row = {"id": id, "order": order, "type": kind, "markdown": _normal(text)}
    if first:
        before = newline * 2 if old is None else _space_before(old, newline)
    if before != newline * 2:
        row["before"] = _normal(before)
    if _text(row, newline) != text or _space_before(row, newline) != before:
        row = {**row, "markdown": text, "before": before, "verbatim": True}
    return row


def _text(row: Row, newline: str) -> str:
    """Return the text of a stored block as it stands in the file."""
    text = text_member(row, "markdown")
    if row.get("verbatim"):
        return text
    return _normal(text).strip("\n").replace("\n", newline)


def _space_before(row: Row, newline: str) -> str:
    space = text_member(row, "before", "\n\n")
    if not _SPACE.fullmatch(space):
        raise PluginInvalidInput(f"{space!r} before block {row.get('id')!r} is more than space")
    return (
        space
        if row.get("verbatim") and "before" in row
        else (_normal(space).replace("\n", newline))
    )


def _stem(piece: _Piece) -> str:
    """Return what the id of a new block begins with: its kind and a hash of its content."""
    _, kind, text = piece
    return f"{kind}:{blake2b(_normal(text).encode(), digest_size=8).hexdigest()}:"


def _fresh_document(newline: str, lead: str, tail: str, has_blocks: bool) -> Row:
    document: Row = {"id": DOCUMENT_ID, "newline": newline}
    if lead:
        document["lead"] = lead
    if has_blocks and tail != newline:
        document["tail"] = tail
    return document


def _keep(old: Row | None, fresh: Row, has_blocks: bool) -> Row:
    """Return the stored document when it says the same as the fresh one."""
    if old is None:
        return fresh
    names = ("newline", "lead", "tail") if has_blocks else ("lead",)
    defaults = {"newline": "\n", "lead": "", "tail": fresh["newline"]}
    same = all(old.get(n, defaults[n]) == fresh.get(n, defaults[n]) for n in names)
    return old if same else fresh


def _sorted_blocks(blocks: Mapping[str, Any]) -> list[tuple[str, Row]]:
    def position(item: tuple[str, Any]) -> tuple[bool, str, str]:
        row = require_object(BLOCK, *item)
        if row.get("id", item[0]) != item[0]:
            raise PluginInvalidInput(f"the id in the snapshot of block {item[0]!r} differs")
        text_member(row, "type")
        order = text_member(row, "order")
        return not order, order, item[0]

    return sorted(blocks.items(), key=position)


def _document(documents: Mapping[str, Any]) -> Row:
    for entity_id, snapshot in documents.items():
        if entity_id != DOCUMENT_ID:
            raise PluginInvalidInput(
                f"the entity id of {DOCUMENT} must be {DOCUMENT_ID!r}, not {entity_id!r}"
            )
        if snapshot is not None:
            document = require_object(DOCUMENT, entity_id, snapshot)
            if document.get("id", DOCUMENT_ID) != DOCUMENT_ID:
                raise PluginInvalidInput(f"the id of {DOCUMENT} must be {DOCUMENT_ID!r}")
            return document
    return {}


def _render(document: Row, blocks: Sequence[tuple[str, Row]]) -> str:
    newline = document.get("newline", "\n")
    lead = text_member(document, "lead")
    tail = text_member(document, "tail", newline)
    if newline not in _NEWLINES or not (_SPACE.fullmatch(lead) and _SPACE.fullmatch(tail)):
        raise PluginInvalidInput(f"{DOCUMENT} may hold line endings and space only")
    pieces = [lead]
    for _, row in blocks:
        text = _text(row, newline)
        if text:
            if len(pieces) > 1:
                pieces.append(_space_before(row, newline))
            pieces.append(text)
    if len(pieces) > 1:
        pieces.append(tail)
    return "".join(pieces)
