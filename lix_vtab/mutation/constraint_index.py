"""Keeping `lix_internal_index`: which rows have which value in the groups rules are about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any

from lix_vtab.model.json import parse_json
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.mutation.constraint_rules import Group, Rules
from lix_vtab.schema.coerce import SqlValue
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.index_tables import NEWEST
from lix_vtab.storage.rows import Key
from lix_vtab.storage.store import Store

__all__ = ["Entry", "ValueIndex"]


class Entry(NamedTuple):
    """A row of the table."""

    group_id: int
    value: SqlValue
    holder: int
    until: int
    entity_id: str
    file_id: int
    since: int


# All rows a key had in a segment, oldest first; a row ends where the next begins.
_TRACKED = """
SELECT r.segment_id, r.entity_id, r.file_id, r.from_seq, c.snapshot FROM (
  SELECT segment_id, entity_id, file_id, from_seq, change_no FROM lix_internal_tip
  WHERE schema_id = ?1
  UNION ALL
  SELECT segment_id, entity_id, file_id, from_seq, change_no FROM lix_internal_past
  WHERE schema_id = ?1) r JOIN lix_internal_change c ON c.no = r.change_no
ORDER BY 1, 2, 3, 4
"""

_UNTRACKED = """
SELECT version_no, entity_id, file_id, snapshot FROM lix_internal_overlay
WHERE schema_id = ? AND snapshot IS NOT NULL
"""

# The rows a new segment starts with; those of segments nearer than `old` are younger than it.
_FOLD = f"""
INSERT INTO lix_internal_index
SELECT i.group_id, i.value, ?1, {NEWEST}, i.entity_id, i.file_id, t.from_seq
FROM lix_internal_tip t JOIN lix_internal_index i ON i.entity_id = t.entity_id
 AND i.file_id = t.file_id AND i.holder = ?2 AND i.since <= ?3 AND i.until > ?3
WHERE t.segment_id = ?1 AND t.schema_id = ?4 AND t.live = 1 AND t.from_seq <= ?3
  AND i.group_id = ?5
"""


class ValueIndex:
    """Follows every change of a newest row."""

    __slots__ = ("_close", "_delete", "_insert", "_inserts", "_open", "_rules", "_store")

    def __init__(self, store: Store, rules: Callable[[], Rules]) -> None:
        self._store = store
        self._rules = rules
        one = (
            "WHERE group_id = ? AND value = ? AND holder = ? "
            f"AND until = {NEWEST} AND entity_id = ? AND file_id = ?"
        )
        self._open = qualify(
            "SELECT group_id, value, since FROM lix_internal_index "
            f"WHERE holder = ? AND entity_id = ? AND file_id = ? AND until = {NEWEST}",
            store.db,
        )
        self._close = qualify(f"UPDATE lix_internal_index SET until = ? {one}", store.db)
        self._delete = qualify(f"DELETE FROM lix_internal_index {one}", store.db)
        self._insert = qualify(
            "INSERT INTO lix_internal_index VALUES (?, ?, ?, ?, ?, ?, ?)", store.db
        )
        self._inserts: dict[int, str] = {}
        store.rows.on_place(self._placed, self._follows)
        store.overlay.on_place(self._placed)
        store.segments.on_fold(self._folded)
        store.on_rebuild(self.rebuild)
        store.on_check(self.check)

    # -- following

    def _follows(self, schema_id: int, file_id: int) -> bool:
        return bool(self._rules().groups.get(schema_id))

    def _placed(self, holder: int, seq: int, key: Key, snapshot: str | None) -> None:
        groups = self._rules().groups.get(key.schema_id)
        if not groups:
            return
        run = self._store.connection.run
        new = {} if snapshot is None else _values(groups, snapshot)
        place = (holder, key.entity_id, key.file_id)
        found = run(self._open, place).get
        if found is not None:
            ours = {group.id for group in groups}
            for group_id, value, since in found if type(found) is list else (found,):
                # the same id and file under another schema is not ours
                if group_id not in ours:
                    continue
                if new.get(group_id) == value:
                    del new[group_id]
                    continue
                old = (group_id, value, *place)
                if since == seq:
                    run(self._delete, old)
                else:
                    run(self._close, (seq, *old))
        if new:
            pairs = [part for pair in new.items() for part in pair]
            run(self._entering(len(new)), (*place, seq, *pairs))

    def _entering(self, count: int) -> str:
        """Return the statement that enters a row under some groups at once."""
        known = self._inserts.get(count)
        if known is None:
            rows = (
                f"(?{n}, ?{n + 1}, ?1, {NEWEST}, ?2, ?3, ?4)" for n in range(5, 5 + 2 * count, 2)
            )
            known = self._inserts[count] = qualify(
                f"INSERT INTO lix_internal_index VALUES {', '.join(rows)}", self._store.db
            )
        return known

    def _folded(self, new: int, old: int, seq: int) -> None:
        sql = qualify(_FOLD, self._store.db)
        for schema_id, groups in self._rules().groups.items():
            for group in groups:
                self._store.connection.execute(sql, (new, old, seq, schema_id, group.id))

    # -- making anew

    def fill(self, schema_id: int, groups: Iterable[Group]) -> None:
        """Enter the rows there are under groups that are new."""
        wanted = tuple(groups)
        if wanted:
            self._store.connection.executemany(self._insert, self._expected(schema_id, wanted))

    def drop(self, groups: Iterable[int]) -> None:
        """Forget groups no schema names any more."""
        sql = qualify("DELETE FROM lix_internal_index WHERE group_id = ?", self._store.db)
        self._store.connection.executemany(sql, [(group_id,) for group_id in groups])

    def rebuild(self) -> None:
        """Derive the whole table from the rows."""
        self._store.connection.execute(qualify("DELETE FROM lix_internal_index", self._store.db))
        for schema_id, groups in self._rules().groups.items():
            self.fill(schema_id, groups)

    def check(self) -> Iterator[str]:
        """Yield where the table does not say what the rows say."""
        expected = {
            entry
            for schema_id, groups in self._rules().groups.items()
            for entry in self._expected(schema_id, groups)
        }
        found = self._store.connection.execute(
            qualify("SELECT * FROM lix_internal_index", self._store.db)
        )
        differing = expected ^ set(_joined(Entry(*row) for row in found))
        for entry in sorted(differing, key=repr)[:20]:
            yield (
                f"the index of values is wrong about entity '{entry.entity_id}' of "
                f"{self._store.names.text(entry.group_id)} in {entry.holder}"
            )

    def _expected(self, schema_id: int, groups: tuple[Group, ...]) -> Iterator[Entry]:
        execute = self._store.connection.execute
        for version_no, entity_id, file_id, snapshot in execute(
            qualify(_UNTRACKED, self._store.db), (schema_id,)
        ).fetchall():
            for group_id, value in _values(groups, snapshot).items():
                yield Entry(group_id, value, -version_no, NEWEST, entity_id, file_id, 0)
        rows = execute(qualify(_TRACKED, self._store.db), (schema_id,)).fetchall()
        for (holder, entity_id, file_id), versions in groupby(rows, key=lambda row: row[:3]):
            history = [(row[3], row[4]) for row in versions]
            yield from _joined(_entries(groups, holder, entity_id, file_id, history))


def _values(groups: Iterable[Group], snapshot: str) -> dict[int, Any]:
    """Return what a row has in each group, where it has anything."""
    content = parse_json(snapshot)
    values = ((group.id, group.value(content)) for group in groups)
    return {group_id: value for group_id, value in values if value is not None}


def _entries(
    groups: tuple[Group, ...],
    holder: int,
    entity_id: str,
    file_id: int,
    history: list[tuple[int, str | None]],
) -> Iterator[Entry]:
    """Yield the entries of one key in one segment, one for each row it had."""
    ends = [*(since for since, _ in history[1:]), NEWEST]
    for (since, snapshot), until in zip(history, ends, strict=True):
        if snapshot is not None:
            for group_id, value in _values(groups, snapshot).items():
                yield Entry(group_id, value, holder, until, entity_id, file_id, since)


def _joined(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Join entries that follow each other without a gap."""
    last: Entry | None = None
    for entry in sorted(entries, key=lambda e: (*_about(e), e.since)):
        if last is not None and _about(last) == _about(entry) and entry.since == last.until:
            last = last._replace(until=entry.until)
            continue
        if last is not None:
            yield last
        last = entry
    if last is not None:
        yield last


def _about(entry: Entry) -> tuple[Any, ...]:
    """Return what an entry is about, comparable whatever its value is."""
    text = isinstance(entry.value, str)
    return entry.holder, entry.group_id, entry.entity_id, entry.file_id, text, entry.value
