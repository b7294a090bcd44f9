"""lix_vtab: SQL on a bare connection, the way any program would use it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from itertools import count, cycle
from typing import Any

import apsw

import lix_vtab
from benchmarks.peers.lix_fixtures import FIXTURES
from benchmarks.peers.scale import csv_file, json_file
from benchmarks.peers.serve import Action, Missing, serve
from benchmarks.rows import COLUMNS, INSERT, VALUES, Rows, row

KEY = "schema_key = 'bench_row' AND entity_id = ? AND file_id = 'lix'"
READ = f"SELECT snapshot_content FROM lix_state WHERE {KEY}"
ALL = "SELECT * FROM lix_state WHERE schema_key = 'bench_row'"
COUNT = "SELECT count(*) FROM lix_state WHERE schema_key = 'bench_row'"
HISTORY = (
    "SELECT depth, commit_id, snapshot_content FROM lix_state_history "
    "WHERE schema_key = 'bench_row' AND entity_id = ? AND file_id = 'lix'"
)
DIFF = (
    "SELECT entity_id, status, before_snapshot_content, after_snapshot_content FROM lix_diff(?, ?)"
)
UPDATE = f"UPDATE lix_state SET snapshot_content = ? WHERE {KEY}"


class LixSide:
    """The side that is ours."""

    def __init__(self) -> None:
        self.lix: lix_vtab.Lix | None = None
        self.scale: Mapping[str, int] = {}
        self.rows = Rows()
        self.facts: dict[str, Any] = {}
        self.directory: str | None = None

    def describe(self) -> dict[str, Any]:
        try:
            ours = version("lix_vtab")
        except PackageNotFoundError:
            ours = "from source"
        return {
            "version": f"{ours}, APSW {apsw.apsw_version()}, SQLite {apsw.sqlite_lib_version()}",
            "notes": ["on file: WAL, synchronous=NORMAL"],
        }

    def prepare(self, fixture: str, scale: Mapping[str, int], directory: str | None) -> None:
        self.scale, self.directory, self.rows, self.facts = scale, directory, Rows(), {}
        path = os.path.join(directory, "bench.lix") if directory else ":memory:"
        plugins = {"plugins": ()} if fixture == "no_plugins" else {}
        self.lix = lix_vtab.open(path, **plugins)
        try:
            FIXTURES[fixture](self)
        except apsw.SQLError as error:
            raise Missing(str(error)) from error

    def close(self) -> None:
        if self.lix is not None:
            self.lix.close()
            self.lix = None

    def action(self, operation: str) -> Action:
        return getattr(self, operation)()

    # -- what the actions are made of

    @property
    def connection(self) -> apsw.Connection:
        assert self.lix is not None
        return self.lix.connection

    @property
    def path(self) -> str:
        assert self.directory is not None
        return os.path.join(self.directory, "bench.lix")

    def query(self, sql: str, arguments: Callable[[], tuple[Any, ...]] = tuple) -> Action:
        """Return an action that reads all rows of a query, and at least one."""
        execute = self.connection.execute
        try:
            if not execute(sql, arguments()).fetchall():
                raise AssertionError(f"nothing is read by: {sql}")
        except apsw.SQLError as error:
            raise Missing(str(error)) from error
        return Action(lambda values: execute(sql, values).fetchall(), setup=lambda: (arguments(),))

    def statement(self, sql: str, arguments: Callable[[], tuple[Any, ...]]) -> Action:
        """Return an action that writes, in a transaction of its own."""
        execute = self.connection.execute
        return Action(lambda values: execute(sql, values), setup=lambda: (arguments(),))

    def keys(self) -> Callable[[], tuple[str]]:
        """Return a supply of keys of rows that exist, spread over all of them."""
        number = self.scale["rows"] - self.scale["in_file"]
        order = cycle((n * 7919) % number for n in range(number))
        return lambda: (row(next(order))[0],)

    # -- rows

    def write(self, number: int) -> Action:
        sql = f"INSERT INTO lix_state ({COLUMNS}) VALUES {', '.join([VALUES] * number)}"
        return self.statement(
            sql, lambda: tuple(value for pair in self.rows.take(number) for value in pair)
        )

    def write_1(self) -> Action:
        return self.write(1)

    def write_10(self) -> Action:
        return self.write(10)

    def write_100(self) -> Action:
        return self.write(100)

    def bulk(self) -> Action:
        connection = self.connection

        def insert(batch: list[tuple[str, str]]) -> None:
            connection.execute("BEGIN")
            connection.executemany(INSERT, batch)
            connection.execute("COMMIT")

        return Action(insert, setup=lambda: (self.rows.take(self.scale["bulk"]),))

    def point_read(self) -> Action:
        return self.query(READ, self.keys())

    def count_file(self) -> Action:
        return self.query(
            "SELECT count(*) FROM lix_state WHERE file_id = 'doc' AND plugin_key = 'lix'"
        )

    def scan(self) -> Action:
        return self.query(ALL)

    def count(self) -> Action:
        return self.query(COUNT)

    def filter_property(self) -> Action:
        return self.query("SELECT count(*) FROM bench_row WHERE name = 'name 77'")

    def filter_indexed(self) -> Action:
        return self.query("SELECT count(*) FROM bench_indexed WHERE name = 'name 77'")

    def update_1(self) -> Action:
        numbers = count()
        keys = self.keys()

        def change() -> tuple[str, str]:
            (id,) = keys()
            return f'{{"id":"{id}","name":"changed {next(numbers)}"}}', id

        return self.statement(UPDATE, change)

    def delete_1(self) -> Action:
        return self.statement(f"DELETE FROM lix_state WHERE {KEY}", self.keys())

    # -- versions

    def branch(self) -> Action:
        return self.statement("INSERT INTO lix_version (name) VALUES ('branch')", tuple)

    def child_write(self) -> Action:
        execute = self.connection.execute

        def write(pair: tuple[str, str]) -> None:
            execute(INSERT, pair)
            execute(READ, pair[:1]).fetchall()

        return Action(write, setup=lambda: self.rows.take(1))

    branched_read = inherited_read = point_read
    branched_count = inherited_count = count

    def merge(self) -> Action:
        assert self.lix is not None
        if not hasattr(self.lix, "merge_version"):
            raise Missing("there is no merge yet")
        return Action(self.lix.merge_version, setup=self._diverge)

    def _diverge(self) -> Iterator[Any]:
        lix, half = self.lix, self.scale["changed"]
        assert lix is not None
        start = self.facts["round"] = self.facts.get("round", -1) + 1
        main = lix.active_version
        source = lix.create_version(f"source {start}")
        for first, version_ in ((half, source), (0, main)):
            lix.switch_version(version_)
            with lix.transaction():
                for number in range(first, first + half):
                    id, _ = row(number)
                    content = f'{{"id":"{id}","name":"round {start}"}}'
                    lix.connection.execute(UPDATE, (content, id))
        yield source

    # -- history

    def history_100(self) -> Action:
        return self.query(HISTORY, lambda: (row(0)[0],))

    history_3 = history_100

    def diff(self) -> Action:
        return self.query(DIFF, lambda: self.facts["commits"])

    def past_scan(self) -> Action:
        sql = "SELECT * FROM lix_state_at(?) WHERE schema_key = 'bench_row'"
        return self.query(sql, lambda: (self.facts["commit"],))

    def past_read(self) -> Action:
        keys = self.keys()
        sql = f"SELECT snapshot_content FROM lix_state_at(?) WHERE {KEY}"
        return self.query(sql, lambda: (self.facts["commit"], *keys()))

    def undo_redo(self) -> Action:
        execute = self.connection.execute
        try:
            execute("SELECT lix_undo()").fetchall()
            execute("SELECT lix_redo()").fetchall()
        except apsw.SQLError as error:
            raise Missing(str(error)) from error

        def there_and_back() -> None:
            execute("SELECT lix_undo()").fetchall()
            execute("SELECT lix_redo()").fetchall()

        return Action(there_and_back)

    # -- files

    def insert(self, suffix: str, make: Callable[[int], bytes]) -> Action:
        numbers = count()

        def arguments() -> tuple[str, bytes]:
            number = next(numbers)
            return f"/new-{number}.{suffix}", make(number)

        return self.statement("INSERT INTO lix_file (path, data) VALUES (?, ?)", arguments)

    def json_alone(self) -> Action:
        return self.insert("json", lambda number: json_file(120, 7, number))

    def json_other(self) -> Action:
        return self.insert("blob", lambda number: json_file(120, 7, number))

    json_leaves = json_alone

    def csv_records(self) -> Action:
        return self.insert("csv", lambda number: csv_file(120, number))

    def insert_file(self) -> Action:
        return self.insert("blob", lambda number: b"%1024d" % number)

    def change_leaf(self, leaves: int) -> Action:
        numbers = count(1)
        return self.statement(
            "UPDATE lix_file SET data = ? WHERE path = '/leaves.json'",
            lambda: (json_file(leaves, leaves // 2, next(numbers)),),
        )

    def leaf_120(self) -> Action:
        return self.change_leaf(120)

    def leaf_10000(self) -> Action:
        return self.change_leaf(self.scale["leaves"])

    def read_path(self) -> Action:
        numbers = cycle((n * 7919) % self.scale["files"] for n in range(self.scale["files"]))
        sql = "SELECT data FROM lix_file WHERE path = ?"
        return self.query(sql, lambda: (f"/docs/file-{next(numbers)}.blob",))

    def list_paths(self) -> Action:
        return self.query("SELECT path FROM lix_file")

    # -- the file itself

    def open(self) -> Action:
        def visit() -> None:
            with lix_vtab.open(self.path) as lix:
                lix.connection.execute(READ, (row(7)[0],)).fetchall()

        return Action(visit)

    def stored_bytes(self) -> int:
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return os.path.getsize(self.path)

    def size(self) -> Action:
        return Action(lambda: self.stored_bytes() / 1e6, figure=True)

    def growth(self) -> Action:
        def grow() -> float:
            before, number = self.stored_bytes(), self.scale["changes"] * 5
            for pair in self.rows.take(number):
                self.connection.execute(INSERT, pair)
            return (self.stored_bytes() - before) / number / 1e3

        return Action(grow, figure=True)


if __name__ == "__main__":
    serve(LixSide())
