"""User SQL cannot touch `lix_internal_*` tables; statements of ours can."""

from __future__ import annotations

from typing import Any

import apsw
import pytest

from lix_vtab.errors import InternalTableAccess, LixError, ReadOnlyError
from lix_vtab.execution.catalogue import Catalogue
from lix_vtab.execution.executor import Executor
from lix_vtab.execution.guard import TRUSTED_FLAGS, Reads, make_authorizer, recording
from tests.execution.conftest import Mirror


class Depth:
    depth = 0


class Guarded:
    """A connection with a secret table, and a function of ours that reads it."""

    def __init__(self, path: str = ":memory:", **options: Any) -> None:
        self.trust = Depth()
        self.reads = Reads()
        self.db = apsw.Connection(path)
        self.db.create_module("mirror", Mirror())
        self.db.execute("CREATE TABLE lix_internal_secret (v); CREATE TABLE mine (v)")
        self.db.execute("INSERT INTO lix_internal_secret VALUES ('s')")
        self.db.execute("CREATE VIRTUAL TABLE lix_face USING mirror(lix_internal_secret)")
        self.db.create_scalar_function("lix_peek", self.peek, 0)
        self.db.authorizer = make_authorizer(
            self.trust, keeps=lambda name: name == "lix_face", reads=self.reads, **options
        )
        self.executor = Executor(self.db, lambda: Catalogue.of(1, []))

    def peek(self) -> Any:
        return self.trusted("SELECT v FROM lix_internal_secret")

    def trusted(self, sql: str) -> Any:
        self.trust.depth += 1
        try:
            return self.db.execute(sql, prepare_flags=TRUSTED_FLAGS).get
        finally:
            self.trust.depth -= 1


REFUSED = [
    "SELECT * FROM lix_internal_secret",
    "SELECT count(*) FROM LIX_INTERNAL_SECRET",
    "SELECT * FROM main.[lix_internal_secret] AS harmless",
    "WITH x AS (SELECT v FROM lix_internal_secret) SELECT 1 FROM x WHERE v IS NOT NULL",
    "SELECT (SELECT max(v) FROM lix_internal_secret)",
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM lix_internal_secret)",
    "SELECT v FROM mine UNION SELECT v FROM lix_internal_secret",
    "INSERT INTO mine SELECT v FROM lix_internal_secret",
    "INSERT INTO lix_internal_secret VALUES (1)",
    "UPDATE lix_internal_secret SET v = 1",
    "DELETE FROM lix_internal_secret",
    "DELETE FROM mine WHERE v IN (SELECT v FROM lix_internal_secret)",
    "DROP TABLE lix_internal_secret",
    "ALTER TABLE lix_internal_secret ADD COLUMN w",
    "ALTER TABLE lix_internal_secret RENAME TO public_secret",
    "CREATE INDEX i ON lix_internal_secret (v)",
    "CREATE TRIGGER t AFTER INSERT ON lix_internal_secret BEGIN SELECT 1; END",
    "CREATE TABLE lix_internal_mine (v)",
    "CREATE TEMP TABLE lix_internal_mine (v)",
    "CREATE VIEW lix_internal_view AS SELECT 1",
    "CREATE TABLE copy AS SELECT * FROM lix_internal_secret",
    "EXPLAIN SELECT * FROM lix_internal_secret",
    "SELECT 1; SELECT * FROM lix_internal_secret",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_refused_whatever_the_spelling(sql):
    guarded = Guarded()
    with pytest.raises(InternalTableAccess, match="use public lix_") as caught:
        guarded.executor.execute(sql)
    assert isinstance(caught.value, apsw.AuthError)
    assert caught.value.details["table"].lower().startswith("lix_internal_")
    with pytest.raises(InternalTableAccess):
        guarded.db.execute(sql).fetchall()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'lix_internal_secret'",
        "SELECT 1 AS lix_internal_secret -- lix_internal_secret",
        "SELECT ?",
        "SELECT name FROM sqlite_schema",
        "SELECT * FROM pragma_table_info('lix_internal_secret')",
        "SELECT * FROM lix_face",
        "SELECT lix_peek()",
        "CREATE TABLE lix_internals (v)",
        "VACUUM",
        "ANALYZE",
        "PRAGMA integrity_check",
        "REINDEX",
        "ALTER TABLE mine RENAME TO ours",
        "ALTER TABLE mine RENAME COLUMN v TO w",
    ],
)
def test_judged_by_resolved_names_not_by_text(sql):
    guarded = Guarded()
    params = ("lix_internal_secret",) if "?" in sql else ()
    guarded.trusted("SELECT 1")
    with_function = "lix_face" in sql
    guarded.trust.depth = 1 if with_function else 0  # the mirror module of the tests is ours
    guarded.executor.execute(sql, params)


def test_internal_access_can_be_allowed():
    guarded = Guarded(allow_internal=True)
    assert guarded.executor.execute("SELECT * FROM lix_internal_secret").rows == [("s",)]


def test_a_trusted_statement_in_the_cache_opens_no_door():
    guarded = Guarded()
    text = "SELECT v FROM lix_internal_secret"
    for _ in range(3):
        assert guarded.executor.execute("SELECT lix_peek()").rows == [("s",)]
        with pytest.raises(InternalTableAccess):
            guarded.executor.execute(text)


def test_views_and_triggers_of_the_user_are_no_door_either():
    guarded = Guarded()
    guarded.db.execute("CREATE VIEW window AS SELECT * FROM lix_internal_secret")
    with pytest.raises(InternalTableAccess):
        guarded.executor.execute("SELECT * FROM window")
    guarded.db.execute(
        "CREATE TRIGGER t AFTER INSERT ON mine BEGIN DELETE FROM lix_internal_secret; END"
    )
    with pytest.raises(InternalTableAccess):
        guarded.executor.execute("INSERT INTO mine VALUES (1)")


def test_vacuum_copies_internal_tables(tmp_path):
    guarded = Guarded(str(tmp_path / "a.db"))
    guarded.executor.execute("VACUUM")
    guarded.executor.execute("VACUUM INTO ?", (str(tmp_path / "b.db"),))
    other = apsw.Connection(str(tmp_path / "b.db"))
    assert other.execute("SELECT v FROM lix_internal_secret").get == "s"
    with pytest.raises(InternalTableAccess):
        guarded.executor.execute("SELECT * FROM lix_internal_secret")


def test_lix_tables_cannot_be_dropped():
    guarded = Guarded()
    with pytest.raises(ReadOnlyError, match="lix_face"):
        guarded.executor.execute("DROP TABLE lix_face")
    assert guarded.db.table_exists("main", "lix_face")
    guarded.trusted("DROP TABLE lix_face")
    assert not guarded.db.table_exists("main", "lix_face")


def test_reads_are_recorded_while_a_statement_is_prepared():
    guarded = Guarded()
    with recording(guarded.reads) as found:
        guarded.db.execute(
            "SELECT m.v FROM mine AS m WHERE v IN (SELECT name FROM sqlite_schema)",
            can_cache=False,
        )
    assert found == {("main", "mine"), ("main", "sqlite_master")}
    guarded.db.execute("SELECT v, 1 FROM mine", can_cache=False)
    assert len(found) == 2


def test_refusals_are_in_the_tree():
    guarded = Guarded()
    with pytest.raises(LixError) as caught:
        guarded.executor.execute("SELECT * FROM lix_internal_secret")
    assert caught.value.code == "LIX_INTERNAL_TABLE_ACCESS"
    assert caught.value.hint
