"""The hot paths that are profiled: what is prepared, and what one operation of each is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import lix_vtab
from benchmarks.peers.scale import csv_file, json_file
from benchmarks.rows import COLUMNS, INSERT, VALUES, Rows, filled, open_lix, row

__all__ = ["PATHS", "HotPath"]

ROWS = 10_000
KEY = "schema_key = 'bench_row' AND entity_id = ? AND file_id = 'lix'"
IN_FILE = INSERT.replace("'lix', 'lix'", "'doc', 'lix'")
UPDATE = f"UPDATE lix_state SET snapshot_content = ? WHERE {KEY}"


Prepared = tuple[lix_vtab.Lix, Callable[[], Any], Callable[[Any], Any]]


@dataclass(frozen=True, slots=True)
class HotPath:
    """`prepare` returns the lix, what makes the argument of an operation, and the operation."""

    title: str
    prepare: Callable[[], Prepared]
    times: int = 200


def statement(
    lix: lix_vtab.Lix, sql: str, arguments: Callable[[], Sequence[Any]] = tuple
) -> Prepared:
    """Run one statement on the bare connection to its end."""
    execute = lix.connection.execute
    return lix, arguments, lambda values: execute(sql, values).fetchall()


def write(number: int) -> Callable[[], Prepared]:
    def prepare() -> Prepared:
        lix, rows = open_lix(), Rows()
        sql = f"INSERT INTO lix_state ({COLUMNS}) VALUES {', '.join([VALUES] * number)}"
        return statement(lix, sql, lambda: [v for pair in rows.take(number) for v in pair])

    return prepare


def bulk() -> Prepared:
    lix, rows = open_lix(), Rows()

    def insert(batch: list[tuple[str, str]]) -> None:
        lix.connection.execute("BEGIN")
        lix.connection.executemany(INSERT, batch)
        lix.connection.execute("COMMIT")

    return lix, lambda: rows.take(ROWS), insert


def entity_write() -> Prepared:
    lix, numbers = open_lix(), count()
    sql = "INSERT INTO bench_row (id, name, rank, text) VALUES (?, ?, ?, ?)"
    return statement(lix, sql, lambda: (f"row-{next(numbers):08d}", "name", 1, "text"))


def update() -> Prepared:
    lix, _ = filled(ROWS)
    numbers = count()

    def change() -> tuple[str, str]:
        number = next(numbers)
        id, _ = row(number * 7919 % ROWS)
        return f'{{"id":"{id}","name":"changed {number}"}}', id

    return statement(lix, UPDATE, change)


def delete() -> Prepared:
    lix, _ = filled(ROWS)
    numbers = count()
    return statement(lix, f"DELETE FROM lix_state WHERE {KEY}", lambda: (row(next(numbers))[0],))


def reading(sql: str) -> Callable[[], Prepared]:
    def prepare() -> Prepared:
        lix, rows = filled(ROWS - 120)
        with lix.transaction():
            lix.connection.executemany(
                INSERT.replace("'lix', 'lix'", "'doc', 'lix'"), rows.take(120)
            )
        numbers = count()
        wants = "?" in sql
        return statement(lix, sql, lambda: (row(next(numbers) * 7919 % 9_000)[0],) if wants else ())

    return prepare


def insert_file(suffix: str, make: Callable[[int], bytes]) -> Callable[[], Prepared]:
    def prepare() -> Prepared:
        numbers = count()

        def arguments() -> tuple[str, bytes]:
            number = next(numbers)
            return f"/new-{number}.{suffix}", make(number)

        sql = "INSERT INTO lix_file (path, data) VALUES (?, ?)"
        return statement(lix_vtab.open(), sql, arguments)

    return prepare


def change_leaf(leaves: int) -> Callable[[], Prepared]:
    def prepare() -> Prepared:
        lix, numbers = lix_vtab.open(), count()
        lix.write_file("/leaves.json", json_file(leaves))
        sql = "UPDATE lix_file SET data = ? WHERE path = '/leaves.json'"
        return statement(lix, sql, lambda: (json_file(leaves, leaves // 2, next(numbers)),))

    return prepare


def files(sql: str) -> Callable[[], Prepared]:
    def prepare() -> Prepared:
        lix, numbers = lix_vtab.open(), count()
        with lix.transaction():
            lix.connection.executemany(
                "INSERT INTO lix_file (path, data) VALUES (?, ?)",
                ((f"/docs/file-{n}.blob", b"%1024d" % n) for n in range(1_000)),
            )
        wants = "?" in sql
        return statement(
            lix, sql, lambda: (f"/docs/file-{next(numbers) * 7 % 1_000}.blob",) if wants else ()
        )

    return prepare


def branch() -> Prepared:
    lix, _ = filled(ROWS)
    return statement(lix, "INSERT INTO lix_version (name) VALUES ('branch')")


def history() -> Prepared:
    lix, _ = filled(1_000)
    id, _ = row(0)
    for turn in range(99):
        lix.connection.execute(UPDATE, (f'{{"id":"{id}","name":"turn {turn}"}}', id))
    sql = f"SELECT depth, commit_id, snapshot_content FROM lix_state_history WHERE {KEY}"
    return statement(lix, sql, lambda: (id,))


def two_commits(lix: lix_vtab.Lix) -> tuple[str, str]:
    """Change a hundred rows in one commit; return the commits before and after."""
    sql = "SELECT commit_id FROM lix_version WHERE id = lix_active_version_id()"
    before = lix.connection.execute(sql).get
    with lix.transaction():
        for number in range(100):
            id, _ = row(number * 90)
            lix.connection.execute(UPDATE, (f'{{"id":"{id}","name":"changed"}}', id))
    return before, lix.connection.execute(sql).get


def diff() -> Prepared:
    lix, _ = filled(ROWS)
    commits = two_commits(lix)
    sql = (
        "SELECT entity_id, status, before_snapshot_content, after_snapshot_content "
        "FROM lix_diff(?, ?)"
    )
    return statement(lix, sql, lambda: commits)


def past_read() -> Prepared:
    lix, _ = filled(ROWS)
    before, _ = two_commits(lix)
    sql = f"SELECT snapshot_content FROM lix_state_at(?) WHERE {KEY}"
    return statement(lix, sql, lambda: (before, row(77)[0]))


def merge() -> Prepared:
    lix, _ = filled(ROWS)
    main, turns = lix.active_version, count()
    verb = lix.merge_version

    def change(first: int, turn: int) -> None:
        with lix.transaction():
            for number in range(first, first + 100):
                id, _ = row(number)
                lix.connection.execute(UPDATE, (f'{{"id":"{id}","name":"turn {turn}"}}', id))

    def diverge() -> Any:
        turn = next(turns)
        source = lix.create_version(f"source {turn}")
        lix.switch_version(source)
        change(100, turn)
        lix.switch_version(main)
        change(0, turn)
        return source

    return lix, diverge, verb


def undo_redo() -> Prepared:
    lix, _ = filled(ROWS)
    id, _ = row(5)
    lix.connection.execute(UPDATE, (f'{{"id":"{id}","name":"changed"}}', id))
    execute = lix.connection.execute

    def there_and_back(_: Any) -> None:
        execute("SELECT lix_undo()").fetchall()
        execute("SELECT lix_redo()").fetchall()

    return lix, tuple, there_and_back


STATE = "FROM lix_state WHERE"
PATHS = (
    HotPath("write 1 row", write(1)),
    HotPath("write 10 rows in one statement", write(10)),
    HotPath("write 100 rows in one statement", write(100), 20),
    HotPath("write 10,000 rows in one transaction", bulk, 2),
    HotPath("write 1 row through the entity table", entity_write),
    HotPath("update 1 row by key", update),
    HotPath("delete 1 row by key", delete),
    HotPath("read 1 row by key", reading(f"SELECT snapshot_content {STATE} {KEY}"), 1_000),
    HotPath(
        "count 120 rows of a file",
        reading(f"SELECT count(*) {STATE} file_id = 'doc' AND plugin_key = 'lix'"),
    ),
    HotPath("count 10,000 rows", reading(f"SELECT count(*) {STATE} schema_key = 'bench_row'"), 10),
    HotPath("read 10,000 rows", reading(f"SELECT * {STATE} schema_key = 'bench_row'"), 5),
    HotPath(
        "filter 10,000 rows on a property",
        reading("SELECT count(*) FROM bench_row WHERE name = 'name 77'"),
        20,
    ),
    HotPath("insert a file of 1 KB", insert_file("blob", lambda n: b"%1024d" % n)),
    HotPath(
        "insert JSON of 120 leaves, no plugin matches",
        insert_file("blob", lambda n: json_file(120, 7, n)),
    ),
    HotPath("insert JSON of 120 leaves", insert_file("json", lambda n: json_file(120, 7, n)), 30),
    HotPath("insert CSV of 120 records", insert_file("csv", lambda n: csv_file(120, n)), 30),
    HotPath("change one leaf of 120", change_leaf(120)),
    HotPath("change one leaf of 10,000", change_leaf(10_000), 5),
    HotPath("read a file by its path", files("SELECT data FROM lix_file WHERE path = ?"), 500),
    HotPath("list 1,000 paths", files("SELECT path FROM lix_file"), 20),
    HotPath("create a version", branch),
    HotPath("merge 100 against 100 changed rows", merge, 10),
    HotPath("history of a row, 100 changes", history),
    HotPath("diff of 100 changed rows", diff, 100),
    HotPath("read 1 row at an older commit", past_read, 500),
    HotPath("undo and redo", undo_redo, 100),
)
