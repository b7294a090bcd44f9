"""Callbacks after commits: when they are called, in which order, and what happens when they fail."""

from __future__ import annotations

import apsw
import pytest

import lix_vtab
from lix_vtab.errors import CallbackError
from tests.effects.conftest import put, told
from tests.effects.test_journal import insert

KV = {"schema_keys": ["lix_key_value"]}


@pytest.fixture
def calls(lix):
    found = []
    lix.on_commit(lambda batch: found.extend(told(batch)), **KV)
    return found


def test_one_call_for_each_commit(lix, calls):
    put(lix, "a", 1)
    assert calls == [("insert", "a", 1)]
    with lix.transaction() as transaction:
        put(transaction, "b")
        put(transaction, "c")
        assert len(calls) == 1
    assert calls[1:] == [("insert", "b", "v"), ("insert", "c", "v")]
    lix.execute("BEGIN")
    put(lix, "d")
    assert len(calls) == 3
    lix.execute("COMMIT")
    assert calls[3:] == [("insert", "d", "v")]


def test_no_call_without_a_change(lix, calls):
    put(lix, "a")
    put(lix, "a")
    lix.execute("SELECT * FROM lix_key_value")
    lix.execute("UPDATE lix_key_value SET value = 1 WHERE 0")
    lix.execute("CREATE TABLE t (a); INSERT INTO t VALUES (1)")
    lix.create_version("draft")
    assert len(calls) == 1


def test_no_call_after_a_rollback(lix, calls):
    lix.execute("BEGIN")
    put(lix, "a")
    lix.execute("ROLLBACK")
    put(lix, "b")
    assert calls == [("insert", "b", "v")]


def test_callbacks_may_write_and_come_after_each_other(lix):
    order = []

    def first(batch):
        order.append(("first", told(batch)[0][1]))
        if told(batch)[0][1] == "a":
            put(lix, "written by a callback")

    lix.on_commit(first, **KV)
    lix.on_commit(lambda batch: order.append(("second", told(batch)[0][1])), **KV)
    put(lix, "a")
    assert order == [
        ("first", "a"), ("second", "a"),
        ("first", "written by a callback"), ("second", "written by a callback"),
    ]  # fmt: skip


def test_a_callback_sees_what_was_committed(lix):
    seen = []
    lix.on_commit(
        lambda batch: seen.append(lix.execute("SELECT count(*) FROM lix_key_value").rows[0][0])
    )
    with lix.transaction() as transaction:
        put(transaction, "a")
        put(transaction, "b")
    assert seen == [2]


def test_closing_ends_the_calls(lix):
    seen = []
    subscription = lix.on_commit(seen.append)
    put(lix, "a")
    subscription.close()
    subscription.close()
    put(lix, "b")
    with lix.on_commit(seen.append):
        put(lix, "c")
    put(lix, "d")
    assert [told(batch)[0][1] for batch in seen] == ["a", "c"]
    assert not lix._loaded.capture.exchange.listening


def test_a_failing_callback_does_not_undo_the_commit(lix):
    seen = []

    def fail(batch):
        raise ValueError("boom")

    lix.on_commit(fail)
    lix.on_commit(seen.append)
    with pytest.raises(
        CallbackError, match="a callback failed after the commit: ValueError: boom"
    ) as e:
        lix.execute("INSERT INTO lix_key_value (key, value) VALUES ('a', 1) RETURNING key")
    assert e.value.code == "LIX_ERROR_CALLBACK"
    assert e.value.result.rows == [("a",)]
    assert isinstance(e.value.__cause__, ValueError)
    assert len(seen) == 1
    assert lix.execute("SELECT key FROM lix_key_value").rows == [("a",)]


def test_all_failures_are_reported(lix):
    def fail(batch):
        raise ValueError(told(batch)[0][1])

    for _ in range(2):
        lix.on_commit(fail)
    with pytest.raises(CallbackError, match=r"\(and 1 more\)"):
        lix.execute(insert("a"))
    with pytest.raises(CallbackError) as caught, lix.transaction() as transaction:
        put(transaction, "c")
    assert [str(failure) for failure in caught.value.failures] == ["c", "c"]
    assert lix.execute("SELECT count(*) FROM lix_key_value").rows == [(2,)]


def test_an_interrupted_callback_leaves_the_rest_for_later(lix):
    seen = []

    def stop(batch):
        seen.append("stop")
        raise KeyboardInterrupt

    subscription = lix.on_commit(stop)
    lix.on_commit(lambda batch: seen.append("rest"))
    with pytest.raises(KeyboardInterrupt):
        put(lix, "a")
    subscription.close()
    lix.execute("SELECT 1")
    assert seen == ["stop", "rest"]


def test_writes_through_the_connection(lix, calls):
    connection = lix.connection
    connection.execute(insert("a"))
    assert calls == []
    lix.execute("SELECT 1")
    assert calls == [("insert", "a", 1)]
    connection.execute(insert("b"))
    assert lix.connection is connection
    assert calls[1:] == [("insert", "b", 1)]


def test_not_inside_the_next_transaction(lix, calls):
    lix.connection.execute(insert("a"))
    connection = lix._connection
    connection.execute("BEGIN")
    connection.execute(insert("b"))
    lix.execute("SELECT 1")
    assert calls == []
    lix.execute("COMMIT")
    assert [call[1] for call in calls] == ["a", "b"]


def test_other_connections_of_the_process(open_file, tmp_path):
    lix = open_file()
    seen = []
    lix.on_commit(lambda batch: seen.extend(told(batch)), **KV)
    bare = apsw.Connection(str(tmp_path / "app.lix"))
    lix_vtab.load(bare)
    bare.execute(insert("a"))
    assert seen == []
    lix.execute("SELECT 1")
    assert seen == [("insert", "a", 1)]
    bare.close()


def test_functions_that_write_are_followed_too(lix):
    seen = []
    lix.on_commit(lambda batch: seen.append(batch.changes[0].schema_key))
    lix.create_version("draft")
    lix.write_file("/a.txt", b"a")
    assert seen[0] == "lix_version_descriptor"
    assert len(seen) == 2
