"""Rows 9 and 12 of the comparison, and what a row of a schema costs, with rules or without."""

from __future__ import annotations

import random
from itertools import count

import pytest

import lix_vtab

PLAIN = {
    "x-lix-key": "item",
    "x-lix-version": "1",
    "x-lix-primary-key": ["/id"],
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "name": {"type": "string"},
        "rank": {"type": "integer"},
        "size": {"type": "number"},
        "done": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "note": {"type": ["string", "null"]},
    },
    "required": ["id", "name"],
    "additionalProperties": False,
}
GROUP = {
    "x-lix-key": "shelf",
    "x-lix-version": "1",
    "x-lix-primary-key": ["/id"],
    "type": "object",
    "properties": {"id": {"type": "string"}},
    "required": ["id"],
    "additionalProperties": False,
}
RULED = PLAIN | {
    "x-lix-unique": [["/rank"]],
    "x-lix-foreign-keys": [
        {"properties": ["/note"], "references": {"schemaKey": "shelf", "properties": ["/id"]}}
    ],
}
INDEXED = PLAIN | {"x-lix-index": [["/name"]]}
SCHEMAS = {"plain": PLAIN, "ruled": RULED, "indexed": INDEXED}

INSERT = "INSERT INTO item(id, name, rank, size, done, note) VALUES (?, ?, ?, ?, ?, ?)"
FILL = (
    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
    " INSERT INTO item(id, name, rank, size, done, note)"
    " SELECT 'i' || i, 'name ' || (i / 3), i, i * 0.5, i % 2, 's' || (i % 50) FROM n"
)


def filled(kind: str, rows: int) -> lix_vtab.Lix:
    """Return a lix with `rows` items."""
    lix = lix_vtab.open()
    lix.register_schema(GROUP)
    lix.register_schema(SCHEMAS[kind])
    lix.execute("INSERT INTO shelf(id) SELECT 's' || value FROM json_each(?)", (str([*range(50)]),))
    if rows:
        lix.execute(FILL, (rows - 1,))
    return lix


def fresh(number: int) -> tuple[object, ...]:
    return (f"n{number}", f"new {number}", -1 - number, 0.25, 1, f"s{number % 50}")


@pytest.mark.parametrize("rows", [1_000, 100_000])
@pytest.mark.parametrize("kind", SCHEMAS)
def test_insert_one_row(benchmark, kind, rows):
    benchmark.group = "insert one row of a schema"
    connection, numbers = filled(kind, rows).connection, count()
    benchmark.pedantic(
        connection.execute, setup=lambda: ((INSERT, fresh(next(numbers))), {}), rounds=300
    )


@pytest.mark.parametrize("rows", [1_000, 100_000])
@pytest.mark.parametrize("kind", ["plain", "ruled"])
@pytest.mark.parametrize("verb", ["update", "delete"])
def test_change_one_row(benchmark, kind, verb, rows):
    benchmark.group = f"{verb} one row of a schema"
    connection, numbers = filled(kind, rows).connection, count()
    chosen = random.Random(1).sample(range(rows), 300)
    sql = {
        "update": "UPDATE item SET rank = -1 - rank WHERE id = 'i' || ?",
        "delete": "DELETE FROM item WHERE id = 'i' || ?",
    }[verb]
    benchmark.pedantic(
        connection.execute, setup=lambda: ((sql, (chosen[next(numbers)],)), {}), rounds=300
    )


@pytest.mark.parametrize("kind", ["plain", "ruled"])
def test_many_rows_in_one_statement(benchmark, kind):
    benchmark.group = "10,000 rows of a schema, one statement"
    benchmark.pedantic(filled, args=(kind, 10_000), rounds=3)


@pytest.mark.parametrize("kind", ["plain", "indexed"])
def test_filter_on_a_property(benchmark, kind):
    """Row 9."""
    benchmark.group = "filter 10,000 rows on a property"
    connection = filled(kind, 10_000).connection
    sql = "SELECT id FROM item WHERE name = ?"
    found = benchmark(lambda: connection.execute(sql, ("name 1234",)).fetchall())
    assert len(found) == 3


@pytest.mark.parametrize("where", ["own", "branched", "inherited"])
@pytest.mark.parametrize(
    ("what", "sql"),
    [
        ("point", "SELECT name FROM item WHERE id = 'i77'"),
        ("count", "SELECT count(*) FROM item"),
        ("scan", "SELECT id, name, rank, size, done, note FROM item"),
    ],
)
def test_read(benchmark, what, sql, where):
    """Row 12."""
    benchmark.group = f"{what} of 10,000 rows of a schema"
    lix = filled("plain", 10_000)
    if where == "branched":
        lix.switch_version(lix.create_version("draft"))
    elif where == "inherited":
        parent = lix.active_version
        lix.switch_version(lix.create_version("child", source="global", inherits_from=parent))
    connection = lix.connection
    found = benchmark(lambda: connection.execute(sql).fetchall())
    assert found[0] != (0,)
