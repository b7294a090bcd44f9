"""Every way to an internal table of a real lix, its own and that of an attached one."""

from __future__ import annotations

import apsw
import pytest

import lix_vtab
from lix_vtab import Lix, LixError
from lix_vtab.errors import InternalTableAccess, ReadOnlyError

READS = (
    """
SELECT * FROM lix_internal_change
SELECT 1 FROM lix_internal_change
SELECT count(*) FROM lix_internal_change
SELECT rowid FROM lix_internal_change LIMIT 0
SELECT EXISTS (SELECT 1 FROM lix_internal_change)
SELECT 1 IN lix_internal_change
SELECT 1 LIMIT (SELECT count(*) FROM lix_internal_change)
VALUES ((SELECT 1 FROM lix_internal_change))
SELECT mine.* FROM mine, lix_internal_change
SELECT 1 FROM mine CROSS JOIN lix_internal_change
SELECT 1 FROM mine JOIN lix_internal_change AS x ON x.id = mine.id
SELECT * FROM "lix_internal_change"
SELECT * FROM 'lix_internal_change'
SELECT * FROM `LIX_Internal_CHANGE`
SELECT * FROM [lix_internal_change]
SELECT * FROM main.lix_internal_change
SELECT * FROM b.lix_internal_change
SELECT 1 FROM b.lix_internal_change
WITH w AS MATERIALIZED (SELECT 1 FROM lix_internal_change) SELECT * FROM w
WITH RECURSIVE w(n) AS (SELECT 1 UNION SELECT 1 FROM lix_internal_change) SELECT * FROM w
EXPLAIN SELECT * FROM lix_internal_change
EXPLAIN QUERY PLAN SELECT * FROM lix_internal_change
INSERT INTO mine SELECT 1, 1, 1 FROM lix_internal_change
UPDATE mine SET id = x.id FROM lix_internal_change AS x
UPDATE mine SET id = 1 FROM lix_internal_change
DELETE FROM mine WHERE id IN (SELECT id FROM lix_internal_change)
CREATE TABLE copy AS SELECT 1 FROM lix_internal_change
SELECT * FROM lix_internal_state_vtable
CREATE VIRTUAL TABLE words USING fts5(id, content='lix_internal_change'); SELECT * FROM words
CREATE VIEW door AS SELECT * FROM lix_internal_change; SELECT * FROM door
CREATE VIEW door AS SELECT * FROM lix_internal_change; SELECT 1 FROM door
CREATE TEMP VIEW door AS SELECT * FROM main.lix_internal_change; SELECT 1 FROM door
CREATE TRIGGER door AFTER INSERT ON mine BEGIN SELECT count(*) FROM lix_internal_change; END; \
INSERT INTO mine (id) VALUES (1)
""".strip()
    .replace("\\\n", "")
    .splitlines()
)

WRITES = (
    """
INSERT INTO lix_internal_change DEFAULT VALUES
INSERT INTO b.lix_internal_change DEFAULT VALUES
REPLACE INTO lix_internal_version VALUES (1)
INSERT INTO lix_internal_version VALUES (1) ON CONFLICT DO NOTHING
UPDATE lix_internal_change SET id = 1
UPDATE b.lix_internal_change SET id = 1
DELETE FROM lix_internal_change
DELETE FROM lix_internal_change WHERE 0
DELETE FROM b.lix_internal_change
EXPLAIN DELETE FROM lix_internal_change
CREATE TRIGGER door AFTER INSERT ON mine BEGIN DELETE FROM lix_internal_change; END; \
INSERT INTO mine (id) VALUES (1)
CREATE TEMP TRIGGER door AFTER INSERT ON mine BEGIN UPDATE lix_internal_version SET id = 2; END; \
INSERT INTO mine (id) VALUES (1)
CREATE TRIGGER door AFTER DELETE ON lix_internal_change BEGIN SELECT 1; END
CREATE TEMP TRIGGER door AFTER DELETE ON main.lix_internal_change BEGIN SELECT 1; END
CREATE INDEX door ON lix_internal_change (id)
CREATE INDEX b.door ON lix_internal_change (id)
CREATE TABLE lix_internal_mine (v)
CREATE TABLE b.lix_internal_mine (v)
CREATE TEMP TABLE lix_internal_change (v)
CREATE VIEW lix_internal_mine AS SELECT 1
CREATE VIRTUAL TABLE lix_internal_words USING fts5(v)
DROP TABLE lix_internal_change
DROP TABLE b.lix_internal_change
ALTER TABLE lix_internal_change RENAME TO door
ALTER TABLE lix_internal_change RENAME COLUMN id TO door
ALTER TABLE lix_internal_change DROP COLUMN snapshot
ALTER TABLE b.lix_internal_change ADD COLUMN door
ALTER TABLE mine RENAME TO lix_internal_mine
ALTER TABLE mine RENAME TO 'lix_internal_mine'
""".strip()
    .replace("\\\n", "")
    .splitlines()
)

NEW_NAMES = WRITES[-2:]
"""The new name of a table is not reported to an authorizer either."""

UNSEEN = (
    """
SELECT count(*) FROM mine NATURAL JOIN lix_internal_change
SELECT count(*) FROM lix_internal_change NATURAL JOIN mine
SELECT mine.id FROM mine NATURAL LEFT JOIN lix_internal_change
SELECT 1 FROM mine JOIN lix_internal_change USING (id)
SELECT 1 FROM mine LEFT JOIN lix_internal_change USING (id)
SELECT count(*) FROM mine RIGHT JOIN "lix_internal_change" USING (id)
SELECT 1 FROM mine FULL JOIN 'lix_internal_change' USING (id)
SELECT 1 FROM mine, b.lix_internal_change USING (id, snapshot)
SELECT 1 FROM mine JOIN b.'lix_internal_change' USING (id)
SELECT 1 WHERE EXISTS (SELECT 1 FROM mine natural join LIX_INTERNAL_CHANGE)
DELETE FROM mine WHERE id IN (SELECT mine.id FROM mine JOIN lix_internal_change USING (id))
CREATE VIEW door AS SELECT mine.id FROM mine NATURAL JOIN lix_internal_change; SELECT * FROM door
CREATE TRIGGER door AFTER INSERT ON mine BEGIN DELETE FROM mine WHERE id IN \
(SELECT mine.id FROM mine NATURAL JOIN lix_internal_change); END; INSERT INTO mine (id) VALUES (1)
""".strip()
    .replace("\\\n", "")
    .splitlines()
)
"""What SQLite does not report to an authorizer, because only the join compares the columns."""


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """Return the path of another lix, which nothing here changes."""
    path = str(tmp_path_factory.mktemp("guard") / "b.lix")
    lix_vtab.open(path).close()
    return path


@pytest.fixture
def lix(other):
    with lix_vtab.open() as lix:
        lix.execute("CREATE TABLE mine (id, entity_id, snapshot)")
        lix.execute("INSERT INTO mine VALUES (1, 2, 3)")
        lix.execute("ATTACH ? AS b", (other,))
        yield lix


def contents(lix: Lix) -> list[tuple[object, ...]]:
    tables = lix.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").rows
    mine = lix.execute("SELECT * FROM mine").rows
    return tables + mine + lix.execute("SELECT id FROM lix_change ORDER BY id").rows


@pytest.mark.parametrize("sql", READS + WRITES + UNSEEN)
def test_refused_through_lix(lix, sql):
    before = contents(lix)
    with pytest.raises(InternalTableAccess) as caught:
        lix.execute(sql)
    assert caught.value.code == "LIX_INTERNAL_TABLE_ACCESS"
    assert isinstance(caught.value, apsw.AuthError)
    assert contents(lix) == before


@pytest.mark.parametrize("sql", [sql for sql in READS + WRITES if sql not in NEW_NAMES])
def test_refused_on_its_connection(lix, sql):
    """There SQLite refuses some before it asks us, in its own words."""
    before = contents(lix)
    lix.connection.execute("SAVEPOINT here")
    with pytest.raises((apsw.AuthError, apsw.SQLError)):
        lix.connection.execute(sql).fetchall()
    lix.connection.execute("ROLLBACK TO here; RELEASE here")
    assert contents(lix) == before


@pytest.mark.parametrize("sql", READS[:25] + UNSEEN[:10])
def test_internal_access_can_be_allowed(other, sql):
    with lix_vtab.open(internal=True) as lix:
        lix.execute("CREATE TABLE mine (id, entity_id, snapshot)")
        lix.execute("ATTACH ? AS b", (other,))
        if "1 IN" not in sql:  # more than one column, which SQLite refuses itself
            lix.execute(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'lix_internal_change' FROM mine NATURAL JOIN mine AS other",
        "SELECT 1 FROM mine JOIN mine AS other USING (id) -- lix_internal_change",
        "SELECT 1 FROM mine JOIN mine AS other USING (id) WHERE 'lix_internal_change' = 'x'",
        "SELECT 1 ORDER BY 'lix_internal_change'",
        "ALTER TABLE mine RENAME TO lix_internals",
        "ALTER TABLE mine ADD COLUMN v DEFAULT 'lix_internal_change'",
    ],
)
def test_a_text_that_only_mentions_a_name_passes(lix, sql):
    lix.execute(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE VIRTUAL TABLE x USING lix_state",
        "CREATE VIRTUAL TABLE x USING lix_internal",
        "CREATE VIRTUAL TABLE x USING lix_file",
        "CREATE VIRTUAL TABLE temp.x USING lix_version",
        "CREATE VIRTUAL TABLE b.x USING lix_state",
        """CREATE VIRTUAL TABLE x USING lix_entity("box", state, "id" TEXT PRIMARY KEY)""",
    ],
)
def test_only_a_lix_creates_its_tables(lix, sql):
    before = contents(lix)
    for run in (lix.execute, lix.connection.execute):
        with pytest.raises(LixError, match="cannot create x") as caught:
            run(sql)
        assert caught.value.code == "LIX_UNSUPPORTED_SQL"
    assert contents(lix) == before
    lix.execute("CREATE VIRTUAL TABLE IF NOT EXISTS lix_state USING lix_state")


def test_nobody_creates_them_on_a_bare_connection_either():
    connection = apsw.Connection(":memory:")
    lix_vtab.load(connection)
    connection.execute("ATTACH ':memory:' AS plain")
    for name in ("x", "plain.x", "plain.lix_state", "temp.lix_state"):
        with pytest.raises(lix_vtab.LixError, match="cannot create"):
            connection.execute(f"CREATE VIRTUAL TABLE {name} USING lix_state")
    assert connection.execute("SELECT count(*) FROM plain.sqlite_schema").get == 0
    connection.close()


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TEMP TABLE lix_state (v)",
        "CREATE TABLE temp.lix_state (v)",
        "CREATE TEMP TABLE Lix_Internal (v)",
        "CREATE TEMP VIEW lix_version AS SELECT 1",
        "CREATE VIEW temp.lix_version AS SELECT 1",
        "CREATE TEMP TABLE box AS SELECT 1",
        "CREATE VIRTUAL TABLE temp.lix_file USING fts5(v)",
    ],
)
def test_temporary_tables_do_not_hide_ours(lix, sql):
    lix.register_schema(
        {
            "x-lix-key": "box",
            "x-lix-version": "1",
            "x-lix-primary-key": ["/id"],
            "type": "object",
            "properties": {"id": {"type": "string"}},
            "required": ["id"],
            "additionalProperties": False,
        }
    )
    for run in (lix.execute, lix.connection.execute):
        with pytest.raises(ReadOnlyError, match="hidden behind a temporary table"):
            run(sql)
    lix.execute("CREATE TEMP TABLE mine_too (v)")
    lix.execute("ATTACH ':memory:' AS plain; CREATE TABLE plain.lix_state (v)")


@pytest.mark.parametrize(
    "sql", ["DROP TABLE lix_state", "DROP TABLE b.lix_state", "DROP TABLE lix_internal"]
)
def test_lix_tables_are_not_dropped(lix, sql):
    before = contents(lix)
    with pytest.raises(ReadOnlyError, match="cannot be dropped"):
        lix.execute(sql)
    assert contents(lix) == before


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM sqlite_schema",
        "UPDATE sqlite_schema SET sql = '' WHERE name = 'lix_state'",
        "INSERT INTO sqlite_schema VALUES ('table', 'x', 'x', 2, 'CREATE TABLE x(v)')",
    ],
)
def test_the_schema_is_not_writable(lix, sql):
    before = contents(lix)
    for prefix in ("", "PRAGMA writable_schema = ON;"):
        with pytest.raises(LixError, match="may not be modified") as caught:
            lix.execute(f"{prefix} {sql}")
        assert caught.value.code == "LIX_ERROR_SQL"
    lix.execute("PRAGMA writable_schema = RESET")
    assert contents(lix) == before


def test_vacuum_into_and_analyze_work(lix, tmp_path):
    lix.execute("VACUUM INTO ?", (str(tmp_path / "copy.lix"),))
    with lix_vtab.open(str(tmp_path / "copy.lix")) as copy:
        assert copy.check() == []
        with pytest.raises(InternalTableAccess):
            copy.execute("SELECT 1 FROM lix_internal_change")
    lix.execute("ANALYZE")
    lix.execute("REINDEX")
    with pytest.raises(InternalTableAccess):
        lix.execute("SELECT 1 FROM lix_internal_change")
    assert lix.check() == []


def test_the_tables_of_a_file_can_be_listed_before_anything_else(tmp_path):
    """What has no columns yet is selected from by SQLite itself, on the way."""
    path = str(tmp_path / "a.lix")
    lix_vtab.open(path).close()
    inner = "SELECT * FROM lix_internal_state_vtable"
    for listing in ("PRAGMA table_list", "SELECT name FROM pragma_table_list"):
        with lix_vtab.open(path) as lix:
            assert len(lix.execute(listing)) > 100
            for refused in (inner, "SELECT count(*) FROM lix_internal_tip", inner):
                with pytest.raises(InternalTableAccess):
                    lix.execute(refused)
            assert len(lix.execute(listing)) > 100
