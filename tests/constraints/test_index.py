"""The index of values: kept right, used by plans, and what keeps writes from slowing down."""

from __future__ import annotations

import random
import re
import time
from typing import Any

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lix_vtab
from tests.constraints.schemas import CHILD, PARENT, refers, store
from tests.entities.schemas import TEXT, schema
from tests.state.session import Session

ITEM = schema(
    "item",
    {
        "id": TEXT,
        "kind": TEXT,
        "rank": {"type": "integer"},
        "size": {"type": "number"},
        "done": {"type": "boolean"},
        "any": {},
    },
    primary_key=["/id"],
    index=[["/kind"], ["/rank"], ["/size"], ["/done"], ["/any"], ["/kind", "/rank"]],
)


def plan(lix: Any, sql: str, *params: Any) -> str:
    return " / ".join(row[3] for row in lix.execute(f"EXPLAIN QUERY PLAN {sql}", params).rows)


@pytest.mark.parametrize(
    ("where", "used"),
    [
        ("kind = 'a'", "index (kind)"),
        ("'a' = kind AND size > 1", "index (kind)"),
        ("kind = 'a' AND rank = 1", "index (kind, rank)"),
        ("kind IN ('a', 'b')", "index (kind)"),
        ("rank = 1 AND id = 'x'", None),
        ("rank > 1", None),
        ("kind IS NULL", None),
        ("kind || '' = 'a'", None),
        ("kind = 'a' COLLATE NOCASE", None),
    ],
)
def test_plans_say_which_index_they_use(lix: Session, where: str, used: str | None) -> None:
    store(lix, ITEM)
    for table in ("item", "item_by_version"):
        text = plan(lix, f"SELECT * FROM {table} WHERE {where}")
        assert (used in text) if used else ("index (" not in text)


def test_the_inner_statement_does_not_scan(lix: Session) -> None:
    """What the index finds drives the search in every layer."""
    store(lix, ITEM)
    lix.execute("INSERT INTO item(id, kind) VALUES ('a', 'x')")
    lix.execute("INSERT INTO item(id, kind, lixcol_untracked) VALUES ('b', 'x', 1)")
    draft = lix.create_version("draft", source=lix.tip())
    lix.switch_version(draft)
    seen: list[str] = []
    connection = lix.connection
    connection.trace_v2(apsw.SQLITE_TRACE_STMT, lambda event: seen.append(event["sql"]))
    assert lix.lix.execute("SELECT id FROM item WHERE kind = 'x'").rows == [("a",)]
    connection.trace_v2(0)
    inner = next(sql for sql in seen if "lix_internal_index" in sql)
    width = max(map(int, re.findall(r"\?(\d+)", inner)))
    steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {inner}", [1] * width)]
    assert [step for step in steps if "lix_internal_index" in step or " i " in step]
    assert not [step for step in steps if step.startswith(("SCAN x", "SCAN lix_internal"))]


def test_joins_over_foreign_keys_are_look_ups(lix: Session) -> None:
    store(lix, PARENT, CHILD)
    text = plan(lix, "SELECT * FROM parent p JOIN child c ON c.parent_id = p.id WHERE p.id = 'a'")
    assert "index (parent_id)" in text


VALUES: list[Any] = [None, "a", "A", "", "1", "1.0", "x" * 300, "x" * 299 + "y", 0, 1, -1, 2, 1.5]


@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 6),
            st.sampled_from(["a", "b", "x" * 300, None]),
            st.sampled_from([None, 0, 1, 2]),
            st.sampled_from(VALUES),
            st.sampled_from(["put", "drop", "branch", "untracked"]),
        ),
        max_size=25,
    )
)
def test_indexed_and_plain_columns_agree(rows: list[tuple[Any, ...]]) -> None:
    """Any history of writes and branches: the index finds what a scan finds."""
    with lix_vtab.open() as lix:
        lix.register_schema(ITEM)
        for number, (id, kind, rank, any_, action) in enumerate(rows):
            if action == "drop":
                lix.execute("DELETE FROM item WHERE id = ?", (str(id),))
            elif action == "branch":
                lix.switch_version(lix.create_version(f"v{number}"))
            else:
                lix.execute(
                    'INSERT OR REPLACE INTO item(id, kind, rank, "any", lixcol_untracked)'
                    " VALUES (?, ?, ?, ?, ?)",
                    (str(id), kind, rank, any_, action == "untracked"),
                )
        every = "SELECT id, lixcol_version_id FROM item_by_version WHERE {} = ? ORDER BY 1, 2"
        one = "SELECT id FROM item WHERE {} = ? ORDER BY 1"
        for column, values in (("kind", ["a", "x" * 300]), ("rank", [0, 1]), ("any", VALUES)):
            for value in values:
                query = one if column == "any" else every
                quick = lix.execute(query.format(f'"{column}"'), (value,)).rows
                slow = lix.execute(query.format(f'+"{column}"'), (value,)).rows
                assert quick == slow
        both = "SELECT id FROM item WHERE kind = 'a' AND rank = 1"
        assert lix.execute(both).rows == lix.execute(both.replace("AND rank", "AND +rank")).rows
        assert lix.check() == []


def test_values_compare_as_sqlite_compares_them(lix: Session) -> None:
    store(lix, ITEM)
    lix.execute(
        'INSERT INTO item(id, kind, rank, size, done, "any") VALUES'
        " ('a', '1', 1, 1, 1, 1), ('b', '01', 2, 1.5, 0, '1'), ('c', 'x', -1, 0.1, 1, 1.0)"
    )
    for where in (
        "kind = 1", "kind = '1'", "rank = '1'", "rank = 1.0", "size = '1.5'", "size = 1", "done = 1",
        "done = '1'", "\"any\" = 1", "\"any\" = '1'", "rank IN (1, '2', NULL)", "size IN (0.1, 1)",
        "kind IN (1, 'x')", "rank = NULL", "kind = x'31'", "done IN (0)",
    ):  # fmt: skip
        quick_ids = lix.column(f"SELECT id FROM item WHERE {where} ORDER BY id")
        # the same comparison, made by SQLite itself on an ordinary table
        lix.connection.execute("DROP TABLE IF EXISTS temp.plain")
        lix.connection.execute(
            "CREATE TEMP TABLE plain(id TEXT, kind TEXT, rank INTEGER, size REAL, done BOOLEAN,"
            ' "any")'
        )
        lix.connection.execute(
            'INSERT INTO plain SELECT id, kind, rank, size, done, "any" FROM main.item'
        )
        expected = [
            row[0]
            for row in lix.connection.execute(f"SELECT id FROM plain WHERE {where} ORDER BY id")
        ]
        assert quick_ids == expected, where


def test_an_index_that_comes_later(lix: Session) -> None:
    bare = {k: v for k, v in ITEM.items() if k != "x-lix-index"}
    store(lix, bare)
    lix.execute("INSERT INTO item(id, kind) VALUES ('a', 'x'), ('b', 'y')")
    lix.execute("UPDATE item SET kind = 'z' WHERE id = 'b'")
    lix.execute("INSERT INTO item(id, kind, lixcol_untracked) VALUES ('c', 'x', 1)")
    store(lix, ITEM | {"x-lix-version": "2"})
    assert "index (kind)" in plan(lix, "SELECT id FROM item WHERE kind = 'x'")
    assert lix.column("SELECT id FROM item WHERE kind = 'x' ORDER BY id") == ["a", "c"]
    assert lix.column("SELECT id FROM item WHERE kind = 'y'") == []


def test_check_notices_and_rebuild_mends(lix: Session) -> None:
    store(lix, ITEM)
    lix.execute("INSERT INTO item(id, kind) VALUES ('a', 'x')")
    lix.connection.execute("DELETE FROM lix_internal_index")
    assert any("index of values" in problem for problem in lix.lix.check())
    lix.lix.rebuild()
    assert lix.lix.check() == []
    assert lix.column("SELECT id FROM item WHERE kind = 'x'") == ["a"]


@pytest.mark.slow
def test_one_row_among_many_costs_the_same() -> None:
    """With 100,000 rows a write is not much slower than with 1,000."""
    times = {count: _time_writes(count) for count in (1_000, 100_000)}
    for verb in ("insert", "update", "delete"):
        assert times[100_000][verb] < 5 * times[1_000][verb] + 0.0005


def _time_writes(count: int) -> dict[str, float]:
    parent = schema("parent", "id", primary_key=["/id"])
    big = schema(
        "big",
        {"id": TEXT, "code": {"type": "integer"}, "ref": TEXT},
        primary_key=["/id"],
        unique=[["/code"]],
        foreign_keys=[refers("/ref", "parent")],
    )
    with lix_vtab.open() as lix:
        lix.register_schema(parent)
        lix.register_schema(big)
        lix.execute(
            "INSERT INTO parent(id) SELECT 'p' || value FROM json_each(?)", (str([*range(100)]),)
        )
        lix.execute(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " INSERT INTO big(id, code, ref) SELECT 'r' || i, i, 'p' || (i % 100) FROM n",
            (count - 1,),
        )
        chosen = random.Random(1).sample(range(count), 30)
        timed: dict[str, float] = {}
        for verb, sql in (
            ("insert", "INSERT INTO big(id, code, ref) VALUES ('n' || ?1, -1 - ?1, 'p1')"),
            ("update", "UPDATE big SET code = -1000000 - ?1 WHERE id = 'r' || ?1"),
            ("delete", "DELETE FROM big WHERE id = 'r' || ?1"),
        ):
            spent = []
            for number in chosen:
                start = time.process_time()
                lix.execute(sql, (number,))
                spent.append(time.process_time() - start)
            timed[verb] = sorted(spent)[len(spent) // 2]
        return timed
