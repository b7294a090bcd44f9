"""Who set what: for each property of a row, the change that gave it the value it has.

A change is compared with the row it superseded, and in a merge with the row of each parent. A
property that has the same value there came from there, so the search goes on with that row's
change; one that has not was set by this change.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lix_vtab.errors import CorruptError
from lix_vtab.model.json import Json, canonical_json, parse_json
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.storage.commits import Commit
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.rows import Key
from lix_vtab.storage.segments import Lineage
from lix_vtab.storage.store import Store

__all__ = ["Blame", "Blamed", "Setting"]


_NEWEST = (1 << 63) - 1

# A row is made elsewhere when a merge adopted it or it was copied from a segment that was folded,
# for then those before it are not here, and when it was made over the rows of several parents.
_LINE = (
    "SELECT r.from_seq, r.change_no, h.snapshot, h.commit_seq <> r.from_seq "
    "OR c.segment_id <> r.segment_id "
    "OR EXISTS (SELECT 1 FROM lix_internal_parent p WHERE p.seq = h.commit_seq) "
    "FROM lix_internal_{} r JOIN lix_internal_change h ON h.no = r.change_no "
    "JOIN lix_internal_commit c ON c.seq = h.commit_seq "
    "WHERE r.segment_id = ?1 AND r.schema_id = ?2 AND r.entity_id = ?3 AND r.file_id = ?4 "
    "AND r.from_seq <= ?5"
)


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


class _Older(NamedTuple):
    """A row a key had once; `elsewhere` says that it was not just made of the row before it."""

    change_no: int
    snapshot: str | None
    elsewhere: int


class Blame:
    """Answers for rows one after the other; remembers commits between them."""

    __slots__ = ("_change", "_commits", "_line", "_setting", "_store", "_twigs")

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
        line = f"{_LINE.format('tip')} UNION ALL {_LINE.format('past')} ORDER BY 1 DESC"
        self._line = qualify(line, store.db)
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
            seen = {number}
            for lineage in self._parents(number):
                wanted = self._follow(key, lineage, wanted, seen, setters, pending)
            setters.update(dict.fromkeys(wanted, number))
        told = {number: self._tell(number) for number in set(setters.values())}
        for name, value in sorted(content.items()):
            yield Blamed(name, value, told[setters[name]])

    def _parents(self, change_no: int) -> Iterator[Lineage]:
        """Yield where rows a change was made over may be: one line, or those merged with it too."""
        commit, twigs = self._commit(self._content(change_no)[0])
        yield self._store.segments.at(commit.segment_id, commit.seq - 1)
        for twig in twigs:
            yield self._store.segments.at(twig.segment_id, twig.seq)

    def _follow(
        self,
        key: Key,
        lineage: Lineage,
        wanted: dict[str, Json],
        seen: set[int],
        setters: dict[str, int],
        pending: list[tuple[int, dict[str, Json]]],
    ) -> dict[str, Json]:
        """Go down a line as long as somebody has the values, and return what its first row has not.

        A row that was made elsewhere, or over more than one, is left to be looked at by itself.
        """
        number: int | None = None
        left = wanted
        for older in self._rows(key, lineage):
            if older.snapshot is None or older.change_no in seen:
                break
            content = parse_json(older.snapshot)
            same = {name: v for name, v in wanted.items() if _same(content, name, v)}
            lost = {name: v for name, v in wanted.items() if name not in same}
            if number is None:
                seen.add(older.change_no)
                left = lost
            else:
                setters.update(dict.fromkeys(lost, number))
            number, wanted = older.change_no, same
            if not wanted or older.elsewhere:
                break
        if number is not None and wanted:
            pending.append((number, wanted))
        return left

    def _rows(self, key: Key, lineage: Lineage) -> Iterator[_Older]:
        """Yield the rows a key had in a line, newest first."""
        for segment_id, limit in lineage:
            params = (segment_id, *key, _NEWEST if limit is None else limit)
            for _, *row in self._store.connection.execute(self._line, params):
                yield _Older(*row)

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
