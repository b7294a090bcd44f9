"""Commits as commands list them."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lix_vtab.cli.paint import Paint
from lix_vtab.cli.text import harmless
from lix_vtab.model.dataclasses import dataclass

if TYPE_CHECKING:
    from lix_vtab import Lix

__all__ = ["Entry", "Ids", "Names", "read_log"]

SHORTEST = 8

_LOG = """
SELECT l.rowid, l.commit_id, l.created_at, l.parent_commit_ids, l.author_account_ids, l.message,
       l.change_count, v.name, l.is_checkpoint, l.checkpoint_name
FROM (SELECT rowid, * FROM lix_log WHERE revision = :revision{path} LIMIT :most) l
LEFT JOIN lix_version v ON v.id = l.version_id
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One commit of a log; a `seq` is greater than those of all ancestors."""

    seq: int
    id: str
    created_at: str
    parents: tuple[str, ...]
    authors: tuple[str, ...]
    message: str
    changes: int
    version: str
    checkpoint: str | None


def read_log(lix: Lix, revision: str, *, most: int = -1, path: str | None = None) -> list[Entry]:
    """Return the commits that led to a revision, newest first; with a path, those about it."""
    given: dict[str, object] = {"revision": revision, "most": most}
    if path is not None:
        given["path"] = path
    query = _LOG.format(path="" if path is None else " AND path = :path")
    return [_entry(row) for row in lix.execute(query, given)]


def _entry(row: tuple[Any, ...]) -> Entry:
    seq, id, at, parents, authors, message, changes, version, is_checkpoint, name = row
    return Entry(
        seq,
        id,
        at,
        tuple(json.loads(parents)),
        tuple(json.loads(authors)),
        message or "",
        changes,
        version or "",
        (name or "") if is_checkpoint else None,
    )


class Ids:
    """Short forms of commit ids: as many letters as it takes to name the commit."""

    def __init__(self, lix: Lix) -> None:
        self._known = sorted(id for (id,) in lix.execute("SELECT id FROM lix_commit"))

    def short(self, id: str) -> str:
        """Return the beginning that only this id has."""
        place = bisect_left(self._known, id)
        around = [*self._known[max(place - 1, 0) : place], *self._known[place + 1 : place + 2]]
        shared = max((_shared(id, other) for other in around), default=0)
        return id[: max(shared + 1, SHORTEST)]


def _shared(one: str, other: str) -> int:
    """Count the letters two texts have in common at their beginning."""
    pairs = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


class Names:
    """What commits are called: versions whose tip they are, checkpoints, accounts of authors."""

    def __init__(self, lix: Lix, paint: Paint) -> None:
        self._paint = paint
        self._active = lix.active_version.id
        self._tips: dict[str, list[tuple[str, str]]] = {}
        for id, name, commit in lix.execute("SELECT id, name, commit_id FROM lix_version"):
            self._tips.setdefault(commit, []).append((id, name))
        self._accounts: dict[str, str] = dict(lix.execute("SELECT id, name FROM lix_account").rows)

    def labels(self, entry: Entry) -> str:
        """Return the names of a commit in brackets, painted; empty when it has none."""
        tips = sorted(self._tips.get(entry.id, ()), key=lambda tip: tip[0] != self._active)
        shown = [self._version(id, name) for id, name in tips]
        if entry.checkpoint is not None:
            label = f"checkpoint {harmless(entry.checkpoint)}".rstrip()
            shown.append(self._paint("label", label))
        return f" ({', '.join(shown)})" if shown else ""

    def authors(self, ids: Iterable[str]) -> str:
        """Return the names of authors."""
        return ", ".join(harmless(self._accounts.get(id) or id) for id in ids)

    def _version(self, id: str, name: str) -> str:
        if id == self._active:
            return f"{self._paint('place', 'HEAD')} → {self._paint('active', harmless(name))}"
        return self._paint("version", harmless(name))

    def tips(self) -> list[str]:
        """Return the tips of all versions."""
        return list(self._tips)
