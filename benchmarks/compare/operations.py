"""What is compared: the rows of the table, what each does, and the figure it is to reach."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

__all__ = ["OPERATIONS", "Operation", "Target", "select"]

MEMORY, FILE = "memory", "file"
BOTH = (MEMORY, FILE)


@dataclass(frozen=True, slots=True)
class Target:
    """The figure to reach.

    `most` is in the unit of the operation. `floor` says how many times the floor of the same run
    that may be: where it is given it decides, because it does not depend on the machine. `times`
    and `of` compare with another operation of our own instead.
    """

    most: float | None = None
    floor: float | None = None
    times: float | None = None
    of: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing every side does, if it can.

    `fixture` names what is prepared before, `per` the size that divides each sample, `most` bounds
    how many samples are taken.
    """

    row: int
    key: str
    title: str
    fixture: str
    targets: Mapping[str, Target] = field(default_factory=dict)
    places: tuple[str, ...] = (MEMORY,)
    unit: str = "ms"
    per: str | None = None
    most: int = 400


def one(most: float, floor: float | None = None) -> dict[str, Target]:
    return {MEMORY: Target(most, floor)}


def two(memory: float, file: float, floor: float | None = None) -> dict[str, Target]:
    return {MEMORY: Target(memory, floor), FILE: Target(file, floor)}


def on_file(most: float, floor: float | None = None) -> dict[str, Target]:
    return {FILE: Target(most, floor)}


def like(operation: str) -> dict[str, Target]:
    return {MEMORY: Target(times=1.5, of=operation)}


# The order is the order of work: operations of one fixture stand together, readers first.
OPERATIONS = (
    Operation(1, "write_1", "write 1 row, autocommit", "empty", two(0.06, 0.10, 5), BOTH),
    Operation(2, "write_10", "write 10 rows, one statement", "empty", two(0.12, 0.2, 2.2), BOTH),
    Operation(3, "write_100", "write 100 rows, one statement", "empty", two(0.8, 1.0, 1.8), BOTH),
    Operation(
        4,
        "bulk",
        "write all rows in one transaction, per row",
        "empty",
        one(0.008, 11),
        per="bulk",
        most=5,
    ),
    Operation(6, "point_read", "read one row by its key", "rows", one(0.008, 4)),
    Operation(7, "count_file", "count the 120 rows of one file among all", "rows", one(0.05)),
    Operation(8, "scan", "read all rows, all columns", "rows", one(15, 4), most=40),
    Operation(8, "count", "count all rows", "rows", one(4), most=60),
    Operation(9, "filter_property", "filter on a JSON property", "rows", one(6, 2), most=60),
    Operation(5, "update_1", "update one row by its key", "rows", two(0.07, 0.12, 7), BOTH),
    Operation(
        5, "delete_1", "delete one row by its key", "rows", two(0.07, 0.12, 7), BOTH, most=200
    ),
    Operation(10, "branch", "create a version", "rows", two(0.08, 0.15), BOTH, most=200),
    Operation(9, "filter_indexed", "filter on an indexed JSON property", "indexed", one(0.05)),
    Operation(
        11, "child_write", "write 1 row in a child and read it", "child", two(0.1, 0.2), BOTH
    ),
    Operation(12, "branched_read", "read one branched row by its key", "branched", one(0.012)),
    Operation(12, "branched_count", "count all branched rows", "branched", one(6), most=60),
    Operation(12, "inherited_read", "read one inherited row by its key", "inherited", one(0.012)),
    Operation(12, "inherited_count", "count all inherited rows", "inherited", one(6), most=60),
    Operation(
        13, "history_100", "history of a row: 100 changes in 100 commits", "changed", one(0.3)
    ),
    Operation(
        13, "history_3", "history of a row: 3 changes in 2,000 commits", "commits", one(0.05)
    ),
    Operation(14, "diff", "diff of two commits, 100 rows changed", "diff", one(0.6)),
    Operation(15, "past_scan", "read all rows 1,000 commits back", "past", like("scan"), most=40),
    Operation(15, "past_read", "read one row 1,000 commits back", "past", like("point_read")),
    Operation(16, "merge", "merge 100 against 100 changed rows", "merge", two(3, 3), BOTH, most=20),
    Operation(
        17, "json_alone", "insert JSON of 120 leaves, no plugins", "no_plugins", one(0.2, 10)
    ),
    Operation(
        17, "json_other", "insert JSON of 120 leaves, none matches", "no_files", one(0.2, 10)
    ),
    Operation(
        17, "json_leaves", "insert JSON of 120 leaves, one matches", "no_files", one(1.5, 75)
    ),
    Operation(17, "csv_records", "insert CSV of 120 records, one matches", "no_files"),
    Operation(18, "leaf_120", "change one leaf of a file of 120", "leaves_120", one(0.4)),
    Operation(
        18, "leaf_10000", "change one leaf of a file of 10,000", "leaves_10000", one(15), most=20
    ),
    Operation(19, "read_path", "read one file by its path", "files", one(0.02)),
    Operation(19, "list_paths", "list all paths", "files", one(25), most=20),
    Operation(20, "insert_file", "insert one file of 1 KB", "files", one(0.15)),
    Operation(
        21, "open", "open the database and read one row", "stored", on_file(3, 33), (FILE,), most=40
    ),
    Operation(
        22, "size", "size of the database", "stored", on_file(3.5), (FILE,), unit="MB", most=1
    ),
    Operation(
        22,
        "growth",
        "growth for each commit of 1 row",
        "stored",
        on_file(0.7),
        (FILE,),
        unit="KB",
        most=1,
    ),
    Operation(23, "undo_redo", "undo and redo one change", "undo", one(0.3), most=100),
)


def select(
    rows: Iterable[int] = (), only: Iterable[str] = (), places: Iterable[str] = BOTH
) -> list[tuple[Operation, str]]:
    """Return the operations wanted, each with one place, in the order of work.

    `rows` are numbers of the table, `only` keys; both empty means all.
    """
    rows, only = set(rows), set(only)
    unknown = only - {operation.key for operation in OPERATIONS}
    if unknown:
        raise ValueError(f"no such operation: {', '.join(sorted(unknown))}")
    return [
        (operation, place)
        for place in BOTH
        if place in set(places)
        for operation in OPERATIONS
        if place in operation.places
        and (not rows or operation.row in rows)
        and (not only or operation.key in only)
    ]
