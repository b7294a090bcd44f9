"""The planner against SQLite itself: the same rows, once virtual and once in ordinary tables.

Every generated query runs over the lix tables and over copies of them. Whatever a plan pushes down,
orders, limits or prunes, the answers must be equal.
"""

from __future__ import annotations

import re
from random import Random

import pytest

import lix_vtab
from tests.state.queries import query
from tests.state.session import one_property
from tests.state.session import snapshot as content

TABLES = (
    "lix_state",
    "lix_state_by_version",
    "lix_internal_state_vtable",
    "lix_version",
    "lix_active_version",
    "lix_commit",
    "lix_change",
    "lix_change_set_element",
)
VIRTUAL = {name: name for name in TABLES} | {"plain": "plain"}
COPIED = {name: f"copy_of_{name}" for name in TABLES} | {"plain": "plain"}
CHUNK = 20


@pytest.fixture(scope="module")
def lix():
    with lix_vtab.open(internal=True) as opened:
        fill(opened)
        for name in TABLES:
            copy(opened, name)
        yield opened


def fill(lix):
    """Write a few hundred rows over versions, layers, schemas, files and tombstones."""
    draw = Random(7)
    for key in ("schema_a", "schema_b"):
        lix.register_schema(one_property(key))
        lix.register_schema(one_property(key, version="2", properties={"value": {}, "o": {}}))
    lix.create_version("a", id="a")
    lix.create_version("b", id="b", inherits_from="a", hidden=True)
    lix.execute("CREATE TABLE plain (id TEXT, n INTEGER)")
    lix.execute("INSERT INTO plain SELECT 'e' || value, value FROM json_each('[1,2,3,4,5,5,99]')")
    for number in range(240):
        if number == 150:
            lix.create_version("c", id="c", source="a", inherits_from="global")
        dead = draw.random() < 0.15
        lix.execute(
            "INSERT INTO lix_internal_state_vtable (entity_id, schema_key, file_id, version_id,"
            " plugin_key, schema_version, snapshot_content, metadata, untracked, writer_key)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                f"e{draw.randrange(1, 9)}",
                draw.choice(("schema_a", "schema_b")),
                draw.choice(("f1", "f2", "f3")),
                draw.choice(("global", "a", "b", "c") if number > 150 else ("global", "a", "b")),
                draw.choice(("lix", "p1", "p2")),
                draw.choice("12"),
                None if dead else content(f"v{draw.randrange(5)}"),
                draw.choice((None, '{"m":1}', "{}")),
                int(draw.random() < 0.2),
                draw.choice((None, "w1", "w2")),
            ),
        )
    lix.switch_version("b")


def copy(lix, name):
    """Create an ordinary table with the declared columns and the rows of a lix table."""
    run = lix.connection.execute
    columns = run(f"SELECT name, type FROM pragma_table_info('{name}')").fetchall()
    declared = ", ".join(f'"{column}" {kind}' for column, kind in columns)
    run(f"CREATE TABLE copy_of_{name} ({declared})")
    names = ", ".join(f'"{column}"' for column, _ in columns)
    run(f"INSERT INTO copy_of_{name} SELECT {names} FROM {name}")


def answer(lix, template, names):
    sql = re.sub(r"\{(\w+)\}", lambda match: names[match[1]], template)
    rows = lix.connection.execute(sql).fetchall()
    return rows if "ORDER BY" in sql.rsplit(")", 1)[-1] else sorted(rows, key=repr)


def compare(lix, seeds):
    """Run the queries both ways; return how many gave rows, so that a test can be sure some do."""
    fruitful = 0
    for seed in seeds:
        template = query(seed)
        expected = answer(lix, template, COPIED)
        assert answer(lix, template, VIRTUAL) == expected, f"query {seed}: {template}"
        fruitful += bool(expected)
    return fruitful


@pytest.mark.parametrize("chunk", range(30))
def test_generated_queries(lix, chunk):
    fruitful = compare(lix, range(chunk * CHUNK, (chunk + 1) * CHUNK))
    assert fruitful > CHUNK // 4


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(1000, 1500))
def test_generated_queries_at_length(lix, chunk):
    compare(lix, range(chunk * CHUNK, (chunk + 1) * CHUNK))


def test_generated_queries_while_writing(lix):
    """The same inside a transaction with uncommitted rows, then with those rolled back."""
    run = lix.connection.execute
    run("BEGIN")
    run(
        "UPDATE lix_state_by_version SET metadata = '{\"m\":1}'"
        " WHERE entity_id IN ('e1', 'e2') AND version_id IN ('a', 'b')"
    )
    run("DELETE FROM lix_state WHERE entity_id = 'e3'")
    run("SAVEPOINT copies")
    for name in TABLES:
        run(f"DELETE FROM copy_of_{name}")
        run(f"INSERT INTO copy_of_{name} SELECT * FROM {name}")
    assert compare(lix, range(10_000, 10_060)) > 15
    run("ROLLBACK")
    assert compare(lix, range(10_000, 10_060)) > 15


# Shapes worth naming, beside the random ones.
NAMED = {
    "count of all": "SELECT count(*) FROM {lix_state}",
    "no column used": "SELECT 1 FROM {lix_state_by_version} WHERE schema_key = 'schema_a'",
    "ordered by key": (
        "SELECT entity_id FROM {lix_state} WHERE schema_key = 'schema_a'"
        " ORDER BY schema_key, entity_id, file_id"
    ),
    "ordered backwards": (
        "SELECT entity_id, file_id FROM {lix_state} WHERE schema_key = 'schema_a'"
        " ORDER BY entity_id DESC, file_id DESC"
    ),
    "min and max": "SELECT min(entity_id), max(entity_id) FROM {lix_state}",
    "limit without where": "SELECT count(*) FROM (SELECT 1 FROM {lix_state} LIMIT 3 OFFSET 2)",
    "limit with in": (
        "SELECT count(*) FROM (SELECT 1 FROM {lix_state_by_version}"
        " WHERE schema_key IN ('schema_a', 'schema_b') LIMIT 7)"
    ),
    "limit after a filter no plan can use": (
        "SELECT count(*) FROM (SELECT 1 FROM {lix_state} WHERE length(entity_id) = 2 LIMIT 4)"
    ),
    "limit beyond a shadowed filter": (
        "SELECT count(*) FROM (SELECT 1 FROM {lix_state} WHERE untracked = 1 LIMIT 2 OFFSET 1)"
    ),
    "in both orders": (
        "SELECT a.entity_id, b.version_id FROM {lix_state} a, {lix_state_by_version} b"
        " WHERE a.entity_id = b.entity_id AND a.schema_key = b.schema_key"
        " AND a.file_id = b.file_id AND b.version_id IN ('a', 'b')"
    ),
    "two in lists": (
        "SELECT entity_id, version_id FROM {lix_state_by_version}"
        " WHERE schema_key IN ('schema_b', 'schema_a') AND version_id IN ('b', 'a', 'b')"
        " AND entity_id IN ('e2', 'e1', NULL)"
    ),
    "empty in list": "SELECT 1 FROM {lix_state} WHERE entity_id IN ()",
    "in from an empty query": (
        "SELECT 1 FROM {lix_state} WHERE entity_id IN (SELECT id FROM {plain} WHERE n > 1000)"
    ),
    "integer against text": "SELECT entity_id FROM {lix_state} WHERE schema_version = 1",
    "text against integer": "SELECT entity_id FROM {lix_state} WHERE untracked = '1'",
    "blob against text": "SELECT entity_id FROM {lix_state} WHERE entity_id = x'6531'",
    "null key": "SELECT entity_id FROM {lix_state} WHERE schema_key IS NULL",
    "is not distinct": (
        "SELECT entity_id FROM {lix_state}"
        " WHERE inherited_from_version_id IS NOT DISTINCT FROM NULL"
    ),
    "self join on everything": (
        "SELECT count(*) FROM {lix_state_by_version} a NATURAL JOIN {lix_state_by_version} b"
    ),
    "three way": (
        "SELECT s.entity_id, v.name, p.n FROM {lix_version} v"
        " JOIN {lix_state_by_version} s ON s.version_id = v.id"
        " JOIN {plain} p ON p.id = s.entity_id WHERE v.hidden = 1 AND p.n < 4"
    ),
    "window": (
        "SELECT entity_id, version_id, row_number() OVER"
        " (PARTITION BY entity_id ORDER BY version_id, schema_key, file_id)"
        " FROM {lix_state_by_version} WHERE schema_key = 'schema_a'"
    ),
    "or over two columns": (
        "SELECT entity_id FROM {lix_state} WHERE schema_key = 'schema_a' OR file_id = 'f2'"
    ),
    "or over two tables": (
        "SELECT s.entity_id, p.n FROM {lix_state} s, {plain} p"
        " WHERE (s.entity_id = p.id OR s.file_id = p.id) AND s.schema_key = 'schema_a'"
    ),
    "history of a row": (
        "SELECT s.entity_id, count(c.id) FROM {lix_state} s"
        " JOIN {lix_change} c ON c.entity_id = s.entity_id AND c.schema_key = s.schema_key"
        " GROUP BY 1"
    ),
    "elements of a tip": (
        "SELECT e.entity_id FROM {lix_version} v JOIN {lix_commit} c ON c.id = v.commit_id"
        " JOIN {lix_change_set_element} e ON e.change_set_id = c.change_set_id"
    ),
    "elements found by their change": (
        "SELECT e.change_set_id FROM {lix_change} c"
        " LEFT JOIN {lix_change_set_element} e ON e.change_id = c.id WHERE c.entity_id = 'e1'"
    ),
    "equal columns, limited": (
        "SELECT id FROM {lix_version} WHERE entity_id = name ORDER BY id LIMIT 2"
    ),
    "columns in order, limited": (
        "SELECT id FROM {lix_version} WHERE name < id ORDER BY id LIMIT 2 OFFSET 1"
    ),
    "equal columns, counted within a limit": (
        "SELECT count(*) FROM (SELECT 1 FROM {lix_state} WHERE entity_id IS writer_key LIMIT 3)"
    ),
    "version by name": "SELECT id FROM {lix_version} WHERE name IN ('a', 'main')",
    "commit by unknown id": "SELECT * FROM {lix_commit} WHERE id = 'nope'",
}


@pytest.mark.parametrize("template", NAMED.values(), ids=NAMED)
def test_named_queries(lix, template):
    assert answer(lix, template, VIRTUAL) == answer(lix, template, COPIED)
