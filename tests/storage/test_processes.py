"""Two processes, one file, each on its own version, both writing."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import lix_vtab
from tests.state.session import one_property

ROOT = Path(__file__).parents[2]
S = "shared_schema"
INSERT = (
    "INSERT INTO lix_state (entity_id, schema_key, file_id, plugin_key, schema_version,"
    f" snapshot_content) VALUES (?, '{S}', 'f', 'lix', '1', json_object('value', ?))"
)
ROWS = (
    "SELECT entity_id, json_extract(snapshot_content, '$.value') FROM lix_state"
    f" WHERE schema_key = '{S}' ORDER BY 1"
)


class Refused(Exception):
    """The other process answered with an error code."""


class Peer:
    """The other process."""

    def __init__(self, path: Path, version: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.storage.peer", str(path), version],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.wait()

    def start(self, method: str, *arguments: Any, **keywords: Any) -> None:
        """Send a request without waiting for its answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([method, arguments, keywords]) + "\n")
        self.process.stdin.flush()

    def wait(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        kind, result = json.loads(line)
        if kind == "error":
            raise Refused(result)
        return result

    def call(self, method: str, *arguments: Any, **keywords: Any) -> Any:
        self.start(method, *arguments, **keywords)
        return self.wait()

    def sql(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.call("execute", sql, params)]

    def close(self) -> None:
        _, errors = self.process.communicate()
        assert self.process.returncode == 0, errors


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.lix"


@pytest.fixture
def here(path: Path) -> Iterator[lix_vtab.Lix]:
    """The session of this process, pinned to version `a`; `b` exists beside it."""
    with lix_vtab.open(str(path)) as setup:
        setup.register_schema(one_property(S))
        setup.create_version("a", id="a")
        setup.create_version("b", id="b")
    with lix_vtab.open(str(path), version="a", internal=True) as opened:
        opened.execute("PRAGMA busy_timeout = 120000")
        yield opened
        assert opened.check() == []


@pytest.fixture
def peer(here: lix_vtab.Lix, path: Path) -> Iterator[Callable[[str], Peer]]:
    """Return a function that starts the other process on a version ('' = the shared one)."""
    peers: list[Peer] = []

    def start(version: str) -> Peer:
        peers.append(Peer(path, version))
        return peers[-1]

    yield start
    for each in peers:
        each.close()


def test_each_on_its_own_version(here, peer):
    there = peer("b")
    for number in range(20):
        here.execute(INSERT, (f"e{number % 4}", f"a{number}"))
        there.sql(INSERT, f"e{number % 4}", f"b{number}")
    assert here.execute(ROWS).rows == [(f"e{n}", f"a{n + 16}") for n in range(4)]
    assert there.sql(ROWS) == [(f"e{n}", f"b{n + 16}") for n in range(4)]
    assert there.call("active_version") == "b"
    assert here.active_version.name == "a"


def test_writes_of_one_are_seen_by_the_other_at_once(here, peer):
    there = peer("a")
    for number in range(10):
        here.execute(INSERT, ("e", str(number)))
        assert there.sql(ROWS) == [("e", str(number))]
        there.sql("UPDATE lix_state SET metadata = '{}' WHERE entity_id = 'e'")
        assert here.execute("SELECT metadata FROM lix_state WHERE entity_id = 'e'").rows == [
            ("{}",)
        ]
    here.execute("DELETE FROM lix_state WHERE entity_id = 'e'")
    assert there.sql(ROWS) == []


def test_commits_of_both_form_one_line(here, peer):
    there = peer("a")
    seen = []
    for number in range(6):
        if number % 2:
            there.sql(INSERT, "e", str(number))
        else:
            here.execute(INSERT, ("e", str(number)))
        seen += here.execute("SELECT commit_id FROM lix_version WHERE id = 'a'").rows[0]
    for parent, child in itertools.pairwise(seen):
        assert here.execute(
            "SELECT parent_id FROM lix_commit_edge WHERE child_id = ?", (child,)
        ).rows == [(parent,)]


def test_schemas_stored_by_one_are_known_to_the_other(here, peer):
    there = peer("b")
    insert = (
        "INSERT INTO lix_state (entity_id, schema_key, file_id, plugin_key, schema_version,"
        " snapshot_content) VALUES ('e', 'late', 'f', 'lix', '1', '{\"value\":\"x\"}')"
    )
    with pytest.raises(Refused, match="LIX_ERROR_SCHEMA_NOT_FOUND"):
        there.sql(insert)
    here.register_schema(one_property("late"))
    there.sql(insert)
    with pytest.raises(Refused, match="LIX_ERROR_SCHEMA_VALIDATION"):
        there.sql(insert.replace("value", "other"))
    assert there.sql("SELECT entity_id FROM lix_state WHERE schema_key = 'late'") == [("e",)]


def test_names_first_seen_by_one_are_understood_by_the_other(here, peer):
    """Both intern new file and plugin keys; neither may act on a stale table of names."""
    there = peer("a")
    insert = (
        INSERT.replace("'f', 'lix'", "?3, ?4").replace("?, ", "?1, ", 1).replace("', ?)", "', ?2)")
    )
    for number in range(8):
        here.execute(insert, (f"h{number}", "x", f"file-h{number}", f"plugin-{number}"))
        there.sql(insert, f"t{number}", "x", f"file-t{number}", f"plugin-{number}")
    expected = sorted((f"{w}{n}", f"file-{w}{n}", f"plugin-{n}") for w in "ht" for n in range(8))
    sql = (
        f"SELECT entity_id, file_id, plugin_key FROM lix_state WHERE schema_key = '{S}' ORDER BY 1"
    )
    assert here.execute(sql).rows == expected
    assert there.sql(sql) == expected


def test_versions_made_moved_and_deleted_by_one_are_noticed_by_the_other(here, peer):
    there = peer("b")
    here.execute(INSERT, ("e", "1"))
    one = here.execute("SELECT commit_id FROM lix_version WHERE id = 'a'").rows[0][0]
    here.execute(INSERT, ("e", "2"))
    there.call("create_version", "made", id="made", source="a")
    by_version = (
        "SELECT json_extract(snapshot_content, '$.value') FROM lix_state_by_version"
        f" WHERE schema_key = '{S}' AND version_id = ?"
    )
    assert here.execute(by_version, ("made",)).rows == [("2",)]
    here.execute(
        "UPDATE lix_version SET commit_id = ?, working_commit_id = 'w' WHERE id = 'made'", (one,)
    )
    assert there.sql(by_version, "made") == [("1",)]
    here.execute("UPDATE lix_version SET inherits_from_version_id = 'a' WHERE id = 'b'")
    assert there.sql(ROWS) == [("e", "2")]
    here.execute(INSERT, ("e", "3"))
    assert there.sql(ROWS) == [("e", "3")]
    there.call("delete_version", "made")
    assert here.execute(by_version, ("made",)).rows == []
    with pytest.raises(lix_vtab.errors.VersionNotFound):
        here.switch_version("made")


def test_the_shared_active_version_is_read_anew(here, peer, path):
    there = peer("")
    assert there.call("active_version") == "main"
    with lix_vtab.open(str(path)) as shared:
        shared.execute("UPDATE lix_active_version SET version_id = 'b'")
        there.sql(INSERT, "e", "into b")
        assert there.call("active_version") == "b"
        there.sql("UPDATE lix_active_version SET version_id = 'global'")
        assert shared.active_version.name == "global"
    assert here.active_version.name == "a"
    assert here.execute(
        "SELECT version_id FROM lix_state_by_version WHERE entity_id = 'e'"
    ).rows == [("b",)]


def test_the_version_under_the_other_is_deleted(here, peer):
    there = peer("b")
    there.sql(INSERT, "e", "1")
    here.delete_version("b")
    with pytest.raises(Refused, match="LIX_VERSION_NOT_FOUND"):
        there.sql(INSERT, "e", "2")
    assert here.execute("SELECT 1 FROM lix_version WHERE id = 'b'").rows == []


def test_uncommitted_writes_stay_private(here, peer):
    there = peer("a")
    here.execute("BEGIN")
    here.execute(INSERT, ("e", "mine"))
    assert there.sql(ROWS) == []
    here.execute("ROLLBACK")
    assert there.sql(ROWS) == []
    there.sql(INSERT, "e", "theirs")
    assert here.execute(ROWS).rows == [("e", "theirs")]


def test_a_reading_transaction_keeps_its_view(here, peer):
    there = peer("a")
    here.execute(INSERT, ("e", "1"))
    here.execute("BEGIN")
    assert here.execute(ROWS).rows == [("e", "1")]
    there.sql(INSERT, "e", "2")
    assert here.execute(ROWS).rows == [("e", "1")]
    here.execute("COMMIT")
    assert here.execute(ROWS).rows == [("e", "2")]


def test_writing_on_an_outdated_view_is_refused_whole(here, peer):
    """SQLite gives the outdated transaction a busy error; after a rollback all goes on."""
    there = peer("a")
    here.execute("BEGIN DEFERRED")
    assert here.execute(ROWS).rows == []
    there.sql(INSERT, "e", "theirs")
    with pytest.raises(lix_vtab.errors.BusyError):
        here.execute(INSERT, ("f", "mine"))
    here.execute("ROLLBACK")
    here.execute(INSERT, ("f", "mine"))
    assert there.sql(ROWS) == [("e", "theirs"), ("f", "mine")]


def test_a_locked_database_says_busy_and_leaves_no_trace(here, peer):
    there = peer("b")
    there.sql("PRAGMA busy_timeout = 0")
    here.execute("BEGIN IMMEDIATE")
    here.execute(INSERT, ("e", "1"))
    with pytest.raises(Refused, match="LIX_ERROR_BUSY"):
        there.sql(INSERT, "e", "2")
    here.execute("COMMIT")
    there.sql(INSERT, "e", "3")
    assert there.sql(ROWS) == [("e", "3")]


@pytest.mark.parametrize("other", ["a", "b"], ids=["same version", "own version"])
def test_both_writing_at_full_speed(here, peer, other):
    there = peer(other)
    there.start("loop", "there", S, 120)
    for number in range(120):
        if number % 4:
            here.execute(INSERT, (f"here-{number}", "x"))
        else:
            with here.transaction() as tx:
                tx.execute(INSERT, (f"here-{number}", "x"))
                tx.execute(ROWS)
    assert there.wait() == 120
    mine = {entity for entity, _ in here.execute(ROWS)}
    theirs = {entity for entity, _ in there.sql(ROWS)}
    wanted = {f"here-{n}" for n in range(120)}, {f"there-{n}" for n in range(120)}
    assert (mine, theirs) == (wanted if other == "b" else (wanted[0] | wanted[1],) * 2)
    commits = here.execute("SELECT count(*) FROM lix_commit").rows[0][0]
    assert commits >= 240


def test_both_branching_at_full_speed(here, peer):
    there = peer("b")
    there.start("branches", "there", 40)
    for number in range(40):
        here.create_version(f"here-{number}", id=f"here-{number}")
    assert there.wait() == 40
    ids = {v for (v,) in here.execute("SELECT id FROM lix_version")}
    assert {f"{w}-{n}" for w in ("here", "there") for n in range(40)} <= ids


def test_opening_a_new_file_at_the_same_time(tmp_path):
    """Whoever comes first creates the database; nobody ends up with two `main`s."""
    path = tmp_path / "new.lix"
    command = [sys.executable, "-m", "tests.storage.peer", str(path), ""]
    peers = [
        subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for process in peers:
        out, _ = process.communicate("")
        assert json.loads(out) == ["ok", "open"]
        assert process.returncode == 0
    with lix_vtab.open(str(path)) as lix:
        assert lix.execute("SELECT name FROM lix_version ORDER BY 1").rows == [
            ("global",),
            ("main",),
        ]
        assert lix.check() == []
