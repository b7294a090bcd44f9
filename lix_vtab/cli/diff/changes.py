"""Reading what differs between two revisions, as sections to show."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from lix_vtab.cli.diff.blocks import Block, Hunk, Section, text_hunks
from lix_vtab.cli.diff.properties import ABSENT, property_blocks, value_block
from lix_vtab.cli.diff.records import Cells, record_hunk
from lix_vtab.model.dataclasses import dataclass

if TYPE_CHECKING:
    from lix_vtab import Lix

__all__ = ["Change", "Ends", "FileChange", "read_changes", "read_files", "sections"]

_DIFF = """
SELECT entity_id, schema_key, file_id, status, before_snapshot_content, after_snapshot_content
FROM lix_diff(:before, :after)
"""
_ALL = """
SELECT entity_id, schema_key, file_id, 'added', NULL, snapshot_content FROM lix_state_at(:after)
"""
_FILES = """
SELECT file_id, coalesce(path, file_id), status, before_path, before_hash IS after_hash
FROM lix_file_diff(:before, :after)
"""
_ALL_FILES = "SELECT id, coalesce(path, id), 'added', NULL, 0 FROM lix_file_at(:after)"
_DATA = "SELECT data FROM lix_file_at(:revision) WHERE id = :id"
_HEADER = """
SELECT snapshot_content ->> '$.columns' FROM lix_state_at(:revision)
WHERE file_id = :id AND schema_key = 'csv_header'
"""
_BLOB = "lix_binary_blob_ref"
_OWN = frozenset({"lix_file_descriptor", _BLOB, "lix_directory_descriptor"})
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
class FileChange:
    """One file that differs; `same` when only its path does."""

    id: str
    path: str
    status: str
    before_path: str | None
    same: bool


def read_files(lix: Lix, ends: Ends, paths: Sequence[str] = ()) -> list[FileChange]:
    """Return the files that differ between two revisions, below some paths if given, by path."""
    if ends.before is None:
        rows = lix.execute(_ALL_FILES, {"after": ends.after})
    else:
        rows = lix.execute(_FILES, {"before": ends.before, "after": ends.after})
    found = [
        FileChange(id, path, status, before, bool(same)) for id, path, status, before, same in rows
    ]
    wanted = [file for file in found if _wanted((file.before_path, file.path), paths)]
    return sorted(wanted, key=lambda file: file.path)


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
    for file in read_files(lix, ends, paths):
        yield _file(lix, ends, file, changes, context)
    if not paths:
        yield from _entities(c for c in changes if c.file_id == "lix" and c.schema_key not in _OWN)


# -- files


def _file(
    lix: Lix, ends: Ends, file: FileChange, changes: Iterable[Change], context: int
) -> Section:
    inside = [c for c in changes if c.file_id == file.id and c.schema_key != _BLOB]
    hunks: list[Hunk] = []
    note, numbered = "", False
    if not file.same:
        hunks, note, numbered = _content(lix, ends, file, inside, context)
    return Section(
        file.status,
        file.path,
        before_name=file.before_path or "" if file.status == "renamed" else "",
        note=note,
        hunks=tuple(hunks),
        numbered=numbered,
    )


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
    lix: Lix, ends: Ends, file: FileChange, inside: Sequence[Change], context: int
) -> tuple[list[Hunk], str, bool]:
    """Return hunks, a note and whether lines are numbered."""
    keys = {change.schema_key for change in inside}
    if file.status == "modified" and keys == {"json_pointer"}:
        return [Hunk(tuple(_pointers(inside)))], "", False
    if file.status == "modified" and keys == {"csv_row"}:
        columns = _columns(lix, ends, file.id)
        records = [(_cells(c.before), _cells(c.after)) for c in sorted(inside, key=_order)]
        return [record_hunk(columns, records)], "", False
    bytes_before = b"" if file.status == "added" else _data(lix, ends.before, file.id)
    bytes_after = b"" if file.status == "removed" else _data(lix, ends.after, file.id)
    before, after = _text(bytes_before), _text(bytes_after)
    if before is None or after is None:
        return [], f"binary, {len(bytes_before)} → {len(bytes_after)} bytes", False
    return list(text_hunks(_lines(before), _lines(after), context)), "", True


def _data(lix: Lix, revision: str | None, id: str) -> bytes:
    rows = lix.execute(_DATA, {"revision": revision, "id": id}).rows
    return (rows[0][0] or b"") if rows else b""


def _order(change: Change) -> str:
    """Return what sorts records as the file does."""
    snapshot = change.before if change.after is ABSENT else change.after
    return str(snapshot.get("order", ""))


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
            return [str(column["key"]) for column in json.loads(columns)]
    return []


def _cells(snapshot: Any) -> Cells:
    if snapshot is ABSENT:
        return None
    cells = snapshot["cells"]
    return cells if isinstance(cells, dict) else {str(n): cell for n, cell in enumerate(cells)}


def _text(data: bytes) -> str | None:
    """Return the text of bytes, None when they are no text."""
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
