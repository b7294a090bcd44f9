"""Keys that are not one text: looked up in the past as in the present, and shown by deletions."""

from __future__ import annotations

import apsw
import pytest

import lix_vtab

PLACE = {
    "x-lix-key": "place",
    "x-lix-version": "1",
    # not the order of the columns, which are sorted by name
    "x-lix-primary-key": ["/zone", "/no"],
    "x-lix-unique": [["/label"]],
    "type": "object",
    "required": ["no", "zone"],
    "additionalProperties": False,
    "properties": {
        "zone": {"type": "string"},
        "no": {"type": "integer"},
        "label": {"type": "string"},
        "size": {"type": "integer"},
    },
}


@pytest.fixture
def places(lix):
    lix.store_schema(PLACE)
    lix.execute(
        "INSERT INTO place (zone, no, label, size)"
        " VALUES ('a~b', 1, 'one', 10), ('a~b', 2, 'two', 20), ('c', 1, 'three', 30)"
    )
    lix.execute("UPDATE place SET size = 11 WHERE zone = 'a~b' AND no = 1")
    lix.execute("DELETE FROM place WHERE zone = 'a~b' AND no = 1")
    return lix


HISTORY = [("a~b", 1, None, 0), ("a~b", 1, 11, 1), ("a~b", 1, 10, 2)]


def test_a_composite_key_finds_its_history_and_deletion(places):
    assert (
        places.rows(
            "SELECT zone, no, size, lixcol_depth FROM place_history"
            " WHERE zone = 'a~b' AND no = 1 ORDER BY lixcol_depth"
        )
        == HISTORY
    )


@pytest.mark.parametrize(
    "where",
    [
        "zone = 'a~b' AND no = 1",
        "zone = 'a~b' AND no = '1'",
        "zone = 'a~b' AND no = 1.0",
        "zone = 'a~b' AND no IN (1, 7)",
        "zone = 'a~b' AND no = 1 AND size = 11",
        "zone = 'a~b' AND no = 1 AND lixcol_depth = 0",
        "zone = 'a~b' AND no = NULL",
        "zone = 'a~b' AND no = 'x'",
        "zone = 'a~b' AND no = x'31'",
        "zone = 'nowhere' AND no = 1",
        "no = 1",
        "no = 1 AND lixcol_entity_id = 'c~1'",
    ],
)
def test_conditions_on_key_parts_mean_what_they_say(places, where):
    columns = "zone, no, size, lixcol_depth, lixcol_entity_id"
    flat = apsw.Connection(":memory:")
    flat.execute("CREATE TABLE place_history(zone TEXT, no INTEGER, size, lixcol_depth INTEGER,"
                 " lixcol_entity_id TEXT)")  # fmt: skip
    flat.executemany(
        "INSERT INTO place_history VALUES (?, ?, ?, ?, ?)",
        places.rows(f"SELECT {columns} FROM place_history"),
    )
    sql = f"SELECT {columns} FROM place_history WHERE {where} ORDER BY 5, 4"
    wanted = flat.execute(sql).fetchall()
    flat.close()
    assert places.rows(sql) == wanted


def steps_of(connection, sql, params=()):
    """Return how many rows SQLite's virtual machine went through, roughly: its steps."""
    count = [0]

    def step():
        count[0] += 1
        return False

    connection.set_progress_handler(step, 50)
    try:
        connection.execute(sql, params).fetchall()
    finally:
        connection.set_progress_handler(None)
    return count[0]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT size FROM place_history WHERE zone = 'z' AND no = 3",
        "SELECT size FROM place_at('HEAD~1') WHERE zone = 'z' AND no = 3",
        "SELECT size FROM place_at('HEAD~1') WHERE label = 'l3'",
    ],
)
def test_the_past_is_looked_up_by_whole_keys_and_unique_values(sql):
    with lix_vtab.open() as lix:
        lix.register_schema(PLACE)
        work = []
        for size in (30, 3000):
            with lix.transaction():
                lix.connection.executemany(
                    "INSERT OR REPLACE INTO place (zone, no, label, size) VALUES ('z', ?, ?, 1)",
                    [(n, f"l{n}") for n in range(size)],
                )
            lix.execute("INSERT OR REPLACE INTO place (zone, no) VALUES ('last', ?)", (size,))
            assert lix.execute(sql).rows[-1:] == [(1,)]
            work.append(steps_of(lix.connection, sql))
        assert work[1] <= work[0] + 20


def test_a_deletion_shows_its_key_whatever_its_type(lix):
    types = {"b": "boolean", "i": "integer", "l": "array", "r": "number", "s": "string"}
    lix.store_schema(
        {
            "x-lix-key": "typed",
            "x-lix-version": "1",
            "x-lix-primary-key": [f"/{name}" for name in types],
            "type": "object",
            "additionalProperties": False,
            "properties": {name: {"type": kind} for name, kind in types.items()},
        }
    )
    lix.execute(
        "INSERT INTO typed(b, i, l, r, s) VALUES (true, 7, '[1]', 2.5, 'a'), (false, -7, '[]', 2, '1')"
    )
    kept = lix.rows("SELECT b, i, l, r, s FROM typed ORDER BY b")
    lix.execute("DELETE FROM typed")
    gone = "FROM typed_history WHERE lixcol_depth = 0 ORDER BY b"
    assert lix.rows(f"SELECT b, i, l, r, s {gone}") == kept
    assert lix.rows("SELECT i FROM typed_history WHERE b AND lixcol_depth = 0") == [(7,)]


def test_a_deletion_may_be_of_an_earlier_schema(lix):
    def definition(kind: str) -> dict:
        return {
            "x-lix-key": "reborn",
            "x-lix-version": "1",
            "x-lix-primary-key": ["/id"],
            "type": "object",
            "additionalProperties": False,
            "properties": {"id": {"type": kind}},
        }

    lix.store_schema(definition("string"))
    lix.execute("INSERT INTO reborn(id) VALUES ('a')")
    lix.execute("DELETE FROM reborn")
    lix.execute("DELETE FROM lix_stored_schema WHERE lixcol_entity_id = 'reborn~1'")
    lix.store_schema(definition("integer"))
    lix.execute("INSERT INTO reborn(id) VALUES (0), (9223372036854775807)")
    lix.execute("DELETE FROM reborn")
    assert lix.rows(
        "SELECT id, lixcol_entity_id FROM reborn_history WHERE lixcol_depth = 0 ORDER BY id"
    ) == [(0, "0"), (9223372036854775807, "9223372036854775807")]
    assert lix.column("SELECT DISTINCT id FROM reborn_history WHERE lixcol_entity_id = 'a'") == [
        "a"
    ]
