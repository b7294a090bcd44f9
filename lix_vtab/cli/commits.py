"""Commits as commands list them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lix_vtab.cli.paint import Paint
from lix_vtab.cli.text import harmless

if TYPE_CHECKING:
    from lix_vtab import Lix

__all__ = ["Entry", "Names", "file_id_of", "read_log", "short"]

_LOG = """
SELECT c.id, a.created_at, c.parent_commit_ids, c.author_account_ids, c.lixcol_message,
       json_array_length(c.change_ids), v.name
FROM (SELECT rowid AS seq, commit_id, created_at FROM lix_commit_ancestry(:revision)
      WHERE {wanted} ORDER BY rowid DESC LIMIT :most) a
JOIN lix_commit c ON c.id = a.commit_id
LEFT JOIN lix_version v ON v.id = c.lixcol_created_in_version_id
ORDER BY a.seq DESC
"""
_TOUCHED = """
commit_id IN (SELECT lixcol_commit_id FROM lix_change WHERE file_id = :file UNION
    SELECT lixcol_commit_id FROM lix_change
    WHERE schema_key IN ('lix_file_descriptor', 'lix_binary_blob_ref') AND entity_id = :file)
"""
SHORT = 18
"""Letters of an id that tell commits of the same millisecond apart, nearly always."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One commit of a log."""

    id: str
    created_at: str
    parents: tuple[str, ...]
    authors: tuple[str, ...]
    message: str
    changes: int
    version: str


def read_log(
    lix: Lix, revision: str, *, most: int = -1, file_id: str | None = None
) -> Iterator[Entry]:
    """Yield the commits that led to a revision, newest first; those that touched a file only."""
    given: dict[str, object] = {"revision": revision, "most": most}
    if file_id is not None:
        given["file"] = file_id
    query = _LOG.format(wanted="1" if file_id is None else _TOUCHED)
    for id, at, parents, authors, message, changes, version in lix.execute(query, given):
        yield Entry(
            id,
            at,
            tuple(json.loads(parents)),
            tuple(json.loads(authors)),
            message or "",
            changes,
            version or "",
        )


def file_id_of(lix: Lix, path: str) -> str | None:
    """Return the id of the file at a path now."""
    rows = lix.execute("SELECT id FROM lix_file WHERE path = ?", (path,)).rows
    return str(rows[0][0]) if rows else None


def short(id: str) -> str:
    """Return the beginning of an id, long enough to name the commit.

    >>> short("01a1fd09-f811-777f-b8c2-587f7ebde9da")
    '01a1fd09-f811-777f'
    """
    return id[:SHORT]


class Names:
    """What commits are called: versions whose tip they are, checkpoints, accounts of authors."""

    def __init__(self, lix: Lix, paint: Paint) -> None:
        self._paint = paint
        self._active = lix.active_version.id
        self._tips: dict[str, list[tuple[str, str]]] = {}
        for id, name, commit in lix.execute("SELECT id, name, commit_id FROM lix_version"):
            self._tips.setdefault(commit, []).append((id, name))
        self._checkpoints: dict[str, str] = dict(
            lix.execute("SELECT id, coalesce(name, 'checkpoint') FROM lix_checkpoint").rows
        )
        self._accounts: dict[str, str] = dict(lix.execute("SELECT id, name FROM lix_account").rows)

    def labels(self, commit: str) -> str:
        """Return the names of a commit in brackets, painted; empty when it has none."""
        shown = [self._version(id, name) for id, name in sorted(self._tips.get(commit, ()))]
        if commit in self._checkpoints:
            shown.append(self._paint("label", f"checkpoint: {harmless(self._checkpoints[commit])}"))
        return f" ({', '.join(shown)})" if shown else ""

    def authors(self, ids: Sequence[str]) -> str:
        """Return the names of authors."""
        return ", ".join(harmless(self._accounts.get(id) or id) for id in ids)

    def _version(self, id: str, name: str) -> str:
        if id == self._active:
            return f"{self._paint('place', 'HEAD')} → {self._paint('active', harmless(name))}"
        return self._paint("version", harmless(name))

    def tips(self) -> Iterable[str]:
        """Return the tips of all versions."""
        return self._tips
