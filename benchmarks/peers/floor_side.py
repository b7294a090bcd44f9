"""The floor: plain SQLite through APSW doing the least that could do the job.

Writes of a few rows go to the four tables any versioned store must write (change, state, commit,
version); reads and the bulk load use one table of rows, without history.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from itertools import count, cycle
from typing import Any

import apsw

from benchmarks.floor import add_four, four_tables, open_floor, plain, write_four
from benchmarks.peers.scale import csv_file, json_file
from benchmarks.peers.serve import Action, Missing, serve
from benchmarks.rows import Rows, row

KEY = "schema_key = 'bench_row' AND entity_id = ? AND file_id = 'lix'"
READ = f"SELECT snapshot FROM state WHERE {KEY}"
INSERT = "INSERT INTO state VALUES ('bench_row', ?, ?, ?)"
LAYERS = """
CREATE TABLE layered (version INT, schema_key TEXT, entity_id TEXT, file_id TEXT, snapshot TEXT,
                      PRIMARY KEY (version, schema_key, entity_id, file_id)) WITHOUT ROWID;
CREATE VIEW visible AS
SELECT schema_key, entity_id, file_id, snapshot FROM layered WHERE version = 2
UNION ALL
SELECT schema_key, entity_id, file_id, snapshot FROM layered AS parent
WHERE version = 1 AND NOT EXISTS (
  SELECT 1 FROM layered AS own
  WHERE own.version = 2 AND own.schema_key = parent.schema_key
  AND own.entity_id = parent.entity_id AND own.file_id = parent.file_id)
"""
FILES = "CREATE TABLE file (id INTEGER PRIMARY KEY, path TEXT UNIQUE, data BLOB)"
BY_ENTITY = "CREATE INDEX change_of ON change (entity_id, seq)"
BY_SEQ = "CREATE INDEX change_at ON change (seq)"


class FloorSide:
    """The side without versions, schemas and plugins."""

    def __init__(self) -> None:
        self.plain: apsw.Connection | None = None
        self.four: apsw.Connection | None = None
        self.scale: Mapping[str, int] = {}
        self.rows = Rows()
        self.path = ":memory:"
        self.seq = count(1)

    def describe(self) -> dict[str, Any]:
        return {
            "version": f"APSW {apsw.apsw_version()}, SQLite {apsw.sqlite_lib_version()}",
            "notes": ["on file: WAL, synchronous=NORMAL"],
        }

    def close(self) -> None:
        for connection in (self.plain, self.four):
            if connection is not None:
                connection.close()
        self.plain = self.four = None

    def action(self, operation: str) -> Action:
        if not hasattr(self, operation):
            raise Missing("there is nothing to compare with")
        return getattr(self, operation)()

    def prepare(self, fixture: str, scale: Mapping[str, int], directory: str | None) -> None:
        self.scale, self.rows, self.seq = scale, Rows(), count(1)
        self.path = os.path.join(directory, "bench.db") if directory else ":memory:"
        if fixture not in FIXTURES:
            raise Missing("there is nothing to compare with")
        FIXTURES[fixture](self)

    # -- what the actions are made of

    def query(
        self,
        sql: str,
        arguments: Callable[[], tuple[Any, ...]] = tuple,
        *,
        of: apsw.Connection | None = None,
    ) -> Action:
        execute = (of or self.plain).execute
        assert execute(sql, arguments()).fetchall(), sql
        return Action(lambda values: execute(sql, values).fetchall(), setup=lambda: (arguments(),))

    def keys(self) -> Callable[[], tuple[str]]:
        number = self.scale["rows"] - self.scale["in_file"]
        order = cycle((n * 7919) % number for n in range(number))
        return lambda: (row(next(order))[0],)

    def write(self, number: int) -> Action:
        connection, seq = self.four, self.seq
        return Action(
            lambda batch: write_four(connection, batch, next(seq)),
            setup=lambda: (self.rows.take(number),),
        )

    # -- rows

    def write_1(self) -> Action:
        return self.write(1)

    def write_10(self) -> Action:
        return self.write(10)

    def write_100(self) -> Action:
        return self.write(100)

    def bulk(self) -> Action:
        connection = plain()

        def insert(batch: list[tuple[str, str, str]]) -> None:
            connection.execute("BEGIN")
            connection.executemany(INSERT, batch)
            connection.execute("COMMIT")

        return Action(
            insert,
            setup=lambda: ([(id, "lix", text) for id, text in self.rows.take(self.scale["bulk"])],),
        )

    def point_read(self) -> Action:
        return self.query(READ, self.keys())

    def count_file(self) -> Action:
        return self.query("SELECT count(*) FROM state WHERE file_id = 'doc'")

    def scan(self) -> Action:
        return self.query("SELECT * FROM state WHERE schema_key = 'bench_row'")

    def count(self) -> Action:
        return self.query("SELECT count(*) FROM state WHERE schema_key = 'bench_row'")

    def filter_property(self) -> Action:
        return self.query(
            "SELECT count(*) FROM state "
            "WHERE schema_key = 'bench_row' AND snapshot ->> 'name' = 'name 77'"
        )

    filter_indexed = filter_property

    def update_1(self) -> Action:
        keys, numbers = self.keys(), count()

        def change() -> tuple[list[tuple[str, str]]]:
            (id,) = keys()
            return ([(id, f'{{"id":"{id}","name":"changed {next(numbers)}"}}')],)

        connection, seq = self.four, self.seq
        return Action(lambda batch: write_four(connection, batch, next(seq)), setup=change)

    def delete_1(self) -> Action:
        connection, seq = self.four, self.seq

        def remove(id: str) -> None:
            number = next(seq)
            connection.execute("BEGIN")
            connection.execute(
                "INSERT INTO commits VALUES (?, ?, ?, '2026-01-31T12:00:00.000Z')",
                (number, f"01920000-0000-7000-8002-{number:012x}", number - 1),
            )
            connection.execute(
                "INSERT INTO change(id, seq, entity_id, created_at) "
                "VALUES (?, ?, ?, '2026-01-31T12:00:00.000Z')",
                (f"01920000-0000-7000-8003-{number:012x}", number, id),
            )
            connection.execute(f"DELETE FROM state WHERE {KEY}", (id,))
            connection.execute("UPDATE version SET tip = ? WHERE id = 'main'", (number,))
            connection.execute("COMMIT")

        return Action(remove, setup=self.keys())

    def branch(self) -> Action:
        execute, numbers = self.four.execute, count()
        return Action(
            lambda id: execute("INSERT INTO version VALUES (?, 1)", (id,)),
            setup=lambda: (f"01920000-0000-7000-8004-{next(numbers):012x}",),
        )

    def branched_read(self) -> Action:
        return self.query(f"SELECT snapshot FROM visible WHERE {KEY}", self.keys())

    def branched_count(self) -> Action:
        return self.query("SELECT count(*) FROM visible WHERE schema_key = 'bench_row'")

    inherited_read = branched_read
    inherited_count = branched_count

    # -- history

    def history_100(self) -> Action:
        return self.query(
            "SELECT seq, id, snapshot FROM change WHERE entity_id = ? ORDER BY seq DESC",
            lambda: (row(0)[0],),
            of=self.four,
        )

    history_3 = history_100

    def diff(self) -> Action:
        return self.query(
            "SELECT entity_id, snapshot FROM change WHERE seq > 1 AND seq <= 2", of=self.four
        )

    past_scan = scan
    past_read = point_read

    # -- files

    def insert(self, suffix: str, make: Callable[[int], bytes]) -> Action:
        """A file is a row of the four tables and its bytes, in one transaction."""
        numbers, connection, seq = count(), self.four, self.seq

        def arguments() -> tuple[str, bytes]:
            number = next(numbers)
            return f"/new-{number}.{suffix}", make(number)

        def insert(path: str, data: bytes) -> None:
            connection.execute("BEGIN")
            connection.execute("INSERT INTO file (path, data) VALUES (?, ?)", (path, data))
            add_four(connection, [(path, '{"path":"' + path + '"}')], next(seq))
            connection.execute("COMMIT")

        return Action(insert, setup=arguments)

    def json_alone(self) -> Action:
        return self.insert("json", lambda number: json_file(120, 7, number))

    def json_other(self) -> Action:
        return self.insert("blob", lambda number: json_file(120, 7, number))

    json_leaves = json_alone

    def csv_records(self) -> Action:
        return self.insert("csv", lambda number: csv_file(120, number))

    def insert_file(self) -> Action:
        return self.insert("blob", lambda number: b"%1024d" % number)

    def read_path(self) -> Action:
        numbers = cycle((n * 7919) % self.scale["files"] for n in range(self.scale["files"]))
        return self.query(
            "SELECT data FROM file WHERE path = ?",
            lambda: (f"/docs/file-{next(numbers)}.blob",),
            of=self.four,
        )

    def list_paths(self) -> Action:
        return self.query("SELECT path FROM file", of=self.four)

    # -- the file itself

    def open(self) -> Action:
        def visit() -> None:
            connection = open_floor(self.path)
            connection.execute(READ.replace("snapshot", "change_no"), (row(7)[0],)).fetchall()
            connection.close()

        return Action(visit)

    def stored_bytes(self) -> int:
        self.four.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return os.path.getsize(self.path)

    def size(self) -> Action:
        return Action(lambda: self.stored_bytes() / 1e6, figure=True)

    def growth(self) -> Action:
        def grow() -> float:
            before, number = self.stored_bytes(), self.scale["changes"] * 5
            for pair in self.rows.take(number):
                write_four(self.four, [pair], next(self.seq))
            return (self.stored_bytes() - before) / number / 1e3

        return Action(grow, figure=True)


# -- what is prepared


def empty(side: FloorSide) -> None:
    """The four tables, without rows."""
    side.four = four_tables(side.path)


def one_table(side: FloorSide, *definitions: str) -> None:
    """One table with all rows."""
    whole, part = side.scale["rows"], side.scale["in_file"]
    side.plain = plain(side.path + "-plain" if side.path != ":memory:" else side.path)
    pairs = Rows().take(whole)
    side.plain.execute("BEGIN")
    side.plain.executemany(
        INSERT,
        ((id, "lix" if n < whole - part else "doc", text) for n, (id, text) in enumerate(pairs)),
    )
    for sql in definitions:
        side.plain.execute(sql)
    side.plain.execute("COMMIT")


def rows(side: FloorSide) -> None:
    """All rows twice: in one table to be read, in four to be changed."""
    one_table(side, "CREATE INDEX state_of_file ON state (file_id)")
    versioned(side)


def indexed(side: FloorSide) -> None:
    one_table(side, "CREATE INDEX state_by_name ON state (schema_key, snapshot ->> 'name')")


def versioned(side: FloorSide) -> None:
    """The four tables, with all rows in one commit."""
    empty(side)
    write_four(side.four, side.rows.take(side.scale["rows"]), next(side.seq))


def layered(side: FloorSide) -> None:
    """All rows in a parent version; the child has none of its own."""
    one_table(side, LAYERS, "INSERT INTO layered SELECT 1, * FROM state")


def rewrite(side: FloorSide, number: int) -> None:
    id, text = row(number)
    write_four(side.four, [(id, text)], next(side.seq))


def changed(side: FloorSide) -> None:
    empty(side)
    side.four.execute(BY_ENTITY)
    for _ in range(side.scale["changes"]):
        rewrite(side, 0)


def commits(side: FloorSide) -> None:
    empty(side)
    side.four.execute(BY_ENTITY)
    number = side.scale["commits"]
    for turn in range(number):
        rewrite(side, 0 if turn in (0, number // 3, number // 2) else 1 + turn % 50)


def diff(side: FloorSide) -> None:
    versioned(side)
    side.four.execute(BY_SEQ)
    write_four(side.four, Rows().take(side.scale["changed"]), next(side.seq))


def stored(side: FloorSide) -> None:
    versioned(side)
    side.stored_bytes()


def no_files(side: FloorSide) -> None:
    empty(side)
    side.four.execute(FILES)


def files(side: FloorSide) -> None:
    no_files(side)
    side.four.execute("BEGIN")
    side.four.executemany(
        "INSERT INTO file (path, data) VALUES (?, ?)",
        ((f"/docs/file-{n}.blob", b"%1024d" % n) for n in range(side.scale["files"])),
    )
    side.four.execute("COMMIT")


FIXTURES: dict[str, Callable[[FloorSide], None]] = {
    "empty": empty,
    "rows": rows,
    "indexed": indexed,
    "branched": layered,
    "inherited": layered,
    "changed": changed,
    "commits": commits,
    "past": one_table,
    "diff": diff,
    "stored": stored,
    "no_plugins": no_files,
    "no_files": no_files,
    "files": files,
}

if __name__ == "__main__":
    serve(FloorSide())
