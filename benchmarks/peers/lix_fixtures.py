"""What lix_vtab holds before something is measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from benchmarks.peers.scale import json_file
from benchmarks.rows import INSERT, SCHEMA, Rows, row

if TYPE_CHECKING:
    from benchmarks.peers.lix_side import LixSide

__all__ = ["FIXTURES"]

IN_FILE = INSERT.replace("'lix', 'lix', '1'", "'doc', 'lix', '1'")
REWRITE = (
    "UPDATE lix_state SET snapshot_content = ? WHERE schema_key = 'bench_row' AND entity_id = ?"
)
TIP = "SELECT commit_id FROM lix_version WHERE id = (SELECT version_id FROM lix_active_version)"


def empty(side: LixSide) -> None:
    """Only the schema."""
    side.lix.register_schema(SCHEMA)


def rows(side: LixSide, number: int | None = None) -> None:
    """All rows in one commit, some of them belonging to a file."""
    empty(side)
    whole, part = number or side.scale["rows"], side.scale["in_file"]
    with side.lix.transaction():
        side.connection.executemany(INSERT, side.rows.take(whole - part))
        side.connection.executemany(IN_FILE, side.rows.take(part))


def indexed(side: LixSide) -> None:
    """All rows of a schema that asks for an index on their name."""
    side.lix.register_schema(SCHEMA | {"x-lix-key": "bench_indexed", "x-lix-index": [["/name"]]})
    sql = INSERT.replace("'bench_row'", "'bench_indexed'")
    with side.lix.transaction():
        side.connection.executemany(sql, Rows().take(side.scale["rows"]))


def child(side: LixSide) -> None:
    """All rows in the version a child was made from; the child is active."""
    rows(side)
    side.lix.switch_version(side.lix.create_version("child"))


def inherited(side: LixSide) -> None:
    """All rows in the parent the active version inherits from."""
    rows(side)
    parent = side.lix.active_version
    heir = side.lix.create_version("heir", source="global", inherits_from=parent)
    side.lix.switch_version(heir)


def rewrite(side: LixSide, number: int, turn: int) -> None:
    """Change one row, in a commit of its own."""
    id, _ = row(number)
    side.connection.execute(REWRITE, (f'{{"id":"{id}","name":"turn {turn}"}}', id))


def tip(side: LixSide) -> str:
    return side.connection.execute(TIP).get


def changed(side: LixSide) -> None:
    """One row changed in every commit there is."""
    rows(side, 2 * side.scale["in_file"])
    for turn in range(side.scale["changes"] - 1):
        rewrite(side, 0, turn)


def commits(side: LixSide) -> None:
    """Many commits; a row that three of them wrote."""
    rows(side, 2 * side.scale["in_file"])
    number = side.scale["commits"]
    for turn in range(number):
        rewrite(side, 0 if turn in (number // 3, number // 2) else 1 + turn % 50, turn)


def past(side: LixSide) -> None:
    """All rows, and many commits after them."""
    rows(side)
    side.facts["commit"] = tip(side)
    for turn in range(side.scale["past"]):
        rewrite(side, turn, turn)


def diff(side: LixSide) -> None:
    """All rows, and two commits between which some of them changed."""
    rows(side)
    before = tip(side)
    with side.lix.transaction():
        for number in range(side.scale["changed"]):
            rewrite(side, number * side.scale["stride"], 0)
    side.facts["commits"] = (before, tip(side))


def undo(side: LixSide) -> None:
    """All rows, and one change that can be undone."""
    rows(side)
    rewrite(side, 5, 0)


def stored(side: LixSide) -> None:
    """All rows of the file `lix` alone, settled on disk."""
    empty(side)
    with side.lix.transaction():
        side.connection.executemany(INSERT, side.rows.take(side.scale["rows"]))
    side.stored_bytes()


def nothing(side: LixSide) -> None:
    """Nothing at all."""


def files(side: LixSide) -> None:
    """Many files of 1 KB in one directory."""
    with side.lix.transaction():
        side.connection.executemany(
            "INSERT INTO lix_file (path, data) VALUES (?, ?)",
            ((f"/docs/file-{n}.blob", b"%1024d" % n) for n in range(side.scale["files"])),
        )


def leaves(number: Callable[[LixSide], int]) -> Callable[[LixSide], None]:
    def prepare(side: LixSide) -> None:
        side.connection.execute(
            "INSERT INTO lix_file (path, data) VALUES ('/leaves.json', ?)",
            (json_file(number(side)),),
        )

    return prepare


FIXTURES: dict[str, Callable[[Any], None]] = {
    "empty": empty,
    "rows": rows,
    "indexed": indexed,
    "child": child,
    "branched": child,
    "inherited": inherited,
    "changed": changed,
    "commits": commits,
    "past": past,
    "diff": diff,
    "merge": rows,
    "undo": undo,
    "stored": stored,
    "no_plugins": nothing,
    "no_files": nothing,
    "files": files,
    "leaves_120": leaves(lambda side: 120),
    "leaves_10000": leaves(lambda side: side.scale["leaves"]),
}
