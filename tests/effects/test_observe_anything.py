"""Whatever is observed and whatever is done: events tell each change of a result, and only those."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lix_vtab
from lix_vtab import Lix, LixError
from lix_vtab.errors import CommitNotFound

QUERIES = (
    "SELECT entity_id, snapshot_content FROM lix_state ORDER BY schema_key, file_id, entity_id",
    "SELECT key, value FROM lix_key_value WHERE key IN ('a', 'b') ORDER BY 1",
    "SELECT key, value, lixcol_version_id FROM lix_key_value_by_version ORDER BY 1, 3",
    "SELECT value FROM lix_key_value_by_version WHERE lixcol_version_id = 'global' AND key = 'a'",
    "SELECT key FROM lix_key_value WHERE value IN"
    " (SELECT value FROM lix_key_value_by_version WHERE lixcol_version_id = 'global') ORDER BY 1",
    "SELECT value FROM lix_key_value_at('HEAD~1') ORDER BY key",
    "SELECT value, lixcol_depth FROM lix_key_value_history ORDER BY lixcol_depth, key",
    "SELECT change_id, depth FROM lix_state_history ORDER BY depth, change_id",
    "SELECT path, data FROM lix_file ORDER BY path",
    "SELECT data FROM lix_file WHERE path = '/a.json'",
    "SELECT path, lixcol_version_id FROM lix_file_by_version ORDER BY 1, 2",
    "SELECT path, data FROM lix_file_history ORDER BY id, lixcol_depth",
    "SELECT path FROM lix_directory ORDER BY 1",
    "SELECT k.key, f.path FROM lix_key_value k"
    " LEFT JOIN lix_file f ON f.path = '/' || k.key || '.json' ORDER BY 1",
    "SELECT entity_id, status FROM lix_diff ORDER BY schema_key, file_id, entity_id",
    "SELECT entity_id, status FROM lix_working_changes ORDER BY schema_key, file_id, entity_id",
    "SELECT commit_id FROM lix_log ORDER BY depth, commit_id",
    "SELECT property, commit_id FROM lix_blame WHERE schema_key = 'lix_key_value' ORDER BY 1, 2",
    "SELECT count(*) FROM lix_change",
    "SELECT count(*) FROM lix_entity_label",
    "SELECT name FROM lix_checkpoint ORDER BY id",
    "SELECT id, name, commit_id, working_commit_id FROM lix_version ORDER BY 1",
    "SELECT version_id FROM lix_active_version",
    "SELECT lix_active_version_id(), lix_active_commit_id()",
    "SELECT count(*) FROM lix_effect",
)

KEYS = ("a", "b")
VERSIONS = ("main", "global", "child")
PUT = "INSERT OR REPLACE INTO lix_key_value (key, value, lixcol_untracked) VALUES (?, ?, ?)"
PUT_GLOBALLY = (
    "INSERT OR REPLACE INTO lix_key_value_by_version (key, value, lixcol_version_id)"
    " VALUES (?, ?, 'global')"
)
WRITE = (
    "INSERT INTO lix_file (path, data) VALUES (?, ?)"
    " ON CONFLICT (path) DO UPDATE SET data = excluded.data"
)
EDIT = (
    "UPDATE lix_state SET snapshot_content = json_set(snapshot_content, '$.value', ?)"
    " WHERE entity_id = '/n'"
)


def roll_back(lix: Lix, n: int) -> None:
    with suppress(LookupError), lix.transaction() as transaction:
        transaction.execute(PUT, ("a", "never", 0))
        transaction.execute("UPDATE lix_active_version SET version_id = 'global'")
        raise LookupError(n)


DEEDS: tuple[Callable[[Lix, int], Any], ...] = (
    lambda lix, n: lix.execute(PUT, (KEYS[n % 2], n % 3, 0)),
    lambda lix, n: lix.execute(PUT, (KEYS[n % 2], n % 3, 1)),
    lambda lix, n: lix.execute("DELETE FROM lix_key_value WHERE key = ?", (KEYS[n % 2],)),
    lambda lix, n: lix.execute(PUT_GLOBALLY, (KEYS[n % 2], n % 3)),
    lambda lix, n: lix.execute(WRITE, (("/a.json", "/d/b.json")[n % 2], f'{{"n":{n % 3}}}')),
    lambda lix, n: lix.execute(EDIT, (n,)),
    lambda lix, n: lix.execute("DELETE FROM lix_file WHERE path LIKE ?", (("/a%", "/d%")[n % 2],)),
    lambda lix, n: lix.execute(
        "UPDATE lix_directory SET path = ? WHERE path = ?",
        (("/d/", "/e/"), ("/e/", "/d/"))[n % 2],
    ),
    lambda lix, n: lix.create_checkpoint(None if n % 2 else f"point {n}"),
    lambda lix, n: lix.switch_version(VERSIONS[n % 3]),
    lambda lix, n: lix.switch_version(VERSIONS[n % 3], session=True),
    lambda lix, n: lix.undo(1 + n % 2),
    lambda lix, n: lix.redo(),
    lambda lix, n: lix.restore("HEAD~1"),
    lambda lix, n: lix.execute("UPDATE lix_version SET hidden = 1 - hidden WHERE name = 'child'"),
    lambda lix, n: lix.execute(
        "UPDATE lix_version SET inherits_from_version_id = ? WHERE name = 'child'",
        (("global", lix.version("main").id)[n % 2],),
    ),
    lambda lix, n: lix.emit("job", n),
    roll_back,
)

WORK = st.lists(
    st.tuples(st.integers(0, len(DEEDS) - 1), st.integers(0, 5), st.booleans()),
    min_size=1,
    max_size=12,
)


def check(work: list[tuple[int, int, bool]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "app.lix"
        with lix_vtab.open(path) as lix, lix_vtab.open(path) as other:
            for key in KEYS:
                lix.execute(PUT, (key, 0, 0))
            lix.create_version("child", inherits_from="main")
            observed = {sql: lix.observe(sql) for sql in QUERIES}
            told = {sql: events.next().rows for sql, events in observed.items()}
            for deed, number, foreign in work:
                with suppress(LixError):
                    DEEDS[deed](other if foreign else lix, number)
                for sql, events in observed.items():
                    with suppress(CommitNotFound):
                        event = events.try_next()
                        current = lix.execute(sql).rows
                        assert (event is not None) == (current != told[sql]), sql
                        told[sql] = current if event is None else event.rows
                        assert told[sql] == current, sql


@settings(max_examples=12)
@given(WORK)
def test_events_tell_each_change_of_a_result(work):
    check(work)


@pytest.mark.slow
@settings(max_examples=300)
@given(WORK)
def test_events_tell_each_change_of_a_result_at_length(work):
    check(work)
