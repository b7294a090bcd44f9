"""The cases users rely on, one by one: transactions, execute, a new database, commits, effects."""

from __future__ import annotations

import json
import threading

import apsw
import pytest

import lix_vtab
from lix_vtab import LixError
from lix_vtab.errors import NotInitializedError

RAW = (
    "INSERT INTO lix_internal_state_vtable (entity_id, schema_key, file_id, version_id, "
    "plugin_key, snapshot_content, schema_version) VALUES (?, ?, ?, ?, 'lix', ?, '1')"
)
SEQUENCE = "SELECT value FROM lix_key_value WHERE key = 'lix_deterministic_sequence_number'"
DETERMINISTIC = {
    "key": "lix_deterministic_mode",
    "value": {"enabled": True},
    "lixcol_version_id": "global",
}
VT = "SELECT snapshot_content FROM lix_internal_state_vtable WHERE "
NEW_FILE = "INSERT INTO lix_file (id, path, data) VALUES (?, ?, ?)"


@pytest.fixture
def engine():
    with lix_vtab.open(internal=True) as lix:
        yield lix


@pytest.fixture
def repeatable():
    """Return a lix in deterministic mode."""
    with lix_vtab.open(internal=True, key_values=[DETERMINISTIC]) as lix:
        yield lix


def put(lix, key, value="v", **options):
    content = json.dumps({"key": key, "value": value})
    lix.execute(RAW, (key, "lix_key_value", "lix", "global", content), **options)


def schema(key):
    return {
        "x-lix-key": key,
        "x-lix-version": "1",
        "type": "object",
        "properties": {"name": {"type": "string"}},
        "required": ["name"],
        "additionalProperties": False,
    }


# -- transactions and scripts


def test_a_schema_counts_in_its_own_transaction(engine):
    wanted = "snapshot_content does not match schema 'tx_validation_schema' \\(1\\)"
    with pytest.raises(LixError, match=wanted), engine.transaction() as transaction:
        transaction.execute(
            "INSERT INTO lix_internal_state_vtable (schema_key, snapshot_content) "
            "VALUES ('lix_stored_schema', ?)",
            (json.dumps({"value": schema("tx_validation_schema")}),),
        )
        row = ("entity-1", "tx_validation_schema", "file-1", "version-1", '{"missing":"field"}')
        transaction.execute(RAW, row)
    stored = "SELECT 1 FROM lix_stored_schema WHERE value ->> 'x-lix-key' = 'tx_validation_schema'"
    assert engine.execute(stored).rows == []


def test_numbers_drawn_in_a_transaction_are_kept_by_each_statement(repeatable):
    def last():
        rows = repeatable.execute(SEQUENCE).rows
        return rows[0][0] if rows else -1

    before = last()
    with repeatable.transaction() as transaction:
        first = transaction.execute("SELECT lix_uuid_v7()").rows[0][0]
        assert last() == before + 1
        second = transaction.execute("SELECT lix_uuid_v7(), lix_timestamp()").rows[0][0]
        assert last() == before + 3
        assert first != second
    assert last() == before + 3
    with pytest.raises(LookupError), repeatable.transaction() as transaction:
        drawn = transaction.execute("SELECT lix_uuid_v7()").rows
        raise LookupError
    assert last() == before + 3
    assert repeatable.execute("SELECT lix_uuid_v7()").rows == drawn


def test_a_query_may_follow_an_update_in_one_text(repeatable):
    key = "tx-sequential-fallback"
    repeatable.execute(NEW_FILE, (key, f"/{key}.json", "before"))
    with repeatable.transaction() as transaction:
        text = f"UPDATE lix_file SET data = 'after' WHERE id = '{key}'; SELECT 1"
        assert transaction.execute(text).rows == [(1,)]
    data = repeatable.execute("SELECT data FROM lix_file WHERE id = ?", (key,)).rows
    assert data == [(b"after",)]


def test_a_script_writes_a_file(repeatable):
    repeatable.execute(
        "BEGIN; INSERT INTO lix_file (id, path, data) "
        "VALUES ('tx-script-preprocess', '/tx-script-preprocess.json', 'before'); COMMIT;"
    )
    assert repeatable.execute("SELECT data FROM lix_file").rows == [(b"before",)]


@pytest.mark.parametrize("script", ["BEGIN; {}; COMMIT", "{}"])
def test_a_script_that_fails_leaves_nothing(repeatable, script):
    inner = "INSERT INTO lix_file (id, path) VALUES ('f', '/f.md'); SELECT lix_uuid_v7(); {}"
    number = repeatable.execute(SEQUENCE).rows
    for failing in ("SELECT * FROM nowhere", "INSERT INTO lix_file (path) VALUES ('f')"):
        with pytest.raises(LixError):
            repeatable.execute(script.format(inner.format(failing)))
        assert not repeatable.connection.in_transaction
        assert repeatable.execute("SELECT * FROM lix_file").rows == []
        assert repeatable.execute(SEQUENCE).rows == number


def test_many_large_parameters(repeatable):
    blobs = [bytes([number]) * 500_000 for number in range(20)]
    assert repeatable.execute("SELECT ?;" * 20, blobs).rows == [(blobs[-1],)]


def test_a_script_changes_files_by_parameters(repeatable):
    repeatable.execute(NEW_FILE, ("tx-script-param-update", "/before.md", "before"))
    repeatable.execute(
        "BEGIN; DELETE FROM lix_file WHERE id IN (?); "
        "INSERT INTO lix_file (id, path, data) VALUES (?, ?, ?); "
        "UPDATE lix_file SET path = ?, data = ? WHERE id = ?; COMMIT;",
        (
            "tx-script-delete-miss", "tx-script-insert", "/inserted.md", b"inserted",
            "/after.md", b"after", "tx-script-param-update",
        ),
    )  # fmt: skip
    assert repeatable.execute("SELECT id, path, data FROM lix_file ORDER BY id").rows == [
        ("tx-script-insert", "/inserted.md", b"inserted"),
        ("tx-script-param-update", "/after.md", b"after"),
    ]


_READERS = (
    "SELECT data FROM lix_file",
    "SELECT data FROM lix_file_by_version WHERE lixcol_inherited_from_version_id IS NOT NULL",
    "SELECT (SELECT data FROM lix_file)",
    "SELECT f.data FROM lix_key_value k RIGHT JOIN lix_file f ON k.key = f.id",
    "WITH files AS (SELECT * FROM lix_file) SELECT data FROM files",
    "SELECT data FROM lix_file_at('HEAD')",
    "SELECT data FROM lix_file_history WHERE lixcol_depth = 0",
    "SELECT lix_read_file('/a.json')",
    "SELECT CAST('{\"x\":2}' AS BLOB) WHERE EXISTS"
    " (SELECT 1 FROM lix_file WHERE data = CAST('{\"x\":2}' AS BLOB))",
)


@pytest.mark.parametrize("reader", _READERS)
@pytest.mark.parametrize("together", [True, False])
def test_whatever_reads_a_file_sees_what_its_entities_were_changed_to(reader, together):
    change = (
        "UPDATE lix_state SET snapshot_content = json_set(snapshot_content, '$.value', 2)"
        " WHERE file_id = 'f' AND entity_id = '/x'"
    )
    with lix_vtab.open() as lix:
        lix.execute("CREATE TABLE copy (data)")
        lix.create_version("heir", inherits_from="main")
        lix.execute("INSERT INTO lix_file (id, path, data) VALUES ('f', '/a.json', '{\"x\":1}')")
        if together:
            lix.execute(f"{change}; INSERT INTO copy {reader}")
        else:
            with lix.transaction() as transaction:
                transaction.execute(change)
                transaction.execute(f"INSERT INTO copy {reader}")
        assert lix.execute("SELECT data FROM copy").rows == [(b'{"x":2}',)]


def test_placeholders_count_across_statements(repeatable):
    script = "BEGIN; SELECT ?; SELECT ?3; SELECT $2, ?; COMMIT;"
    assert repeatable.execute(script, [11, 22, 33, 44]).rows == [(22, 44)]
    with repeatable.transaction() as transaction:
        inner = "SELECT ?; SELECT ?3; SELECT $2, ?"
        assert transaction.execute(inner, [11, 22, 33, 44]).rows == [(22, 44)]
    both = "INSERT INTO lix_key_value (key, value) VALUES (?, ?);" * 2
    repeatable.execute(f"BEGIN; {both} COMMIT;", ("a", 1, "b", 2))
    rows = repeatable.execute("SELECT key, value FROM lix_key_value WHERE key IN ('a', 'b')").rows
    assert rows == [("a", 1), ("b", 2)]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_any_exception_rolls_back_and_goes_on(repeatable, error):
    with pytest.raises(error), repeatable.transaction() as transaction:
        transaction.execute(NEW_FILE, ("tx-panic-rollback", "/x.md", b""))
        raise error
    assert repeatable.execute("SELECT * FROM lix_file").rows == []


@pytest.mark.parametrize("inner", ["BEGIN", "COMMIT", "ROLLBACK", "ROLLBACK TO x"])
def test_transactions_do_not_nest_in_a_script(engine, inner):
    wanted = "nested transaction statements are not supported inside BEGIN ... COMMIT scripts"
    with pytest.raises(LixError, match=wanted):
        engine.execute(f"BEGIN; SELECT 1; {inner}; SELECT 2; COMMIT")
    assert not engine.connection.in_transaction


def test_begin_without_commit_in_a_list(engine):
    with pytest.raises(LixError, match="cannot start a transaction within a transaction"):
        engine.execute("BEGIN; SELECT 1")
    assert not engine.connection.in_transaction


# -- execute


def test_select_needs_no_lix():
    connection = apsw.Connection(":memory:")
    with pytest.raises(NotInitializedError):
        lix_vtab.load(connection, init=False)
    assert connection.execute("SELECT 1 + 1").get == 2
    connection.close()
    with lix_vtab.open() as lix:
        assert lix.execute("SELECT 1 + 1").rows == [(2,)]


def test_explain_has_a_plan(engine):
    sql = "EXPLAIN SELECT COUNT(*) FROM lix_state WHERE file_id = 'missing' AND plugin_key = 'p'"
    assert len(engine.execute(sql)) >= 1


def test_the_guard_judges_names():
    with lix_vtab.open() as lix:
        for sql in ("SELECT * FROM lix_internal_change", "SELECT * FROM lix_internal_state_vtable"):
            with pytest.raises(LixError, match="lix_internal_\\* tables are not allowed"):
                lix.execute(sql)
        assert lix.execute("SELECT 'LIX_INTERNAL_x'").rows == [("LIX_INTERNAL_x",)]
        assert lix.execute("SELECT ?", ("lix_internal_x",)).rows == [("lix_internal_x",)]
        assert lix.create_checkpoint().id


def test_public_and_internal_execution_share_one_path(engine):
    with lix_vtab.open() as public:
        for sql in ("SELECT ?, ?1", "INSERT INTO lix_key_value (key, value) VALUES (?, ?2)"):
            results = [lix.execute(sql, ("a", "b")) for lix in (engine, public)]
            assert results[0].rows == results[1].rows
            assert results[0].columns == results[1].columns
            assert results[0].changes == results[1].changes


@pytest.mark.parametrize("sql", ["", " ", "-- nothing", ";"])
def test_a_text_without_statements(engine, sql):
    wanted = "sql planner produced an execution plan without statements"
    with pytest.raises(LixError, match=wanted):
        engine.execute(sql)


# -- a new database


def test_what_a_new_database_holds(engine):
    assert engine.execute(f"{VT} schema_key = 'lix_key_value' LIMIT 1").rows
    where = "entity_id = 'lix_key_value~1' AND schema_key = 'lix_stored_schema' "
    where += "AND file_id = 'lix' AND version_id = 'global'"
    ((text,),) = engine.execute(VT + where).rows
    stored = json.loads(text)["value"]
    assert (stored["x-lix-key"], stored["x-lix-version"]) == ("lix_key_value", "1")
    labels = engine.execute(f"{VT} schema_key = 'lix_label' AND version_id = 'global'").rows
    names = [json.loads(text)["name"] for (text,) in labels if text]
    assert names.count("checkpoint") == 1
    assert engine.execute("SELECT name FROM lix_version ORDER BY name").rows == [
        ("global",),
        ("main",),
    ]
    assert len(engine.execute("SELECT * FROM lix_active_version")) == 1
    assert engine.execute("SELECT * FROM lix_active_account").rows == []
    assert engine.execute(f"{VT} schema_key = 'lix_commit' AND version_id = 'global'").rows


def test_opening_again_changes_nothing(tmp_path):
    path = tmp_path / "app.lix"
    seen = []
    for _ in range(3):
        with lix_vtab.open(path) as lix:
            seen.append(
                [
                    lix.execute(sql).rows
                    for sql in (
                        "SELECT * FROM lix_version ORDER BY id",
                        "SELECT * FROM lix_label",
                        "SELECT * FROM lix_active_version",
                        "SELECT * FROM lix_change ORDER BY id",
                        "SELECT key FROM lix_key_value ORDER BY key",
                    )
                ]
            )
    assert seen[0] == seen[1] == seen[2]


def test_boot_values_are_written_each_time_and_untracked(tmp_path):
    path = tmp_path / "app.lix"
    for value in ({"enabled": True}, {"enabled": False}):
        entry = {"key": "boot", "value": value, "version_id": "global"}
        with lix_vtab.open(path, key_values=[entry]) as lix:
            rows = lix.execute(
                "SELECT value, lixcol_untracked FROM lix_key_value WHERE key = 'boot'"
            ).rows
            assert rows == [(json.dumps(value, separators=(",", ":")), 1)]
            lix.execute(
                "UPDATE lix_key_value_by_version SET value = 'changed' "
                "WHERE key = 'boot' AND lixcol_version_id = 'global'"
            )
            changed = lix.execute("SELECT value FROM lix_key_value WHERE key = 'boot'").rows
            assert changed == [("changed",)]


def test_a_boot_account_is_the_only_active_one(tmp_path):
    path = tmp_path / "app.lix"
    for account in ({"id": "a", "name": "Ada"}, {"id": "b", "name": "Bob"}):
        with lix_vtab.open(path, account=account) as lix:
            assert lix.execute("SELECT account_id FROM lix_active_account").rows == [
                (account["id"],)
            ]
    with lix_vtab.open(path) as lix:
        assert lix.execute("SELECT id, name FROM lix_account_by_version ORDER BY id").rows


# -- commits


def test_a_commit_names_its_changes_parents_and_authors():
    with lix_vtab.open(account={"id": "acct-1", "name": "One"}) as lix:
        before = lix.active_version.commit_id
        lix.execute("INSERT INTO lix_key_value (key, value) VALUES ('k', 1)", writer_key="w:test")
        commit = lix.active_version.commit_id
        ((change, meta, key),) = lix.execute(
            "SELECT s.change_id, c.metadata, s.writer_key FROM lix_state AS s "
            "JOIN lix_change AS c ON c.id = s.change_id WHERE s.entity_id = 'k'"
        ).rows
        assert (meta, key) == (None, "w:test")
        ((parents, changes, authors),) = lix.execute(
            "SELECT parent_commit_ids, change_ids, author_account_ids FROM lix_commit WHERE id = ?",
            (commit,),
        ).rows
        assert json.loads(parents) == [before]
        assert json.loads(changes) == [change]
        assert json.loads(authors) == ["acct-1"]
        assert lix.execute(
            "SELECT account_id FROM lix_change_author WHERE change_id = ?", (change,)
        ).rows == [("acct-1",)]


def test_two_versions_and_two_accounts_are_two_commits_and_four_authors(engine):
    for account in ("acct-1", "acct-2"):
        engine.execute("INSERT INTO lix_active_account (account_id) VALUES (?)", (account,))
    count = "SELECT count(*) FROM lix_commit"
    before = engine.execute(count).rows[0][0]
    with engine.transaction():
        for version in ("global", engine.active_version.id):
            engine.execute(
                "INSERT INTO lix_key_value_by_version (key, value, lixcol_version_id) "
                "VALUES (?, 1, ?)",
                (f"in {version}", version),
            )
    assert engine.execute(count).rows[0][0] == before + 2
    authors = engine.execute(
        "SELECT a.account_id FROM lix_change_author AS a JOIN lix_change AS c "
        "ON c.id = a.change_id WHERE c.entity_id LIKE 'in %' ORDER BY 1"
    ).rows
    assert authors == [("acct-1",)] * 2 + [("acct-2",)] * 2


# -- the stream


def entities(batch):
    return [(change.operation, change.entity_id) for change in batch.changes]


@pytest.fixture
def stream(engine):
    return engine.commits(schema_keys=["lix_key_value"])


def test_a_stream_gives_a_batch_once(engine, stream):
    put(engine, "state-commit-a")
    assert entities(stream.try_next()) == [("insert", "state-commit-a")]
    assert stream.try_next() is None


def test_a_stream_leaves_out_a_writer(engine):
    stream = engine.commits(exclude_writer_keys=["ui-writer"])
    put(engine, "a", writer_key="ui-writer")
    assert stream.try_next() is None
    put(engine, "b")
    assert entities(stream.try_next()) == [("insert", "b")]


def test_a_transaction_is_one_batch_after_its_commit(engine, stream):
    with engine.transaction():
        put(engine, "a")
        assert stream.try_next() is None
        put(engine, "b")
        assert stream.try_next() is None
    assert entities(stream.try_next()) == [("insert", "a"), ("insert", "b")]
    assert stream.try_next() is None


def test_a_failed_transaction_is_no_batch(engine, stream):
    with pytest.raises(RuntimeError), engine.transaction():
        put(engine, "a")
        raise RuntimeError
    assert stream.try_next() is None


@pytest.mark.parametrize(
    ("sql", "operation", "content"),
    [
        ("UPDATE lix_key_value SET value = 'new' WHERE key = 'a'", "update", "new"),
        ("DELETE FROM lix_key_value WHERE key = 'a'", "delete", "v"),
    ],
)
def test_updates_and_deletes(engine, stream, sql, operation, content):
    put(engine, "a")
    stream.try_next()
    engine.execute(sql)
    (change,) = stream.try_next().changes
    assert (change.operation, change.entity_id) == (operation, "a")
    assert change.snapshot_content == {"key": "a", "value": content}


def test_plugin_entities_take_the_writer_key_of_the_statement(engine):
    stream = engine.commits()
    engine.execute("INSERT INTO lix_file (path, data) VALUES ('/a.json', '{}')", writer_key="one")
    stream.try_next()
    engine.execute(
        """UPDATE lix_file SET data = '{"x":1}' WHERE path = '/a.json'""", writer_key="two"
    )
    changes = stream.try_next().changes
    detected = [change for change in changes if change.plugin_key == "plugin_json"]
    assert detected
    assert {change.writer_key for change in changes} == {"two"}


# -- observing

TARGET = "SELECT * FROM lix_state WHERE schema_key = 'lix_key_value' AND entity_id = 'target'"


def test_an_observed_query_from_beginning_to_end(engine):
    events = engine.observe(TARGET)
    first = events.next()
    assert (first.sequence, first.rows, first.commit_sequence) == (0, [], None)
    put(engine, "target")
    second = events.next(timeout=5)
    assert (second.sequence, len(second.rows)) == (1, 1)
    assert second.commit_sequence is not None
    events.close()
    assert events.next() is None


def test_each_observer_gets_each_event(engine):
    both = [engine.observe(TARGET), engine.observe(TARGET)]
    assert [events.next().sequence for events in both] == [0, 0]
    put(engine, "target")
    assert [events.next(timeout=5).sequence for events in both] == [1, 1]


def test_what_does_not_concern_a_query_is_no_event(engine):
    events = engine.observe(TARGET)
    events.next()
    put(engine, "other")
    assert events.try_next() is None
    put(engine, "target")
    event = events.next(timeout=5)
    assert (event.sequence, len(event.rows)) == (1, 1)


def test_the_same_rows_are_no_event(engine):
    put(engine, "target", "a")
    events = engine.observe("SELECT entity_id FROM lix_state WHERE schema_key = 'lix_key_value'")
    known = len(events.next().rows)
    put(engine, "target", "b")
    assert events.try_next() is None
    put(engine, "target 2")
    event = events.next(timeout=5)
    assert (event.sequence, len(event.rows)) == (1, known + 1)


def test_events_come_in_the_order_of_commits(engine):
    events = engine.observe("SELECT * FROM lix_key_value WHERE key LIKE 'n%'")
    seen = [events.next()]
    for key in ("n1", "n2"):
        put(engine, key)
        seen.append(events.next(timeout=5))
    assert [(event.sequence, len(event.rows)) for event in seen] == [(0, 0), (1, 1), (2, 2)]
    assert seen[1].commit_sequence < seen[2].commit_sequence


@pytest.mark.parametrize("sql", ["UPDATE lix_key_value SET value = 1", "SELECT 1; DELETE FROM t"])
def test_only_queries_are_observed(engine, sql):
    with pytest.raises(LixError, match="observe requires one or more SELECT statements"):
        engine.observe(sql)


def test_closing_ends_who_waits(engine):
    events = engine.observe(TARGET)
    events.next()
    found = []
    thread = threading.Thread(target=lambda: found.append(events.next()))
    thread.start()
    events.close()
    thread.join(timeout=10)
    assert found == [None]


def test_a_query_that_fails_for_a_while(engine):
    engine.execute("CREATE TABLE mine (v)")
    events = engine.observe("SELECT * FROM mine")
    assert events.next().rows == []
    engine.execute("DROP TABLE mine")
    put(engine, "a")
    with pytest.raises(LixError, match="no such table"):
        events.next(timeout=5)
    engine.execute("CREATE TABLE mine (v); INSERT INTO mine VALUES (1)")
    put(engine, "b")
    assert events.next(timeout=5).rows == [(1,)]


# -- the facade


def test_closing_twice_and_using_what_is_closed():
    lix = lix_vtab.open()
    lix.close()
    lix.close()
    for name, call in {
        "execute": lambda: lix.execute("SELECT 1"),
        "create_version": lambda: lix.create_version("x"),
        "switch_version": lambda: lix.switch_version("main"),
        "create_checkpoint": lix.create_checkpoint,
        "observe": lambda: lix.observe("SELECT 1"),
        "commits": lix.commits,
        "on_commit": lambda: lix.on_commit(print),
        "transaction": lambda: lix.transaction().__enter__(),
        "emit": lambda: lix.emit("k"),
        "explain": lambda: lix.explain("SELECT 1"),
        "check": lix.check,
    }.items():
        with pytest.raises(LixError, match="lix is closed") as caught:
            call()
        assert caught.value.code == "LIX_ERROR_CLOSED", name


def test_versions_and_a_checkpoint_through_the_facade():
    with lix_vtab.open() as lix:
        lix.execute("INSERT INTO lix_key_value (key, value) VALUES (?1, ?2)", ("k", "v"))
        checkpoint = lix.create_checkpoint()
        assert checkpoint.id
        assert checkpoint.change_set_id
        assert lix.active_version.commit_id == checkpoint.id
        assert lix.active_version.working_commit_id != checkpoint.id
        version = lix.create_version("bench-branch")
        assert version.id
        lix.switch_version(version.id)
        assert lix.execute("SELECT version_id FROM lix_active_version").rows == [(version.id,)]


def test_key_values_may_name_their_version_in_more_ways(repeatable):
    assert repeatable.execute(
        "SELECT value FROM lix_key_value WHERE key = 'lix_deterministic_mode'"
    ).rows == [('{"enabled":true}',)]
