"""The planner is pure and deterministic; its decisions are values."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import apsw
import pytest

from lix_vtab.errors import ReadOnlyError, TransactionStateError
from lix_vtab.execution.bind import bind
from lix_vtab.execution.catalogue import Catalogue, Table
from lix_vtab.execution.contracts import ExecutionPlan, Place, Transaction
from lix_vtab.execution.errors import PlanError
from lix_vtab.execution.executor import Executor
from lix_vtab.execution.parse import parse
from lix_vtab.execution.plan import plan

UPSERT = (
    "INSERT INTO entry (k, n) VALUES (?, ?) ON CONFLICT (k, s) DO UPDATE SET n = excluded.n"
    " WHERE n < ? RETURNING k"
)


def planned(sql: str, catalogue: Catalogue) -> ExecutionPlan:
    return plan(bind(parse(sql)), catalogue)


@pytest.mark.parametrize(
    ("sql", "transaction"),
    [
        ("SELECT 1", Transaction.NONE),
        ("INSERT INTO entry (k) VALUES (1)", Transaction.NONE),
        ("BEGIN", Transaction.NONE),
        ("SELECT 1; SELECT 2", Transaction.READ),
        ("SELECT 1; INSERT INTO other VALUES (1)", Transaction.WRITE),
        ("BEGIN EXCLUSIVE; SELECT 1; END", Transaction.GIVEN),
        ("UPDATE entry SET n = 1 RETURNING n", Transaction.WRITE),
        ("UPDATE other SET n = 1 RETURNING n", Transaction.NONE),
    ],
)
def test_what_a_plan_requires(catalogue, sql, transaction):
    assert planned(sql, catalogue).requirements.transaction is transaction


def test_a_scripts_own_begin_is_kept(catalogue):
    found = planned("BEGIN EXCLUSIVE; SELECT 1; SELECT 2; COMMIT", catalogue)
    assert found.requirements.begin == "BEGIN EXCLUSIVE"
    assert [one.sql for one in found.statements] == ["SELECT 1", "SELECT 2"]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (f"BEGIN; SELECT 1; {inner}; COMMIT", "nested transaction statements are not supported")
        for inner in ("BEGIN", "COMMIT", "END", "ROLLBACK", "ROLLBACK TO x", "BEGIN IMMEDIATE")
    ]
    + [
        ("BEGIN; SELECT 1", "cannot start a transaction within a transaction"),
        ("SELECT 1; BEGIN", "cannot start a transaction within a transaction"),
        ("SELECT 1; COMMIT", "cannot end another"),
        ("ROLLBACK; SELECT 1", "cannot end another"),
    ],
)
def test_transaction_statements_in_scripts(catalogue, sql, message):
    with pytest.raises(TransactionStateError, match=message) as caught:
        planned(sql, catalogue)
    assert caught.value.code == "LIX_INVALID_TRANSACTION_STATE"


def test_savepoints_are_fine_in_scripts(catalogue):
    for sql in ("BEGIN; SAVEPOINT a; RELEASE a; COMMIT", "SAVEPOINT a; ROLLBACK TO a; RELEASE a"):
        assert planned(sql, catalogue).effects.controls_transaction


def test_connection_level_statements_stay_out_of_the_transaction(catalogue):
    found = planned(
        "PRAGMA foreign_keys = ON; ATTACH '' AS a; SELECT 1; PRAGMA user_version; SELECT 2; VACUUM",
        catalogue,
    )
    outside, inside = Place.OUTSIDE, Place.INSIDE
    places = [one.place for one in found.statements]
    assert places == [outside, outside, inside, inside, inside, outside]


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO entry_history (k) VALUES (1)",
        "UPDATE main.Entry_History SET k = 1 WHERE 0",
        "DELETE FROM [entry_history] WHERE 0",
    ],
)
def test_read_only_tables_refuse_even_what_matches_nothing(catalogue, sql):
    with pytest.raises(ReadOnlyError, match=r"entry_history is read-only; [A-Z]+ is not supported"):
        planned(sql, catalogue)


def test_effects_name_what_is_written(catalogue):
    effects = planned("UPDATE Entry SET n = 1; DELETE FROM other; CREATE TABLE x(a)", catalogue)
    assert effects.effects.writes == ("entry", "other")
    assert effects.effects.defines


def test_the_fingerprint_is_the_same_in_every_process(catalogue):
    code = f"""
from tests.execution.conftest import TABLES
from lix_vtab.execution.bind import bind
from lix_vtab.execution.catalogue import Catalogue
from lix_vtab.execution.parse import parse
from lix_vtab.execution.plan import plan
print(plan(bind(parse({UPSERT!r})), Catalogue.of(99, reversed(TABLES))).fingerprint())
"""
    seen = {planned(UPSERT, catalogue).fingerprint()}
    for seed in ("1", "2"):
        out = subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(p for p in sys.path if p)},
            capture_output=True,
            text=True,
            check=True,
        )
        seen.add(out.stdout.strip())
    assert len(seen) == 1


def test_the_fingerprint_tells_decisions_apart(catalogue):
    texts = [UPSERT, UPSERT.replace("<", ">"), "SELECT 1", "SELECT 2", "BEGIN; SELECT 1; COMMIT"]
    assert len({planned(text, catalogue).fingerprint() for text in texts}) == len(texts)
    without = Catalogue.of(1, [])
    assert planned(UPSERT, without).fingerprint() != planned(UPSERT, catalogue).fingerprint()


def test_equal_inputs_give_equal_plans(catalogue):
    assert planned(UPSERT, catalogue) == planned(UPSERT, catalogue)
    with pytest.raises(dataclasses.FrozenInstanceError):
        planned(UPSERT, catalogue).width = 5


def test_plans_of_reads_outlive_the_catalogue():
    generation = [1]
    tables: list[Table] = []
    executor = Executor(apsw.Connection(""), lambda: Catalogue.of(generation[0], tables))
    executor.execute("CREATE TABLE t(a)")
    read, write = "SELECT * FROM t", "INSERT INTO t VALUES (1)"
    before = executor.plan(read), executor.plan(write)
    assert executor.plan(read) is before[0]
    assert executor.plan(write) is before[1]
    executor.execute(write)
    generation[0] = 2
    tables.append(Table("t", "state", ("a",), refuses=frozenset({"INSERT"})))
    assert executor.plan(read) is before[0]
    with pytest.raises(ReadOnlyError):
        executor.execute(write)


def test_the_cache_is_bounded_and_forgets_the_oldest():
    executor = Executor(apsw.Connection(""), lambda: Catalogue.of(1, []))
    first = executor.plan("SELECT 0")
    for i in range(1, 1025):
        executor.plan(f"SELECT {i}")
    assert executor.plan("SELECT 0") is not first
    long = "SELECT '" + "x" * 20_000 + "'"
    assert executor.plan(long) is not executor.plan(long)


def test_a_plan_that_contradicts_itself_is_not_made(catalogue):
    bound = bind(parse("SELECT ?, ?"))
    with pytest.raises(PlanError, match="beyond 1"):
        plan(dataclasses.replace(bound, width=1), catalogue)
    named = bind(parse("SELECT :a"))
    with pytest.raises(PlanError, match="not both"):
        plan(dataclasses.replace(named, width=1), catalogue)
