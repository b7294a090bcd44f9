"""What fails leaves no trace: not a row, not a key, not a commit.

Each test takes the content of every physical table before and after. A transaction that goes on
after a failure must commit exactly what was not undone.
"""

from __future__ import annotations

import apsw
import pytest

import lix_vtab
from lix_vtab import errors
from tests.state.session import dump, one_property
from tests.state.session import snapshot as content

S = "test_state_schema"
COLUMNS = "(entity_id, schema_key, file_id, plugin_key, schema_version, snapshot_content)"
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
ROW = f"'{S}', 'f', 'lix', '1'"


@pytest.fixture(params=["memory", "file"])
def lix(request, tmp_path):
    """A plain `Lix` with some content in several versions and layers."""
    path = ":memory:" if request.param == "memory" else str(tmp_path / "app.lix")
    with lix_vtab.open(path, internal=True) as opened:
        opened.register_schema(one_property(S))
        opened.create_version("draft", id="draft")
        insert(opened, "kept", "k")
        insert(opened, "gone", "g")
        opened.execute("DELETE FROM lix_state WHERE entity_id = 'gone'")
        insert(opened, "local", "l", untracked=1)
        opened.execute(
            f"INSERT INTO lix_state_by_version {COLUMNS[:-1]}, version_id)"
            f" VALUES ('shared', {ROW}, '{content('s')}', 'global')"
        )
        yield opened
        assert opened.check() == []


def insert(lix, entity, value, *, file="f", untracked=0):
    lix.execute(
        f"INSERT INTO lix_state {COLUMNS[:-1]}, untracked) VALUES (?, ?, ?, 'lix', '1', ?, ?)",
        (entity, S, file, content(value), untracked),
    )


def entities(lix):
    return [
        e
        for (e,) in lix.execute(
            f"SELECT entity_id FROM lix_state WHERE schema_key = '{S}' ORDER BY entity_id"
        )
    ]


def tips(lix):
    return dict(lix.execute("SELECT id, commit_id FROM lix_version"))


def refuse_at(lix, limit, act):
    """Register `boom(x)`: returns x until its `limit`-th call, which does `act` instead."""
    calls = 0

    def boom(value):
        nonlocal calls
        calls += 1
        if calls == limit:
            return act()
        return value

    lix.connection.create_scalar_function("boom", boom, 1)


class Sudden(Exception):
    """What the user's own function raises."""


def explode():
    raise Sudden("in the middle")


# A statement that touches many rows and calls boom() or meets a bad row on the way.
BAD = "CASE i WHEN 500 THEN '{}' ELSE json_object('value', 'v' || i) END"
FAILING = {
    "bad row in an insert": (
        f"INSERT INTO lix_state {COLUMNS} {NUMBERS} SELECT 'e' || i, {ROW}, {BAD} FROM n",
        errors.SchemaValidationError,
    ),
    "bad row in an insert of new files": (
        f"INSERT INTO lix_state {COLUMNS} {NUMBERS}"
        f" SELECT 'e' || i, '{S}', 'file-' || i, 'plugin-' || i, '1', {BAD} FROM n",
        errors.SchemaValidationError,
    ),
    "bad row in an untracked insert": (
        f"INSERT INTO lix_state {COLUMNS[:-1]}, untracked) {NUMBERS}"
        f" SELECT 'e' || i, {ROW}, {BAD}, i % 2 FROM n",
        errors.SchemaValidationError,
    ),
    "bad row among several versions": (
        f"INSERT INTO lix_internal_state_vtable {COLUMNS[:-1]}, version_id) {NUMBERS}"
        f" SELECT 'e' || i, {ROW}, {BAD}, 'version-' || (i % 7) FROM n",
        errors.SchemaValidationError,
    ),
    "exception in an insert": (
        f"INSERT INTO lix_state {COLUMNS} {NUMBERS}"
        f" SELECT 'e' || boom(i), {ROW}, json_object('value', 'v') FROM n",
        Sudden,
    ),
    "exception in an update": (
        "UPDATE lix_state SET snapshot_content = json_object('value', boom('x'))"
        f" WHERE schema_key = '{S}'",
        Sudden,
    ),
    "exception in an update's where": (
        "UPDATE lix_state SET metadata = '{}'"
        f" WHERE schema_key = '{S}' AND boom(entity_id) <> 'zzz'",
        Sudden,
    ),
    "exception in a delete": (
        f"DELETE FROM lix_state WHERE schema_key = '{S}' AND boom(entity_id) <> 'zzz'",
        Sudden,
    ),
    "bad value in an update": (
        "UPDATE lix_state SET snapshot_content ="
        " CASE entity_id WHEN 'm500' THEN '{' ELSE json_object('value', 'x') END"
        f" WHERE schema_key = '{S}'",
        errors.LixError,
    ),
    "overflow in an expression": (
        f"INSERT INTO lix_state {COLUMNS} {NUMBERS} SELECT 'e' || i, {ROW},"
        " json_object('value', abs(CASE i WHEN 500 THEN -9223372036854775808 ELSE i END) || 'v')"
        " FROM n",
        apsw.Error,
    ),
}


@pytest.fixture
def many(lix):
    """Give updates and deletes a thousand rows to work on."""
    lix.execute(
        f"INSERT INTO lix_state {COLUMNS} {NUMBERS}"
        f" SELECT 'm' || i, {ROW}, json_object('value', 'm' || i) FROM n"
    )
    return lix


def run_either_way(lix, bare):
    return lix.connection.execute if bare else lix.execute


@pytest.mark.parametrize("bare", [False, True], ids=["execute", "connection"])
@pytest.mark.parametrize(("sql", "error"), FAILING.values(), ids=FAILING)
def test_failing_statement_leaves_no_trace(many, sql, error, bare):
    refuse_at(many, 500, explode)
    before = dump(many), tips(many)
    with pytest.raises(error):
        run_either_way(many, bare)(sql)
    assert (dump(many), tips(many)) == before
    insert(many, "after", "x")
    assert "after" in entities(many)


@pytest.mark.parametrize("bare", [False, True], ids=["execute", "connection"])
@pytest.mark.parametrize(("sql", "error"), FAILING.values(), ids=FAILING)
def test_transaction_goes_on_after_a_failing_statement(many, sql, error, bare):
    run = run_either_way(many, bare)
    refuse_at(many, 500, explode)
    start = tips(many)
    run("BEGIN")
    insert(many, "before", "x")
    middle = dump(many)
    with pytest.raises(error):
        run(sql)
    assert dump(many) == middle
    insert(many, "after", "x", file="file-7")
    run("COMMIT")
    assert many.check() == []
    assert {e for e in entities(many) if not e.startswith("m")} == {
        "after",
        "before",
        "kept",
        "local",
        "shared",
    }
    (change_ids,) = many.execute(
        "SELECT json_array_length(c.change_ids) FROM lix_commit c"
        " JOIN lix_version v ON v.commit_id = c.id WHERE v.name = 'main'"
    ).rows[0]
    assert change_ids == 2
    changed = {v for v, tip in tips(many).items() if start.get(v) != tip}
    assert changed == {many.active_version.id}


@pytest.mark.parametrize("first_in_transaction", [True, False])
def test_failing_statement_alone_in_a_transaction_makes_no_commit(many, first_in_transaction):
    before = dump(many)
    many.execute("BEGIN")
    if not first_in_transaction:
        many.execute("SELECT count(*) FROM lix_state")
    with pytest.raises(errors.SchemaValidationError):
        many.execute(FAILING["bad row in an insert"][0])
    many.execute("COMMIT")
    assert dump(many) == before


def test_keys_first_seen_in_a_failed_statement_can_be_used_again(lix):
    """Interned names must not survive, in memory or on disk, the statement that brought them."""
    for _ in range(3):
        with pytest.raises(errors.SchemaValidationError):
            lix.execute(FAILING["bad row in an insert of new files"][0])
        lix.execute("BEGIN")
        insert(lix, "e1", "x", file="file-1")
        lix.execute("ROLLBACK")
    insert(lix, "e2", "x", file="file-2")
    insert(lix, "e1", "x", file="file-1")
    assert lix.execute(
        "SELECT entity_id, file_id FROM lix_state WHERE file_id LIKE 'file-%' ORDER BY 1"
    ).rows == [("e1", "file-1"), ("e2", "file-2")]


# Transactions and savepoints ----------------------------------------------------------------------


def write_everywhere(lix, mark):
    """Touch both layers, two versions, new keys, the version list and the active version."""
    insert(lix, f"t{mark}", "x", file=f"file-{mark}")
    insert(lix, f"u{mark}", "x", untracked=1)
    lix.execute(f"UPDATE lix_state SET metadata = '{{\"m\":{mark}}}' WHERE schema_key = '{S}'")
    lix.execute(f"DELETE FROM lix_state WHERE entity_id = 't{mark - 1}'")
    lix.execute(
        f"INSERT INTO lix_state_by_version {COLUMNS[:-1]}, version_id)"
        f" VALUES ('d{mark}', {ROW}, '{content('d')}', 'draft')"
    )
    lix.execute("INSERT INTO lix_version (id, name) VALUES (?1, ?1)", (f"version-{mark}",))
    lix.execute("UPDATE lix_version SET name = name || '!' WHERE id = 'draft'")
    lix.register_schema(one_property(f"schema_{mark}"))


def test_rollback_leaves_no_trace(lix):
    before = dump(lix)
    lix.execute("BEGIN")
    write_everywhere(lix, 1)
    lix.execute("UPDATE lix_active_version SET version_id = 'draft'")
    write_everywhere(lix, 2)
    assert dump(lix) != before
    lix.execute("ROLLBACK")
    assert dump(lix) == before
    assert lix.active_version.name == "main"
    with pytest.raises(errors.SchemaNotFound):
        lix.execute(
            f"INSERT INTO lix_state {COLUMNS} VALUES ('e', 'schema_1', 'f', 'lix', '1', ?)",
            (content("x"),),
        )


def test_exception_in_a_transaction_block_leaves_no_trace(lix):
    before = dump(lix)

    def fail():
        with lix.transaction() as tx:
            write_everywhere(tx_of(lix, tx), 1)
            raise Sudden

    with pytest.raises(Sudden):
        fail()
    assert dump(lix) == before


def tx_of(lix, tx):
    """Combine a transaction's `execute` with the verbs that live on the Lix."""

    class Inside:
        execute = staticmethod(tx.execute)
        register_schema = staticmethod(lix.register_schema)

    return Inside


def test_nested_transaction_blocks_are_savepoints(lix):
    def inner():
        with lix.transaction() as tx:
            write_everywhere(tx_of(lix, tx), 1)
            raise Sudden

    with lix.transaction():
        insert(lix, "outer-1", "x")
        with pytest.raises(Sudden):
            inner()
        insert(lix, "outer-2", "x")
    assert [e for e in entities(lix) if e.startswith("outer")] == ["outer-1", "outer-2"]
    assert lix.execute("SELECT 1 FROM lix_version WHERE id = 'version-1'").rows == []


def test_rollback_to_restores_the_half_written_transaction(lix):
    start = tips(lix)
    lix.execute("BEGIN")
    insert(lix, "first", "x")
    lix.execute("SAVEPOINT a")
    at_a = dump(lix)
    write_everywhere(lix, 1)
    lix.execute("SAVEPOINT b")
    at_b = dump(lix)
    write_everywhere(lix, 2)
    lix.execute("ROLLBACK TO b")
    assert dump(lix) == at_b
    write_everywhere(lix, 3)
    lix.execute("RELEASE b")
    lix.execute("ROLLBACK TO a")
    assert dump(lix) == at_a
    insert(lix, "second", "x")
    lix.execute("RELEASE a")
    lix.execute("COMMIT")
    assert lix.check() == []
    assert entities(lix) == ["first", "kept", "local", "second", "shared"]
    assert {v for v, tip in tips(lix).items() if start.get(v) != tip} == {lix.active_version.id}


def test_rollback_to_before_the_first_write_makes_no_commit(lix):
    before = dump(lix)
    lix.execute("BEGIN")
    lix.execute("SAVEPOINT a")
    write_everywhere(lix, 1)
    lix.execute("ROLLBACK TO a")
    lix.execute("COMMIT")
    assert dump(lix) == before


def test_rollback_to_undoes_only_the_version_first_written_after_it(lix):
    start = tips(lix)
    lix.execute("BEGIN")
    insert(lix, "main-row", "x")
    lix.execute("SAVEPOINT a")
    lix.execute(
        f"INSERT INTO lix_state_by_version {COLUMNS[:-1]}, version_id)"
        f" VALUES ('draft-row', {ROW}, '{content('d')}', 'draft')"
    )
    lix.execute("ROLLBACK TO a")
    lix.execute("COMMIT")
    end = tips(lix)
    assert end["draft"] == start["draft"]
    assert end[lix.active_version.id] != start[lix.active_version.id]


def test_savepoint_as_the_outermost_transaction(lix):
    before = dump(lix)
    lix.execute("SAVEPOINT a")
    write_everywhere(lix, 1)
    lix.execute("ROLLBACK TO a")
    lix.execute("RELEASE a")
    assert dump(lix) == before
    lix.execute("SAVEPOINT a")
    insert(lix, "kept-now", "x")
    lix.execute("RELEASE a")
    assert "kept-now" in entities(lix)


def test_released_savepoint_can_still_be_rolled_back_by_the_outer_one(lix):
    before = dump(lix)
    lix.execute("BEGIN")
    lix.execute("SAVEPOINT a")
    lix.execute("SAVEPOINT b")
    write_everywhere(lix, 1)
    lix.execute("RELEASE b")
    lix.execute("ROLLBACK TO a")
    lix.execute("COMMIT")
    assert dump(lix) == before


def test_savepoint_rolled_back_again_and_again(lix):
    lix.execute("BEGIN")
    lix.execute("SAVEPOINT a")
    at_a = dump(lix)
    for mark in range(3):
        write_everywhere(lix, mark)
        lix.execute("ROLLBACK TO a")
        assert dump(lix) == at_a
    write_everywhere(lix, 9)
    lix.execute("COMMIT")
    assert "t9" in entities(lix)


def test_active_version_switched_and_rolled_back(lix):
    lix.execute("BEGIN")
    lix.execute("SAVEPOINT a")
    lix.execute("UPDATE lix_active_version SET version_id = 'draft'")
    insert(lix, "in-draft", "x")
    lix.execute("ROLLBACK TO a")
    insert(lix, "in-main", "x")
    lix.execute("COMMIT")
    assert (
        lix.execute(
            "SELECT entity_id FROM lix_state_by_version WHERE version_id = 'draft'"
            " AND entity_id LIKE 'in-%'"
        ).rows
        == []
    )
    assert "in-main" in entities(lix)


def test_ordinary_tables_roll_back_together_with_ours(lix):
    lix.execute("CREATE TABLE mine (x)")
    before = dump(lix)
    lix.execute("BEGIN")
    lix.execute("INSERT INTO mine VALUES (1)")
    insert(lix, "e", "x")
    lix.execute("ROLLBACK")
    assert dump(lix) == before
    assert lix.execute("SELECT * FROM mine").rows == []


# Interrupts and commits that fail -----------------------------------------------------------------


INTERRUPTED = {
    "insert": FAILING["exception in an insert"][0],
    "update": FAILING["exception in an update"][0],
    "delete": FAILING["exception in a delete"][0],
}


@pytest.mark.parametrize("bare", [False, True], ids=["execute", "connection"])
@pytest.mark.parametrize("sql", INTERRUPTED.values(), ids=INTERRUPTED)
@pytest.mark.parametrize("in_transaction", [False, True])
def test_interrupt_leaves_no_trace(many, sql, bare, in_transaction):
    run = run_either_way(many, bare)
    refuse_at(many, 500, lambda: many.connection.interrupt() or "x")
    before = dump(many)
    if in_transaction:
        run("BEGIN")
        insert(many, "before", "x")
    with pytest.raises(apsw.InterruptError):
        run(sql)
    if many.connection.in_transaction:
        run("ROLLBACK")
    assert dump(many) == before
    assert many.check() == []
    insert(many, "after", "x")
    assert "after" in entities(many)


def test_refused_commit_leaves_no_trace(lix):
    """A commit hook of the application that says no turns the commit into a rollback."""
    before = dump(lix)
    lix.connection.set_commit_hook(lambda: True)
    with pytest.raises(apsw.ConstraintError):
        insert(lix, "e", "x")
    lix.connection.set_commit_hook(None)
    assert dump(lix) == before
    insert(lix, "e", "x")
    assert "e" in entities(lix)


def test_deferred_foreign_key_of_the_user_refuses_the_commit(lix):
    lix.execute("PRAGMA foreign_keys = ON")
    lix.execute("CREATE TABLE p (id PRIMARY KEY)")
    lix.execute("CREATE TABLE c (p REFERENCES p DEFERRABLE INITIALLY DEFERRED)")
    before = dump(lix)
    lix.execute("BEGIN")
    lix.execute("INSERT INTO c VALUES (1)")
    insert(lix, "e", "x")
    with pytest.raises(apsw.ConstraintError):
        lix.execute("COMMIT")
    lix.execute("INSERT INTO p VALUES (1)")
    insert(lix, "f", "x")
    lix.execute("COMMIT")
    assert dump(lix) != before
    assert {"e", "f"} <= set(entities(lix))
    assert lix.check() == []
