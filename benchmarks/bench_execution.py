"""What `Lix.execute` costs beyond the APSW connection it runs on, in processor time.

Run it as a module for a table: `python -m benchmarks.bench_execution`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

import lix_vtab

CALLS, ROUNDS = 500, 30


@dataclass(frozen=True)
class Statement:
    """A statement that needs nothing lix adds, so that all it costs more is overhead."""

    name: str
    sql: str
    params: Any = ()
    writer_key: str | None = None


STATEMENTS = (
    Statement("constant", "SELECT 1"),
    Statement("row by key", "SELECT a, b FROM plain WHERE a = ?", (1,)),
    Statement("row by key, named", "SELECT a, b FROM plain WHERE a = :a", {"a": 1}),
    Statement("no row", "SELECT a, b FROM plain WHERE a = ?", (-1,)),
    Statement("100 rows", "SELECT a, b FROM plain"),
    Statement("update by key", "UPDATE plain SET b = ? WHERE a = ?", (5, 1)),
    Statement("row of a lix table", "SELECT value FROM lix_key_value WHERE key = ?", ("k",)),
)
SLOWER = (
    Statement("update, writer key", "UPDATE plain SET b = ? WHERE a = ?", (5, 1), "bench"),
    Statement("script of two", "SELECT 1; SELECT ?", (1,)),
)
"""Those with work of their own: shown, but not bound to the target."""


def opened() -> lix_vtab.Lix:
    """Return a lix with a plain table of 100 rows and a key value."""
    lix = lix_vtab.open()
    lix.execute("CREATE TABLE plain (a INTEGER PRIMARY KEY, b)")
    lix.connection.executemany("INSERT INTO plain VALUES (?, 0)", ((n,) for n in range(100)))
    lix.execute("INSERT INTO lix_key_value (key, value) VALUES ('k', 1)")
    return lix


def both_ways(lix: lix_vtab.Lix, statement: Statement) -> tuple[float, float]:
    """Return the microseconds of a statement on the bare connection and through lix.

    The least of many short rounds taken in turns: what the machine can do undisturbed.
    """
    connection, sql, params, key = (
        lix.connection,
        statement.sql,
        statement.params,
        statement.writer_key,
    )

    def bare() -> None:
        connection.execute(sql, params).fetchall()

    def ours() -> None:
        lix.execute(sql, params, writer_key=key)

    pairs = [(seconds(bare), seconds(ours)) for _ in range(ROUNDS)]
    fastest_bare, fastest_ours = (min(column) for column in zip(*pairs, strict=True))
    return fastest_bare * 1e6, fastest_ours * 1e6


def seconds(work: Callable[[], object]) -> float:
    """Return the processor time of one call of `work`."""
    begin = time.process_time()
    for _ in range(CALLS):
        work()
    return (time.process_time() - begin) / CALLS


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda statement: statement.name)
@pytest.mark.parametrize("side", ["bare", "lix"])
def test_statement(benchmark: Callable[..., object], side: str, statement: Statement) -> None:
    with opened() as lix:
        if side == "lix":
            benchmark(lix.execute, statement.sql, statement.params)
        else:
            connection = lix.connection
            benchmark(lambda: connection.execute(statement.sql, statement.params).fetchall())


def main() -> None:
    """Print what each statement costs both ways."""
    print(f"{'statement':<20} {'bare us':>8} {'lix us':>8} {'more us':>8}")
    with opened() as lix:
        for statement in (*STATEMENTS, *SLOWER):
            bare, ours = both_ways(lix, statement)
            print(f"{statement.name:<20} {bare:>8.2f} {ours:>8.2f} {ours - bare:>8.2f}")


if __name__ == "__main__":
    main()
