"""Rows 13-15 and 23 of the comparison, and how history, diff, time travel, blame and log grow.

Growth is held against the bounds of `bench_growth`, in processor time, which other work on the
machine hardly disturbs.
"""

from __future__ import annotations

import statistics
import time

import apsw
import pytest

from benchmarks.bench_growth import FLAT, report
from benchmarks.rows import INSERT, filled

ROWS = [1_000, 10_000, 100_000]
COMMITS = [10, 100, 1_000, 10_000]

HISTORY = (
    "SELECT snapshot_content, depth, commit_id FROM lix_state_history "
    "WHERE schema_key = 'bench_row' AND file_id = 'lix' AND entity_id = ?"
)
DIFF = (
    "SELECT entity_id, status, before_snapshot_content, after_snapshot_content "
    "FROM lix_diff('HEAD~1', 'HEAD')"
)
UPDATE = "UPDATE bench_row SET rank = rank + 1 WHERE id = ?"


def median(action, rounds=50):
    times = []
    for _ in range(rounds):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return statistics.median(times)


def with_history(rows=1_000, commits=100):
    """Return a lix of some rows: one changed in every commit, one three times at the beginning."""
    lix, supply = filled(rows)
    execute = lix.connection.execute
    for name in ("often", "seldom"):
        execute(INSERT, (name, f'{{"id":"{name}","rank":0}}'))
    for _ in range(2):
        execute(UPDATE, ("seldom",))
    for _ in range(commits - 1):
        execute(UPDATE, ("often",))
    return lix, supply


def change_a_hundred(lix, rows):
    """Change a hundred rows in one commit."""
    ids = [(f"row-{number:08d}",) for number in range(0, rows, rows // 100)]
    with lix.transaction():
        lix.connection.executemany(UPDATE, ids)


def fetch(lix, sql, params=()):
    return lix.connection.execute(sql, params).fetchall()


# -- side by side with the floor


def floor_of_history(changes):
    """Return an ordinary table of changes, with the index one would give it."""
    connection = apsw.Connection(":memory:")
    connection.execute(
        "CREATE TABLE change "
        "(no INTEGER PRIMARY KEY, entity_id TEXT, snapshot TEXT, commit_id TEXT)"
    )
    connection.execute("CREATE INDEX change_entity ON change(entity_id, no)")
    connection.executemany(
        "INSERT INTO change(entity_id, snapshot, commit_id) VALUES (?, ?, ?)",
        [("often", '{"id":"often"}', str(n)) for n in range(changes)],
    )
    return connection


@pytest.mark.parametrize("side", ["lix", "floor"])
def test_history_of_an_entity_with_100_changes(benchmark, side):
    """Row 13."""
    benchmark.group = "history of one entity, 100 changes"
    if side == "floor":
        connection = floor_of_history(100)
        sql = "SELECT snapshot, no, commit_id FROM change WHERE entity_id = 'often'"
        assert len(benchmark(lambda: connection.execute(sql).fetchall())) == 100
        return
    lix, _ = with_history(commits=100)
    assert len(benchmark(lambda: fetch(lix, HISTORY, ("often",)))) == 100


@pytest.mark.parametrize("commits", [100, 2_000])
def test_history_of_an_entity_with_3_changes(benchmark, commits):
    """Row 13."""
    benchmark.group = "history of one entity, 3 changes"
    lix, _ = with_history(commits=commits)
    assert len(benchmark(lambda: fetch(lix, HISTORY, ("seldom",)))) == 3


@pytest.mark.parametrize("rows", [10_000, 100_000])
def test_diff_of_100_rows(benchmark, rows):
    """Row 14."""
    benchmark.group = "diff, 100 rows changed"
    lix, _ = filled(rows)
    change_a_hundred(lix, rows)
    assert len(benchmark(lambda: fetch(lix, DIFF))) == 100


@pytest.mark.parametrize("what", ["10,000 rows", "one row"])
@pytest.mark.parametrize("when", ["now", "1,000 commits back"])
def test_reading_back_in_time(benchmark, what, when):
    """Row 15."""
    benchmark.group = f"read {what}, now and back in time"
    lix, _ = with_history(rows=10_000, commits=1_000)
    ((commit,),) = fetch(lix, "SELECT commit_id FROM lix_commit_ancestry WHERE depth = 999")
    table = "bench_row" if when == "now" else f"bench_row_at('{commit}')"
    where = " WHERE id = 'row-00000500'" if what == "one row" else ""
    benchmark(lambda: fetch(lix, f"SELECT id, rank FROM {table}{where}"))


def test_undo_and_redo(benchmark):
    """Row 23."""
    benchmark.group = "undo and redo of one change"
    lix, _ = with_history()

    def there_and_back():
        fetch(lix, "SELECT lix_undo()")
        fetch(lix, "SELECT lix_redo()")

    benchmark(there_and_back)


# -- growth


QUESTIONS = {
    "history of three changes": lambda lix: fetch(lix, HISTORY, ("seldom",)),
    "history of a row of its schema": lambda lix: fetch(
        lix, "SELECT rank, lixcol_depth FROM bench_row_history WHERE id = 'seldom'"
    ),
    "a row at the first commit": lambda lix: fetch(
        lix, "SELECT rank FROM bench_row_at(?) WHERE id = 'row-00000007'", (lix.first,)
    ),
    "blame of a row": lambda lix: fetch(
        lix,
        "SELECT property, commit_id FROM lix_blame WHERE schema_key = 'bench_row' "
        "AND file_id = 'lix' AND entity_id = 'seldom'",
    ),
    "log of a row": lambda lix: fetch(
        lix,
        "SELECT commit_id FROM lix_log WHERE entity_id = 'seldom' AND schema_key = 'bench_row'",
    ),
    "ten newest commits": lambda lix: fetch(lix, "SELECT commit_id, message FROM lix_log LIMIT 10"),
    "diff of the newest commit": lambda lix: fetch(lix, DIFF),
    "working changes": lambda lix: fetch(lix, "SELECT entity_id, status FROM lix_working_changes"),
    "undo and redo": lambda lix: (lix.undo(), lix.redo()),
}


class Prepared:
    """A lix with a checkpoint before its last commit; knows the commit its rows came in."""

    def __init__(self, rows, commits):
        self.lix, _ = with_history(rows, commits)
        self.first = fetch(
            self.lix,
            "SELECT commit_id FROM lix_state_history WHERE entity_id = 'row-00000007'"
            " AND schema_key = 'bench_row' AND file_id = 'lix'",
        )[0][0]
        self.lix.create_checkpoint()
        self.lix.connection.execute(UPDATE, ("seldom",))

    def __getattr__(self, name):
        return getattr(self.lix, name)


@pytest.mark.parametrize("name", QUESTIONS)
def test_independent_of_rows(name):
    times = []
    for size in ROWS:
        lix = Prepared(size, 100)
        times.append(median(lambda lix=lix: QUESTIONS[name](lix)))
        lix.close()
    report(f"{name} against rows", ROWS, times, FLAT)


@pytest.mark.parametrize("name", QUESTIONS)
def test_independent_of_commits(name):
    times = []
    for size in COMMITS:
        lix = Prepared(1_000, size)
        times.append(median(lambda lix=lix: QUESTIONS[name](lix)))
        lix.close()
    report(f"{name} against commits", COMMITS, times, FLAT)


def test_rebuilding_is_linear():
    times = []
    for size in ROWS:
        lix, _ = filled(size)
        times.append(median(lix.rebuild, rounds=3))
        lix.close()
    report("rebuild", ROWS, times, 1.2)
