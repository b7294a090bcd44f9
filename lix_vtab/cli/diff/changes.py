"""Reading what differs between two revisions, as sections to show."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from lix_vtab.cli.diff.blocks import Block, Hunk, Section, text_hunks
from lix_vtab.cli.diff.properties import ABSENT, property_blocks, value_block
from lix_vtab.cli.diff.records import Cells, record_hunk

if TYPE_CHECKING:
    from lix_vtab import Lix

__all__ = ["Change", "Ends", "read_changes", "sections"]

_DIFF = """
SELECT entity_id, schema_key, file_id, status, before_snapshot_content, after_snapshot_content
FROM lix_diff(:before, :after)
"""
_ALL = """
SELECT entity_id, schema_key, file_id, 'added', NULL, snapshot_content FROM lix_state_at(:after)
"""
_FILE = "SELECT path, data FROM lix_file_at(:revision) WHERE id = :id"
_HEADER = """
SELECT snapshot_content ->> '$.columns' FROM lix_state_at(:revision)
WHERE file_id = :id AND schema_key = 'csv_header'
"""
_DESCRIPTOR = "lix_file_descriptor"
_BLOB = "lix_binary_blob_ref"
_OWN = frozenset({_DESCRIPTOR, _BLOB, "lix_directory_descriptor"})
_BOOKKEEPING = frozenset({"lix_version_descriptor", "lix_stored_schema"})


@dataclass(frozen=True, slots=True)
class Ends:
    """The two revisions that are compared; None stands for nothing at all."""

    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """One entity that differs; contents are parsed, ABSENT where there is none."""

    entity_id: str
    schema_key: str
    file_id: str
    status: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class _File:
    """A file at one end; no path when it is not there."""

    path: str | None
    data: bytes | None


def read_changes(lix: Lix, ends: Ends) -> list[Change]:
    """Return the entities that differ between two revisions."""
    if ends.before is None:
        rows = lix.execute(_ALL, {"after": ends.after})
    else:
        rows = lix.execute(_DIFF, {"before": ends.before, "after": ends.after})
    return [
        Change(id, schema, file, status, _parsed(before), _parsed(after))
        for id, schema, file, status, before, after in rows
    ]


def _parsed(content: str | None) -> Any:
    return ABSENT if content is None else json.loads(content)


def sections(
    lix: Lix,
    ends: Ends,
    changes: Sequence[Change],
    *,
    paths: Sequence[str] = (),
    context: int = 3,
) -> Iterator[Section]:
    """Yield what to show: files by path, then the entities outside of files by table."""
    ids = {c.entity_id for c in changes if c.schema_key in (_DESCRIPTOR, _BLOB)}
    ids |= {c.file_id for c in changes if c.file_id != "lix"}
    found = [section for id in ids for section in _file(lix, ends, id, changes, paths, context)]
    yield from sorted(found, key=lambda section: section.name)
    if not paths:
        yield from _entities(c for c in changes if c.file_id == "lix" and c.schema_key not in _OWN)


# -- files


def _file(
    lix: Lix, ends: Ends, id: str, changes: Iterable[Change], paths: Sequence[str], context: int
) -> Iterator[Section]:
    before, after = _read(lix, ends.before, id), _read(lix, ends.after, id)
    path = after.path or before.path
    if path is None or not _wanted((before.path, after.path), paths):
        return
    status = "added" if before.path is None else "removed" if after.path is None else "modified"
    renamed = status == "modified" and before.path != after.path
    inside = [c for c in changes if c.file_id == id and c.schema_key != _BLOB]
    hunks, note, numbered = _content(lix, ends, id, (before, after), inside, status, context)
    if renamed and not hunks and not note:
        status = "renamed"
    yield Section(
        status,
        path,
        before_name=before.path or "" if renamed else "",
        note=note,
        hunks=tuple(hunks),
        numbered=numbered,
    )


def _read(lix: Lix, revision: str | None, id: str) -> _File:
    if revision is None:
        return _File(None, None)
    rows = lix.execute(_FILE, {"revision": revision, "id": id}).rows
    return _File(*rows[0]) if rows else _File(None, None)


def _wanted(ends: tuple[str | None, str | None], paths: Sequence[str]) -> bool:
    if not paths:
        return True
    return any(
        path == wanted or path.startswith(wanted.rstrip("/") + "/")
        for wanted in paths
        for path in ends
        if path is not None
    )


def _content(
    lix: Lix,
    ends: Ends,
    id: str,
    files: tuple[_File, _File],
    inside: Sequence[Change],
    status: str,
    context: int,
) -> tuple[list[Hunk], str, bool]:
    """Return hunks, a note and whether lines are numbered."""
    keys = {change.schema_key for change in inside}
    if status == "modified" and keys == {"json_pointer"}:
        return [Hunk(tuple(_pointers(inside)))], "", False
    if status == "modified" and keys == {"csv_row"}:
        columns = _columns(lix, ends, id)
        records = [(_cells(c.before), _cells(c.after)) for c in inside]
        return [record_hunk(columns, records)], "", False
    before, after = _text(files[0].data), _text(files[1].data)
    if before is None or after is None:
        sizes = [len(file.data or b"") for file in files]
        same = files[0].data == files[1].data
        return [], "" if same else f"binary, {sizes[0]} → {sizes[1]} bytes", False
    return list(text_hunks(_lines(before), _lines(after), context)), "", True


def _pointers(changes: Sequence[Change]) -> Iterator[Block]:
    """Show JSON nodes by pointer; what lies below one that is shown is not repeated."""
    for change in sorted(changes, key=lambda c: _natural(c.entity_id)):
        name = change.entity_id or "/"
        ends = [ABSENT if end is ABSENT else end.get("value") for end in _both(change)]
        yield from value_block(name, *ends)


def _natural(pointer: str) -> list[tuple[bool, int, str]]:
    parts = pointer.split("/")
    return [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


def _both(change: Change) -> tuple[Any, Any]:
    return change.before, change.after


def _columns(lix: Lix, ends: Ends, id: str) -> list[str]:
    for revision in (ends.after, ends.before):
        for (columns,) in lix.execute(_HEADER, {"revision": revision, "id": id}):
            return [str(name) for name in json.loads(columns)]
    return []


def _cells(snapshot: Any) -> Cells:
    if snapshot is ABSENT:
        return None
    cells = snapshot["cells"]
    return cells if isinstance(cells, dict) else {str(n): cell for n, cell in enumerate(cells)}


def _text(data: bytes | None) -> str | None:
    """Return the text of bytes, None when they are no text."""
    if data is None:
        return ""
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _lines(text: str) -> list[str]:
    """Split at newlines; a missing one at the end shows."""
    lines = text.split("\n")
    last = lines.pop()
    return [*lines, f"{last}\\"] if last else lines


# -- entities


def _entities(changes: Iterable[Change]) -> Iterator[Section]:
    wanted = [c for c in changes if c.schema_key not in _BOOKKEEPING]
    wanted.sort(key=lambda c: (c.schema_key, c.entity_id))
    for _, group in groupby(wanted, lambda c: (c.schema_key, c.entity_id)):
        for change in group:
            before = {} if change.before is ABSENT else change.before
            after = {} if change.after is ABSENT else change.after
            yield Section(
                change.status,
                f"{change.schema_key} {change.entity_id}",
                hunks=(Hunk(tuple(property_blocks(before, after))),),
            )
