"""Placeholders are numbered once, across all statements of a text."""

from __future__ import annotations

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lix_vtab.errors import InvalidValueError
from lix_vtab.execution.bind import bind, take
from lix_vtab.execution.catalogue import Catalogue
from lix_vtab.execution.executor import Executor
from lix_vtab.execution.parse import parse


@pytest.fixture
def executor():
    return Executor(apsw.Connection(""), lambda: Catalogue.of(1, []))


@pytest.mark.parametrize(
    ("sql", "params", "row"),
    [
        ("BEGIN; SELECT ?; SELECT ?3; SELECT $2, ?; COMMIT;", [11, 22, 33, 44], (22, 44)),
        ("SELECT ?, ?; SELECT ?", [1, 2, 3], (3,)),
        ("SELECT ?1; SELECT ?1, ?", [1, 2], (1, 2)),
        ("SELECT ?2, ?, ?1", [1, 2, 3], (2, 3, 1)),
        ("SELECT $2, $1", [1, 2], (2, 1)),
        ("SELECT $2, ?", (1, 2, 3), (2, 3)),
        ("SELECT ?", [1, "ignored"], (1,)),
        ("SELECT 1", ["ignored"], (1,)),
        ("SELECT 1; SELECT ?3", [1, 2, 3, 4], (3,)),
        ("SELECT ?3, ?1 || 'x', ?3; SELECT ?2, ?1", [1, 2, 3], (2, 1)),
        ("SELECT :a, @b, $c, :a", {"a": 1, "b": 2, "c": 3}, (1, 2, 3, 1)),
        ("SELECT :a, @a", {"a": 1}, (1, 1)),
        ("SELECT :a; SELECT :b, :a", {"a": 1, "b": 2}, (2, 1)),
        ("SELECT :1", {"1": "x"}, ("x",)),
        ("SELECT $a::b(c)", {"a::b(c)": "tcl"}, ("tcl",)),
        ("SELECT 5", {}, (5,)),
        ("SELECT 5", None, (5,)),
    ],
)
def test_values_arrive(executor, sql, params, row):
    assert executor.execute(sql, params).rows == [row]
    assert executor.execute(sql, params).rows == [row], "also from the cache"


@pytest.mark.parametrize(
    ("sql", "params", "message"),
    [
        ("SELECT ?5", [1], "placeholder '\\?5' references parameter 5 but only 1 parameters were"),
        ("SELECT 1; SELECT ?, ?", [1], "placeholder '\\?' references parameter 2 but only 1"),
        ("SELECT ?", None, "references parameter 1 but only 0"),
        ("SELECT ?0", [1], "invalid SQL placeholder '\\?0'"),
        ("SELECT $0", [1], "invalid SQL placeholder '\\$0'"),
        ("SELECT :", [1], "invalid SQL placeholder ':'"),
        ("SELECT @", {}, "invalid SQL placeholder '@'"),
        ("SELECT $", [1], "invalid SQL placeholder '\\$'"),
        ("SELECT ?99999999999", [1], "invalid SQL placeholder"),
        ("SELECT :a", [1], "unsupported SQL placeholder format ':a'"),
        ("SELECT $a", [1], "invalid SQL placeholder '\\$a'"),
        ("SELECT :a, :b", {"a": 1}, "no parameter named 'b'"),
        ("SELECT :a", {"a": 1, "z": 2}, "parameter 'z' is not used"),
        ("SELECT 1", {"z": 2}, "parameter 'z' is not used"),
        ("SELECT ?", {"z": 2}, "parameter 'z' is not used"),
        ("SELECT ?", {}, "need a sequence"),
        ("SELECT ?, :a", {"a": 1}, "mixes the positional placeholder"),
        ("SELECT ?; SELECT :a", {"a": 1}, "cannot mix"),
        ("SELECT ?", "a", "must be a sequence or a mapping, not str"),
        ("SELECT ?", {1}, "must be a sequence or a mapping, not set"),
    ],
)
def test_errors_say_what_does_not_fit(executor, sql, params, message):
    for _ in range(2):
        with pytest.raises(InvalidValueError, match=message) as caught:
            executor.execute(sql, params)
    assert caught.value.code == "LIX_INVALID_PARAM"


def test_nothing_runs_when_parameters_do_not_fit(executor):
    executor.execute("CREATE TABLE t(a)")
    with pytest.raises(InvalidValueError):
        executor.execute("INSERT INTO t VALUES (?); INSERT INTO t VALUES (?)", [1])
    assert executor.execute("SELECT * FROM t").rows == []


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (2**63, "64 bits"),
        (-(2**63) - 1, "64 bits"),
        (object(), "type object"),
        ("\ud800", "surrogates"),
        ([1], "type list"),
    ],
)
def test_values_sqlite_cannot_hold(executor, value, reason):
    for sql, params, name in (
        ("SELECT ?, ?", (1, value), "2"),
        ("SELECT :a", {"a": value}, "'a'"),
        ("SELECT 1; SELECT ?, ?", (1, value), "2"),
    ):
        for _ in range(2):
            with pytest.raises(InvalidValueError, match=reason) as caught:
                executor.execute(sql, params)
        assert f"parameter {name}" in caught.value.message


def test_errors_of_user_functions_are_left_alone(executor):
    def fail(_value):
        raise TypeError("my own")

    executor.connection.create_scalar_function("fail", fail, 1)
    with pytest.raises(TypeError, match="my own"):
        executor.execute("SELECT fail(?)", (1,))


def test_a_script_takes_slices_not_copies():
    blobs = [bytes([i]) * 500_000 for i in range(20)]
    script = bind(parse("; ".join(["SELECT ?"] * 20)))
    taken = [take(one.ordinals, one.names, blobs) for one in script.statements]
    assert [len(values) for values in taken] == [1] * 20
    assert all(values[0] is blob for values, blob in zip(taken, blobs, strict=True))
    one = bind(parse("SELECT ?, ?")).statements[0]
    both = ("a", "b")
    assert take(one.ordinals, one.names, both) is both


def test_more_parameters_than_one_statement_could_take(executor):
    count = 40_000
    script = "; ".join(["SELECT ?"] * count)
    assert executor.execute(script, range(count)).rows == [(count - 1,)]


MARKS = st.sampled_from(["?", "?1", "?2", "?3", "?5", "$1", "$4"])


@given(st.lists(st.lists(MARKS, max_size=4), min_size=1, max_size=4))
def test_numbering_follows_the_rule(statements):
    counter, expected = 0, []
    for marks in statements:
        row = []
        for mark in marks:
            number = int(mark[1:]) if mark[1:] else counter + 1
            counter = max(counter, number)
            row.append(number)
        expected.append(row)
    sql = "; ".join("SELECT " + ", ".join(["'x'", *marks]) for marks in statements)
    params = list(range(1, counter + 1))
    db = apsw.Connection("")
    script = bind(parse(sql))
    assert script.width == counter
    for one, row in zip(script.statements, expected, strict=True):
        values = take(one.ordinals, one.names, params)
        assert db.execute(one.sql, values).fetchall() == [("x", *row)]
        assert len(values) <= counter
