"""The commit stream: what is told, to whom, and when."""

from __future__ import annotations

import asyncio
import gc
import json
import threading

import apsw
import pytest

import lix_vtab
from lix_vtab.errors import ClosedError, InvalidValueError
from tests.effects.conftest import put, told

KV = {"schema_keys": ["lix_key_value"]}


@pytest.fixture
def stream(lix):
    return lix.commits(**KV)


def test_an_insert_is_one_batch(lix, stream):
    put(lix, "a", 1)
    batch = stream.try_next()
    assert told(batch) == [("insert", "a", 1)]
    assert stream.try_next() is None
    (change,) = batch.changes
    assert change.schema_key == "lix_key_value"
    assert change.schema_version == "1"
    assert (change.file_id, change.plugin_key, change.version_id) == ("lix", "lix", "global")
    assert (change.untracked, change.writer_key) == (False, None)
    log = lix.execute("SELECT entity_id FROM lix_change WHERE id = ?", (change.change_id,)).rows
    assert log == [("a",)]
    tip = lix.execute("SELECT commit_id FROM lix_version WHERE id = 'global'").rows
    assert tip == [(change.commit_id,)]


def test_excluded_writers(lix):
    stream = lix.commits(**KV, exclude_writer_keys=["ui-writer"])
    put(lix, "b", writer_key="ui-writer")
    assert stream.try_next() is None
    put(lix, "c")
    assert told(stream.try_next()) == [("insert", "c", "v")]


def test_the_key_of_the_row_counts_not_that_of_the_call(lix):
    mine, others = lix.commits(writer_keys=["mine"]), lix.commits(exclude_writer_keys=["mine"])
    lix.execute(
        "INSERT INTO lix_state (entity_id, schema_key, file_id, plugin_key, schema_version,"
        " snapshot_content, writer_key) VALUES ('k', 'lix_key_value', 'lix', 'lix', '1',"
        """ '{"key":"k","value":1}', 'mine')""",
        writer_key="call",
    )
    assert [change.writer_key for change in mine.try_next().changes] == ["mine"]
    assert others.try_next() is None


def test_a_transaction_is_one_batch_after_its_commit(lix, stream):
    with lix.transaction() as transaction:
        put(transaction, "d")
        put(transaction, "e")
        assert stream.try_next() is None
    assert told(stream.try_next()) == [("insert", "d", "v"), ("insert", "e", "v")]
    assert stream.try_next() is None


def test_several_commits_of_a_transaction_are_told_as_one_change(lix, stream):
    put(lix, "a", 0)
    first = stream.try_next().changes[0]
    lix.switch_version("global")
    with lix.transaction() as transaction:
        put(transaction, "a", 1)
        put(transaction, "b", 1)
        put(transaction, "c", 1)
        lix.create_checkpoint()
        put(transaction, "b", 2)
        put(transaction, "a", 2)
        transaction.execute("DELETE FROM lix_key_value WHERE key = 'c'")
    assert told(stream.try_next()) == [("insert", "b", 2), ("update", "a", 2)]
    with lix.transaction() as transaction:
        put(transaction, "a", 3)
        lix.create_checkpoint()
        transaction.execute("DELETE FROM lix_key_value WHERE key IN ('a', 'b')")
        lix.create_checkpoint()
        put(transaction, "b", 2)
    batch = stream.try_next()
    assert told(batch) == [("delete", "a", 2)]
    assert batch.changes[0].change_id != first.change_id
    assert stream.try_next() is None


def test_what_undoing_takes_back_in_steps_is_told_once(lix, stream):
    values = [0, 1, 2]
    for value in values:
        lix.execute("INSERT OR REPLACE INTO lix_key_value (key, value) VALUES ('a', ?)", (value,))
        stream.try_next()
    lix.execute("DELETE FROM lix_key_value WHERE key = 'a'")
    assert told(stream.try_next()) == [("delete", "a", 2)]
    lix.undo(3)
    assert told(stream.try_next()) == [("insert", "a", 0)]
    lix.redo(3)
    assert told(stream.try_next()) == [("delete", "a", 0)]
    observed = lix.observe("SELECT count(*) FROM lix_change")
    before = observed.next().rows
    with lix.transaction():
        lix.undo()
        lix.redo()
    assert stream.try_next() is None
    assert observed.next(timeout=5).rows != before, "the commits are there all the same"


def test_metadata_that_several_commits_change_is_told(lix, stream):
    put(lix, "a", 0)
    stream.try_next()
    lix.switch_version("global")
    change = "UPDATE lix_state SET metadata = ? WHERE entity_id = 'a'"
    with lix.transaction() as transaction:
        transaction.execute(change, ('{"n":1}',))
        lix.create_checkpoint()
        transaction.execute(change, ('{"n":2}',))
    assert told(stream.try_next()) == [("update", "a", 0)]
    with lix.transaction() as transaction:
        transaction.execute(change, ('{"n":3}',))
        lix.create_checkpoint()
        transaction.execute(change, ('{"n":2}',))
    assert stream.try_next() is None


def test_a_script_is_one_batch(lix, stream):
    lix.execute(
        "INSERT INTO lix_key_value (key, value) VALUES ('a', 1);"
        "INSERT INTO lix_key_value (key, value) VALUES ('b', 2)"
    )
    assert told(stream.try_next()) == [("insert", "a", 1), ("insert", "b", 2)]
    assert stream.try_next() is None


def test_plain_sql_transactions_are_served_as_well(lix, stream):
    lix.execute("BEGIN")
    put(lix, "a")
    put(lix, "b")
    assert stream.try_next() is None
    lix.execute("COMMIT")
    assert [change.entity_id for change in stream.try_next().changes] == ["a", "b"]
    lix.execute("SAVEPOINT outer")
    put(lix, "c")
    lix.execute("RELEASE outer")
    assert [change.entity_id for change in stream.try_next().changes] == ["c"]


def test_a_rollback_drops_everything(lix, stream):
    with pytest.raises(RuntimeError), lix.transaction() as transaction:
        put(transaction, "g")
        put(transaction, "u", untracked=True)
        raise RuntimeError
    assert stream.try_next() is None
    put(lix, "h")
    assert told(stream.try_next()) == [("insert", "h", "v")]


def test_rolling_back_to_a_savepoint_drops_what_came_after(lix, stream):
    with lix.transaction() as transaction:
        put(transaction, "kept", 1)
        put(transaction, "kept untracked", 1, untracked=True)
        transaction.execute("SAVEPOINT s")
        put(transaction, "kept", 2)
        put(transaction, "kept untracked", 2, untracked=True)
        put(transaction, "lost")
        put(transaction, "lost untracked", untracked=True)
        transaction.execute("ROLLBACK TO s")
    assert told(stream.try_next()) == [("insert", "kept", 1), ("insert", "kept untracked", 1)]
    assert stream.try_next() is None


def test_a_failing_statement_is_not_told(lix, stream):
    put(lix, "a")
    stream.try_next()
    lix.execute("BEGIN")
    put(lix, "b")
    with pytest.raises(lix_vtab.LixError):
        lix.execute(
            "INSERT INTO lix_key_value_by_version (key, value, lixcol_version_id)"
            " VALUES ('c', 1, 'global'), ('a', 1, 'global')"
        )
    lix.execute("COMMIT")
    assert told(stream.try_next()) == [("insert", "b", "v")]


def test_update_and_delete(lix, stream):
    put(lix, "a", 1)
    put(lix, "a", 2)
    lix.execute("UPDATE lix_key_value SET value = 3 WHERE key = 'a'")
    lix.execute(
        "DELETE FROM lix_internal_state_vtable WHERE entity_id = 'a' AND version_id = 'global'"
    )
    assert told(stream.try_next()) == [("insert", "a", 1)]
    assert told(stream.try_next()) == [("update", "a", 2)]
    updated = stream.try_next()
    assert told(updated) == [("update", "a", 3)]
    main = lix.active_version.id
    assert updated.changes[0].version_id == main, "an inherited row is copied by writing to it"
    assert told(stream.try_next()) == [("delete", "a", 2)]


def test_a_delete_carries_the_last_content(lix, stream):
    lix.execute("INSERT INTO lix_key_value (key, value) VALUES ('a', 'content')")
    lix.execute("DELETE FROM lix_key_value WHERE key = 'a'")
    stream.try_next()
    assert told(stream.try_next()) == [("delete", "a", "content")]


def test_hiding_an_inherited_row_is_a_delete(lix, stream):
    put(lix, "a", "parent's")
    lix.execute("DELETE FROM lix_key_value WHERE key = 'a'")
    stream.try_next()
    batch = stream.try_next()
    assert told(batch) == [("delete", "a", "parent's")]
    assert batch.changes[0].version_id == lix.active_version.id


def test_taking_back_an_own_row_tells_what_is_inherited(lix, stream):
    put(lix, "a", "parent's")
    lix.execute("UPDATE lix_key_value SET value = 'mine' WHERE key = 'a'")
    lix.undo()
    lix.execute("DELETE FROM lix_key_value WHERE key = 'a'")
    lix.undo()
    lix.execute("INSERT INTO lix_key_value (key, value) VALUES ('b', 'own')")
    lix.undo()
    batches = list(iter(stream.try_next, None))
    assert [told(batch) for batch in batches] == [
        [("insert", "a", "parent's")],
        [("update", "a", "mine")],
        [("update", "a", "parent's")],
        [("delete", "a", "parent's")],
        [("insert", "a", "parent's")],
        [("insert", "b", "own")],
        [("delete", "b", "own")],
    ]
    assert {change.schema_version for batch in batches for change in batch.changes} == {"1"}


def test_what_a_transaction_does_and_undoes_is_not_told(lix, stream):
    with lix.transaction() as transaction:
        transaction.execute("INSERT INTO lix_key_value (key, value) VALUES ('a', 1)")
        transaction.execute("DELETE FROM lix_key_value WHERE key = 'a'")
        transaction.execute(
            "INSERT INTO lix_key_value (key, value, lixcol_untracked) VALUES ('u', 1, 1)"
        )
        transaction.execute("DELETE FROM lix_key_value WHERE key = 'u'")
    assert stream.try_next() is None


def test_untracked_rows(lix, stream):
    tracked = lix.commits(**KV, include_untracked=False)
    put(lix, "u", 1, untracked=True)
    lix.execute(
        "UPDATE lix_key_value_by_version SET value = 2 WHERE key = 'u'"
        " AND lixcol_version_id = 'global'"
    )
    lix.execute(
        "DELETE FROM lix_key_value_by_version WHERE key = 'u' AND lixcol_version_id = 'global'"
    )
    batches = [stream.try_next() for _ in range(3)]
    assert [told(batch) for batch in batches] == [
        [("insert", "u", 1)], [("update", "u", 2)], [("delete", "u", 2)],
    ]  # fmt: skip
    assert all(batch.changes[0].untracked for batch in batches)
    assert {batch.commit_sequence for batch in batches} == {batches[0].commit_sequence}
    assert tracked.try_next() is None
    with lix.transaction() as transaction:
        put(transaction, "u", 1, untracked=True)
        put(transaction, "t", 1)
    assert told(tracked.try_next()) == [("insert", "t", 1)]


def test_an_untracked_row_over_a_tracked_one_is_a_row_of_its_own(lix, stream):
    put(lix, "k", "tracked")
    put(lix, "k", "untracked", untracked=True)
    lix.execute(
        "DELETE FROM lix_key_value_by_version WHERE key = 'k' AND lixcol_version_id = 'global'"
    )
    stream.try_next()
    assert told(stream.try_next()) == [("insert", "k", "untracked")]
    assert told(stream.try_next()) == [("delete", "k", "untracked")]


def test_writing_what_is_there_is_not_told(lix, stream):
    put(lix, "a", 1)
    put(lix, "u", 1, untracked=True)
    stream.try_next(), stream.try_next()
    put(lix, "a", 1)
    put(lix, "u", 1, untracked=True)
    lix.execute("UPDATE lix_key_value SET value = value WHERE key = 'nothing'")
    lix.execute("SELECT * FROM lix_key_value")
    assert stream.try_next() is None


def test_bookkeeping_is_not_told_but_versions_are(lix):
    everything = lix.commits()
    lix.create_checkpoint("empty")
    put(lix, "a")
    lix.create_checkpoint("mark")
    assert [c.schema_key for c in everything.try_next().changes] == ["lix_key_value"]
    assert everything.try_next() is None
    draft = lix.create_version("draft")
    (change,) = everything.try_next().changes
    assert (change.schema_key, change.entity_id) == ("lix_version_descriptor", draft.id)
    lix.switch_version("draft")
    (change,) = everything.try_next().changes
    assert (change.operation, change.schema_key, change.untracked) == (
        "update", "lix_active_version", True,
    )  # fmt: skip
    lix.switch_version("main")
    lix.delete_version("draft")
    everything.try_next()
    (change,) = everything.try_next().changes
    assert (change.operation, change.entity_id) == ("delete", draft.id)
    assert change.snapshot_content["name"] == "draft"


def test_entities_a_plugin_detects(lix):
    stream = lix.commits()
    lix.execute(
        "INSERT INTO lix_file (path, data) VALUES ('/a.json', ?)",
        (b'{"x": 1}',),
        writer_key="editor",
    )
    changes = stream.try_next().changes
    file_id = lix.execute("SELECT id FROM lix_file").rows[0][0]
    detected = [change for change in changes if change.file_id == file_id]
    assert detected
    assert {change.plugin_key for change in detected} >= {"plugin_json"}
    assert {change.operation for change in changes} == {"insert"}
    assert {change.writer_key for change in changes} == {"editor"}
    lix.execute("UPDATE lix_file SET data = ?", (b'{"x": 2}',))
    changes = stream.try_next().changes
    assert {"update"} == {c.operation for c in changes if c.plugin_key == "plugin_json"}
    lix.execute("DELETE FROM lix_file")
    changes = stream.try_next().changes
    assert {change.operation for change in changes} == {"delete"}
    assert {change.file_id for change in changes} == {"lix", file_id}


def test_filters_combine(lix):
    put(lix, "before")
    main = lix.active_version.id
    both = lix.commits(entity_ids=["a", "b"], version_ids=[main])
    blank = lix.commits(entity_ids=["", "  "], schema_keys=[" lix_key_value "])
    one = lix.commits(entity_ids="a", file_ids="lix")
    put(lix, "a", version="global")
    put(lix, "a", version=main)
    put(lix, "c", version=main)
    assert [batch.changes[0].version_id for batch in drain(both)] == [main]
    assert [batch.changes[0].entity_id for batch in drain(blank)] == ["a", "a", "c"]
    assert [batch.changes[0].version_id for batch in drain(one)] == ["global", main]
    with pytest.raises(InvalidValueError, match="schema_keys must be a text"):
        lix.commits(schema_keys=[1])


def drain(stream):
    batches = []
    while (batch := stream.try_next()) is not None:
        batches.append(batch)
    return batches


def test_a_batch_is_the_whole_commit(lix):
    stream = lix.commits(entity_ids=["wanted"])
    with lix.transaction() as transaction:
        put(transaction, "wanted")
        put(transaction, "with it")
    assert [change.entity_id for change in stream.try_next().changes] == ["wanted", "with it"]


def test_sequences_increase(lix):
    everything, some = lix.commits(), lix.commits(entity_ids=["b", "d"])
    for key in "abcd":
        put(lix, key)
    numbers = [batch.sequence for batch in drain(everything)]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 4
    assert [batch.sequence for batch in drain(some)] == [numbers[1], numbers[3]]


def test_a_full_queue_drops_the_oldest_and_says_so(lix):
    stream = lix.commits(**KV, queue=3)
    for number in range(10):
        put(lix, f"k{number}")
    batches = drain(stream)
    assert [batch.changes[0].entity_id for batch in batches] == ["k7", "k8", "k9"]
    assert [batch.dropped for batch in batches] == [7, 0, 0]
    put(lix, "next")
    assert stream.try_next().dropped == 0


def test_a_queue_of_one(lix):
    stream = lix.commits(**KV, queue=1)
    for number in range(3):
        put(lix, f"k{number}")
    (batch,) = drain(stream)
    assert (batch.changes[0].entity_id, batch.dropped) == ("k2", 2)


def test_the_queue_holds_256_batches(lix):
    stream = lix.commits(**KV)
    for number in range(258):
        put(lix, f"k{number}")
    batches = drain(stream)
    assert len(batches) == 256
    assert batches[0].dropped == 2


def test_a_closed_stream_gives_what_it_holds(lix, stream):
    put(lix, "a")
    stream.close()
    stream.close()
    put(lix, "b")
    assert told(stream.next()) == [("insert", "a", "v")]
    assert stream.next() is None
    assert stream.try_next() is None


def test_closing_the_lix_closes_its_streams(lix):
    stream = lix.commits()
    lix.close()
    assert stream.next() is None
    with pytest.raises(ClosedError, match=r"lix is closed; commits\(\) is unavailable"):
        lix.commits()
    with pytest.raises(ClosedError, match="lix is closed"):
        lix.on_commit(print)


def test_close_wakes_who_waits(stream):
    got = []
    waiting = threading.Thread(target=lambda: got.append(stream.next(timeout=30)))
    waiting.start()
    stream.close()
    waiting.join(10)
    assert got == [None]


def test_a_waiting_thread_gets_the_batch(lix, stream):
    got = []
    waiting = threading.Thread(target=lambda: got.extend(stream))
    waiting.start()
    put(lix, "a")
    put(lix, "b")
    stream.close()
    waiting.join(10)
    assert [told(batch)[0][1] for batch in got] == ["a", "b"]


def test_waiting_has_an_end(stream):
    assert stream.next(timeout=0) is None
    assert stream.next(timeout=0.01) is None


def test_async_iteration(lix, stream):
    async def main():
        got = []
        put(lix, "a")

        async def write():
            put(lix, "b")
            await asyncio.sleep(0)
            put(lix, "c")
            stream.close()

        writing = asyncio.create_task(write())
        async for batch in stream:
            got.append(batch.changes[0].entity_id)
        await writing
        return got

    assert asyncio.run(main()) == ["a", "b", "c"]


def test_a_stream_nobody_holds_costs_nothing(lix):
    exchange = lix._loaded.capture.exchange
    stream = lix.commits()
    assert exchange.listening
    del stream
    gc.collect()
    assert not exchange.listening
    with lix.commits():
        assert exchange.listening
    assert not exchange.listening


def test_writes_through_the_connection(lix, stream):
    lix.connection.execute("INSERT INTO lix_key_value (key, value) VALUES ('a', 1)")
    assert told(stream.try_next()) == [("insert", "a", 1)]


def test_writes_of_triggers_and_functions(lix, stream):
    lix.execute("CREATE TABLE note (text)")
    lix.execute(
        "CREATE TEMP TRIGGER copy AFTER INSERT ON note BEGIN"
        " INSERT INTO lix_key_value (key, value) VALUES (new.text, 1); END"
    )
    lix.execute("INSERT INTO note VALUES ('x'), ('y')")
    assert told(stream.try_next()) == [("insert", "x", 1), ("insert", "y", 1)]


def test_other_connections_of_the_process(open_file, tmp_path):
    lix = open_file()
    stream = lix.commits(**KV)
    second = open_file()
    put(second, "a")
    bare = apsw.Connection(str(tmp_path / "app.lix"))
    lix_vtab.load(bare)
    bare.execute("INSERT INTO lix_key_value (key, value) VALUES ('b', 1)")
    attached = apsw.Connection(":memory:")
    lix_vtab.load(attached)
    attached.execute("ATTACH ? AS other", (str(tmp_path / "app.lix"),))
    attached.execute("INSERT INTO other.lix_key_value (key, value) VALUES ('c', 1)")
    assert [told(batch)[0][1] for batch in drain(stream)] == ["a", "b", "c"]
    bare.close()
    attached.close()


def test_a_commit_that_has_to_wait_is_told_once(open_file, tmp_path):
    lix = open_file()
    lix.execute("PRAGMA journal_mode = DELETE")
    lix.connection.set_busy_timeout(0)
    stream = lix.commits(**KV)
    reader = apsw.Connection(str(tmp_path / "app.lix"))
    lix.execute("BEGIN")
    put(lix, "a")
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    with pytest.raises(lix_vtab.errors.BusyError):
        lix.execute("COMMIT")
    assert stream.try_next() is None
    put(lix, "b")
    put(lix, "u", untracked=True)
    with pytest.raises(lix_vtab.errors.BusyError):
        lix.execute("COMMIT")
    put(lix, "a", "again")
    reader.execute("COMMIT")
    lix.execute("COMMIT")
    assert sorted(told(stream.try_next())) == [
        ("insert", "a", "again"), ("insert", "b", "v"), ("insert", "u", "v"),
    ]  # fmt: skip
    assert stream.try_next() is None
    reader.close()


def test_content_is_json(lix, stream):
    value = {"a": [1, 2.5, None, True], "é": "\U0001f600"}
    put(lix, "a", value)
    (change,) = stream.try_next().changes
    assert change.snapshot_content == {"key": "a", "value": value}
    assert json.loads(change.snapshot) == change.snapshot_content
