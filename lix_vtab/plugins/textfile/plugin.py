"""plugin_text: a text file as lines with lasting ids.

Each line is an entity that knows its place by an order key, so inserting, changing or moving a line
writes that line and nothing else. One small document entity holds what all lines share: the line
ending, and whether the last line lacks it. Bytes that are not UTF-8 are kept in base64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from lix_vtab.plugins.contract import (
    EntityChange,
    File,
    PluginInvalidInput,
    Replacement,
    StateContext,
)
from lix_vtab.plugins.entities import (
    current_entities,
    current_snapshot,
    entity_sets,
    in_order,
    require_object,
    same_but,
    schema,
)
from lix_vtab.plugins.splice import LINE_ENDS, splice
from lix_vtab.plugins.textfile.lines import (
    DOCUMENT,
    DOCUMENT_ID,
    ENDINGS,
    LINE,
    Line,
    content_of,
    split,
)
from lix_vtab.plugins.textfile.names import is_known_text
from lix_vtab.plugins.textfile.passage import Passage
from lix_vtab.plugins.textfile.quick import edited_passage

__all__ = ["DOCUMENT", "DOCUMENT_ID", "LINE", "TextPlugin"]


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
                "ending": {"enum": list(ENDINGS)},
            },
            ["id"],
            oneOf=[{"required": ["content"]}, {"required": ["content_base64"]}],
        ),
        schema(
            DOCUMENT,
            "What the lines of a text file share.",
            {
                "id": {"const": DOCUMENT_ID},
                "newline": {"enum": list(ENDINGS)},
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
            return _create(after.data)
        if before.data == after.data:
            return []
        quick = None if state_context is None else _edit(before.data, after.data, state_context)
        if quick is not None:
            return quick
        if state_context is None:
            sets = entity_sets(_create(before.data), (LINE, DOCUMENT))
        else:
            sets = current_entities(state_context, (LINE, DOCUMENT))
        return _update(sets[LINE], sets[DOCUMENT].get(DOCUMENT_ID), split(after.data))

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
            data = splice(data, content_of(old), content_of(new), LINE_ENDS)
        return data


def _create(data: bytes) -> Iterable[EntityChange]:
    return _update({}, None, split(data))


def _edit(before: bytes, after: bytes, context: StateContext) -> list[EntityChange] | None:
    """Return what a small edit changes, when that is certain without looking at every line."""
    document = current_snapshot(context, DOCUMENT, DOCUMENT_ID)
    if not isinstance(document, dict) or document.get("newline") not in ENDINGS:
        return None
    passage = edited_passage(before, after, context)
    if passage is None:
        return None
    return _changes_of(passage, document["newline"], lambda id: context.find(LINE, id) is not None)


def _changes_of(
    passage: Passage, newline: str, taken: Callable[[str], bool]
) -> list[EntityChange] | None:
    """Return what changed in a text that keeps its newline; None when more has to be looked at."""
    made = passage.trimmed(newline).changes(newline, taken)
    return made[1] if made is not None and made[0] == newline else None


def _update(
    old: dict[str, Any], document: dict[str, Any] | None, lines: list[Line]
) -> Iterator[EntityChange]:
    """Yield tombstones, then new and changed lines in file order, then the document."""
    text = Passage(in_order(LINE, old), lines)
    newline = (document or {}).get("newline")
    changes = _changes_of(text, newline, old.__contains__) if newline in ENDINGS else None
    if changes is None:
        made = text.changes(newline, old.__contains__)
        assert made is not None  # there is nothing around the whole
        newline, changes = made
    yield from changes
    fresh: dict[str, Any] = {"id": DOCUMENT_ID, "newline": newline}
    if lines and not lines[-1][1]:
        fresh["unterminated"] = True
    if document is None or not _same_document(document, fresh, bool(lines)):
        yield EntityChange(DOCUMENT_ID, DOCUMENT, fresh)


def _same_document(old: Mapping[str, Any], new: Mapping[str, Any], has_lines: bool) -> bool:
    """Tell whether two documents say the same; without lines nothing depends on them."""
    if not has_lines:
        return True
    return (old.get("newline", "\n"), bool(old.get("unterminated"))) == (
        new["newline"],
        bool(new.get("unterminated")),
    )


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
    for _, row in in_order(LINE, lines):
        ending = row.get("ending", newline)
        if newline not in ENDINGS or ending not in ENDINGS:
            raise PluginInvalidInput("a line ending must be '\\n' or '\\r\\n'")
        pieces.append(content_of(row))
        pieces.append(ending.encode())
    if document.get("unterminated") and pieces:
        pieces.pop()
    return b"".join(pieces)
