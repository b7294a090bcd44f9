"""Verifying what must always hold between the physical tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import apsw
import orjson

from lix_vtab.errors import CorruptError, VersionError
from lix_vtab.storage.ddl import INDEXES, TABLES, qualify, quote
from lix_vtab.storage.first_names import FIRST_NAMES
from lix_vtab.storage.rebuild import differences
from lix_vtab.storage.rows import LIVE
from lix_vtab.storage.store import Store

__all__ = ["check"]

_SEGMENT_KEY = (
    "a.segment_id = b.segment_id AND a.schema_id = b.schema_id "
    "AND a.entity_id = b.entity_id AND a.file_id = b.file_id"
)

_DAMAGE = (
    apsw.SQLError,
    apsw.CorruptError,
    CorruptError,
    VersionError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
"""What reading damaged tables may raise, other than that there was no time or permission to."""

_NONE = 1 << 62
"""Greater than the number of any commit."""

_NAMELESS = "NOT EXISTS (SELECT 1 FROM lix_internal_name n WHERE n.id = {0})"
_INTERNED = ("schema_id", "file_id", "plugin_id")
_FIRST = orjson.dumps(list(FIRST_NAMES.items())).decode()

INVARIANTS: tuple[tuple[str, str], ...] = (
    (
        "commit {} is not complete",
        "SELECT id FROM lix_internal_commit WHERE last_change IS NULL AND seq < {open}",
    ),
    (
        "commit {} has a parent that is not older",
        "SELECT id FROM lix_internal_commit c WHERE parent_seq >= seq OR EXISTS ("
        "SELECT 1 FROM lix_internal_parent p WHERE p.seq = c.seq AND p.parent_seq >= c.seq)",
    ),
    (
        "commit {} has a parent that does not exist",
        "SELECT id FROM lix_internal_commit c WHERE parent_seq IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM lix_internal_commit p WHERE p.seq = c.parent_seq)",
    ),
    (
        "commit {} is in a segment that does not exist",
        "SELECT id FROM lix_internal_commit c WHERE NOT EXISTS ("
        "SELECT 1 FROM lix_internal_segment s WHERE s.id = c.segment_id)",
    ),
    (
        "commit {} has a further parent that does not exist",
        "SELECT c.id FROM lix_internal_parent p JOIN lix_internal_commit c ON c.seq = p.seq "
        "WHERE NOT EXISTS (SELECT 1 FROM lix_internal_commit o WHERE o.seq = p.parent_seq)",
    ),
    (
        "the further parents of commit {} are not numbered 1, 2, ..",
        "SELECT coalesce(c.id, 'number ' || p.seq) FROM lix_internal_parent p "
        "LEFT JOIN lix_internal_commit c ON c.seq = p.seq GROUP BY p.seq "
        "HAVING c.id IS NULL OR min(position) <> 1 OR max(position) <> count(*)",
    ),
    (
        "commit {} undoes or redoes what it cannot",
        "SELECT coalesce(c.id, 'number ' || r.seq) FROM lix_internal_reversal r "
        "LEFT JOIN lix_internal_commit c ON c.seq = r.seq WHERE c.id IS NULL "
        "OR r.kind NOT IN ('undo', 'redo') OR r.target_seq >= r.seq OR r.skip_seq >= r.seq "
        "OR NOT EXISTS (SELECT 1 FROM lix_internal_commit o WHERE o.seq = r.target_seq)",
    ),
    (
        "change {} belongs to no commit",
        "SELECT id FROM lix_internal_change h WHERE NOT EXISTS ("
        "SELECT 1 FROM lix_internal_commit c WHERE c.seq = h.commit_seq "
        "AND h.no BETWEEN c.first_change "
        "AND iif(c.seq < {open}, c.last_change, 9223372036854775807))",
    ),
    (
        "change {} has a snapshot that is not canonical JSON",
        "SELECT id FROM lix_internal_change "
        "WHERE snapshot IS NOT NULL AND NOT json_valid(snapshot)",
    ),
    (
        "change {} has metadata that is not JSON",
        "SELECT id FROM lix_internal_change "
        "WHERE metadata IS NOT NULL AND NOT json_valid(metadata)",
    ),
    (
        "change {} is of a schema, file or plugin whose name is missing",
        "SELECT id FROM lix_internal_change h WHERE "
        + " OR ".join(_NAMELESS.format(f"h.{id}") for id in _INTERNED),
    ),
    (
        "the untracked row of entity {} is of a schema, file, plugin or version that is missing",
        "SELECT entity_id FROM lix_internal_overlay h WHERE NOT EXISTS ("
        "SELECT 1 FROM lix_internal_version v WHERE v.no = h.version_no) OR "
        + " OR ".join(_NAMELESS.format(f"h.{id}") for id in _INTERNED),
    ),
    (
        "the untracked row of entity {} holds what is not JSON",
        "SELECT entity_id FROM lix_internal_overlay "
        # json_valid(NULL) is 0 in older SQLite
        "WHERE (snapshot IS NOT NULL AND NOT json_valid(snapshot)) "
        "OR (metadata IS NOT NULL AND NOT json_valid(metadata))",
    ),
    (
        "a row of entity {} shows a change of something else",
        "SELECT a.entity_id FROM (SELECT * FROM lix_internal_tip) a "
        "LEFT JOIN lix_internal_change b ON b.no = a.change_no "
        "WHERE b.no IS NULL OR b.schema_id <> a.schema_id OR b.entity_id <> a.entity_id "
        f"OR b.file_id <> a.file_id OR {LIVE.format('b')} <> a.live",
    ),
    (
        "a superseded row of entity {} shows a change of something else",
        "SELECT a.entity_id FROM lix_internal_past a "
        "LEFT JOIN lix_internal_change b ON b.no = a.change_no "
        "WHERE b.no IS NULL OR b.schema_id <> a.schema_id OR b.entity_id <> a.entity_id "
        f"OR b.file_id <> a.file_id OR {LIVE.format('b')} <> a.live",
    ),
    (
        "a superseded row of entity {} has no successor",
        "SELECT b.entity_id FROM lix_internal_past b WHERE NOT EXISTS ("
        f"SELECT 1 FROM lix_internal_tip a WHERE {_SEGMENT_KEY} "
        "AND a.from_seq > b.from_seq AND a.first_seq <= b.from_seq)",
    ),
    (
        "a row of entity {} is older than the first of its key",
        "SELECT entity_id FROM lix_internal_tip WHERE first_seq > from_seq",
    ),
    (
        "version {} is in a segment that does not exist",
        "SELECT id FROM lix_internal_version v WHERE NOT EXISTS ("
        "SELECT 1 FROM lix_internal_segment s WHERE s.id = v.segment_id)",
    ),
    (
        "version {} does not stand at the end of its segment",
        "SELECT v.id FROM lix_internal_version v JOIN lix_internal_segment s "
        "ON s.id = v.segment_id WHERE v.tip_seq IS NOT coalesce("
        "(SELECT max(seq) FROM lix_internal_commit c WHERE c.segment_id = s.id), s.fork_seq)",
    ),
    (
        "version {} points at a commit whose id is another",
        "SELECT v.id FROM lix_internal_version v LEFT JOIN lix_internal_commit c "
        "ON c.seq = v.tip_seq WHERE v.tip_seq IS NOT NULL AND c.id IS NOT v.commit_id",
    ),
    (
        "commit {} was made in a version that does not exist",
        "SELECT id FROM lix_internal_commit c WHERE NOT EXISTS ("
        "SELECT 1 FROM lix_internal_version v WHERE v.no = c.version_no)",
    ),
    (
        "segment {} continues one that does not exist",
        "SELECT id FROM lix_internal_segment s WHERE base_id IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM lix_internal_segment p WHERE p.id = s.base_id)",
    ),
    (
        "segment {} starts at a commit that is not in the segment it continues",
        "SELECT id FROM lix_internal_segment s WHERE (parent_id IS NULL) <> (fork_seq IS NULL) "
        "OR (parent_id IS NULL) <> (base_id IS NULL) OR (base_id IS NULL) <> (base_seq IS NULL) "
        "OR base_id = parent_id AND base_seq <> fork_seq "
        "OR parent_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM lix_internal_commit c "
        "WHERE c.seq = s.fork_seq AND c.segment_id = s.parent_id)",
    ),
    (
        "name {} is interned twice",
        "SELECT text FROM lix_internal_name GROUP BY text HAVING count(*) > 1",
    ),
    (
        "name {} is not the one its number stands for",
        f"SELECT value ->> 0 FROM json_each('{_FIRST}') WHERE value ->> 0 IS NOT "
        "(SELECT text FROM lix_internal_name WHERE id = value ->> 1)",
    ),
    (
        "the authors of commit {} are no list",
        "SELECT id FROM lix_internal_commit WHERE authors IS NOT NULL "
        "AND coalesce(json_type(iif(json_valid(authors), authors, 0)), '') <> 'array'",
    ),
    (
        "change {} is adopted by a commit that does not exist",
        "SELECT change_no FROM lix_internal_member m WHERE NOT EXISTS ("
        "SELECT 1 FROM lix_internal_commit c WHERE c.seq = m.seq)",
    ),
    (
        "adopted change {} does not exist",
        "SELECT change_no FROM lix_internal_member m WHERE NOT EXISTS ("
        "SELECT 1 FROM lix_internal_change c WHERE c.no = m.change_no)",
    ),
)
"""Message and query of each invariant; the query lists what breaks it.

`{open}` is the first commit of the running transaction.
"""


def check(store: Store, limit: int = 20, *, replay: bool = True, content: bool = True) -> list[str]:
    """Return what is wrong, at most `limit` findings per invariant; empty when sound.

    `replay` also derives the rows from the log and compares, which needs temporary tables.
    `content` also reads the content of every file and compares it with its hash.
    """
    problems = list(_told(_missing(store)))
    for message, sql in INVARIANTS:
        problems.extend(_told(_broken(store, message, sql, limit)))
    if replay and not problems:
        problems.extend(_told(differences(store, limit)))
    for look in store.checks(content=content):
        problems.extend(_told(look()))
    return problems


def _missing(store: Store) -> Iterator[str]:
    """Yield the physical tables and indexes that are not there."""
    sql = f"SELECT name FROM {quote(store.db)}.sqlite_schema WHERE type IN ('table', 'index')"
    there = {name for (name,) in store.connection.execute(sql)}
    for kind, names in (("table", TABLES), ("index", INDEXES)):
        for name in names:
            if f"lix_internal_{name}" not in there:
                yield f"the {kind} lix_internal_{name} is missing"


def _broken(store: Store, message: str, sql: str, limit: int) -> Iterator[str]:
    """Yield what breaks an invariant."""
    # commits of the running transaction are complete when it ends
    running = store.commits.first_open
    sql = qualify(sql, store.db).replace("{open}", str(_NONE if running is None else running))
    found = store.connection.execute(f"SELECT * FROM ({sql}) LIMIT {limit}")
    for row in found:
        yield message.format(f"'{row[0]}'")


def _told(findings: Iterable[str]) -> Iterator[str]:
    """Yield findings; damage that keeps one from looking further is a finding too."""
    try:
        yield from findings
    except _DAMAGE as error:
        yield f"not everything can be looked at: {type(error).__name__}: {error}"
