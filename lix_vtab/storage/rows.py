"""Tracked rows: writing a change and what it supersedes, finding a version's own row of a key."""

from __future__ import annotations

from collections.abc import Callable

from lix_vtab.errors import CorruptError
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.storage.commits import Commits
from lix_vtab.storage.connection import Connection
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.identity import Identity
from lix_vtab.storage.segments import Lineage

__all__ = [
    "LIVE",
    "WITHDRAWN",
    "Follows",
    "Key",
    "PlaceHook",
    "Rows",
    "Stored",
    "Values",
    "liveness",
]

WITHDRAWN = ""
"""Schema version of a change that says that its version has no row of its own any more.

It has no snapshot, as a deletion has none; but a deletion hides what the version inherits.
"""

LIVE = (
    f"CASE WHEN {{0}}.snapshot IS NOT NULL THEN 1 WHEN {{0}}.schema_version = '{WITHDRAWN}' "
    "THEN 2 ELSE 0 END"
)
"""What the column `live` of a row says whose change is {0}."""


class Key(NamedTuple):
    """Identity of a row inside one version, with schema and file interned."""

    schema_id: int
    entity_id: str
    file_id: int


class Values(NamedTuple):
    """What a change says about its entity. A NULL snapshot is a deletion."""

    plugin_id: int
    schema_version: str
    snapshot: str | None
    metadata: str | None
    writer_key: str | None


def liveness(values: Values) -> int:
    """Return what the column `live` of a row says: 1, 0 for a tombstone, 2 if it is withdrawn."""
    if values.snapshot is not None:
        return 1
    return 2 if values.schema_version == WITHDRAWN else 0


class Stored(NamedTuple):
    """A version's own newest row of a key, tombstones included."""

    change_no: int
    values: Values
    created_at: str
    from_seq: int
    first_seq: int
    in_tip: bool
    """Whether the row is in the version's own segment, not in one it was forked from."""

    @property
    def withdrawn(self) -> bool:
        """Tell whether the version has no row of its own any more and shows what it inherits."""
        return liveness(self.values) == 2


PlaceHook = Callable[[int, int, Key, str | None], None]
Follows = Callable[[int, int], bool]
"""Tell whether a hook does anything about rows of a schema in a file, both by number."""

_VALUES = "c.plugin_id, c.schema_version, c.snapshot, c.metadata, c.writer_key"
_KEY = "schema_id = ? AND entity_id = ? AND file_id = ?"
_NUMBERED = "schema_id = ?2 AND entity_id = ?3 AND file_id = ?4"
_OF_TIP = _NUMBERED.replace(" AND ", " AND t.")


class Rows:
    """Reads and writes tracked rows of one database."""

    __slots__ = (
        "_add_tip",
        "_amend_change",
        "_at",
        "_by_number",
        "_change",
        "_commits",
        "_connection",
        "_db",
        "_follows",
        "_hooks",
        "_identity",
        "_insert_change",
        "_insert_tip",
        "_newest",
        "_supersede",
        "_update_tip",
        "on_withdrawal",
    )

    def __init__(
        self, connection: Connection, db: str, commits: Commits, identity: Identity
    ) -> None:
        self._connection = connection
        self._db = db
        self._commits = commits
        self._identity = identity
        self._hooks: list[PlaceHook] = []
        self._follows: list[tuple[PlaceHook, Follows]] = []
        self.on_withdrawal: list[Callable[[], None]] = []
        self._newest = qualify(
            f"SELECT t.change_no, {_VALUES}, coalesce(t.created_at, c.created_at), t.from_seq, "
            "t.first_seq FROM lix_internal_tip t LEFT JOIN lix_internal_change c "
            f"ON c.no = t.change_no WHERE t.segment_id = ?1 AND t.{_OF_TIP}",
            db,
        )
        self._by_number = qualify(
            "SELECT c.schema_id, c.entity_id, c.file_id, t.change_no, "
            f"{_VALUES}, coalesce(t.created_at, c.created_at), t.from_seq, t.first_seq "
            "FROM lix_internal_change c LEFT JOIN lix_internal_tip t ON t.segment_id = ?2 "
            "AND t.schema_id = c.schema_id AND t.entity_id = c.entity_id "
            "AND t.file_id = c.file_id AND t.change_no = c.no WHERE c.no = ?1",
            db,
        )
        self._change = qualify(f"SELECT {_VALUES} FROM lix_internal_change c WHERE c.no = ?", db)
        self._at = qualify(
            f"SELECT p.change_no, {_VALUES}, coalesce(t.created_at, c.created_at), p.from_seq, "
            "t.first_seq FROM lix_internal_tip t JOIN ("
            "SELECT change_no, from_seq FROM lix_internal_tip "
            f"WHERE segment_id = ?1 AND {_NUMBERED} AND from_seq <= ?5 "
            "UNION ALL SELECT change_no, from_seq FROM lix_internal_past "
            f"WHERE segment_id = ?1 AND {_NUMBERED} AND from_seq <= ?5 "
            "ORDER BY from_seq DESC LIMIT 1) p "
            "JOIN lix_internal_change c ON c.no = p.change_no "
            f"WHERE t.segment_id = ?1 AND t.{_OF_TIP}",
            db,
        )
        self._amend_change = qualify(
            "UPDATE lix_internal_change SET plugin_id = ?, schema_version = ?, snapshot = ?, "
            "metadata = ?, writer_key = ?, created_at = ? WHERE no = ? AND commit_seq = ?",
            db,
        )
        self._insert_change = qualify(
            "INSERT INTO lix_internal_change VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", db
        )
        self._insert_tip = qualify(
            "INSERT INTO lix_internal_tip VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", db
        )
        self._add_tip = self._insert_tip.replace("INSERT", "INSERT OR IGNORE")
        self._update_tip = qualify(
            # what was written and overwritten in one commit leaves no trace, not even its time
            "UPDATE lix_internal_tip SET change_no = ?1, live = ?2, from_seq = ?3, "
            "created_at = CASE WHEN from_seq = ?3 THEN created_at ELSE ?4 END "
            "WHERE segment_id = ?5 AND schema_id = ?6 AND entity_id = ?7 AND file_id = ?8",
            db,
        )
        self._supersede = qualify(
            "INSERT INTO lix_internal_past SELECT segment_id, schema_id, entity_id, file_id, "
            "from_seq, change_no, live FROM lix_internal_tip "
            f"WHERE segment_id = ? AND {_KEY}",
            db,
        )

    def find(self, lineage: Lineage, key: Key) -> Stored | None:
        """Return the newest own row of `key`, a tombstone included, or None."""
        run = self._connection.run
        nearest = True
        for segment_id, limit in lineage:
            if limit is None:
                row = run(self._newest, (segment_id, *key)).get
            else:
                row = run(self._at, (segment_id, *key, limit)).get
            if row is not None:
                if row[1] is None:
                    raise CorruptError(f"change {row[0]} of a row is missing")
                return Stored(row[0], Values(*row[1:6]), row[6], row[7], row[8], nearest)
            nearest = False
        return None

    def locate(self, segment_id: int, change_no: int) -> tuple[Key, Stored | None] | None:
        """Return the key a change is about, and its row if it is the newest in a segment."""
        row = self._connection.run(self._by_number, (change_no, segment_id)).get
        if row is None:
            return None
        key = Key(*row[:3])
        if row[3] is None:
            return key, None
        return key, Stored(row[3], Values(*row[4:9]), row[9], row[10], row[11], True)

    def add(self, version_no: int, segment_id: int, key: Key, values: Values) -> int:
        """Record a row of a key the segment does not have; return its change, 0 if it has it."""
        commits = self._commits
        seq = commits.open(version_no)
        number = commits.peek_change()
        run = self._connection.run
        run(self._add_tip, (segment_id, *key, number, liveness(values), seq, seq, None))
        if not self._connection.changes():
            return 0
        commits.next_change()
        self._log(number, seq, key, values)
        self._tell(segment_id, seq, key, values)
        return number

    def write(
        self,
        version_no: int,
        segment_id: int,
        key: Key,
        values: Values,
        previous: Stored | None,
    ) -> int:
        """Record a change of `key` in the version's open commit; return the change's number."""
        seq = self._commits.open(version_no)
        if previous is not None and previous.in_tip and previous.from_seq == seq:
            amended = self._amend(segment_id, seq, key, values, previous)
            if amended:
                return previous.change_no
        number = self._commits.next_change()
        self._log(number, seq, key, values)
        self.place(segment_id, seq, key, number, values, previous)
        return number

    def _log(self, number: int, seq: int, key: Key, values: Values) -> None:
        identity = self._identity
        schema_id, entity_id, file_id = key
        id, now = identity.new("change", number), identity.now(seq)
        row = (number, id, seq, schema_id, file_id, entity_id, *values, now)
        self._connection.run(self._insert_change, row)

    def _amend(self, segment_id: int, seq: int, key: Key, values: Values, previous: Stored) -> bool:
        """Say something else in a change of the same, still open commit; it keeps its number.

        Rowids a running statement has read therefore stay good. Fails for an adopted change.
        """
        run = self._connection.run
        run(self._amend_change, (*values, self._identity.now(seq), previous.change_no, seq))
        if not self._connection.changes():
            return False
        live = liveness(values)
        created = previous.created_at
        run(self._update_tip, (previous.change_no, live, seq, created, segment_id, *key))
        self._tell(segment_id, seq, key, values)
        return True

    def place(
        self,
        segment_id: int,
        seq: int,
        key: Key,
        change_no: int,
        values: Values,
        previous: Stored | None,
    ) -> None:
        """Make a change the newest row of `key` in a segment as of commit `seq`."""
        self._supersede_by(segment_id, seq, key, change_no, liveness(values), previous)
        self._tell(segment_id, seq, key, values)

    def _tell(self, segment_id: int, seq: int, key: Key, values: Values) -> None:
        if liveness(values) == 2:
            for told in self.on_withdrawal:
                told()
        for hook in self._hooks:
            hook(segment_id, seq, key, values.snapshot)

    def _supersede_by(
        self,
        segment_id: int,
        seq: int,
        key: Key,
        change_no: int,
        live: int,
        previous: Stored | None,
    ) -> None:
        run = self._connection.run
        if previous is None or not previous.in_tip:
            created = None if previous is None else previous.created_at
            run(self._insert_tip, (segment_id, *key, change_no, live, seq, seq, created))
            return
        if previous.from_seq == seq:
            self._discard(previous.change_no, seq)
        else:
            run(self._supersede, (segment_id, *key))
        run(self._update_tip, (change_no, live, seq, previous.created_at, segment_id, *key))

    def erase(self, segment_id: int, seq: int, key: Key, previous: Stored) -> None:
        """Undo the only change of a key that this very transaction brought into being."""
        self._discard(previous.change_no, seq)
        self._connection.execute(
            qualify(f"DELETE FROM lix_internal_tip WHERE segment_id = ? AND {_KEY}", self._db),
            (segment_id, *key),
        )
        for hook in self._hooks:
            hook(segment_id, seq, key, None)

    def on_place(self, hook: PlaceHook, follows: Follows | None = None) -> None:
        """Call `hook(holder, seq, key, snapshot)` whenever the newest row of a key changes.

        The holder is a segment, or minus a version's number for its overlay (then without seq).
        Where many rows are written at once `hook` hears only of those it `follows`.
        """
        self._hooks.append(hook)
        self._follows.append((hook, follows or _follows_all))

    @property
    def followers(self) -> list[tuple[PlaceHook, Follows]]:
        """What `on_place` registered."""
        return self._follows

    def change_id(self, change_no: int) -> str:
        """Return the public id of a change."""
        sql = qualify("SELECT id FROM lix_internal_change WHERE no = ?", self._db)
        return str(self._connection.execute(sql, (change_no,)).get)

    def values_of(self, change_no: int) -> Values | None:
        """Return what a change says."""
        row = self._connection.run(self._change, (change_no,)).get
        return None if row is None else Values(*row)

    def key_of(self, change_no: int) -> Key | None:
        """Return the key a change is about."""
        sql = qualify(
            "SELECT schema_id, entity_id, file_id FROM lix_internal_change WHERE no = ?", self._db
        )
        row = self._connection.execute(sql, (change_no,)).fetchone()
        return None if row is None else Key(*row)

    def _discard(self, change_no: int, seq: int) -> None:
        """Drop a change made earlier in the same, still open commit: nobody else can know it."""
        self._connection.execute(
            qualify("DELETE FROM lix_internal_change WHERE no = ? AND commit_seq = ?", self._db),
            (change_no, seq),
        )
        if not self._connection.changes():
            self._connection.execute(
                qualify(
                    "DELETE FROM lix_internal_member WHERE change_no = ? AND seq = ?", self._db
                ),
                (change_no, seq),
            )


def _follows_all(schema_id: int, file_id: int) -> bool:
    return True
