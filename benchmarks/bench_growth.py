"""Cost against size: each law fails when the fitted exponent exceeds its bound.

Medians at n, 10 n and 100 n; the exponent is the slope of log time over log size. A bound of 0
would mean exactly flat, so a little is allowed for caches and noise.
"""

from __future__ import annotations

import math
import os
import statistics
import time

import pytest

from benchmarks.rows import INSERT, filled

ROWS = [1_000, 10_000, 100_000]
COMMITS = [10, 1_000, 10_000]
FLAT = 0.15


def exponent(sizes, times):
    """Return the slope of a line through the points in log-log space."""
    x = [math.log(size) for size in sizes]
    y = [math.log(seconds) for seconds in times]
    return statistics.linear_regression(x, y).slope


def median(action, rounds=60):
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def list_all(lix):
    sql = "SELECT snapshot_content FROM lix_state WHERE schema_key = 'bench_row'"
    return lix.connection.execute(sql).fetchall()


def report(name, sizes, times, bound):
    slope = exponent(sizes, times)
    figures = ", ".join(
        f"{size:,}: {seconds * 1e6:,.0f} us" for size, seconds in zip(sizes, times, strict=True)
    )
    print(f"\n{name}: {figures}; exponent {slope:+.2f} (bound {bound})")
    assert slope <= bound


ACTIONS = {
    "write one row": lambda lix, rows: lix.connection.execute(INSERT, rows.take(1)[0]),
    "create a version": lambda lix, rows: lix.connection.execute(
        "INSERT INTO lix_version (name) VALUES ('v')"
    ),
    "read one row": lambda lix, rows: lix.connection.execute(
        "SELECT snapshot_content FROM lix_state WHERE schema_key = 'bench_row' "
        "AND entity_id = 'row-00000007'"
    ).fetchall(),
    "write one row and roll back": lambda lix, rows: [
        lix.connection.execute(sql, values)
        for sql, values in (("BEGIN", ()), (INSERT, rows.take(1)[0]), ("ROLLBACK", ()))
    ],
}


@pytest.mark.parametrize("name", ACTIONS)
def test_independent_of_rows(name):
    times = []
    for size in ROWS:
        lix, rows = filled(size)
        with lix:
            times.append(median(lambda lix=lix, rows=rows: ACTIONS[name](lix, rows)))
    report(f"{name} against rows", ROWS, times, FLAT)


@pytest.mark.parametrize("name", ACTIONS)
def test_independent_of_history(name):
    times = []
    for size in COMMITS:
        lix, rows = filled(100)
        with lix:
            for pair in rows.take(size):
                lix.connection.execute(INSERT, pair)
            times.append(median(lambda lix=lix, rows=rows: ACTIONS[name](lix, rows)))
    report(f"{name} against commits", COMMITS, times, FLAT)


def test_listing_is_linear():
    times = []
    for size in ROWS:
        lix, _ = filled(size)
        with lix:
            times.append(median(lambda lix=lix: list_all(lix), rounds=5))
    report("list all rows", ROWS, times, 1.1)


def test_space(tmp_path):
    """Row 22: size of 10,000 rows, and growth for each commit of one row."""
    path = str(tmp_path / "app.lix")
    lix, rows = filled(10_000, path)
    lix.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = os.path.getsize(path)
    for pair in rows.take(1_000):
        lix.connection.execute(INSERT, pair)
    lix.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    growth = (os.path.getsize(path) - before) / 1_000
    lix.close()
    print(f"\n10,000 rows: {before / 1e6:.2f} MB; growth for each one-row commit: {growth:.0f} B")
    assert before <= 3.5e6
    assert growth <= 1_024
