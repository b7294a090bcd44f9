"""Transaction blocks of a `Lix`: nesting, misuse, interrupts, other connections, threads."""

from __future__ import annotations

import threading

import apsw
import pytest

import lix_vtab
from lix_vtab.errors import (
    BusyError,
    ClosedError,
    LixError,
    ReadOnlyError,
    RowLimitExceeded,
    SchemaValidationError,
    StatementTimeout,
    TransactionStateError,
)


@pytest.fixture
def lix():
    with lix_vtab.open() as opened:
        opened.execute("CREATE TABLE t (a)")
        yield opened


def values(lix):
    return [row[0] for row in lix.execute("SELECT a FROM t ORDER BY rowid")]


def add(target, value):
    return target.execute("INSERT INTO t VALUES (?)", (value,))


def run(lix, work, **options):
    with lix.transaction(**options) as transaction:
        return work(transaction)


def fail(error):
    def work(transaction):
        add(transaction, "lost")
        raise error

    return work


# -- commit and rollback


def test_commit(lix):
    with lix.transaction() as transaction:
        add(transaction, 1)
        add(lix, 2)
        assert lix.connection.in_transaction
        assert values(transaction) == [1, 2]
    assert not lix.connection.in_transaction
    assert values(lix) == [1, 2]


@pytest.mark.parametrize(
    "error", [ValueError("x"), KeyboardInterrupt(), SystemExit(), GeneratorExit()]
)
def test_any_exception_rolls_back_and_goes_on(lix, error):
    with pytest.raises(type(error)):
        run(lix, fail(error))
    assert not lix.connection.in_transaction
    assert values(lix) == []


def test_an_interrupt_rolls_back(lix):
    connection = lix.connection
    connection.create_scalar_function("stop", lambda: connection.interrupt() or 1, 0)

    def work(transaction):
        add(transaction, 1)
        transaction.execute(
            "INSERT INTO t WITH n(i) AS (SELECT stop() UNION ALL SELECT i + 1 FROM n)"
            " SELECT i FROM n LIMIT 1000000"
        )

    with pytest.raises(LixError) as caught:
        run(lix, work)
    assert caught.value.code == "LIX_ERROR_INTERRUPTED"
    assert not connection.in_transaction
    assert values(lix) == []


def test_a_caught_error_does_not_end_the_transaction(lix):
    with lix.transaction() as transaction:
        add(transaction, 1)
        with pytest.raises(LixError):
            transaction.execute("INSERT INTO nowhere VALUES (1)")
        add(transaction, 2)
    assert values(lix) == [1, 2]


# -- nesting


def test_nested_blocks_are_savepoints(lix):
    with lix.transaction() as outer:
        add(outer, 1)
        with lix.transaction() as inner:
            add(inner, 2)
        with pytest.raises(ValueError, match="x"):
            run(lix, fail(ValueError("x")))
        with lix.transaction(), lix.transaction() as deepest:
            add(deepest, 3)
        add(outer, 4)
    assert values(lix) == [1, 2, 3, 4]


def test_the_outer_block_undoes_the_inner(lix):
    def work(transaction):
        run(lix, lambda inner: add(inner, 1))
        raise ValueError("undone")

    with pytest.raises(ValueError, match="undone"):
        run(lix, work)
    assert values(lix) == []


def test_a_block_inside_a_plain_transaction(lix):
    lix.execute("BEGIN")
    run(lix, lambda transaction: add(transaction, 1))
    with pytest.raises(ValueError, match="x"):
        run(lix, fail(ValueError("x")))
    assert lix.connection.in_transaction
    lix.execute("COMMIT")
    assert values(lix) == [1]


def test_savepoints_of_the_caller(lix):
    with lix.transaction() as transaction:
        transaction.execute("SAVEPOINT mine")
        add(transaction, 1)
        transaction.execute("ROLLBACK TO mine")
        transaction.execute("RELEASE mine")
        add(transaction, 2)
        transaction.execute("SAVEPOINT left_open")
        add(transaction, 3)
    assert values(lix) == [2, 3]


# -- misuse


def test_use_after_the_end(lix):
    with lix.transaction() as transaction:
        pass
    with pytest.raises(TransactionStateError, match="transaction is no longer active"):
        transaction.execute("SELECT 1")


def test_use_of_a_block_that_failed(lix):
    kept = []

    def work(transaction):
        kept.append(transaction)
        raise ValueError("undone")

    with pytest.raises(ValueError, match="undone"):
        run(lix, work)
    with pytest.raises(TransactionStateError, match="no longer active"):
        kept[0].execute("SELECT 1")


@pytest.mark.parametrize("statement", ["COMMIT", "END", "ROLLBACK", "commit transaction"])
def test_ending_the_transaction_inside_the_block(lix, statement):
    verb = "rollback" if statement == "ROLLBACK" else "commit"

    def work(transaction):
        add(transaction, 1)
        transaction.execute(statement)

    with pytest.raises(TransactionStateError, match=f"cannot {verb} - no transaction is active"):
        run(lix, work)
    assert values(lix) == []
    with lix.transaction() as transaction:
        with pytest.raises(TransactionStateError):
            lix.execute(statement)
        add(transaction, 2)
    assert values(lix) == [2]


def test_beginning_inside_the_block(lix):
    with lix.transaction() as transaction:
        with pytest.raises(TransactionStateError, match="cannot start a transaction within"):
            transaction.execute("BEGIN")
        add(transaction, 1)
    assert values(lix) == [1]


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("statement", ["COMMIT", "ROLLBACK"])
@pytest.mark.parametrize("depth", [1, 2])
def test_ending_it_behind_our_back(lix, statement, again, depth):
    def work(transaction):
        if depth == 2 and lix._executor.blocks == 1:
            return run(lix, work)
        add(transaction, 1)
        lix.connection.execute(statement)
        if again:
            lix.connection.execute("BEGIN")
            lix.connection.execute("INSERT INTO t VALUES (2)")
        return None

    with pytest.raises(TransactionStateError, match="ended inside its block"):
        run(lix, work)
    if lix.connection.in_transaction:
        lix.execute("ROLLBACK")
    assert values(lix) == ([1] if statement == "COMMIT" else [])
    run(lix, lambda transaction: add(transaction, 3))


def test_or_rollback_ends_the_transaction(lix):
    lix.execute("CREATE UNIQUE INDEX u ON t (a)")
    add(lix, 1)

    def work(transaction):
        add(transaction, 2)
        with pytest.raises(LixError):
            transaction.execute("INSERT OR ROLLBACK INTO t VALUES (1)")

    with pytest.raises(TransactionStateError, match="ended inside its block"):
        run(lix, work)
    assert values(lix) == [1]


def test_a_closed_lix(lix):
    lix.close()
    for call in (
        lambda: run(lix, print),
        lambda: lix.execute("SELECT 1"),
        lambda: lix.explain("SELECT 1"),
        lambda: lix.retry(print),
    ):
        with pytest.raises(ClosedError, match=r"lix is closed; \w+(\(\))? is unavailable"):
            call()


def test_closing_inside_a_block_undoes_it(tmp_path):
    path = tmp_path / "app.lix"
    for fails in (False, True):
        with (
            lix_vtab.open(path) as lix,
            pytest.raises(LookupError if fails else ClosedError),
            lix.transaction() as transaction,
        ):
            transaction.execute("INSERT INTO lix_key_value (key, value) VALUES ('k', 1)")
            lix.close()
            if fails:
                raise LookupError
    with lix_vtab.open(path) as lix:
        assert lix.execute("SELECT count(*) FROM lix_key_value WHERE key = 'k'").rows == [(0,)]


# -- what statements do inside


def test_schemas_hold_in_the_transaction_that_stores_them(lix):
    schema = {
        "x-lix-key": "tx_validation_schema", "x-lix-version": "1", "type": "object",
        "properties": {"name": {"type": "string"}}, "required": ["name"],
        "additionalProperties": False,
    }  # fmt: skip

    def work(transaction):
        lix.register_schema(schema)
        transaction.execute(
            "INSERT INTO lix_state (entity_id, schema_key, file_id, plugin_key, schema_version,"
            " snapshot_content) VALUES ('entity-1', 'tx_validation_schema', 'f', 'lix', '1',"
            """ '{"missing":"field"}')"""
        )

    message = r"snapshot_content does not match schema 'tx_validation_schema' \(1\)"
    with pytest.raises(SchemaValidationError, match=message):
        run(lix, work)


def test_switching_the_active_version_is_undone(lix):
    lix.create_version("draft")
    main = lix.active_version.id

    def work(transaction):
        lix.switch_version("draft")
        assert lix.active_version.name == "draft"
        raise ValueError("undone")

    with pytest.raises(ValueError, match="undone"):
        run(lix, work)
    assert lix.active_version.id == main


def test_scripts_on_files(lix):
    lix.execute("INSERT INTO lix_file (id, path, data) VALUES ('f', '/before.md', 'before')")
    lix.execute(
        "BEGIN; DELETE FROM lix_file WHERE id IN (?); INSERT INTO lix_file (id, path, data)"
        " VALUES (?, ?, ?); UPDATE lix_file SET path = ?, data = ? WHERE id = ?; COMMIT;",
        ["miss", "new", "/inserted.md", b"inserted", "/after.md", b"after", "f"],
    )
    found = lix.execute("SELECT id, path, data FROM lix_file ORDER BY id").rows
    assert found == [("f", "/after.md", b"after"), ("new", "/inserted.md", b"inserted")]
    with lix.transaction() as transaction:
        result = transaction.execute("UPDATE lix_file SET data = 'text' WHERE id = 'f'; SELECT 1")
    assert result.rows == [(1,)]
    assert lix.read_file("/after.md") == b"text"
    with pytest.raises(ZeroDivisionError):
        run(lix, lambda tx: [tx.execute("INSERT INTO lix_file (path) VALUES ('/x')"), 1 / 0])
    assert lix.execute("SELECT count(*) FROM lix_file").rows == [(2,)]


def test_writer_keys(lix):
    def written(work, **options):
        before = {row[0] for row in lix.execute("SELECT id FROM lix_change")}
        work(**options)
        rows = lix.execute(
            "SELECT id, writer_key FROM lix_state_by_version s JOIN lix_change c"
            " ON c.id = s.change_id"
        ).rows
        return [key for id, key in rows if id not in before]

    insert = "INSERT INTO lix_key_value (key, value) VALUES (hex(randomblob(8)), 1)"

    def block(inner=None, **options):
        with lix.transaction(**options) as transaction:
            transaction.execute(insert, **({"writer_key": inner} if inner else {}))

    def nested():
        with lix.transaction(writer_key="outer"), lix.transaction() as inner:
            inner.execute(insert)

    assert written(block) == [None]
    assert written(block, writer_key="block") == ["block"]
    assert written(block, writer_key="block", inner="call") == ["call"]
    assert written(nested) == ["outer"]
    assert written(block) == [None], "the key does not outlive its block"


# -- other connections


@pytest.fixture
def path(tmp_path):
    path = str(tmp_path / "app.lix")
    with lix_vtab.open(path) as lix:
        lix.execute("CREATE TABLE t (a)")
    return path


def test_a_busy_database(path):
    with lix_vtab.open(path) as lix, lix_vtab.open(path) as other:
        lix.connection.set_busy_timeout(0)
        with other.transaction(), pytest.raises(BusyError) as caught:
            run(lix, lambda transaction: add(transaction, 1))
        assert isinstance(caught.value, apsw.BusyError)
        assert not lix.connection.in_transaction
        run(lix, lambda transaction: add(transaction, 2))
        assert values(other) == [2]


def test_retry(path):
    with lix_vtab.open(path) as lix, lix_vtab.open(path) as other:
        lix.connection.set_busy_timeout(0)
        other.execute("BEGIN IMMEDIATE")
        tries = []

        def finish(_):
            if len(tries) == 2 and other.connection.in_transaction:
                other.execute("COMMIT")

        begin = lix._executor.execute

        def counting(sql, *rest):
            if sql == "BEGIN IMMEDIATE":
                tries.append(sql)
                finish(sql)
            return begin(sql, *rest)

        lix._executor.execute = counting
        assert lix.retry(lambda tx: add(tx, 7).changes, attempts=5) == 1
        assert len(tries) == 2
        assert values(other) == [7]


def test_retry_gives_up(path):
    with lix_vtab.open(path) as lix, lix_vtab.open(path) as other:
        lix.connection.set_busy_timeout(0)
        calls = []
        with other.transaction():
            with pytest.raises(BusyError):
                lix.retry(lambda tx: calls.append(1), attempts=2)
            assert calls == []
        with pytest.raises(ZeroDivisionError):
            lix.retry(lambda tx: calls.append(1) or 1 / 0, attempts=5)
        assert calls == [1], "only a busy database is a reason to try again"
        with pytest.raises(ValueError, match="attempts must be a whole number from 1 on"):
            lix.retry(print, attempts=0)


def test_retry_inside_a_transaction_runs_once(path):
    with lix_vtab.open(path) as lix:
        calls = []

        def busy(transaction):
            calls.append(1)
            raise BusyError("busy")

        with lix.transaction(), pytest.raises(BusyError):
            lix.retry(busy, attempts=5)
        assert calls == [1]


def test_threads_take_turns(lix):
    """A block of one thread keeps statements of the others out until it ends."""
    inside, seen = threading.Event(), []

    def other():
        inside.wait(10)
        seen.append(values(lix))

    thread = threading.Thread(target=other)
    thread.start()
    with lix.transaction() as transaction:
        add(transaction, 1)
        inside.set()
        thread.join(0.05)
        assert seen == []
        add(transaction, 2)
    thread.join(10)
    assert seen == [[1, 2]]


# -- options of `open`


def test_a_limit_of_rows():
    with lix_vtab.open(row_limit=3) as lix:
        assert len(lix.execute("SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3")) == 3
        with pytest.raises(RowLimitExceeded, match="more than 3 rows"):
            lix.execute("SELECT * FROM lix_stored_schema")
        insert = (
            "INSERT INTO lix_key_value (key, value) SELECT value, 0"
            """ FROM json_each('["p", "q", "r", "s"]') RETURNING key"""
        )
        with pytest.raises(RowLimitExceeded):
            lix.execute(insert)
        assert lix.execute("SELECT count(*) FROM lix_key_value WHERE key = 'p'").rows == [(0,)]


def test_a_limit_of_time():
    endless = "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    # nothing else runs under it: on a busy machine any statement may take that long
    with (
        lix_vtab.open(row_limit=3, statement_timeout=0.05) as lix,
        pytest.raises(StatementTimeout, match=r"longer than 0\.05 seconds"),
    ):
        lix.execute(endless)


def test_read_only_sessions(path):
    with lix_vtab.open(path, read_only=True) as lix:
        assert values(lix) == []
        for statement in (
            "INSERT INTO t VALUES (1)",
            "INSERT INTO lix_key_value (key, value) VALUES ('a', 1)",
            "SELECT lix_create_version('draft')",
        ):
            with pytest.raises(ReadOnlyError):
                lix.execute(statement)
        assert run(lix, lambda tx: tx.execute("SELECT count(*) FROM t").rows) == [(0,)]
        assert lix.observe("SELECT * FROM t").next().rows == []


def test_explain(lix):
    lix.register_schema({
        "x-lix-key": "task", "x-lix-version": "1", "x-lix-primary-key": ["/id"], "type": "object",
        "properties": {"id": {"type": "string"}}, "required": ["id"],
        "additionalProperties": False,
    })  # fmt: skip
    text = str(lix.explain("SELECT * FROM lix_state WHERE schema_key = ? AND file_id = 'x'"))
    assert "lix_state VIRTUAL TABLE INDEX" in text
    assert "schema_key =" in text
    assert "file_id =" in text
    assert "(about 100 rows)" in text
    upsert = str(
        lix.explain("INSERT INTO task (id) VALUES (?) ON CONFLICT DO NOTHING RETURNING id")
    )
    assert "transaction: write" in upsert
    assert "writes: task" in upsert
    assert "insert lowered to" in upsert
    assert lix.execute(
        "EXPLAIN SELECT COUNT(*) FROM lix_state WHERE file_id = 'missing'"
        " AND plugin_key = 'plugin_json'"
    ).rows


@pytest.mark.parametrize(
    "limits", [{"statement_timeout": 0}, {"statement_timeout": -1.0}, {"row_limit": -1}]
)
def test_limits_nothing_could_keep(limits):
    with pytest.raises(lix_vtab.LixError) as caught:
        lix_vtab.open(**limits)
    assert caught.value.code == "LIX_INVALID_PARAM"
