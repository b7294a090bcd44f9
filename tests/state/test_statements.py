"""Every way SQL can say a write, through `Lix.execute` and on the bare connection."""

from __future__ import annotations

import apsw
import pytest

from lix_vtab import errors
from tests.state.session import snapshot as content

S = "test_state_schema"
COLUMNS = "(entity_id, schema_key, file_id, plugin_key, schema_version, snapshot_content)"


class Writer:
    """Runs a statement one of the two ways and tells its rows and its count."""

    def __init__(self, session, *, bare):
        self.session = session
        self.bare = bare

    def __call__(self, sql, params=()):
        if not self.bare:
            return self.session.execute(sql, params).rows
        self.session._dirty = True
        return self.session.connection.execute(sql, params).fetchall()

    def changes(self, sql, params=()):
        if not self.bare:
            return self.session.execute(sql, params).changes
        self(sql, params)
        return self.session.connection.changes()


@pytest.fixture(params=["execute", "connection"])
def run(request, lix):
    lix.schema(S)
    lix.execute("CREATE TABLE source (id TEXT PRIMARY KEY, body TEXT, n INTEGER)")
    lix.execute("INSERT INTO source VALUES ('a', 'A', 1), ('b', 'B', 2), ('c', 'C', 3)")
    return Writer(lix, bare=request.param == "connection")


def seed(run, *entities):
    for entity in entities:
        run(
            f"INSERT INTO lix_state {COLUMNS} VALUES (?, '{S}', 'f', 'lix', '1', ?)",
            (entity, content(entity)),
        )


def state(run, columns="entity_id, json_extract(snapshot_content, '$.value')"):
    return run.session.rows(
        f"SELECT {columns} FROM lix_state WHERE schema_key = '{S}' ORDER BY entity_id"
    )


def values(*entities):
    return ", ".join(f"('{e}', '{S}', 'f', 'lix', '1', '{content(e)}')" for e in entities)


# Inserting: statement, rows afterwards, count. `b` = 'old' exists before each of them.
BODY = "'{\"value\":\"' || body || '\"}'"
SELECTED = f"'{S}', 'f', 'lix', '1', {BODY}"
INSERTS = {
    "several rows": (f"INSERT INTO lix_state {COLUMNS} VALUES {values('a', 'c')}", "a=a b=old c=c"),
    "expressions": (
        f"INSERT INTO lix_state {COLUMNS} VALUES ('a' || lower('X'), '{S}', 'f', 'lix',"
        " CAST(1 AS TEXT), json_object('value', upper('v')))",
        "ax=V b=old",
    ),
    "select": (f"INSERT INTO lix_state {COLUMNS} SELECT id, {SELECTED} FROM source", "a=A b=B c=C"),
    "select nothing": (
        f"INSERT INTO lix_state {COLUMNS} SELECT id, {SELECTED} FROM source WHERE 0",
        "b=old",
    ),
    "select ordered and limited": (
        f"INSERT INTO lix_state {COLUMNS}"
        f" SELECT id, {SELECTED} FROM source ORDER BY n DESC LIMIT 1",
        "b=old c=C",
    ),
    "select from lix itself": (
        f"INSERT INTO lix_state {COLUMNS} SELECT entity_id || '2', schema_key, file_id,"
        f" plugin_key, schema_version, snapshot_content FROM lix_state WHERE schema_key = '{S}'",
        "b=old b2=old",
    ),
    "compound select": (
        f"INSERT INTO lix_state {COLUMNS} SELECT id, {SELECTED} FROM source WHERE n = 1"
        f" UNION ALL SELECT id, {SELECTED} FROM source WHERE n = 3",
        "a=A b=old c=C",
    ),
    "common table expression": (
        f"WITH x AS (SELECT * FROM source WHERE n > 1) INSERT INTO lix_state {COLUMNS}"
        f" SELECT id, {SELECTED} FROM x",
        "b=B c=C",
    ),
    "recursive expression": (
        f"INSERT INTO lix_state {COLUMNS} WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
        f" FROM n WHERE i < 3) SELECT 'n' || i, '{S}', 'f', 'lix', '1',"
        " json_object('value', 'v' || i) FROM n",
        "b=old n1=v1 n2=v2 n3=v3",
    ),
    "scalar sub-query as value": (
        f"INSERT INTO lix_state {COLUMNS} VALUES ((SELECT max(id) FROM source), '{S}', 'f', 'lix',"
        " '1', (SELECT snapshot_content FROM lix_state WHERE entity_id = 'b'))",
        "b=old c=old",
    ),
    "existing key": (f"INSERT INTO lix_state {COLUMNS} VALUES {values('b')}", "b=b"),
    "or replace": (
        f"INSERT OR REPLACE INTO lix_state {COLUMNS} VALUES {values('a', 'b')}",
        "a=a b=b",
    ),
    "replace into": (f"REPLACE INTO lix_state {COLUMNS} VALUES {values('b')}", "b=b"),
    "or abort": (f"INSERT OR ABORT INTO lix_state {COLUMNS} VALUES {values('b')}", "b=b"),
    "or fail": (f"INSERT OR FAIL INTO lix_state {COLUMNS} VALUES {values('b')}", "b=b"),
    "or rollback": (f"INSERT OR ROLLBACK INTO lix_state {COLUMNS} VALUES {values('b')}", "b=b"),
}


@pytest.mark.parametrize(("sql", "expected"), INSERTS.values(), ids=INSERTS)
def test_insert(run, sql, expected):
    run(
        f"INSERT INTO lix_state {COLUMNS} VALUES ('b', '{S}', 'f', 'lix', '1', ?)",
        (content("old"),),
    )
    run(sql)
    assert " ".join(f"{entity}={value}" for entity, value in state(run)) == expected


UPDATES = {
    "plain": ("UPDATE lix_state SET {set} WHERE entity_id = 'a'", "a"),
    "in list": ("UPDATE lix_state SET {set} WHERE entity_id IN ('a', 'c', 'z')", "ac"),
    "or": ("UPDATE lix_state SET {set} WHERE entity_id = 'a' OR entity_id = 'b'", "ab"),
    "in sub-query": (
        "UPDATE lix_state SET {set} WHERE entity_id IN (SELECT id FROM source WHERE n >= 2)",
        "bc",
    ),
    "sub-query on itself": (
        "UPDATE lix_state SET {set} WHERE entity_id = (SELECT max(entity_id) FROM lix_state"
        f" WHERE schema_key = '{S}')",
        "c",
    ),
    "exists, correlated": (
        "UPDATE lix_state SET {set} WHERE EXISTS"
        " (SELECT 1 FROM source WHERE source.id = lix_state.entity_id AND n <> 2)",
        "ac",
    ),
    "other lix tables": (
        f"UPDATE lix_state SET {{set}} WHERE schema_key = '{S}' AND version_id IN"
        " (SELECT id FROM lix_version WHERE name = 'main')",
        "abc",
    ),
    "from": (
        "UPDATE lix_state SET {set} FROM source"
        " WHERE source.id = lix_state.entity_id AND source.n = 3",
        "c",
    ),
    "from a sub-query": (
        "UPDATE lix_state SET {set} FROM (SELECT max(id) AS top FROM source) AS x"
        " WHERE x.top = lix_state.entity_id",
        "c",
    ),
    "from lix": (
        "UPDATE lix_state SET {set} FROM lix_state AS other"
        f" WHERE other.entity_id = 'a' AND other.schema_key = '{S}'"
        f" AND lix_state.schema_key = '{S}' AND lix_state.entity_id > other.entity_id",
        "bc",
    ),
    "common table expression": (
        "WITH x AS (SELECT id FROM source WHERE n < 3)"
        " UPDATE lix_state SET {set} WHERE entity_id IN (SELECT id FROM x)",
        "ab",
    ),
    "alias": ("UPDATE lix_state AS s SET {set} WHERE s.entity_id = 'b'", "b"),
    "qualified": ("UPDATE main.lix_state SET {set} WHERE lix_state.entity_id = 'b'", "b"),
    "or replace": ("UPDATE OR REPLACE lix_state SET {set} WHERE entity_id = 'b'", "b"),
    "or ignore": ("UPDATE OR IGNORE lix_state SET {set} WHERE entity_id = 'b'", "b"),
    "nothing": ("UPDATE lix_state SET {set} WHERE entity_id = 'zzz'", ""),
}


@pytest.mark.parametrize(("sql", "touched"), UPDATES.values(), ids=UPDATES)
def test_update(run, sql, touched):
    seed(run, "a", "b", "c")
    count = run.changes(sql.format(set='snapshot_content = \'{"value":"new"}\''))
    assert state(run) == [(e, "new" if e in touched else e) for e in "abc"]
    assert count == len(touched)


def test_update_from_takes_values_of_the_other_table(run):
    seed(run, "a", "b", "zzz")
    run(
        "UPDATE lix_state SET snapshot_content = json_object('value', source.body || n),"
        " metadata = json_object('n', source.n) FROM source WHERE source.id = entity_id"
    )
    assert state(run, "entity_id, json_extract(snapshot_content, '$.value'), metadata") == [
        ("a", "A1", '{"n":1}'),
        ("b", "B2", '{"n":2}'),
        ("zzz", "zzz", None),
    ]


def test_update_of_every_row_from_its_neighbour_reads_the_old_values(run):
    seed(run, "a", "b", "c")
    run(
        "UPDATE lix_state SET snapshot_content = (SELECT o.snapshot_content FROM lix_state o"
        f" WHERE o.schema_key = '{S}' AND o.entity_id > lix_state.entity_id"
        " ORDER BY o.entity_id LIMIT 1)"
        f" WHERE schema_key = '{S}' AND entity_id < 'c'"
    )
    assert state(run) == [("a", "b"), ("b", "c"), ("c", "c")]


DELETES = {
    "plain": ("entity_id = 'a'", "bc"),
    "in list": ("entity_id IN ('a', 'c')", "b"),
    "in sub-query": ("entity_id IN (SELECT id FROM source WHERE n < 3)", "c"),
    "exists": ("EXISTS (SELECT 1 FROM source s WHERE s.id = entity_id AND n = 2)", "ac"),
    "like": ("entity_id LIKE 'A'", "bc"),
    "json": ("json_extract(snapshot_content, '$.value') BETWEEN 'b' AND 'z'", "a"),
    "nothing": ("entity_id = 'zzz'", "abc"),
}


@pytest.mark.parametrize(("where", "left"), DELETES.values(), ids=DELETES)
def test_delete(run, where, left):
    seed(run, "a", "b", "c")
    count = run.changes(f"DELETE FROM lix_state WHERE schema_key = '{S}' AND {where}")
    assert [entity for entity, _ in state(run)] == list(left)
    assert count == 3 - len(left)


def test_delete_with_expression(run):
    seed(run, "a", "b", "c")
    run(
        "WITH x AS (SELECT id FROM source WHERE n > 1)"
        " DELETE FROM lix_state WHERE entity_id IN (SELECT id FROM x)"
    )
    assert state(run) == [("a", "a")]


@pytest.mark.parametrize("count", [1, 3])
def test_changes_of_an_insert(run, count):
    entities = [f"e{n}" for n in range(count)]
    assert run.changes(f"INSERT INTO lix_state {COLUMNS} VALUES {values(*entities)}") == count


def test_insert_returning(run):
    rows = run(
        f"INSERT INTO lix_state {COLUMNS} VALUES {values('a', 'b')}"
        " RETURNING entity_id, upper(schema_key), json_extract(snapshot_content, '$.value') AS v"
    )
    assert rows == [("a", S.upper(), "a"), ("b", S.upper(), "b")]
    assert state(run) == [("a", "a"), ("b", "b")]


def test_insert_returning_gives_the_values_that_were_stored(run):
    (returned,) = run(
        f"INSERT INTO lix_state {COLUMNS} VALUES"
        f" ('a', '{S}', 'f', 'lix', '1', '{{ \"value\" : \"spaced\" }}') RETURNING *"
    )
    if run.bare:
        # of a virtual table SQLite hands back what the statement gave, not what is stored
        assert '{ "value" : "spaced" }' in returned
    else:
        assert [returned] == state(run, "*")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("version_id", None),
        ("change_id", None),
        ("commit_id", None),
        ("created_at", None),
        ("updated_at", None),
        ("untracked", 0),
        ("snapshot_content", '{"value":"x"}'),
    ],
)
def test_returning_never_invents(run, column, value):
    """A returned generated column is the stored value, or NULL where SQLite cannot know it."""
    ((returned,),) = run(
        f"INSERT INTO lix_state {COLUMNS} VALUES ('a', '{S}', 'f', 'lix', '1', '{content('x')}')"
        f" RETURNING {column}"
    )
    ((stored,),) = state(run, column)
    assert returned in ((None, value, stored) if run.bare else (stored,))


OURS = f"schema_key = '{S}'"


@pytest.mark.parametrize("verb", ["UPDATE", "DELETE", "UPSERT"])
def test_what_sqlite_refuses_on_virtual_tables(run, verb):
    """`Lix.execute` carries these out; a bare connection gives SQLite's own answer."""
    seed(run, "a")
    sql = {
        "UPDATE": f"UPDATE lix_state SET metadata = '{{}}' WHERE {OURS} RETURNING entity_id",
        "DELETE": f"DELETE FROM lix_state WHERE {OURS} RETURNING entity_id",
        "UPSERT": f"INSERT INTO lix_state {COLUMNS} VALUES {values('a')} ON CONFLICT DO NOTHING",
    }[verb]
    if run.bare:
        with pytest.raises(apsw.SQLError):
            run(sql)
    else:
        assert run(sql) == ([] if verb == "UPSERT" else [("a",)])
    assert state(run) == ([] if verb == "DELETE" and not run.bare else [("a", "a")])


# A row that fails in the middle: `a` and `c` are good, `bad` is not. `old` exists before.
BAD = f"('bad', '{S}', 'f', 'lix', '1', '{{}}')"


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("", ["old"]),
        ("OR ABORT", ["old"]),
        ("OR ROLLBACK", ["old"]),
        ("OR FAIL", ["a", "old"]),
        ("OR REPLACE", ["old"]),
    ],
)
def test_conflict_clause_decides_what_a_failing_row_undoes(run, clause, expected):
    seed(run, "old")
    with pytest.raises(errors.SchemaValidationError):
        run(f"INSERT {clause} INTO lix_state {COLUMNS} VALUES {values('a')}, {BAD}, {values('c')}")
    assert [entity for entity, _ in state(run)] == expected


@pytest.mark.parametrize("clause", ["OR ABORT", "OR FAIL", "OR ROLLBACK"])
def test_conflict_clause_inside_a_transaction(run, clause):
    seed(run, "old")
    run("BEGIN")
    seed(run, "before")
    with pytest.raises(errors.SchemaValidationError):
        run(f"INSERT {clause} INTO lix_state {COLUMNS} VALUES {values('a')}, {BAD}, {values('c')}")
    if clause == "OR ROLLBACK":
        assert not run.session.connection.in_transaction
    else:
        seed(run, "later")
        run("COMMIT")
    assert [entity for entity, _ in state(run)] == {
        "OR ABORT": ["before", "later", "old"],
        "OR FAIL": ["a", "before", "later", "old"],
        "OR ROLLBACK": ["old"],
    }[clause]


def test_or_ignore_skips_rows_that_break_a_constraint(run):
    seed(run, "old")
    run(f"INSERT OR IGNORE INTO lix_state {COLUMNS} VALUES {values('a')}, {BAD}, {values('c')}")
    assert [entity for entity, _ in state(run)] == ["a", "c", "old"]


@pytest.mark.parametrize("table", ["lix_state", "lix_state_by_version", "lix_version"])
@pytest.mark.parametrize(
    "statement",
    ["DROP TABLE {}", "ALTER TABLE {} RENAME TO other", "CREATE INDEX i ON {} (entity_id)"],
)
def test_the_tables_themselves_are_not_for_sale(run, table, statement):
    before = run.session.rows("SELECT name, sql FROM sqlite_schema ORDER BY 1")
    with pytest.raises(apsw.Error):
        run(statement.format(table))
    assert run.session.rows("SELECT name, sql FROM sqlite_schema ORDER BY 1") == before
    seed(run, "still")
    assert state(run) == [("still", "still")]


def test_statement_text_may_hold_several_statements(run):
    run(
        f"INSERT INTO lix_state {COLUMNS} VALUES {values('a')};"
        f" INSERT INTO lix_state {COLUMNS} VALUES {values('b')};"
        " DELETE FROM lix_state WHERE entity_id = 'a'"
    )
    assert state(run) == [("b", "b")]


def test_statement_reused_with_other_parameters(run):
    sql = f"INSERT INTO lix_state {COLUMNS} VALUES (?, '{S}', 'f', 'lix', '1', ?)"
    for number in range(5):
        run(sql, (f"e{number}", content(str(number))))
    assert state(run) == [(f"e{n}", str(n)) for n in range(5)]


def test_reading_while_writing(run):
    """A cursor that is still open neither blocks a write nor misses a row over it.

    Whether it shows a row twice that changed meanwhile is, in SQLite, not defined.
    """
    seed(run, "a", "b", "c")
    connection = run.session.connection
    cursor = connection.execute(
        f"SELECT entity_id FROM lix_state WHERE schema_key = '{S}' ORDER BY entity_id"
    )
    seen = [next(cursor)[0]]
    run(f"UPDATE lix_state SET metadata = '{{}}' WHERE schema_key = '{S}'")
    seen += [entity for (entity,) in cursor]
    assert set(seen) == {"a", "b", "c"}
    assert state(run, "metadata") == [("{}",)] * 3


@pytest.mark.parametrize(
    "table", ["lix_state", "lix_state_by_version", "lix_internal_state_vtable"]
)
def test_a_row_is_not_deleted_by_leaving_its_content_out(lix, table):
    lix.schema(S)
    lix.version("version-a")
    lix.active("version-a")
    lix.row("a", "version-a", "A", file="f")
    columns = "entity_id, schema_key, file_id, plugin_key, schema_version"
    values = f"'a', '{S}', 'f', 'lix', '1'"
    if table != "lix_state":
        columns, values = f"{columns}, version_id", f"{values}, 'version-a'"
    with pytest.raises(errors.InvalidValueError, match="insert requires snapshot_content"):
        lix.execute(f"INSERT OR REPLACE INTO {table} ({columns}) VALUES ({values})")
    assert lix.raw() == [("version-a", content("A"))]
    lix.execute(f"INSERT INTO {table} ({columns}, snapshot_content) VALUES ({values}, NULL)")
    assert lix.raw() == [("version-a", None)]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO lix_version (id, name, ID) VALUES ('a', 'b', 'c')",
        'INSERT INTO lix_state (snapshot_content, "Snapshot_Content") VALUES (1, 2)',
    ],
)
def test_a_column_is_named_once(lix, statement):
    with pytest.raises(errors.InvalidValueError, match="insert duplicated column"):
        lix.execute(statement)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("lix_state", "snapshot_content"),
        ("lix_version", "name"),
        ("lix_file", "path"),
        ("lix_key_value", "key"),
    ],
)
@pytest.mark.parametrize("name", ["rowid", "oid", "_rowid_"])
def test_nobody_chooses_a_rowid(run, table, column, name):
    with pytest.raises(errors.ReadOnlyError, match=f"{table} insert cannot set rowid"):
        run(f"INSERT INTO {table} ({name}, {column}) VALUES (7, 'x')")
    if table != "lix_file":
        with pytest.raises(errors.ReadOnlyError, match=f"{table} update cannot change rowid"):
            run("INSERT INTO lix_key_value (key, value) VALUES ('k', 1)")
            run(f"UPDATE {table} SET {name} = -7")
