"""Who set what: for each property of a row, the change that gave it the value it has.

A change is compared with the row it superseded, and in a merge with the row of each parent. A
property that has the same value there came from there, so the search goes on with that row's
change; one that has not was set by this change.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from lix_vtab.errors import CorruptError
from lix_vtab.model.json import Json, canonical_json, parse_json
from lix_vtab.storage.commits import Commit
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.rows import Key
from lix_vtab.storage.store import Store

__all__ = ["Blame", "Blamed", "Setting"]


class Setting(NamedTuple):
    """A change as blame shows it."""

    change_id: str
    commit_id: str
    authors: str
    created_at: str
    message: str | None


class Blamed(NamedTuple):
    """A property, its value, and the change that set it."""

    property: str
    value: Json
    setting: Setting


class Blame:
    """Answers for rows one after the other; remembers commits between them."""

    __slots__ = ("_change", "_commits", "_setting", "_store", "_twigs")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._commits: dict[int, tuple[Commit, tuple[Commit, ...]]] = {}
        self._change = qualify(
            "SELECT commit_seq, snapshot FROM lix_internal_change WHERE no = ?", store.db
        )
        self._setting = qualify(
            "SELECT h.id, c.id, coalesce(c.authors, '[]'), h.created_at, c.message "
            "FROM lix_internal_change h JOIN lix_internal_commit c ON c.seq = h.commit_seq "
            "WHERE h.no = ?",
            store.db,
        )
        self._twigs = qualify(
            "SELECT parent_seq FROM lix_internal_parent WHERE seq = ? ORDER BY position", store.db
        )

    def of(self, key: Key, change_no: int) -> Iterator[Blamed]:
        """Yield the properties of a row that shows a change, in order."""
        setters: dict[str, int] = {}
        snapshot = self._content(change_no)[1]
        content: dict[str, Json] = snapshot if isinstance(snapshot, dict) else {}
        pending: list[tuple[int, dict[str, Json]]] = [(change_no, content)]
        while pending:
            number, wanted = pending.pop()
            for parent_no, parent in self._parents(key, number):
                same = {name: v for name, v in wanted.items() if _same(parent, name, v)}
                if same:
                    wanted = {name: v for name, v in wanted.items() if name not in same}
                    pending.append((parent_no, same))
            setters.update(dict.fromkeys(wanted, number))
        told = {number: self._tell(number) for number in set(setters.values())}
        for name, value in sorted(content.items()):
            yield Blamed(name, value, told[setters[name]])

    def _parents(self, key: Key, change_no: int) -> Iterator[tuple[int, dict[str, Json]]]:
        """Yield the rows a change was made over: one, or one for each parent of a merge."""
        commit, twigs = self._commit(self._content(change_no)[0])
        segments = self._store.segments
        lineages = [segments.at(commit.segment_id, commit.seq - 1)]
        lineages += (segments.at(twig.segment_id, twig.seq) for twig in twigs)
        seen: set[int] = {change_no}
        for lineage in lineages:
            stored = self._store.rows.find(lineage, key)
            if stored is None or stored.values.snapshot is None or stored.change_no in seen:
                continue
            seen.add(stored.change_no)
            yield stored.change_no, parse_json(stored.values.snapshot)

    def _content(self, change_no: int) -> tuple[int, Json]:
        row = self._store.connection.execute(self._change, (change_no,)).fetchone()
        if row is None:
            raise CorruptError(f"change number {change_no} does not exist")
        return row[0], None if row[1] is None else parse_json(row[1])

    def _commit(self, seq: int) -> tuple[Commit, tuple[Commit, ...]]:
        known = self._commits.get(seq)
        if known is None:
            store = self._store
            commit = store.commits.by_seq(seq)
            if commit is None:
                raise CorruptError(f"commit number {seq} does not exist")
            rows = store.connection.execute(self._twigs, (seq,)).fetchall()
            twigs = (store.commits.by_seq(row[0]) for row in rows)
            known = commit, tuple(twig for twig in twigs if twig is not None)
            self._commits[seq] = known
        return known

    def _tell(self, change_no: int) -> Setting:
        row: tuple[Any, ...] | None = self._store.connection.execute(
            self._setting, (change_no,)
        ).fetchone()
        if row is None:
            raise CorruptError(f"change number {change_no} does not exist")
        return Setting(*row)


def _same(parent: dict[str, Json], name: str, value: Json) -> bool:
    """Tell whether a row has a property with just this value; 1 is not true."""
    if name not in parent or parent[name] != value:
        return False
    return type(value) is str or canonical_json(parent[name]) == canonical_json(value)
