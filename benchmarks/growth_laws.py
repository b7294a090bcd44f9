"""The laws of growth: what is done, against which size, and how fast its cost may grow.

The exponent is a slope of log time over log size: 0 is flat, 1 linear. Bounds allow a little for
caches, deeper trees and noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import lix_vtab
from benchmarks.peers.scale import json_file
from benchmarks.rows import INSERT, Rows, filled, row

__all__ = ["LAWS", "SIZES", "WORLDS", "Law", "World"]

FLAT = 0.15
LINEAR = 1.1
LEAF_ROUNDS = 10

SIZES = {
    "rows": ([1_000, 10_000, 100_000], [1_000, 10_000, 100_000, 1_000_000]),
    "commits": ([10, 100, 1_000], [10, 100, 1_000, 10_000]),
    "versions": ([1, 10, 100], [1, 10, 100, 1_000]),
    "ancestors": ([1, 10, 50], [1, 10, 50]),
    "heirs": ([4, 16, 48], [4, 16, 48]),
    "leaves": ([10, 100, 1_000], [10, 100, 1_000, 10_000]),
    "files": ([100, 1_000, 10_000], [100, 1_000, 10_000, 100_000]),
}
"""What grows: the usual sizes, and those of a full run."""


@dataclass(frozen=True, slots=True)
class Law:
    """What is done, against what, and the greatest exponent it may have."""

    title: str
    against: str
    bound: float
    actions: Callable[[World], Callable[[], Any]]
    rounds: int = 60


@dataclass(slots=True)
class World:
    """A database of some size, made once for all the laws of that size."""

    against: str
    size: int
    lix: lix_vtab.Lix
    rows: Rows
    facts: dict[str, Any]

    @property
    def execute(self) -> Callable[..., Any]:
        """Run SQL on the bare connection."""
        return self.lix.connection.execute

    def tip(self) -> str:
        """Return the commit the active version stands at."""
        return self.execute(
            "SELECT commit_id FROM lix_version WHERE id = lix_active_version_id()"
        ).get


KEY = "schema_key = 'bench_row' AND entity_id = ? AND file_id = 'lix'"
UPDATE = f"UPDATE lix_state SET snapshot_content = ? WHERE {KEY}"


def write(world: World, number: int, turn: int) -> None:
    """Change a row in a commit of its own."""
    id, _ = row(number)
    world.execute(UPDATE, (f'{{"id":"{id}","name":"turn {turn}"}}', id))


# -- worlds


def of_rows(size: int) -> World:
    """So many rows; a row that changed three times; a commit before and one after the change of
    a hundred others."""
    lix, rows = filled(size)
    world = World("rows", size, lix, rows, {})
    for turn in range(3):
        write(world, 7, turn)
    before = world.tip()
    with lix.transaction():
        for number in range(100):
            write(world, number * (size // 100), 9)
    world.facts["commits"] = (before, world.tip())
    return world


def of_commits(size: int) -> World:
    """A thousand rows, and so many commits after them; the row 7 changed in three of them."""
    lix, rows = filled(1_000)
    world = World("commits", size, lix, rows, {})
    first = world.tip()
    for turn in range(size):
        write(world, 7 if turn % (size // 3) == 0 else 100 + turn % 500, turn)
    world.facts["first"] = first
    last = world.tip()
    with lix.transaction():
        for number in range(100):
            write(world, number, -1)
    world.facts["commits"] = (last, world.tip())
    return world


def of_versions(size: int) -> World:
    """A thousand rows, and so many versions beside the active one, each with a row of its own."""
    lix, rows = filled(1_000)
    home = lix.active_version
    for number in range(size):
        lix.switch_version(lix.create_version(f"version {number}"))
        lix.connection.execute(INSERT, rows.take(1)[0])
        lix.switch_version(home)
    return World("versions", size, lix, rows, {})


def of_ancestors(size: int) -> World:
    """A thousand rows, and a chain of so many versions, each branched from the one before."""
    lix, rows = filled(1_000)
    for number in range(size):
        lix.switch_version(lix.create_version(f"version {number}"))
        lix.connection.execute(INSERT, rows.take(1)[0])
    return World("ancestors", size, lix, rows, {})


def of_heirs(size: int) -> World:
    """A thousand rows, and a chain of so many versions, each inheriting from the one before."""
    lix, rows = filled(1_000)
    for number in range(size):
        lix.execute(
            "INSERT INTO lix_version (id, name, inherits_from_version_id) "
            "VALUES (?1, ?1, lix_active_version_id())",
            (f"heir {number}",),
        )
        lix.switch_version(f"heir {number}")
        lix.connection.execute(INSERT, rows.take(1)[0])
    return World("heirs", size, lix, rows, {})


def of_leaves(size: int) -> World:
    """A JSON file of so many leaves."""
    lix = lix_vtab.open()
    lix.write_file("/leaves.json", json_file(size))
    return World("leaves", size, lix, Rows(), {"turns": count(1)})


def of_files(size: int) -> World:
    """So many small files, a hundred to a directory."""
    lix = lix_vtab.open()
    with lix.transaction():
        lix.connection.executemany(
            "INSERT INTO lix_file (path, data) VALUES (?, ?)",
            ((f"/{n // 100}/{n}.blob", b"%64d" % n) for n in range(size)),
        )
    return World("files", size, lix, Rows(), {"new": count()})


WORLDS: dict[str, Callable[[int], World]] = {
    "rows": of_rows,
    "commits": of_commits,
    "versions": of_versions,
    "ancestors": of_ancestors,
    "heirs": of_heirs,
    "leaves": of_leaves,
    "files": of_files,
}

# -- what is done in them


def query(sql: str, *names: str) -> Callable[[World], Callable[[], Any]]:
    """Read all rows of a query, whose parameters are facts of the world."""

    def prepare(world: World) -> Callable[[], Any]:
        values = tuple(world.facts[name] for name in names)
        flat = tuple(v for each in values for v in (each if isinstance(each, tuple) else (each,)))
        if not world.execute(sql, flat).fetchall():
            raise AssertionError(f"nothing is read by: {sql}")
        return lambda: world.execute(sql, flat).fetchall()

    return prepare


def write_one(world: World) -> Callable[[], Any]:
    return lambda: world.execute(INSERT, world.rows.take(1)[0])


def undo_write(world: World) -> Callable[[], Any]:
    def there_and_back() -> None:
        world.execute("BEGIN")
        world.execute(INSERT, world.rows.take(1)[0])
        world.execute("ROLLBACK")

    return there_and_back


def create_version(world: World) -> Callable[[], Any]:
    return lambda: world.execute("INSERT INTO lix_version (name) VALUES ('one more')")


def load(world: World) -> Callable[[], Any]:
    """Write as many rows as the world has, in one transaction."""

    def fill() -> None:
        world.execute("BEGIN")
        world.lix.connection.executemany(INSERT, world.rows.take(world.size))
        world.execute("ROLLBACK")

    return fill


def versions_of_file(world: World) -> Iterator[bytes]:
    """Make files that differ in one leaf, before anything is timed."""
    size, turns = world.size, world.facts["turns"]
    return iter([json_file(size, size // 2, next(turns)) for _ in range(LEAF_ROUNDS + 1)])


def change_leaf(world: World) -> Callable[[], Any]:
    contents = versions_of_file(world)
    sql = "UPDATE lix_file SET data = ? WHERE path = '/leaves.json'"
    return lambda: world.execute(sql, (next(contents),))


def change_entity(world: World) -> Callable[[], Any]:
    """Change a leaf by SQL, which renders the file."""
    content, *key = world.execute(
        "SELECT snapshot_content, schema_key, file_id, entity_id FROM lix_state "
        "WHERE plugin_key = 'plugin_json' AND snapshot_content LIKE '%value 3\"%'"
    ).fetchall()[0]
    sql = (
        "UPDATE lix_state SET snapshot_content = ? "
        "WHERE schema_key = ? AND file_id = ? AND entity_id = ?"
    )
    turns = world.facts["turns"]
    return lambda: world.execute(sql, (content.replace("value 3", f"turn {next(turns)}"), *key))


def insert_leaves(suffix: str) -> Callable[[World], Callable[[], Any]]:
    def prepare(world: World) -> Callable[[], Any]:
        contents, turns = versions_of_file(world), world.facts["turns"]
        sql = "INSERT INTO lix_file (path, data) VALUES (?, ?)"
        return lambda: world.execute(sql, (f"/{next(turns)}.{suffix}", next(contents)))

    return prepare


def insert_file(world: World) -> Callable[[], Any]:
    sql = "INSERT INTO lix_file (path, data) VALUES (?, ?)"
    return lambda: world.execute(sql, (f"/7/new-{next(world.facts['new'])}.blob", b"new"))


READ = query(
    "SELECT snapshot_content FROM lix_state WHERE schema_key = 'bench_row' "
    "AND entity_id = 'row-00000011' AND file_id = 'lix'"
)
HISTORY = query(
    "SELECT depth, snapshot_content FROM lix_state_history WHERE schema_key = 'bench_row' "
    "AND entity_id = 'row-00000007' AND file_id = 'lix'"
)
DIFF = query("SELECT entity_id, status FROM lix_diff(?, ?)", "commits")
PAST = (
    "SELECT snapshot_content FROM lix_state_at(?) WHERE schema_key = 'bench_row' "
    "AND entity_id = 'row-00000011' AND file_id = 'lix'"
)
COUNT = query("SELECT count(*) FROM lix_state WHERE schema_key = 'bench_row'")
SCAN = query("SELECT * FROM lix_state WHERE schema_key = 'bench_row'")

LAWS: Sequence[Law] = (
    Law("write one row", "rows", FLAT, write_one),
    Law("write one row and roll back", "rows", FLAT, undo_write),
    Law("read one row", "rows", FLAT, READ),
    Law("create a version", "rows", FLAT, create_version),
    Law("history of a row changed three times", "rows", FLAT, HISTORY),
    Law("diff of 100 changed rows", "rows", FLAT, DIFF),
    Law("count all rows", "rows", LINEAR, COUNT, rounds=5),
    Law("read all rows", "rows", LINEAR, SCAN, rounds=3),
    Law("write all rows in one transaction", "rows", LINEAR, load, rounds=1),
    Law("write one row", "commits", FLAT, write_one),
    Law("write one row and roll back", "commits", FLAT, undo_write),
    Law("read one row", "commits", FLAT, READ),
    Law("read one row at the first commit", "commits", FLAT, query(PAST, "first")),
    Law("create a version", "commits", FLAT, create_version),
    Law("history of a row changed three times", "commits", FLAT, HISTORY),
    Law("diff of 100 changed rows", "commits", FLAT, DIFF),
    Law("read 1,000 rows", "commits", FLAT, SCAN, rounds=15),
    Law("write one row", "versions", FLAT, write_one),
    Law("read one row", "versions", FLAT, READ),
    Law("create a version", "versions", FLAT, create_version),
    Law("write one row", "ancestors", 0.5, write_one),
    Law("read one row", "ancestors", 0.5, READ),
    Law("create a version", "ancestors", 0.5, create_version),
    Law("write one row", "heirs", FLAT, write_one),
    Law("read one row", "heirs", LINEAR, READ),
    Law("read 1,000 rows", "heirs", LINEAR, SCAN, rounds=5),
    Law("create a version", "heirs", LINEAR, create_version),
    Law(
        "insert JSON, the plugin matches",
        "leaves",
        LINEAR,
        insert_leaves("json"),
        LEAF_ROUNDS,
    ),
    Law(
        "insert JSON, no plugin matches",
        "leaves",
        LINEAR,
        insert_leaves("blob"),
        LEAF_ROUNDS,
    ),
    Law("change one leaf in the bytes", "leaves", LINEAR, change_leaf, LEAF_ROUNDS),
    Law("change one leaf by SQL", "leaves", LINEAR, change_entity, LEAF_ROUNDS),
    Law("insert one file", "files", FLAT, insert_file),
    Law(
        "read one file by its path",
        "files",
        FLAT,
        query("SELECT data FROM lix_file WHERE path = '/0/7.blob'"),
    ),
    Law("list all paths", "files", LINEAR, query("SELECT path FROM lix_file"), 5),
)
