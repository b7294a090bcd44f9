"""A row may cost at most three times what it costs with APSW; it is usually cheaper."""

from __future__ import annotations

import time

import pytest

ROWS = 20_000
QUERIES = {
    "count": "SELECT count(*) FROM {table}({rows})",
    "one column": "SELECT sum(value) FROM {table}({rows})",
    "all columns": "SELECT sum(value), max(text), sum(real), max(blob), max(empty) "
    "FROM {table}({rows})",
    "a function": "SELECT sum(sample_twice(value)) FROM {table}({rows})",
}


def fastest(*actions, times=7):
    """Return the least time of each action; by turns, as the machine may be slower for a while."""

    def once(action):
        started = time.process_time()
        action()
        return time.process_time() - started

    measured = [[*map(once, actions)] for _ in range(times)]
    return [min(column) for column in zip(*measured, strict=True)]


@pytest.mark.parametrize("table", ["numbers", "plain_numbers"])
@pytest.mark.parametrize("query", QUERIES)
def test_a_row_costs_no_more_than_three_times_apsw(pair, query, table):
    sql = QUERIES[query].format(table=table, rows=ROWS)
    reference, loaded = fastest(*(lambda host=host: host.run(sql) for host in pair))
    assert loaded <= 3 * reference, (
        f"{loaded / ROWS * 1e9:.0f} ns, APSW {reference / ROWS * 1e9:.0f} ns"
    )


def test_statements_of_python_cost_no_more_than_three_times_apsw(pair):
    for host in pair:
        host.ours.execute("CREATE TABLE r(k PRIMARY KEY, v) WITHOUT ROWID")
        host.ours.executemany("INSERT INTO r VALUES (?, ?)", ((f"k{n}", n) for n in range(500)))

    def lookups(execute):
        for n in range(500):
            assert execute("SELECT v FROM r WHERE k = ?", (f"k{n}",)).fetchone() == (n,)

    reference, loaded = fastest(*(lambda host=host: lookups(host.ours.execute) for host in pair))
    assert loaded <= 3 * reference
