"""Observed queries: which events come, and that nothing is missed or told twice."""

from __future__ import annotations

import asyncio
import gc
import threading

import apsw
import pytest

import lix_vtab
from lix_vtab.errors import ClosedError, InvalidValueError, TableNotFound, UnsupportedSql
from tests.effects.conftest import put
from tests.effects.test_journal import elsewhere, insert

Q = "SELECT entity_id FROM lix_state WHERE schema_key = 'lix_key_value' AND entity_id = ?1"
ALL = "SELECT entity_id FROM lix_state WHERE schema_key = 'lix_key_value' ORDER BY entity_id"


def changes(observation):
    """Return the rows of all events that are there now."""
    found = []
    while (event := observation.try_next()) is not None:
        found.append(event.rows)
    return found


# -- the catalogue


def test_first_and_following_events(lix):
    events = lix.observe(Q, ["observe-key"])
    first = events.next()
    assert (first.sequence, first.rows, first.commit_sequence) == (0, [], None)
    assert first.columns == ("entity_id",)
    put(lix, "observe-key")
    second = events.next(timeout=10)
    assert (second.sequence, second.rows) == (1, [("observe-key",)])
    assert second.commit_sequence is not None
    events.close()
    assert events.next() is None


def test_two_observers_of_one_query(lix):
    both = [lix.observe(Q, ["observe-multi"]) for _ in range(2)]
    assert [events.next().rows for events in both] == [[], []]
    put(lix, "observe-multi")
    found = [events.next(timeout=10) for events in both]
    assert [(event.sequence, event.rows) for event in found] == [(1, [("observe-multi",)])] * 2


def test_an_unrelated_commit_is_no_event(lix):
    events = lix.observe(Q, ["target"])
    events.next()
    put(lix, "unrelated")
    assert events.try_next() is None
    put(lix, "target")
    assert events.next(timeout=10).sequence == 1


def test_equal_results_are_no_event(lix):
    put(lix, "observe-dedup")
    events = lix.observe(ALL)
    assert len(events.next().rows) == 1
    lix.execute("UPDATE lix_key_value SET value = 'other' WHERE key = 'observe-dedup'")
    assert events.try_next() is None
    put(lix, "observe-dedup-2")
    event = events.next(timeout=10)
    assert (event.sequence, event.rows) == (1, [("observe-dedup",), ("observe-dedup-2",)])


def test_events_come_in_the_order_of_commits(lix):
    events = lix.observe(ALL)
    events.next()
    put(lix, "a")
    first = events.next(timeout=10)
    put(lix, "b")
    second = events.next(timeout=10)
    assert [(e.sequence, len(e.rows)) for e in (first, second)] == [(1, 1), (2, 2)]
    assert second.commit_sequence > first.commit_sequence


@pytest.mark.parametrize(
    "sql",
    ["UPDATE lix_key_value SET value = 1", "SELECT 1; DELETE FROM lix_key_value", "BEGIN",
     "CREATE TABLE t(a)", "PRAGMA user_version", "EXPLAIN SELECT 1",
     "WITH x AS (SELECT 1) INSERT INTO lix_key_value (key) SELECT 'a' FROM x"],
)  # fmt: skip
def test_only_queries(lix, sql):
    with pytest.raises(UnsupportedSql, match="observe requires one or more SELECT statements"):
        lix.observe(sql)


def test_functions_that_write_are_no_queries(lix):
    events = lix.observe("SELECT lix_create_version('x')")
    with pytest.raises(UnsupportedSql, match="lix_create_version"):
        events.next()
    assert lix.execute("SELECT count(*) FROM lix_version").rows == [(2,)]


def test_parameters_are_checked_at_the_call(lix):
    with pytest.raises(InvalidValueError, match="references parameter 1 but only 0"):
        lix.observe(Q)
    assert lix.observe("SELECT :a + 1", {"a": 1}).next().rows == [(2,)]


def test_values_with_and_several_statements(lix):
    assert lix.observe("VALUES (1), (2)").next().rows == [(1,), (2,)]
    assert lix.observe("WITH x(a) AS (VALUES (7)) SELECT a FROM x").next().rows == [(7,)]
    events = lix.observe("SELECT 1; SELECT key FROM lix_key_value")
    assert events.next().rows == []
    put(lix, "a")
    assert events.next(timeout=10).rows == [("a",)]


def test_by_version_tables(lix):
    events = lix.observe("SELECT key FROM lix_key_value_by_version WHERE key = ?1", ["k"])
    assert events.next().rows == []
    put(lix, "k")
    event = events.next(timeout=10)
    assert (event.sequence, set(event.rows)) == (1, {("k",)})


def test_a_pending_next_is_woken(lix):
    events = lix.observe(Q, ["k"])
    events.next()
    got = []
    waiting = threading.Thread(target=lambda: got.append(events.next(timeout=30)))
    waiting.start()
    put(lix, "k")
    waiting.join(10)
    assert [event.rows for event in got] == [[("k",)]]


def test_close_ends_a_pending_next(lix):
    events = lix.observe(Q, ["k"])
    events.next()
    got = ["nothing"]
    waiting = threading.Thread(target=lambda: got.append(events.next()))
    waiting.start()
    events.close()
    waiting.join(10)
    assert got == ["nothing", None]


def test_a_user_table_that_goes_and_comes_back(lix):
    lix.execute("CREATE TABLE mine (a)")
    events = lix.observe("SELECT a FROM mine")
    assert events.next().rows == []
    lix.execute("DROP TABLE mine")
    put(lix, "trigger")
    with pytest.raises(TableNotFound, match="no such table: mine"):
        events.next(timeout=10)
    assert events.try_next() is None
    lix.execute("CREATE TABLE mine (a)")
    lix.execute("INSERT INTO mine VALUES (5)")
    put(lix, "trigger 2")
    event = events.next(timeout=10)
    assert (event.sequence, event.rows) == (1, [(5,)])


def test_an_unknown_table_fails_the_first_next_only(lix):
    events = lix.observe("SELECT * FROM later")
    with pytest.raises(TableNotFound):
        events.next()
    assert events.try_next() is None
    lix.execute("CREATE TABLE later (a); INSERT INTO later VALUES (1)")
    assert events.next(timeout=10).rows == [(1,)]


# -- what a result can depend on


def test_switching_the_active_version(lix):
    put(lix, "inherited")
    draft = lix.create_version("draft")
    lix.execute(insert("in main"))
    events = lix.observe("SELECT key FROM lix_key_value ORDER BY key")
    assert events.next().rows == [("in main",), ("inherited",)]
    lix.switch_version(draft)
    assert events.next(timeout=10).rows == [("inherited",)]
    lix.execute(insert("in draft"))
    assert events.next(timeout=10).rows == [("in draft",), ("inherited",)]
    lix.switch_version("main")
    assert events.next(timeout=10).rows == [("in main",), ("inherited",)]


def test_pinning_a_version(lix):
    draft = lix.create_version("draft")
    lix.execute(insert("in main"))
    events = lix.observe("SELECT count(*), lix_active_version_id() FROM lix_key_value")
    assert events.next().rows[0][0] == 1
    lix.switch_version(draft, session=True)
    assert events.next(timeout=10).rows == [(0, draft.id)]


def test_a_query_of_the_active_version_only(lix):
    draft = lix.create_version("draft")
    asked = [
        lix.observe("SELECT version_id FROM lix_active_version"),
        lix.observe("SELECT lix_active_version_id()"),
    ]
    for events in asked:
        events.next()
    lix.switch_version(draft)
    assert [events.next(timeout=10).rows for events in asked] == [[(draft.id,)]] * 2
    lix.switch_version("global", session=True)
    assert [events.next(timeout=10).rows for events in asked] == [[("global",)]] * 2


def test_pinning_concerns_what_looks_at_history(lix):
    lix.execute(insert("in main"))
    draft = lix.create_version("draft")
    tables = ("lix_state_history", "lix_diff('HEAD~1', 'HEAD')", "lix_working_changes", "lix_log")
    for table in tables:
        query = f"SELECT * FROM {table}"
        events = lix.observe(query)
        told = [events.next().rows]
        for version in ("global", draft, "main"):
            lix.switch_version(version, session=True)
            event = events.try_next()
            told.append(told[-1] if event is None else event.rows)
            assert told[-1] == lix.execute(query).rows
        assert told[1] != told[0] == told[3]


def test_inherited_changes(lix):
    child = lix.create_version("child", inherits_from="main")
    grandchild = lix.create_version("grandchild", inherits_from=child)
    lix.switch_version(grandchild)
    events = lix.observe("SELECT value FROM lix_key_value WHERE key = 'k'")
    assert events.next().rows == []
    put(lix, "k", "global")
    assert events.next(timeout=10).rows == [("global",)]
    put(lix, "k", "child", version=child.id)
    assert events.next(timeout=10).rows == [("child",)]
    put(lix, "k", "other global")
    assert events.try_next() is None
    lix.execute("DELETE FROM lix_key_value_by_version WHERE lixcol_version_id = ?", (child.id,))
    assert events.next(timeout=10).rows == []


def test_a_version_that_changes_its_parent(lix):
    other = lix.create_version("other")
    put(lix, "k", "other's", version=other.id)
    events = lix.observe("SELECT key FROM lix_key_value")
    assert events.next().rows == []
    lix.execute(
        "UPDATE lix_version SET inherits_from_version_id = ? WHERE name = 'main'", (other.id,)
    )
    assert events.next(timeout=10).rows == [("k",)]


def test_a_version_that_is_pointed_elsewhere(lix):
    lix.execute(insert("old"))
    old = lix.active_version
    lix.execute(insert("new"))
    events = lix.observe("SELECT key FROM lix_key_value ORDER BY key")
    assert events.next().rows == [("new",), ("old",)]
    lix.execute(
        "UPDATE lix_version SET commit_id = ?, working_commit_id = ? WHERE id = ?",
        (old.commit_id, old.working_commit_id, old.id),
    )
    assert events.next(timeout=10).rows == [("old",)]


def test_new_versions_show_in_by_version_tables(lix):
    lix.execute(insert("k"))
    events = lix.observe("SELECT count(*) FROM lix_key_value_by_version")
    assert events.next().rows == [(1,)]
    draft = lix.create_version("draft")
    assert events.next(timeout=10).rows == [(2,)]
    lix.delete_version(draft)
    assert events.next(timeout=10).rows == [(1,)]


def test_creating_a_version_runs_nothing_that_it_cannot_change(lix):
    events = lix.observe("SELECT key FROM lix_key_value")
    events.next()
    runs = count_runs(lix)
    lix.create_version("draft")
    assert events.try_next() is None
    assert runs() == 0


def test_commits_and_history(lix):
    asked = [
        lix.observe("SELECT count(*) FROM lix_commit"),
        lix.observe("SELECT count(*) FROM lix_change"),
        lix.observe("SELECT commit_id FROM lix_version WHERE name = 'main'"),
        lix.observe("SELECT count(*) FROM lix_change_set_element"),
    ]
    before = [events.next().rows for events in asked]
    lix.execute(insert("k"))
    after = [events.next(timeout=10).rows for events in asked]
    assert all(old != new for old, new in zip(before, after, strict=True))


def test_labels_of_checkpoints(lix):
    lix.execute(insert("k"))
    asked = "SELECT name FROM lix_entity_label JOIN lix_label ON lix_label.id = label_id"
    events = lix.observe(asked)
    assert events.next().rows == []
    lix.create_checkpoint()
    assert events.next(timeout=10).rows == [("checkpoint",)]


def test_files(lix):
    lix.write_file("/docs/a.json", b'{"x": 1}')
    lix.write_file("/b.txt", b"b")
    asked = {
        name: lix.observe(sql)
        for name, sql in {
            "data": "SELECT data FROM lix_file WHERE path = '/docs/a.json'",
            "paths": "SELECT path FROM lix_file ORDER BY path",
            "leaf": "SELECT snapshot_content FROM lix_state WHERE plugin_key = 'plugin_json'",
            "directories": "SELECT path FROM lix_directory",
        }.items()
    }

    def changed():
        return {name for name, events in asked.items() if changes(events)}

    assert changed() == set(asked)
    lix.write_file("/docs/a.json", b'{"x": 2}')
    assert changed() == {"data", "leaf"}
    lix.execute("UPDATE lix_directory SET name = 'papers' WHERE path = '/docs/'")
    assert changed() == {"data", "paths", "directories"}
    lix.write_file("/b.txt", b"c")
    assert changed() == set()
    lix.execute("DELETE FROM lix_file WHERE path = '/papers/a.json'")
    assert changed() == {"paths", "leaf"}


def test_entities_change_the_bytes_of_their_file(lix):
    lix.write_file("/a.json", b'{"x": 1}')
    events = lix.observe("SELECT data FROM lix_file WHERE path = '/a.json'")
    assert events.next().rows == [(b'{"x": 1}',)]
    ((id, content),) = lix.execute(
        "SELECT entity_id, snapshot_content FROM lix_state WHERE plugin_key = 'plugin_json'"
        " AND snapshot_content LIKE '%1%' AND entity_id LIKE '%x%'"
    ).rows
    lix.execute(
        "UPDATE lix_state SET snapshot_content = ? WHERE entity_id = ?",
        (content.replace("1", "2"), id),
    )
    assert events.next(timeout=10).rows == [(b'{"x": 2}',)]


def test_joins_and_subqueries(lix):
    for key in ("a", "b"):
        lix.execute(insert(key))
    lix.execute(insert("chosen", 0))
    joined = lix.observe(
        "SELECT s.entity_id FROM lix_key_value c JOIN lix_state s"
        " ON s.entity_id = c.value AND s.schema_key = 'lix_key_value' WHERE c.key = 'chosen'"
    )
    nested = lix.observe(
        "SELECT value FROM lix_key_value WHERE key ="
        " (SELECT value FROM lix_key_value WHERE key = 'chosen')"
    )
    assert joined.next().rows == nested.next().rows == []
    lix.execute("UPDATE lix_key_value SET value = 'a' WHERE key = 'chosen'")
    assert joined.next(timeout=10).rows == [("a",)]
    assert nested.next(timeout=10).rows == [(1,)]
    lix.execute("UPDATE lix_key_value SET value = 2 WHERE key = 'a'")
    assert nested.next(timeout=10).rows == [(2,)]
    assert joined.try_next() is None
    runs = count_runs(lix)
    lix.execute("UPDATE lix_key_value SET value = 3 WHERE key = 'b'")
    assert (joined.try_next(), nested.try_next(), runs()) == (None, None, 0)
    lix.execute("DELETE FROM lix_key_value WHERE key = 'a'")
    assert joined.next(timeout=10).rows == nested.next(timeout=10).rows == []


def test_views_and_their_definition(lix):
    lix.execute("CREATE TEMP VIEW keys AS SELECT key FROM lix_key_value")
    lix.execute("CREATE VIEW constant AS SELECT 1 AS a")
    keys, constant = lix.observe("SELECT * FROM keys"), lix.observe("SELECT * FROM constant")
    assert (keys.next().rows, constant.next().rows) == ([], [(1,)])
    lix.execute(insert("k"))
    assert keys.next(timeout=10).rows == [("k",)]
    lix.execute("DROP VIEW constant; CREATE VIEW constant AS SELECT 2 AS a")
    assert constant.next(timeout=10).rows == [(2,)]


def test_user_tables_of_every_kind(lix, tmp_path):
    lix.execute("CREATE TABLE plain (a)")
    lix.execute("CREATE TABLE keyed (a PRIMARY KEY) WITHOUT ROWID")
    lix.execute("CREATE TEMP TABLE passing (a)")
    lix.execute("CREATE VIRTUAL TABLE words USING fts5(a)")
    lix.execute("ATTACH ? AS beside", (str(tmp_path / "beside.db"),))
    lix.execute("CREATE TABLE beside.there (a)")
    for table in ("plain", "keyed", "temp.passing", "words", "beside.there"):
        events = lix.observe(f"SELECT count(*) FROM {table}")
        assert events.next().rows == [(0,)], table
        lix.execute(f"INSERT INTO {table} VALUES ('x')")
        assert events.next(timeout=10).rows == [(1,)], table
        lix.execute(f"DELETE FROM {table}")
        assert events.next(timeout=10).rows == [(0,)], table


def test_a_lix_in_an_attached_database(lix, tmp_path):
    path = str(tmp_path / "beside.lix")
    with lix_vtab.open(path) as beside:
        lix.execute("ATTACH ? AS beside", (path,))
        counted = lix.observe("SELECT count(*) FROM beside.lix_key_value WHERE key = 'k'")
        joined = lix.observe(
            "SELECT a.value FROM lix_key_value a JOIN beside.lix_key_value USING (key)"
            " WHERE key = 'k'"
        )
        lix.execute(insert("k"))
        assert (counted.next().rows, joined.next().rows) == ([(0,)], [])
        lix.execute("INSERT INTO beside.lix_key_value (key, value) VALUES ('k', 1)")
        assert counted.next(timeout=10).rows == [(1,)]
        assert joined.next(timeout=10).rows == [(1,)]
        beside.execute("DELETE FROM lix_key_value WHERE key = 'k'")
        assert counted.next(timeout=10).rows == [(0,)]
        assert joined.next(timeout=10).rows == []
        lix.execute("UPDATE lix_key_value SET value = 2 WHERE key = 'k'")
        assert (counted.try_next(), joined.try_next()) == (None, None)


def test_a_join_with_a_user_table(lix):
    lix.execute("CREATE TABLE favourite (key)")
    events = lix.observe("SELECT value FROM favourite JOIN lix_key_value USING (key)")
    assert events.next().rows == []
    lix.execute(insert("a"))
    assert events.try_next() is None
    lix.execute("INSERT INTO favourite VALUES ('a')")
    assert events.next(timeout=10).rows == [(1,)]
    lix.execute("UPDATE lix_key_value SET value = 2")
    assert events.next(timeout=10).rows == [(2,)]


def test_untracked_rows(lix):
    events = lix.observe("SELECT value FROM lix_key_value WHERE key = 'k'")
    events.next()
    put(lix, "k", 1)
    put(lix, "k", 2, untracked=True)
    assert events.next(timeout=10).rows == [(2,)]
    lix.execute("DELETE FROM lix_key_value_by_version WHERE lixcol_version_id = 'global'")
    assert events.next(timeout=10).rows == [(1,)]


def test_tables_of_a_schema_with_a_composite_key(lix):
    lix.register_schema({
        "x-lix-key": "cell", "x-lix-version": "1", "x-lix-primary-key": ["/row", "/column"],
        "type": "object", "additionalProperties": False,
        "properties": {"row": {"type": "integer"}, "column": {"type": "string"},
                       "text": {"type": "string"}},
        "required": ["row", "column"],
    })  # fmt: skip
    one = lix.observe("SELECT text FROM cell WHERE row = 1 AND column = 'A'")
    whole = lix.observe("SELECT count(*) FROM cell WHERE row = 1")
    assert (one.next().rows, whole.next().rows) == ([], [(0,)])
    lix.execute("INSERT INTO cell (row, column, text) VALUES (1, 'A', 'x')")
    assert (one.next(timeout=10).rows, whole.next(timeout=10).rows) == ([("x",)], [(1,)])
    runs = count_runs(lix)
    lix.execute("INSERT INTO cell (row, column, text) VALUES (2, 'A', 'x')")
    assert one.try_next() is None
    assert runs() == 0


def test_a_schema_stored_later(lix):
    events = lix.observe("SELECT count(*) FROM task")
    with pytest.raises(TableNotFound):
        events.next()
    lix.register_schema({
        "x-lix-key": "task", "x-lix-version": "1", "x-lix-primary-key": ["/id"], "type": "object",
        "properties": {"id": {"type": "string"}}, "required": ["id"],
        "additionalProperties": False,
    })  # fmt: skip
    assert events.next(timeout=10).rows == [(0,)]
    lix.execute("INSERT INTO task (id) VALUES ('a')")
    assert events.next(timeout=10).rows == [(1,)]


def test_types_are_part_of_a_result(lix):
    lix.execute("CREATE TABLE t (a)")
    lix.execute("INSERT INTO t VALUES (1)")
    events = lix.observe("SELECT a FROM t")
    events.next()
    lix.execute("UPDATE t SET a = 1.0")
    (value,) = events.next(timeout=10).rows[0]
    assert type(value) is float


# -- transactions, other connections, life


def test_nothing_uncommitted_is_told(lix):
    events = lix.observe(ALL)
    events.next()
    with lix.transaction() as transaction:
        put(transaction, "a")
        assert events.try_next() is None
        assert events.next(timeout=0.01) is None
        put(transaction, "b")
    assert changes(events) == [[("a",), ("b",)]]
    with pytest.raises(RuntimeError), lix.transaction() as transaction:
        put(transaction, "c")
        raise RuntimeError
    assert changes(events) == []


def test_another_process(open_file, tmp_path):
    lix = open_file()
    keys = lix.observe("SELECT key FROM lix_key_value")
    one = lix.observe("SELECT key FROM lix_key_value WHERE key = 'b'")
    active = lix.observe(
        "SELECT name FROM lix_version v JOIN lix_active_version a ON a.version_id = v.id"
    )
    assert (keys.next().rows, one.next().rows, active.next().rows) == ([], [], [("main",)])
    elsewhere(tmp_path / "app.lix", insert("a"))
    assert keys.next(timeout=10).rows == [("a",)]
    runs = count_runs(lix)
    elsewhere(tmp_path / "app.lix", "UPDATE lix_key_value SET value = 2")
    assert (one.try_next(), active.try_next()) == (None, None)
    assert runs() == 0
    elsewhere(
        tmp_path / "app.lix",
        "INSERT INTO lix_key_value (key, value, lixcol_untracked) VALUES ('b', 1, 1)",
    )
    assert one.next(timeout=10).rows == [("b",)]
    elsewhere(
        tmp_path / "app.lix",
        "SELECT lix_create_version('draft')",
        "SELECT lix_switch_version('draft')",
    )
    assert active.next(timeout=10).rows == [("draft",)]
    elsewhere(tmp_path / "app.lix", insert("in draft"))
    assert ("in draft",) in keys.next(timeout=10).rows


def test_own_and_foreign_commits_in_turns(open_file, tmp_path):
    lix, other = open_file(), open_file()
    events = lix.observe(ALL)
    events.next()
    for number in range(5):
        put(lix, f"own {number}")
        put(other, f"other {number}")
        put(lix, f"more {number}")
        assert len(changes(events)[-1]) == 3 * (number + 1)


def test_an_observation_nobody_holds_is_forgotten(lix):
    exchange = lix._loaded.capture.exchange
    events = lix.observe(ALL)
    events.next()
    assert exchange.listening
    del events
    gc.collect()
    put(lix, "a")
    assert not exchange.listening


def test_iteration(lix):
    with lix.observe(ALL) as events:
        iterator = iter(events)
        assert next(iterator).rows == []
        put(lix, "a")
        assert next(iterator).rows == [("a",)]
    assert list(iterator) == []


def test_async_iteration(lix):
    async def main():
        got = []
        events = lix.observe(ALL)

        async def write():
            while len(got) < 1:
                await asyncio.sleep(0)
            put(lix, "a")
            while len(got) < 2:
                await asyncio.sleep(0)
            events.close()

        writing = asyncio.create_task(write())
        async for event in events:
            got.append(event.rows)
        await writing
        return got

    assert asyncio.run(main()) == [[], [("a",)]]


def test_closing_the_lix_closes_its_observations(lix):
    events = lix.observe(ALL)
    events.next()
    lix.close()
    assert events.next() is None
    with pytest.raises(ClosedError, match=r"observe\(\) is unavailable"):
        lix.observe(ALL)


def test_internal_tables_stay_out_of_reach(tmp_path):
    import lix_vtab

    with lix_vtab.open() as lix:
        events = lix.observe("SELECT * FROM lix_internal_change")
        with pytest.raises(apsw.AuthError, match="not allowed"):
            events.next()


def count_runs(lix):
    """Return a function that says how often observed queries ran since."""
    queries = lix._hub._observers.queries
    executor = queries._executor
    before = executor.execute
    count = 0

    def counted(*args):
        nonlocal count
        count += 1
        return before(*args)

    def result():
        executor.execute = before
        return count - own

    own = 0
    original = lix.execute

    def executing(*args, **options):
        nonlocal own
        own += 1
        return original(*args, **options)

    executor.execute, lix.execute = counted, executing
    return result
