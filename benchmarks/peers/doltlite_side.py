"""doltlite: a fork of SQLite with Dolt's commands, through the sqlite3 module it replaces.

Every write is followed by `dolt_commit`, because a commit is what is compared. The loader must be
imported before `sqlite3` is.
"""

from __future__ import annotations

# isort: off
import doltlite
import sqlite3

# isort: on
import os
from collections.abc import Callable, Mapping
from itertools import count, cycle
from typing import Any

from benchmarks.peers.serve import Action, Missing, serve

TEXT = "the quick brown fox jumps over the lazy dog"
INSERT = "INSERT INTO bench_row VALUES (?, ?, ?, ?, ?)"
READ = "SELECT name, rank, text FROM bench_row WHERE id = ?"
UPDATE = "UPDATE bench_row SET name = ? WHERE id = ?"
COMMIT = "SELECT dolt_commit('-A', '-m', 'change')"
TABLE = (
    "CREATE TABLE bench_row (id TEXT PRIMARY KEY, file_id TEXT, name TEXT, rank INTEGER, text TEXT)"
)


def row(number: int, file_id: str = "lix") -> tuple[str, str, str, int, str]:
    """Return the facts of benchmarks.rows.row, which cannot be imported here: it loads APSW."""
    return f"row-{number:08d}", file_id, f"name {number}", number, TEXT


class DoltliteSide:
    """The side that is a database with branches."""

    def __init__(self) -> None:
        self.connection: sqlite3.Connection | None = None
        self.scale: Mapping[str, int] = {}
        self.numbers = count()
        self.facts: dict[str, Any] = {}
        self.path = ":memory:"

    def describe(self) -> dict[str, Any]:
        connection = sqlite3.connect(":memory:")
        (dolt,) = connection.execute("SELECT dolt_version()").fetchone()
        (sqlite,) = connection.execute("SELECT sqlite_version()").fetchone()
        connection.close()
        return {
            "version": f"{doltlite.__version__} ({dolt}), SQLite {sqlite}",
            "notes": [
                "typed columns instead of JSON",
                "on file: synchronous=OFF, because its NORMAL waits for the disk at every commit, "
                "which WAL with NORMAL does not",
            ],
        }

    def prepare(self, fixture: str, scale: Mapping[str, int], directory: str | None) -> None:
        if not hasattr(self, f"prepare_{fixture}"):
            raise Missing("it has nothing of the kind")
        self.scale, self.numbers, self.facts = scale, count(), {}
        self.path = os.path.join(directory, "bench.db") if directory else ":memory:"
        self.connection = self.connect()
        getattr(self, f"prepare_{fixture}")()

    def connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None)
        connection.execute("PRAGMA synchronous = off")
        return connection

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def action(self, operation: str) -> Action:
        if not hasattr(self, operation):
            raise Missing("it has nothing of the kind")
        return getattr(self, operation)()

    # -- what is prepared

    def execute(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, values).fetchall()

    def take(self, number: int, file_id: str = "lix") -> list[tuple[Any, ...]]:
        return [row(next(self.numbers), file_id) for _ in range(number)]

    def prepare_empty(self) -> None:
        self.execute(TABLE)
        self.execute(COMMIT)

    def prepare_rows(self, number: int | None = None) -> None:
        self.prepare_empty()
        self.execute("CREATE INDEX by_file ON bench_row (file_id)")
        part = self.scale["in_file"]
        self.execute("BEGIN")
        rows = self.take((number or self.scale["rows"]) - part) + self.take(part, "doc")
        self.connection.executemany(INSERT, rows)
        self.commit()

    def commit(self) -> None:
        self.execute(COMMIT)
        if self.connection.in_transaction:
            self.execute("COMMIT")

    def prepare_indexed(self) -> None:
        self.prepare_rows()
        self.execute("CREATE INDEX by_name ON bench_row (name)")
        self.execute(COMMIT)

    def prepare_child(self) -> None:
        self.prepare_rows()
        self.execute("SELECT dolt_checkout('-b', 'child')")

    prepare_branched = prepare_child

    def rewrite(self, number: int, turn: int) -> None:
        self.execute(UPDATE, (f"turn {turn}", row(number)[0]))

    def tip(self) -> str:
        return self.execute("SELECT commit_hash FROM dolt_log LIMIT 1")[0][0]

    def prepare_changed(self) -> None:
        self.prepare_rows(2 * self.scale["in_file"])
        for turn in range(self.scale["changes"] - 1):
            self.rewrite(0, turn)
            self.execute(COMMIT)

    def prepare_commits(self) -> None:
        self.prepare_rows(2 * self.scale["in_file"])
        number = self.scale["commits"]
        for turn in range(number):
            self.rewrite(0 if turn in (number // 3, number // 2) else 1 + turn % 50, turn)
            self.execute(COMMIT)

    def prepare_past(self) -> None:
        self.prepare_rows()
        self.facts["commit"] = self.tip()
        for turn in range(self.scale["past"]):
            self.rewrite(turn, turn)
            self.execute(COMMIT)

    def prepare_diff(self) -> None:
        self.prepare_rows()
        before = self.tip()
        for number in range(self.scale["changed"]):
            self.rewrite(number * self.scale["stride"], 0)
        self.execute(COMMIT)
        self.facts["commits"] = (before, self.tip())

    prepare_merge = prepare_rows

    def prepare_stored(self) -> None:
        self.prepare_rows()
        self.settle()

    # -- what the actions are made of

    def query(self, sql: str, arguments: Callable[[], tuple[Any, ...]] = tuple) -> Action:
        execute = self.connection.execute
        assert execute(sql, arguments()).fetchall(), sql
        return Action(lambda *values: execute(sql, values).fetchall(), setup=arguments)

    def keys(self) -> Callable[[], tuple[str]]:
        number = self.scale["rows"] - self.scale["in_file"]
        order = cycle((n * 7919) % number for n in range(number))
        return lambda: (row(next(order))[0],)

    def change(self, sql: str, setup: Callable[[], tuple[Any, ...]]) -> Action:
        """Return an action that runs a statement and commits: in one transaction on file, where
        each costs a write to disk, and in two in memory, where that is faster."""
        execute = self.connection.execute

        def in_memory(*values: Any) -> None:
            execute(sql, values)
            execute(COMMIT).fetchall()

        def on_file(*values: Any) -> None:
            execute("BEGIN")
            execute(sql, values)
            execute(COMMIT).fetchall()
            if self.connection.in_transaction:
                execute("COMMIT")

        return Action(in_memory if self.path == ":memory:" else on_file, setup=setup)

    def write(self, number: int) -> Action:
        sql = f"INSERT INTO bench_row VALUES {', '.join(['(?, ?, ?, ?, ?)'] * number)}"
        return self.change(
            sql, lambda: tuple(value for each in self.take(number) for value in each)
        )

    # -- rows

    def write_1(self) -> Action:
        return self.write(1)

    def write_10(self) -> Action:
        return self.write(10)

    def write_100(self) -> Action:
        return self.write(100)

    def bulk(self) -> Action:
        def insert(batch: list[tuple[Any, ...]]) -> None:
            self.execute("BEGIN")
            self.connection.executemany(INSERT, batch)
            self.commit()

        return Action(insert, setup=lambda: (self.take(self.scale["bulk"]),))

    def point_read(self) -> Action:
        return self.query(READ, self.keys())

    def count_file(self) -> Action:
        return self.query("SELECT count(*) FROM bench_row WHERE file_id = 'doc'")

    def scan(self) -> Action:
        return self.query("SELECT * FROM bench_row")

    def count(self) -> Action:
        return self.query("SELECT count(*) FROM bench_row")

    def filter_property(self) -> Action:
        return self.query("SELECT count(*) FROM bench_row WHERE name = 'name 77'")

    filter_indexed = filter_property

    def update_1(self) -> Action:
        keys, numbers = self.keys(), count()
        return self.change(UPDATE, lambda: (f"changed {next(numbers)}", *keys()))

    def delete_1(self) -> Action:
        return self.change("DELETE FROM bench_row WHERE id = ?", self.keys())

    # -- branches

    def branch(self) -> Action:
        numbers, execute = count(), self.connection.execute
        return Action(
            lambda name: execute("SELECT dolt_branch(?)", (name,)).fetchall(),
            setup=lambda: (f"branch {next(numbers)}".replace(" ", "-"),),
        )

    def child_write(self) -> Action:
        write, execute = self.write(1), self.connection.execute

        def both(*values: Any) -> None:
            write.call(*values)
            execute(READ, values[:1]).fetchall()

        return Action(both, setup=write.setup)

    branched_read = point_read
    branched_count = count

    def merge(self) -> Action:
        numbers, half = count(), self.scale["changed"]

        def change(first: int, turn: int) -> None:
            self.execute("BEGIN")
            for number in range(first, first + half):
                self.rewrite(number, turn)
            self.commit()

        def diverge() -> tuple[str]:
            turn = next(numbers)
            self.execute("SELECT dolt_checkout('-b', ?)", (f"source-{turn}",))
            change(half, turn)
            self.execute("SELECT dolt_checkout('main')")
            change(0, turn)
            return (f"source-{turn}",)

        return Action(lambda name: self.execute("SELECT dolt_merge(?)", (name,)), setup=diverge)

    # -- history

    def history_100(self) -> Action:
        return self.query(
            "SELECT to_commit, to_name, to_rank, to_text FROM dolt_diff_bench_row WHERE to_id = ?",
            lambda: (row(0)[0],),
        )

    history_3 = history_100

    def diff(self) -> Action:
        return self.query(
            "SELECT to_id, diff_type, from_name, to_name FROM dolt_diff_bench_row(?, ?)",
            lambda: self.facts["commits"],
        )

    def past_scan(self) -> Action:
        return self.query("SELECT * FROM dolt_at_bench_row(?)", lambda: (self.facts["commit"],))

    def past_read(self) -> Action:
        keys = self.keys()
        return self.query(
            "SELECT name, rank, text FROM dolt_at_bench_row(?) WHERE id = ?",
            lambda: (self.facts["commit"], *keys()),
        )

    # -- the file itself

    def open(self) -> Action:
        def visit() -> None:
            connection = self.connect()
            connection.execute(READ, (row(7)[0],)).fetchall()
            connection.close()

        return Action(visit)

    def settle(self) -> None:
        self.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def stored_bytes(self) -> int:
        self.settle()
        directory = os.path.dirname(self.path)
        return sum(os.path.getsize(os.path.join(directory, name)) for name in os.listdir(directory))

    def size(self) -> Action:
        return Action(lambda: self.stored_bytes() / 1e6, figure=True)

    def growth(self) -> Action:
        def grow() -> float:
            before, number = self.stored_bytes(), self.scale["changes"] * 5
            for each in self.take(number):
                self.execute(INSERT, each)
                self.execute(COMMIT)
            return (self.stored_bytes() - before) / number / 1e3

        return Action(grow, figure=True)


if __name__ == "__main__":
    serve(DoltliteSide())
