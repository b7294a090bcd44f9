"""Random writes on small tables: the lowered form and the native one never part ways."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.execution.conftest import make_native, make_virtual

TEXTS = st.sampled_from(["'a'", "'b'", "'c'", "?"])
NUMBERS = st.sampled_from(["NULL", "0", "1", "2", "3"])
CONDITIONS = st.sampled_from(["", " WHERE n > 1", " WHERE k = 'a'", " WHERE u IS NULL", " WHERE 0"])
RETURNING = st.sampled_from(["", " RETURNING *", " RETURNING k, n + 1 AS m", " RETURNING s || k"])
ACTIONS = st.sampled_from(["", "", "", " OR REPLACE", " OR IGNORE", " OR FAIL", " OR ROLLBACK"])
TARGETS = st.sampled_from(["(k, s)", "(s, k)", "(u)"])
VALUES = st.sampled_from(
    ["excluded.n", "entry.n + excluded.n", "excluded.u", "n", "NULL", "(SELECT max(b) FROM item)"]
)  # fmt: skip


@st.composite
def clauses(draw):
    """One to three ON CONFLICT clauses; only the last may lack a target."""
    parts = []
    count = draw(st.integers(0, 3))
    for number in range(count):
        target = f" {draw(TARGETS)}" if number < count - 1 or draw(st.booleans()) else ""
        if draw(st.booleans()):
            parts.append(f" ON CONFLICT{target} DO NOTHING")
            continue
        column = draw(st.sampled_from(["n", "u", "s", "k"]))
        value = (
            draw(VALUES) if column in "nu" else draw(st.sampled_from(["'g'", f"{column} || 'x'"]))
        )
        where = draw(st.sampled_from(["", " WHERE excluded.n > 1", " WHERE entry.n IS NOT 2"]))
        parts.append(f" ON CONFLICT{target} DO UPDATE SET {column} = {value}{where}")
    return "".join(parts)


@st.composite
def inserts(draw):
    rows = draw(
        st.lists(
            st.tuples(TEXTS, st.sampled_from(["'f'", "'g'"]), NUMBERS, NUMBERS),
            min_size=1,
            max_size=4,
        )
    )
    conflicts = draw(clauses())
    action = "" if conflicts else draw(ACTIONS)
    if draw(st.booleans()):
        values = ", ".join(f"({', '.join(row)})" for row in rows)
        source = f"(k, s, u, n) VALUES {values}"
    else:
        values = ", ".join(f"({row[0]}, {row[3]})" for row in rows)
        source = f"(k, n) SELECT column1, column2 FROM (VALUES {values}) WHERE true"
    # REPLACE reports and counts what it deletes in ways of its own; RETURNING is what we lower.
    returning = draw(RETURNING) if conflicts or not action else " RETURNING k, n"
    return f"INSERT{action} INTO entry {source}{conflicts}{returning}"


@st.composite
def updates(draw):
    column = draw(st.sampled_from(["n", "u", "s"]))
    value = draw(st.sampled_from(["n + 1", "NULL", "2", "(SELECT max(id) FROM item)"]))
    value = "s || 'y'" if column == "s" else value
    return f"UPDATE entry SET {column} = {value}{draw(CONDITIONS)} RETURNING k, s, u, n"


@st.composite
def deletes(draw):
    return f"DELETE FROM entry{draw(CONDITIONS)}{draw(RETURNING)}"


@given(st.lists(st.one_of(inserts(), inserts(), updates(), deletes()), min_size=1, max_size=6))
def test_lowered_and_native_agree(statements):
    native, virtual = make_native(), make_virtual()
    for number, sql in enumerate(statements):
        params = [f"p{number}"] * sql.count("?")
        assert virtual.run(sql, params) == native.run(sql, params), sql
        assert virtual.db.in_transaction == native.db.in_transaction
