"""Every form of write SQLite has, on tables of schemas."""

from __future__ import annotations

from typing import Any

import pytest

from lix_vtab.errors import ImmutableError, LixError, SchemaValidationError, UniqueError
from tests.entities.schemas import TASK, TEXT, schema
from tests.state.session import Session


@pytest.fixture(autouse=True)
def tables(lix: Session) -> None:
    lix.store_schema(TASK)
    lix.execute("INSERT INTO task(id, title, rank) VALUES ('a', 'A', 1), ('b', 'B', 2)")


def rows(lix: Session) -> list[tuple[Any, ...]]:
    return lix.rows("SELECT id, title, rank FROM task ORDER BY id")


WRITES: list[tuple[str, list[tuple[Any, ...]]]] = [
    ("INSERT INTO task(id) VALUES ('c'), (lower('D'))", [("c", None, None), ("d", None, None)]),
    ("INSERT INTO task(id, rank) SELECT id || '2', rank * 10 FROM task",
     [("a2", None, 10), ("b2", None, 20)]),
    ("INSERT INTO task(id, rank) SELECT id || '2', count(*) FROM task GROUP BY id",
     [("a2", None, 1), ("b2", None, 1)]),
    ("WITH new(i) AS (VALUES (7), (8)) INSERT INTO task(id, rank) SELECT 'n' || i, i FROM new",
     [("n7", None, 7), ("n8", None, 8)]),
    ("INSERT INTO task(rank, id) VALUES ((SELECT max(rank) FROM task), 'c')", [("c", None, 2)]),
    ("REPLACE INTO task(id, rank) VALUES ('c', 3)", [("c", None, 3)]),
    ("INSERT OR IGNORE INTO task(id, rank) VALUES ('a', 9), ('c', 3)", [("c", None, 3)]),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "added"), WRITES)
def test_inserts(lix: Session, sql: str, added: list[tuple[Any, ...]]) -> None:
    before = rows(lix)
    result = lix.execute(sql)
    assert rows(lix) == sorted([*before, *added])
    # SQLite also counts a row that OR IGNORE left out
    assert result.changes == len(added) + ("IGNORE" in sql)


CHANGES: list[tuple[str, list[tuple[Any, ...]]]] = [
    ("UPDATE task SET rank = rank + 1", [("a", "A", 2), ("b", "B", 3)]),
    ("UPDATE task SET title = NULL, rank = -rank WHERE rank > 1", [("a", "A", 1), ("b", None, -2)]),
    ("UPDATE task SET (title, rank) = (SELECT 'T', 9) WHERE id = 'a'",
     [("a", "T", 9), ("b", "B", 2)]),
    ("UPDATE task SET rank = n.r FROM (SELECT 'a' AS i, 5 AS r) AS n WHERE n.i = task.id",
     [("a", "A", 5), ("b", "B", 2)]),
    ("UPDATE task SET title = (SELECT t.title FROM task t WHERE t.id != task.id)",
     [("a", "B", 1), ("b", "A", 2)]),
    ("DELETE FROM task WHERE rank = (SELECT min(rank) FROM task)", [("b", "B", 2)]),
    ("DELETE FROM task WHERE EXISTS (SELECT 1 FROM task t WHERE t.rank > task.rank)",
     [("b", "B", 2)]),
    ("DELETE FROM task", []),
    ("REPLACE INTO task(id, rank) VALUES ('a', 3)", [("a", None, 3), ("b", "B", 2)]),
    ("INSERT OR REPLACE INTO task SELECT * FROM task", [("a", "A", 1), ("b", "B", 2)]),
    ("INSERT INTO task(id, rank) VALUES ('a', 5) ON CONFLICT(id) DO UPDATE SET rank ="
     " excluded.rank + task.rank", [("a", "A", 6), ("b", "B", 2)]),
    ("INSERT INTO task(id) VALUES ('a') ON CONFLICT DO NOTHING", [("a", "A", 1), ("b", "B", 2)]),
    ("UPDATE task SET rank = 1 WHERE id = 'nobody'", [("a", "A", 1), ("b", "B", 2)]),
    ("UPDATE task_by_version SET rank = 7 WHERE id = 'a'", [("a", "A", 7), ("b", "B", 2)]),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), CHANGES)
def test_updates_and_deletes(lix: Session, sql: str, expected: list[tuple[Any, ...]]) -> None:
    if sql.startswith("INSERT OR REPLACE INTO task SELECT"):
        columns = "id, title, rank"
        sql = f"INSERT OR REPLACE INTO task({columns}) SELECT {columns} FROM task"
    lix.execute(sql)
    assert rows(lix) == expected


def test_returning(lix: Session) -> None:
    result = lix.execute(
        "INSERT INTO task(id, rank) VALUES ('c', 3), ('d', 4) RETURNING id, rank * 2"
    )
    assert result.rows == [("c", 6), ("d", 8)]
    assert lix.execute("DELETE FROM task WHERE rank > 2 RETURNING id").rows == [("c",), ("d",)]
    assert lix.execute("UPDATE task SET rank = 0 WHERE id = 'a' RETURNING rank").rows == [(0,)]


FAILING = [
    ("INSERT INTO task(id, rank) VALUES ('c', 3), ('a', 4)", UniqueError),
    ("INSERT OR ABORT INTO task(id, rank) VALUES ('c', 3), ('a', 4)", UniqueError),
    ("INSERT INTO task(id, rank) VALUES ('c', 3), ('d', 'x')", SchemaValidationError),
    ("UPDATE task SET rank = iif(id = 'b', 'x', 7)", SchemaValidationError),
    ("INSERT INTO task(id) SELECT id FROM task", UniqueError),
]


@pytest.mark.parametrize(("sql", "error"), FAILING)
@pytest.mark.parametrize("inside", [False, True])
def test_a_failing_statement_leaves_nothing(
    lix: Session, sql: str, error: type[LixError], inside: bool
) -> None:
    before, tip = rows(lix), lix.tip()
    if inside:
        lix.execute("BEGIN")
    with pytest.raises(error):
        lix.execute(sql)
    assert rows(lix) == before
    if inside:
        lix.execute("COMMIT")
    assert lix.tip() == tip


def test_or_fail_and_or_rollback(lix: Session) -> None:
    with pytest.raises(UniqueError):
        lix.execute("INSERT OR FAIL INTO task(id) VALUES ('c'), ('a'), ('d')")
    assert [row[0] for row in rows(lix)] == ["a", "b", "c"]
    lix.execute("BEGIN")
    lix.execute("DELETE FROM task")
    with pytest.raises(LixError):
        lix.execute("INSERT OR ROLLBACK INTO task(id, rank) VALUES ('x', 1), ('x', 2)")
    assert [row[0] for row in rows(lix)] == ["a", "b", "c"]


def test_inserting_over_an_inherited_row_makes_an_own_one(lix: Session) -> None:
    lix.execute(
        "INSERT INTO task_by_version(id, title, lixcol_version_id) VALUES ('g', 'G', 'global')"
    )
    lix.execute("INSERT INTO task(id, title) VALUES ('g', 'own')")
    query = "SELECT title, lixcol_inherited_from_version_id FROM task WHERE id = 'g'"
    assert lix.rows(query) == [("own", None)]
    lix.execute("DELETE FROM task WHERE id = 'g'")
    assert lix.rows(query) == []


def test_updating_and_deleting_inherited_rows(lix: Session) -> None:
    lix.execute(
        "INSERT INTO task_by_version(id, title, lixcol_version_id)"
        " VALUES ('g', 'G', 'global'), ('h', 'H', 'global')"
    )
    lix.execute("UPDATE task SET title = lower(title) WHERE lixcol_inherited_from_version_id > ''")
    lix.execute("DELETE FROM task WHERE id = 'h'")
    assert lix.rows(
        "SELECT id, title FROM task_by_version WHERE lixcol_version_id = 'global' ORDER BY id"
    ) == [("g", "G"), ("h", "H")]
    assert rows(lix) == [("a", "A", 1), ("b", "B", 2), ("g", "g", None)]


def test_untracked_rows(lix: Session) -> None:
    tip = lix.tip()
    lix.execute("INSERT INTO task(id, title, lixcol_untracked) VALUES ('u', 'U', 1)")
    lix.execute("UPDATE task SET title = 'V' WHERE id = 'u'")
    assert lix.rows(
        "SELECT title, lixcol_untracked, lixcol_change_id FROM task WHERE id = 'u'"
    ) == [("V", 1, "untracked")]
    lix.execute("DELETE FROM task WHERE id = 'u'")
    assert lix.tip() == tip


def test_nothing_changed_is_no_commit(lix: Session) -> None:
    tip = lix.tip()
    lix.execute("UPDATE task SET title = title, rank = rank, extra = extra, tags = tags")
    lix.execute("INSERT OR REPLACE INTO task(id, title, rank) VALUES ('a', 'A', 1)")
    assert lix.tip() == tip


def test_immutable_rows(lix: Session) -> None:
    lix.store_schema(schema("fixed", "id name", primary_key=["/id"], immutable=True))
    lix.execute("INSERT INTO fixed(id, name) VALUES ('a', 'A')")
    lix.execute("INSERT INTO fixed_by_version(id, lixcol_version_id) VALUES ('g', 'global')")
    phrase = "Schema 'fixed' is immutable and cannot be updated."
    for sql in (
        "UPDATE fixed SET name = 'B' WHERE id = 'a'",
        "UPDATE fixed SET name = 'B' WHERE id = 'g'",
        "UPDATE fixed SET lixcol_metadata = '{}'",
        "INSERT OR REPLACE INTO fixed(id, name) VALUES ('a', 'B')",
    ):
        with pytest.raises(ImmutableError, match=phrase):
            lix.execute(sql)
    lix.execute("UPDATE fixed SET name = name")
    lix.execute("DELETE FROM fixed")
    assert lix.rows("SELECT * FROM fixed") == []


class TestValues:
    """What SQL values become, property by property."""

    @pytest.mark.parametrize(
        ("column", "given", "json"),
        [
            ("done", 1, "true"),
            ("done", 0, "false"),
            ("done", "true", "true"),
            ("done", "0", "false"),
            ("rank", "7", "7"),
            ("rank", 7.0, "7"),
            ("size", 7, "7"),
            ("size", 1.5, "1.5"),
            ("title", "7", '"7"'),
            ("tags", '["x", 1]', '["x",1]'),
            ("extra", "text", '"text"'),
            ("extra", 1, "1"),
        ],
    )
    def test_insert_and_update_agree(
        self, lix: Session, column: str, given: Any, json: str
    ) -> None:
        lix.execute(f"INSERT INTO task(id, {column}) VALUES ('n', ?)", (given,))
        lix.execute(f"UPDATE task SET {column} = ? WHERE id = 'a'", (given,))
        stored = lix.column(
            f"SELECT snapshot_content -> '$.{column}' FROM lix_state"
            " WHERE schema_key = 'task' AND entity_id IN ('n', 'a')"
        )
        assert stored == [json, json]

    @pytest.mark.parametrize(
        ("column", "given"),
        [
            ("done", 2),
            ("done", "maybe"),
            ("rank", "x"),
            ("rank", 1.5),
            ("size", "x"),
            ("title", 5),
            ("tags", "{}"),
            ("tags", "not json"),
            ("title", b"\xff"),
            ("extra", b"\xff"),
            ("size", float("inf")),
        ],
    )
    def test_values_that_do_not_fit(self, lix: Session, column: str, given: Any) -> None:
        before = rows(lix)
        with pytest.raises(LixError) as caught:
            lix.execute(f"INSERT INTO task(id, {column}) VALUES ('n', ?)", (given,))
        assert column in str(caught.value)
        with pytest.raises(LixError):
            lix.execute(f"UPDATE task SET {column} = ?", (given,))
        assert rows(lix) == before

    def test_booleans_and_json_read_back(self, lix: Session) -> None:
        lix.execute(
            "UPDATE task SET done = 1, tags = '[1]', extra = jsonb('{\"a\":true}') WHERE id='a'"
        )
        assert lix.rows("SELECT done, tags, extra FROM task WHERE done") == [
            (1, "[1]", '{"a":true}')
        ]


class TestKeys:
    """Primary keys of every kind are looked up, not scanned."""

    def plan(self, lix: Session, sql: str) -> str:
        return lix.rows(f"EXPLAIN QUERY PLAN {sql}")[0][3]

    def test_text(self, lix: Session) -> None:
        assert "id =" in self.plan(lix, "SELECT * FROM task WHERE id = 'a'")
        lix.execute("INSERT INTO task(id) VALUES ('1'), ('1.0'), ('')")
        assert lix.column("SELECT id FROM task WHERE id = 1") == ["1"]
        assert lix.column("SELECT id FROM task WHERE id = ''") == [""]
        found = lix.column("SELECT id FROM task WHERE id IN ('a', '1', NULL, 'q')")
        assert sorted(found) == ["1", "a"]

    def test_numbers(self, lix: Session) -> None:
        lix.store_schema(schema("num", {"n": {"type": "integer"}, "t": TEXT}, primary_key=["/n"]))
        lix.execute("INSERT INTO num(n, t) VALUES (1, 'one'), (-2, 'two'), (1000000000000, 'big')")
        assert lix.value("SELECT t FROM num WHERE n = -2") == "two"
        assert lix.value("SELECT t FROM num WHERE n = '1'") == "one"
        assert lix.value("SELECT t FROM num WHERE n = 1.0") == "one"
        assert lix.column("SELECT t FROM num WHERE n = 1.5") == []
        assert lix.column("SELECT t FROM num WHERE n IN (1, 1000000000000) ORDER BY n") == [
            "one",
            "big",
        ]
        assert lix.column("SELECT t FROM num WHERE n > 1") == ["big"]
        assert lix.column("SELECT n FROM num ORDER BY n") == [-2, 1, 1000000000000]
        with pytest.raises(UniqueError):
            lix.execute("INSERT INTO num(n) VALUES (1)")

    @pytest.mark.parametrize("kind", [["number"], ["number", "boolean"], ["integer"], None])
    def test_numbers_are_found_however_they_are_written(
        self, lix: Session, kind: list[str] | None
    ) -> None:
        rule = {} if kind is None else {"type": kind}
        lix.store_schema(schema("num", {"n": rule, "v": TEXT}, primary_key=["/n"]))
        values = [1, 2.0, -0.0, 10**6] if kind == ["integer"] else [1, 2.0, 1.5, -0.0, 1e20]
        for value in values:
            lix.execute("INSERT INTO num(n, v) VALUES (?, 'v' || ?1)", (value,))
        if kind != ["integer"] and (kind is None or "boolean" in kind):
            lix.execute("INSERT INTO num(n, v) VALUES (lix_json('true'), 'yes')")
        declared = lix.value("SELECT type FROM pragma_table_info('num') WHERE name = 'n'")
        # the same comparison, made by SQLite itself on an ordinary table
        lix.connection.execute(f"CREATE TEMP TABLE plain(n {declared}, v)")
        lix.connection.execute("INSERT INTO temp.plain SELECT n, v FROM main.num")
        plain = lix.connection
        for given in (
            "1",
            "1.0",
            "2",
            "2.0",
            "1.5",
            "0",
            "-0.0",
            "1e20",
            "1e6",
            "'1'",
            "3",
            "NULL",
        ):
            where = f"WHERE n = {given} ORDER BY v"
            expected = plain.execute(f"SELECT v FROM temp.plain {where}").fetchall()
            for table in ("num", "num_by_version", "num_history", "num_at('HEAD')"):
                found = lix.lix.execute(f"SELECT DISTINCT v FROM {table} {where}").rows
                assert found == expected, (given, table)
        assert "n =" in self.plan(lix, "SELECT v FROM num WHERE n = 1")

    def test_a_number_is_one_key_however_it_is_written(self, lix: Session) -> None:
        lix.store_schema(schema("num", {"n": {"type": "number"}, "v": TEXT}, primary_key=["/n"]))
        lix.execute("INSERT INTO num(n, v) VALUES (1, 'a'), (-0.0, 'b'), (1e20, 'c')")
        for again in ("1.0", "0", "0.0", "lix_json('100000000000000000000')"):
            with pytest.raises(UniqueError):
                lix.execute(f"INSERT INTO num(n, v) VALUES ({again}, 'x')")
        lix.execute("INSERT OR REPLACE INTO num(n, v) VALUES (1.0, 'A')")
        lix.execute("UPDATE num SET n = 0, v = 'B' WHERE v = 'b'")
        assert lix.rows("SELECT lixcol_entity_id, n, v FROM num ORDER BY n") == [
            ("0", 0, "B"),
            ("1", 1.0, "A"),
            ("1e+20", 1e20, "c"),
        ]
        lix.execute(
            "INSERT INTO lix_state(entity_id, schema_key, file_id, plugin_key, schema_version,"
            " snapshot_content) VALUES ('1', 'num', 'lix', 'lix', '1', '{\"n\":1,\"v\":\"z\"}')"
        )
        assert lix.column("SELECT v FROM num WHERE n = 1") == ["z"]

    def test_a_boolean_is_found_by_any_number_that_equals_it(self, lix: Session) -> None:
        kinds = {"done": {"type": "boolean"}, "id": TEXT}
        lix.store_schema(schema("flagged", kinds, primary_key=["/id", "/done"]))
        lix.execute("INSERT INTO flagged(id, done) VALUES ('a', true), ('b', false)")
        for given, expected in {"1": "a", "1.0": "a", "'1.'": "a", "0.0": "b", "-0.0": "b"}.items():
            for table in ("flagged", "flagged_by_version", "flagged_history", "flagged_at('HEAD')"):
                where = f"WHERE done = {given} AND id = '{expected}'"
                found = lix.rows(f"SELECT DISTINCT id FROM {table} {where}")
                assert found == [(expected,)], (table, given)
        assert lix.rows("SELECT id FROM flagged WHERE done = 0.5 AND id = 'a'") == []

    def test_a_property_may_ask_a_question(self, lix: Session) -> None:
        kinds = {"id": TEXT, "done?": {"type": "integer"}, "@1": TEXT, "?1": TEXT}
        lix.store_schema(schema("asked", kinds, primary_key=["/id"], index=[["/done?"], ["/?1"]]))
        insert = 'INSERT INTO asked(id, "done?", "@1", "?1") VALUES '
        lix.execute(f"{insert} ('a', 5, 'at', 'what'), ('b', 6, NULL, NULL)")
        for table in ("asked", "asked_by_version", "asked_history", "asked_at('HEAD')"):
            for where in ('"done?" > 5', '"done?" = 6', '"?1" IS NULL', "\"@1\" IS NOT 'at'"):
                found = lix.rows(f"SELECT DISTINCT id FROM {table} WHERE {where}")
                assert found == [("b",)], (table, where)

    def test_conditions_take_only_those_texts_for_numbers_that_sqlite_does(
        self, lix: Session
    ) -> None:
        kinds = {"id": TEXT, "n": {"type": "integer"}, "r": {"type": "number"}, "t": TEXT}
        lix.store_schema(schema("num", kinds, "id", primary_key=["/id"], index=[["/n"], ["/r"]]))
        lix.execute(
            "INSERT INTO num(id, n, r, t) VALUES ('a', 1, 1.5, '1'), ('b', 1000, 1e20, 'Inf'),"
            " ('c', lix_json('100000000000000000000'), 10, '1.0e+20'), ('d', -2, 0, '0.0')"
        )
        lix.connection.execute("CREATE TEMP TABLE plain(id TEXT, n INTEGER, r REAL, t TEXT)")
        lix.connection.execute("INSERT INTO temp.plain SELECT id, n, r, t FROM main.num")
        texts = ["1_000", "１", "nan", "inf", "0x1", " 1 ", "+1", "1.", ".1e1", "1e", "1e3", "a",
                 "99999999999999999999", "100000000000000000000", "9" * 5000, "\u00a01"]  # fmt: skip
        values = [*map("'{}'".format, texts), "9e999", "-9e999", "1e20", "0.0", "1.5"]
        for column in ("n", "r", "t"):
            for value in values:
                for operator in ("=", "<", ">=", "IN"):
                    where = f"WHERE {column} {operator} ({value}) ORDER BY id"
                    plain = lix.connection.execute(f"SELECT id FROM temp.plain {where}").fetchall()
                    for table in ("num", "num_history", "num_at('HEAD')"):
                        found = lix.lix.execute(f"SELECT id FROM {table} {where}").rows
                        assert found == plain, (table, where)

    def test_composite(self, lix: Session) -> None:
        lix.store_schema(
            schema(
                "pair", {"x": TEXT, "y": {"type": "integer"}, "v": TEXT}, primary_key=["/x", "/y"]
            )
        )
        lix.execute(
            "INSERT INTO pair(x, y, v) VALUES ('a~b', 1, 'p'), ('a', 1, 'q'), ('\\', 2, 'r')"
        )
        assert lix.rows("SELECT lixcol_entity_id, v FROM pair ORDER BY v") == [
            ("a\\~b~1", "p"),
            ("a~1", "q"),
            ("\\\\~2", "r"),
        ]
        phrase = r"constraint on \(/x, /y\) is violated by values \('a~b', '1'\): pair already has"
        with pytest.raises(UniqueError, match=f"Primary key constraint violation: .*{phrase}"):
            lix.execute("INSERT INTO pair(x, y) VALUES ('a~b', 1)")
        text = self.plan(lix, "SELECT v FROM pair WHERE x = 'a' AND y = 1")
        assert "x =" in text
        assert "y =" in text
        assert lix.value("SELECT v FROM pair WHERE x = 'a~b' AND y = 1") == "p"
        assert lix.value("SELECT v FROM pair WHERE y = '2' AND x = '\\'") == "r"
        assert lix.column("SELECT v FROM pair WHERE x = 'a'") == ["q"]
        assert lix.column("SELECT v FROM pair WHERE x = 'a' AND y = 'x'") == []
        lix.execute("UPDATE pair SET v = 'new' WHERE x = 'a' AND y = 1")
        lix.execute("DELETE FROM pair WHERE x = 'a~b'")
        assert lix.column("SELECT v FROM pair ORDER BY v") == ["new", "r"]

    def test_nested(self, lix: Session) -> None:
        lix.store_schema(
            schema(
                "deep",
                {"p": {"type": "object", "properties": {"id": TEXT}}, "q": TEXT},
                primary_key=["/p/id", "/q"],
            )
        )
        lix.execute("INSERT INTO deep(p, q) VALUES ('{\"id\": \"i\"}', 'x')")
        assert lix.rows("SELECT lixcol_entity_id FROM deep WHERE q = 'x'") == [("i~x",)]
        with pytest.raises(UniqueError):
            lix.execute('INSERT INTO deep(p, q) VALUES (\'{"id": "i", "z": 1}\', \'x\')')


NAMES = [
    "select", "order", "group", "from", "index", "rowid", "oid", "a b", 'quo"te', "apo'strophe",
    "bra{ce}", "{snapshot}", "do.t", "com,ma", "(paren)", "ünï", "日本語", "😀", "new\nline", "-dash",
    "1st", "?", "?1", "$x", "@y", ":z", "%s", "\\back", "tab\t", "~tilde", "/slash", "[0]", "*", "--",
    "/*", "entity_id", "metadata", "version_id", "x" * 200,
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_of_properties(lix: Session, name: str) -> None:
    pointer = "/" + name.replace("~", "~0").replace("/", "~1")
    lix.store_schema(
        schema(
            "odd",
            {"id": TEXT, name: TEXT, f"{name}n": {"type": "integer"}},
            primary_key=["/id"],
            index=[[pointer]],
        )
    )
    column, number = ('"' + n.replace('"', '""') + '"' for n in (name, f"{name}n"))
    lix.execute(f"INSERT INTO odd(id, {column}, {number}) VALUES ('a', 'v', 1), ('b', 'w', 2)")
    lix.execute(f"UPDATE odd SET {column} = 'u' WHERE {column} = 'v' AND {number} = 1")
    assert lix.rows(f"SELECT id, {column} FROM odd ORDER BY {number} DESC") == [
        ("b", "w"),
        ("a", "u"),
    ]
    assert lix.column(f"SELECT id FROM odd_by_version WHERE {column} > 'u'") == ["b"]
    lix.execute(f"DELETE FROM odd WHERE {column} IN ('u', 'x')")
    assert lix.column("SELECT id FROM odd") == ["b"]


@pytest.mark.parametrize("name", ["select", "a b", 'quo"te', "bra{ce}", "日本語", "~/"])
def test_names_of_keys(lix: Session, name: str) -> None:
    pointer = "/" + name.replace("~", "~0").replace("/", "~1")
    lix.store_schema(schema("odd", {name: TEXT, "v": TEXT}, primary_key=[pointer], unique=[["/v"]]))
    column = '"' + name.replace('"', '""') + '"'
    lix.execute(f"INSERT INTO odd({column}, v) VALUES ('k', '1')")
    assert lix.value(f"SELECT v FROM odd WHERE {column} = 'k'") == "1"
    lix.execute(
        f"INSERT INTO odd({column}, v) VALUES ('k', '2') ON CONFLICT({column}) DO UPDATE SET v = 3 || ''"
    )
    assert lix.value("SELECT v FROM odd") == "3"


class TestConflictsWithWhatIsStored:
    """ON CONFLICT compares what a row will hold, not how the statement spells it."""

    @pytest.fixture(autouse=True)
    def table(self, lix: Session) -> None:
        kinds = {
            "flag": {"type": "boolean"},
            "list": {"type": "array"},
            "size{}": {"type": "number"},
            "kind": {"type": "string", "default": "usual"},
            "more": {"type": "array", "default": [1]},
            "v": {"type": "integer", "x-lix-default": "7"},
        }
        lix.store_schema(
            schema(
                "odd",
                kinds,
                primary_key=["/flag", "/list", "/size{}"],
                unique=[["/kind", "/flag"]],
            )
        )
        lix.execute("INSERT INTO odd(flag, list, \"size{}\", v) VALUES (true, '[1]', 2, 1)")

    @pytest.mark.parametrize(
        "row", ["true, '[1]', 2", "'true', '[ 1 ]', 2.0", "lix_json('true'), jsonb('[1]'), '2'"]
    )
    def test_of_a_key(self, lix: Session, row: str) -> None:
        into = f'INSERT INTO odd(flag, list, "size{{}}", v) VALUES ({row}, 5)'
        assert lix.execute(f"{into} ON CONFLICT DO NOTHING").changes == 0
        target = 'ON CONFLICT(flag, list, "size{}")'
        found = lix.rows(f"{into} {target} DO UPDATE SET v = excluded.v RETURNING v, kind")
        assert found == [(5, "usual")]

    def test_of_defaults(self, lix: Session) -> None:
        into = "INSERT INTO odd(flag, list, \"size{}\") VALUES ('true', '[]', 9)"
        assert lix.execute(f"{into} ON CONFLICT DO NOTHING").changes == 0
        lix.execute(
            f"{into} ON CONFLICT(kind, flag) DO UPDATE SET v = excluded.v, more = excluded.more"
        )
        assert lix.rows("SELECT flag, list, v, more FROM odd") == [(1, "[1]", 7, "[1]")]

    def test_that_nothing_is_in_the_way(self, lix: Session) -> None:
        into = 'INSERT INTO odd(flag, list, "size{}", kind) VALUES'
        lix.execute(
            f"{into} ('false', '[1]', 2, NULL), (true, '[1]', 3, 'x') ON CONFLICT DO NOTHING"
        )
        assert lix.value("SELECT count(*) FROM odd") == 3
        with pytest.raises(SchemaValidationError):
            lix.execute(f"{into} ('maybe', '[1]', 2, 'y') ON CONFLICT DO NOTHING")

    def test_of_a_key_inside_of_properties(self, lix: Session) -> None:
        part = {"type": "object", "properties": {"x": TEXT, "y?": {"type": "number"}}}
        nested = schema(
            "nested", {"at": part, "b": part, "v": TEXT}, primary_key=["/at/x", "/at/y?", "/b/x"]
        )
        lix.store_schema(nested)
        into = "INSERT INTO nested(at, b, v) VALUES"
        row = """('{"x":"~","y?":1}', '{"x":"b"}', 'one')"""
        again = """('{"y?":1.0, "x":"~"}', jsonb('{"x":"b"}'), 'two')"""
        assert lix.execute(f"{into} {row}").changes == 1
        assert lix.execute(f"{into} {again} ON CONFLICT DO NOTHING").changes == 0
        assert lix.rows(
            f"{into} {again} ON CONFLICT(lixcol_entity_id) DO UPDATE SET v = excluded.v"
            " RETURNING v, lixcol_entity_id"
        ) == [("two", "\\~~1~b")]
        lix.execute(f"{into} {row.replace('1', '2')} ON CONFLICT DO NOTHING")
        assert lix.column("SELECT v FROM nested ORDER BY v") == ["one", "two"]
        with pytest.raises(LixError, match="missing primary-key field"):
            lix.execute(f"{into} ('{{}}', NULL, 'three') ON CONFLICT DO NOTHING")
