"""Generated statements on a table of a schema do what they do on an ordinary table."""

from __future__ import annotations

from typing import Any

import apsw
from hypothesis import given
from hypothesis import strategies as st

import lix_vtab
from lix_vtab.errors import LixError
from tests.entities.schemas import TEXT, schema

ITEM = schema(
    "item",
    {
        "id": TEXT,
        "kind": {"type": ["string", "null"]},
        "rank": {"type": ["integer", "null"]},
        "size": {"type": ["number", "null"]},
        "done": {"type": ["boolean", "null"]},
    },
    "id",
    primary_key=["/id"],
    index=[["/kind"], ["/rank"]],
)
PLAIN = (
    "CREATE TABLE item(done BOOLEAN CHECK (done IN (0, 1)), id TEXT NOT NULL UNIQUE, kind TEXT,"
    " rank INTEGER, size REAL)"
)

texts = st.sampled_from(["'a'", "'b'", "'B'", "''", "'1'", "NULL"])
integers = st.sampled_from(["0", "1", "-3", "7", "NULL"])
reals = st.sampled_from(["0.5", "1.5", "-2.25", "NULL"])
bools = st.sampled_from(["0", "1", "NULL"])
ids = st.sampled_from([f"'i{n}'" for n in range(6)])
operators = st.sampled_from(["=", "<>", "<", "<=", ">", ">=", "IS", "IS NOT"])


@st.composite
def conditions(draw: st.DrawFn, depth: int = 2) -> str:
    if depth and draw(st.booleans()):
        left, right = draw(conditions(depth - 1)), draw(conditions(depth - 1))
        return draw(
            st.sampled_from([f"({left} AND {right})", f"({left} OR {right})", f"NOT ({left})"])
        )
    column, values = draw(
        st.sampled_from([("id", ids), ("kind", texts), ("rank", integers), ("size", reals),
                         ("done", bools)])
    )  # fmt: skip
    form = draw(st.integers(0, 4))
    if form == 0:
        return f"{column} IN ({draw(values)}, {draw(values)})"
    if form == 1:
        return f"{column} BETWEEN {draw(values)} AND {draw(values)}"
    if form == 2:
        return f"{column} LIKE '%{draw(st.sampled_from('a1i'))}%'"
    if form == 3:
        return f"{column} IS {draw(st.sampled_from(['', 'NOT ']))}NULL"
    return f"{column} {draw(operators)} {draw(values)}"


@st.composite
def queries(draw: st.DrawFn) -> str:
    columns = draw(
        st.sampled_from(
            ["*", "id, rank", "count(*)", "max(rank), min(kind)", "kind, count(*), sum(size)",
             "DISTINCT kind", "id, rank + size"]
        )
    )  # fmt: skip
    if columns == "*":
        columns = "done, id, kind, rank, size"
    sql = f"SELECT {columns} FROM item WHERE {draw(conditions())}"
    if columns.startswith("kind,"):
        return f"{sql} GROUP BY kind ORDER BY kind"
    if "(" in columns:
        return sql
    key = "kind" if "DISTINCT" in columns else "id"
    order = draw(st.sampled_from([key, f"{key} DESC"]))
    limit = draw(st.sampled_from(["", " LIMIT 3", " LIMIT 2 OFFSET 1"]))
    return f"{sql} ORDER BY {order}{limit}"


@st.composite
def changes(draw: st.DrawFn) -> str:
    form = draw(st.integers(0, 5))
    row = f"({draw(ids)}, {draw(texts)}, {draw(integers)}, {draw(reals)}, {draw(bools)})"
    into = "INTO item(id, kind, rank, size, done)"
    if form == 0:
        return f"INSERT {into} VALUES {row}"
    if form == 1:
        verb = draw(st.sampled_from(["INSERT OR REPLACE", "INSERT OR IGNORE"]))
        other = f"({draw(ids)}, {draw(texts)}, {draw(integers)}, {draw(reals)}, {draw(bools)})"
        return f"{verb} {into} VALUES {row}, {other}"
    if form == 2:
        return f"INSERT OR IGNORE {into} SELECT id || 'x', kind, rank, size, done FROM item WHERE {draw(conditions(1))} AND length(id) < 4"
    if form == 3:
        return f"DELETE FROM item WHERE {draw(conditions())}"
    assignment = draw(
        st.sampled_from(
            [f"kind = {draw(texts)}", f"rank = {draw(integers)}, size = {draw(reals)}",
             "rank = rank + 1", f"done = {draw(bools)}", "kind = kind || id", "size = rank * 0.5"]
        )
    )  # fmt: skip
    return f"UPDATE item SET {assignment} WHERE {draw(conditions())}"


def outcome(run: Any, sql: str) -> Any:
    """Return the rows of a statement, or that it broke the key."""
    try:
        return [tuple(row) for row in run(sql)]
    except (LixError, apsw.ConstraintError):
        return "refused"


@given(
    script=st.lists(st.one_of(changes(), queries()), max_size=14),
    last=st.lists(queries(), max_size=5),
)
def test_an_ordinary_table_agrees(script: list[str], last: list[str]) -> None:
    plain = apsw.Connection("")
    plain.execute(PLAIN)
    with lix_vtab.open() as lix:
        lix.register_schema(ITEM)
        for number, sql in enumerate([*script, *last]):
            assert outcome(lix.execute, sql) == outcome(plain.execute, sql), sql
            if number == 6:
                # branching changes nothing one could see
                lix.switch_version(lix.create_version("branch"))
        everything = "SELECT done, id, kind, rank, size FROM item ORDER BY id"
        assert lix.execute(everything).rows == plain.execute(everything).fetchall()
        assert lix.check() == []
    plain.close()
