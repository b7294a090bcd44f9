"""Reads what commits changed, from the change log and the rows that commits placed.

A change is judged by the row its version showed right before the commit: its own, or else the
inherited one. Rows are looked up as of the commit before, so old commits can be told as well as new
ones; how versions inherit is taken as it is now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from lix_vtab.effects.changes import Change, Operation
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.resolution.scope import Layer, Scopes
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.rows import WITHDRAWN, Values
from lix_vtab.storage.store import Store

__all__ = ["PAGE", "Journal", "JournalCommit"]

PAGE = 64
"""How many commits are read at a time."""

_NAME = "(SELECT text FROM lix_internal_name WHERE id = h.{0})"
_KEY = "{0}.schema_id = h.schema_id AND {0}.entity_id = h.entity_id AND {0}.file_id = h.file_id"

# The row a segment showed at a commit: its newest one, or the last one before.
_AT = (
    "(SELECT CASE WHEN t.from_seq <= ?{1} THEN t.change_no ELSE ("
    "SELECT p.change_no FROM lix_internal_past p WHERE p.segment_id = ?{0} "
    f"AND {_KEY.format('p')} AND p.from_seq <= ?{{1}} ORDER BY p.from_seq DESC LIMIT 1) END "
    "FROM lix_internal_tip t WHERE t.segment_id = ?{0} "
    f"AND {_KEY.format('t')} AND t.first_seq <= ?{{1}})"
)
# Untracked rows have no history; their numbers are told apart by the sign.
_OVERLAY = (
    f"(SELECT -o.no FROM lix_internal_overlay o WHERE o.version_no = ?{{0}} AND {_KEY.format('o')})"
)
_FIELDS = "h.no, h.id, h.entity_id, h.schema_version, h.snapshot, h.writer_key, " + ", ".join(
    _NAME.format(name) for name in ("schema_id", "file_id", "plugin_id")
)
_OWN = "lix_internal_change h WHERE h.no BETWEEN ?1 AND ?2 AND h.commit_seq = ?3"
# A commit also lists changes it only sums up, as checkpoints do; those were placed elsewhere.
_ADOPTED = (
    "lix_internal_member m JOIN lix_internal_change h ON h.no = m.change_no WHERE m.seq = ?3 "
    "AND (EXISTS (SELECT 1 FROM lix_internal_tip t WHERE t.segment_id = ?4 AND "
    f"{_KEY.format('t')} AND t.from_seq = ?3 AND t.change_no = h.no) "
    "OR EXISTS (SELECT 1 FROM lix_internal_past p WHERE p.segment_id = ?4 AND "
    f"{_KEY.format('p')} AND p.from_seq = ?3 AND p.change_no = h.no))"
)
_SNAPSHOT = (
    "CASE WHEN q.before > 0 THEN (SELECT snapshot FROM lix_internal_change WHERE no = q.before) "
    "ELSE (SELECT snapshot FROM lix_internal_overlay WHERE no = -q.before) END"
)
# The row of a version unless it was withdrawn.
_COUNTS = (
    "(SELECT w.no FROM lix_internal_change w WHERE w.no = coalesce({0}) "
    f"AND (w.snapshot IS NOT NULL OR w.schema_version <> '{WITHDRAWN}'))"
)
_FIXED = 4
"""Parameters before those of the layers: first and last change, commit, segment."""


class JournalCommit(NamedTuple):
    """A completed commit."""

    seq: int
    id: str
    segment_id: int
    version_id: str
    first_change: int
    last_change: int


class Journal:
    """Reads the commits of one database in order."""

    __slots__ = ("_after", "_scopes", "_sql", "_store")

    def __init__(self, store: Store, scopes: Scopes) -> None:
        self._store = store
        self._scopes = scopes
        self._sql: dict[str, str] = {}
        self._after = qualify(
            "SELECT c.seq, c.id, c.segment_id, v.id, c.first_change, c.last_change "
            "FROM lix_internal_commit c JOIN lix_internal_version v ON v.no = c.version_no "
            "WHERE c.seq > ? AND c.last_change IS NOT NULL ORDER BY c.seq LIMIT ?",
            store.db,
        )

    def last(self) -> int:
        """Return the number of the newest commit before the running transaction."""
        commits = self._store.commits
        if self._store.transaction.active and commits.first_open is not None:
            return commits.first_open - 1
        return commits.next_seq() - 1

    def after(self, seq: int, limit: int = PAGE) -> list[JournalCommit]:
        """Return the completed commits that follow commit `seq`, oldest first."""
        found = self._store.connection.execute(self._after, (seq, limit))
        return [JournalCommit(*row) for row in found]

    def changes(self, commit: JournalCommit) -> list[Change]:
        """Return what a commit changed, in the order it was written."""
        return [_change(commit, row) for row in self._told(commit) if _is_change(row)]

    def together(self, commits: Iterable[JournalCommit]) -> list[Change]:
        """Return what the commits of one transaction changed, each row of a version once.

        A version has several there when undoing, say, completed one; what one did and the next
        took back is not told.
        """
        told: dict[tuple[object, ...], tuple[JournalCommit, Sequence[object]]] = {}
        for commit in commits:
            for row in self._told(commit):
                key = (commit.version_id, row[2], row[6], row[7])
                earlier = told.pop(key, None)
                if earlier is None:
                    told[key] = commit, row
                else:
                    both = (*row[:9], *earlier[1][9:])
                    if not self._is_as_before(both):
                        told[key] = commit, both
        return [_change(commit, row) for commit, row in told.values() if _is_change(row)]

    def _told(self, commit: JournalCommit) -> list[Sequence[object]]:
        """Return the changes of a commit, each with what its version showed before."""
        layers = self._layers(commit)
        found = self._found(commit, layers)
        if any(row[4] is None and row[3] == WITHDRAWN for row in found):
            found = self._uncovered(commit, found, [layer for layer in layers if layer.depth])
        return found

    def _is_as_before(self, row: Sequence[object]) -> bool:
        """Tell whether a change leaves its row, or nothing, as it was."""
        if row[4] is None or row[4] != row[10]:
            return False
        after, before = self._values(row[0]), self._values(row[9])
        return after is not None and before is not None and after.metadata == before.metadata

    def _uncovered(
        self, commit: JournalCommit, found: list[Sequence[object]], behind: Sequence[Layer]
    ) -> list[Sequence[object]]:
        """Let rows that were withdrawn say what the version inherits instead, if anything."""
        inherited = {row[0]: row for row in self._found(commit, behind)}
        told = []
        for row in found:
            if row[4] is None and row[3] == WITHDRAWN:
                shows = inherited[row[0]]
                version = self._schema_version(row[9] if shows[10] is None else shows[9])
                told.append((*row[:3], version, shows[10], *row[5:]))
            else:
                told.append((*row,))
        return [*told]

    def _schema_version(self, number: object) -> str | None:
        """Return the schema version of a change, or of an untracked row (a negative number)."""
        values = self._values(number)
        return None if values is None else values.schema_version

    def _values(self, number: object) -> Values | None:
        if not isinstance(number, int):
            return None
        store = self._store
        overlay = store.overlay.by_no(-number) if number < 0 else None
        return store.rows.values_of(number) if overlay is None else overlay.values

    def _found(self, commit: JournalCommit, layers: Sequence[Layer]) -> list[Sequence[object]]:
        """Return the changes of a commit, each with what the first of some layers showed before."""
        withdrawn = any(pair[0] < 0 for pair in self._store.overlay.occupied())
        shape = " ".join(f"{layer.kind}{layer.depth if withdrawn else ''}" for layer in layers)
        sql = self._sql.get(shape)
        if sql is None:
            sql = self._sql[shape] = qualify(_query(shape), self._store.db)
        params = [commit.first_change, commit.last_change, commit.seq, commit.segment_id]
        for layer in layers:
            params += layer.params
        return self._store.connection.execute(sql, params).fetchall()  # type: ignore[return-value]

    def _layers(self, commit: JournalCommit) -> list[Layer]:
        """Return where to look for the row before, nearest first."""
        before = commit.seq - 1
        store = self._store
        own = store.segments.at(commit.segment_id, before)
        layers = [Layer("p", 0, (id, min(limit or before, before))) for id, limit in own]
        scope = self._scopes.of(commit.version_id)
        if scope is None:
            return layers
        occupied = {pair[0] for pair in store.overlay.occupied()}
        for layer in scope.layers:
            if layer.depth == 0 or (layer.kind == "o" and layer.params[0] not in occupied):
                continue
            if layer.kind == "o":
                layers.append(layer)
            else:
                id, limit = (*layer.params, before)[:2]
                layers.append(Layer("p", layer.depth, (id, min(limit, before))))
        return layers


def _query(shape: str) -> str:
    """Write the query for layers of a shape, such as `p p o p`.

    With the depths of the layers, `p0 p0 o1 p1`, rows that were withdrawn count as none.
    """
    levels = []
    number = _FIXED + 1
    for depth, words in groupby(shape.split(), key=lambda word: word[1:]):
        # of one version untracked rows come first
        found: list[str] = []
        tracked: list[str] = []
        for kind in (word[0] for word in words):
            if kind == "o":
                found.append(_OVERLAY.format(number))
                number += 1
            else:
                (tracked if depth else found).append(_AT.format(number, number + 1))
                number += 2
        levels += found
        if tracked:
            levels.append(_COUNTS.format(", ".join([*tracked, "NULL"])))
    before = f"coalesce({', '.join([*levels, 'NULL'])})"
    return (
        f"SELECT q.*, {_SNAPSHOT} FROM ("
        f"SELECT {_FIELDS}, {before} AS before FROM {_OWN} "
        f"UNION ALL SELECT {_FIELDS}, {before} AS before FROM {_ADOPTED}) q ORDER BY q.no"
    )


def _is_change(row: Sequence[object]) -> bool:
    """Tell a change from the trace of a row that came and went: a tombstone that hides nothing."""
    return row[4] is not None or row[10] is not None


def _change(commit: JournalCommit, row: Sequence[object]) -> Change:
    _, id, entity_id, schema_version, snapshot, writer_key, schema, file, plugin, _, before = row
    operation: Operation = "insert" if before is None else "update"
    if snapshot is None:
        operation, snapshot = "delete", before
    return Change(
        operation,
        entity_id,  # type: ignore[arg-type]
        schema,  # type: ignore[arg-type]
        schema_version,  # type: ignore[arg-type]
        file,  # type: ignore[arg-type]
        commit.version_id,
        plugin,  # type: ignore[arg-type]
        snapshot,  # type: ignore[arg-type]
        False,
        writer_key,  # type: ignore[arg-type]
        id,  # type: ignore[arg-type]
        commit.id,
    )
