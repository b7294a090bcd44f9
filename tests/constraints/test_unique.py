"""Unique groups."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lix_vtab.errors import ForeignKeyError, UniqueError
from tests.constraints.schemas import CHILD, PARENT, ids, refers, store
from tests.entities.schemas import TEXT, schema
from tests.state.session import Session


@pytest.fixture(autouse=True)
def schemas(lix: Session) -> None:
    store(lix, PARENT)


def state(
    lix: Session, id: str, file: str = "lix", version: str | None = None, **values: Any
) -> None:
    lix.execute(
        "INSERT INTO lix_state_by_version(entity_id, schema_key, file_id, plugin_key,"
        " schema_version, version_id, snapshot_content) VALUES (?, 'parent', ?, 'lix', '1', ?, ?)",
        (id, file, version or lix.active_version.id, json.dumps({"id": id} | values)),
    )


def test_a_value_is_taken_once(lix: Session) -> None:
    lix.execute("INSERT INTO parent(id, slug) VALUES ('a', 'x')")
    with pytest.raises(UniqueError, match="Unique constraint violation: ") as caught:
        lix.execute("INSERT INTO parent(id, slug) VALUES ('b', 'x')")
    error = caught.value
    for part in ("'parent'", "/slug", "'x'", "'a'", "'b'"):
        assert part in error.message
    assert error.details["entity_id"] == "b"
    assert error.details["rival"] == "a"
    assert error.details["values"] == ["x"]
    assert ids(lix, "parent") == ["a"]
    lix.execute("INSERT INTO parent(id, slug) VALUES ('b', 'y')")


def test_every_way_of_writing(lix: Session) -> None:
    state(lix, "a", slug="x")
    with pytest.raises(UniqueError):
        state(lix, "b", slug="x")
    with pytest.raises(UniqueError):
        state(lix, "b", version="global", slug="x")
        state(lix, "c", slug="x")
    lix.execute("INSERT INTO parent(id, slug) VALUES ('b', 'y')")
    for table in ("parent", "parent_by_version"):
        with pytest.raises(UniqueError):
            lix.execute(f"UPDATE {table} SET slug = 'x' WHERE id = 'b'")
    with pytest.raises(UniqueError):
        lix.execute(
            "UPDATE lix_state SET snapshot_content = json_set(snapshot_content, '$.slug', 'x')"
            " WHERE entity_id = 'b'"
        )


def test_null_and_absent_members_do_not_count(lix: Session) -> None:
    lix.execute("INSERT INTO parent(id, slug) VALUES ('a', NULL), ('b', NULL)")
    state(lix, "c", slug=None, a=1, b=None)
    state(lix, "d", a=1)
    lix.execute("INSERT INTO parent(id, a, b) VALUES ('e', 1, 2), ('f', 2, 1), ('g', 1, 1)")
    with pytest.raises(UniqueError, match=r"\(/a, /b\)"):
        lix.execute("INSERT INTO parent(id, a, b) VALUES ('h', 1, 2)")


def test_all_groups_are_reported_at_once(lix: Session) -> None:
    lix.execute("INSERT INTO parent(id, slug, a, b) VALUES ('a', 'x', 1, 1)")
    with pytest.raises(UniqueError) as caught:
        lix.execute("INSERT INTO parent(id, slug, a, b) VALUES ('b', 'x', 1, 1)")
    assert len(caught.value.details["violations"]) == 2


def test_values_are_compared_as_json(lix: Session) -> None:
    store(lix, schema("any", {"id": TEXT, "v": {}}, primary_key=["/id"], unique=[["/v"]]))
    values = [1, "1", True, "true", 1.5, "", [], {}, [1], ["1"], {"a": 1}, "[1]", 10**30, "x" * 999]
    values += ["x" * 998, "x" * 999 + "y", False, 0, "0", 10**18, 2**53 + 1]
    for number, value in enumerate(values):
        lix.execute("INSERT INTO any(id, v) VALUES (?, jsonb(?))", (str(number), json.dumps(value)))
    again = [*values, 1.0, 1e18]
    for value in again:
        with pytest.raises(UniqueError):
            lix.execute("INSERT INTO any(id, v) VALUES ('new', jsonb(?))", (json.dumps(value),))
    lix.execute("INSERT INTO any(id, v) VALUES ('even', jsonb(?))", (json.dumps(2.0**53),))


def test_each_file_has_its_own_values(lix: Session) -> None:
    state(lix, "a", slug="x")
    state(lix, "b", "f1", slug="x")
    with pytest.raises(UniqueError):
        state(lix, "c", "f1", slug="x")


def test_inherited_rows_count_and_hidden_ones_do_not(lix: Session) -> None:
    state(lix, "a", version="global", slug="x")
    with pytest.raises(UniqueError):
        lix.execute("INSERT INTO parent(id, slug) VALUES ('b', 'x')")
    lix.execute("INSERT INTO parent(id, slug) VALUES ('a', 'x')")
    lix.execute("UPDATE parent SET slug = 'y' WHERE id = 'a'")
    lix.execute("INSERT INTO parent(id, slug) VALUES ('b', 'x')")
    lix.execute("DELETE FROM parent WHERE id = 'a'")
    lix.execute("INSERT INTO parent(id, slug) VALUES ('c', 'y')")
    with pytest.raises(UniqueError):
        state(lix, "d", version="global", slug="x")


def test_branches_keep_what_they_branched_from(lix: Session) -> None:
    lix.execute("INSERT INTO parent(id, slug) VALUES ('a', 'x'), ('b', 'y')")
    lix.create_version("draft")
    lix.execute("UPDATE parent SET slug = 'z' WHERE id = 'a'")
    lix.execute("DELETE FROM parent WHERE id = 'b'")
    lix.execute("INSERT INTO parent(id, slug) VALUES ('c', 'x'), ('d', 'y')")
    lix.switch_version("draft")
    for slug in "xy":
        with pytest.raises(UniqueError):
            lix.execute("INSERT INTO parent(id, slug) VALUES ('n', ?)", (slug,))
    lix.execute("INSERT INTO parent(id, slug) VALUES ('n', 'z')")
    lix.execute("UPDATE parent SET slug = 'free' WHERE id = 'a'")
    lix.execute("INSERT INTO parent(id, slug) VALUES ('o', 'x')")


def test_deep_branches(lix: Session) -> None:
    """Folding a long lineage takes the values along."""
    for number in range(25):
        lix.execute("INSERT INTO parent(id, slug) VALUES (?1, ?1)", (f"r{number:02}",))
        if number % 5 == 0:
            lix.execute("UPDATE parent SET slug = slug || '!' WHERE id = ?", (f"r{number:02}",))
        lix.switch_version(lix.create_version(f"v{number}"))
    for number in range(25):
        taken, free = f"r{number:02}", f"r{number:02}!"
        if number % 5 == 0:
            taken, free = free, taken
        with pytest.raises(UniqueError):
            lix.execute("INSERT INTO parent(id, slug) VALUES ('new', ?)", (taken,))
        lix.execute("INSERT INTO parent(id, slug) VALUES ('new', ?)", (free,))
        lix.execute("DELETE FROM parent WHERE id = 'new'")


@pytest.mark.parametrize("untracked", [0, 1])
def test_untracked_rows_count(lix: Session, untracked: int) -> None:
    lix.execute("INSERT INTO parent(id, slug, lixcol_untracked) VALUES ('a', 'x', ?)", (untracked,))
    for other in (0, 1):
        with pytest.raises(UniqueError):
            lix.execute(
                "INSERT INTO parent(id, slug, lixcol_untracked) VALUES ('b', 'x', ?)", (other,)
            )
    lix.execute("DELETE FROM parent WHERE id = 'a'")
    lix.execute("INSERT INTO parent(id, slug) VALUES ('b', 'x')")


def test_what_an_untracked_row_hid_is_looked_at_when_it_shows_again(lix: Session) -> None:
    lix.execute("INSERT INTO parent(id, slug) VALUES ('a', 'x')")
    lix.execute(
        "INSERT INTO lix_state(entity_id, schema_key, file_id, plugin_key, schema_version,"
        " snapshot_content, untracked) VALUES ('a', 'parent', 'lix', 'lix', '1', ?, 1)",
        ('{"id":"a","slug":"y"}',),
    )
    lix.execute("INSERT INTO parent(id, slug) VALUES ('b', 'x')")
    for rows in ("parent WHERE id = 'a'", "lix_state WHERE entity_id = 'a'"):
        with pytest.raises(UniqueError, match=r"values \('x'\) of entity 'a': entity 'b'"):
            lix.execute(f"DELETE FROM {rows}")
    assert lix.rows("SELECT id, slug FROM parent ORDER BY id") == [("a", "y"), ("b", "x")]
    # a statement that takes both away leaves one row of 'x', which nobody else has
    lix.execute("DELETE FROM parent")
    assert lix.rows("SELECT id, slug FROM parent") == [("a", "x")]


def test_values_can_be_swapped_in_one_statement(lix: Session) -> None:
    lix.execute("INSERT INTO parent(id, slug) VALUES ('a', 'x'), ('b', 'y')")
    swap = "UPDATE parent SET slug = iif(slug = 'x', 'y', 'x')"
    lix.execute(swap)
    with lix.transaction() as transaction:
        transaction.execute(swap)
        transaction.execute(swap)
    assert lix.rows("SELECT id, slug FROM parent ORDER BY id") == [("a", "y"), ("b", "x")]
    with pytest.raises(UniqueError):
        lix.execute("UPDATE parent SET slug = 'same'")
    assert lix.column("SELECT slug FROM parent ORDER BY id") == ["y", "x"]


def test_values_can_be_swapped_by_an_upserting_insert(lix: Session) -> None:
    lix.execute("INSERT INTO parent(id, slug) VALUES ('a', 'x'), ('b', 'y')")
    upsert = (
        "INSERT INTO lix_state(entity_id, schema_key, file_id, plugin_key, schema_version,"
        " snapshot_content) SELECT value ->> 0, 'parent', 'lix', 'lix', '1',"
        " json_object('id', value ->> 0, 'slug', value ->> 1) FROM json_each(?)"
    )
    lix.execute(upsert, ('[["a", "y"], ["b", "x"]]',))
    with lix.transaction() as transaction:
        transaction.execute(upsert, ('[["c", "x"], ["b", "z"]]',))
    assert lix.rows("SELECT id, slug FROM parent ORDER BY id") == [
        ("a", "y"), ("b", "z"), ("c", "x"),
    ]  # fmt: skip
    with pytest.raises(UniqueError, match=r"values \('y'\) of entity 'c': entity 'a'"):
        lix.execute(upsert, ('[["c", "y"], ["b", "x"]]',))


def test_all_rows_of_a_statement_are_reported(lix: Session) -> None:
    lix.execute("INSERT INTO parent(id, slug) VALUES ('a', 'x'), ('b', 'y')")
    for insert in (
        "INSERT INTO parent(id, slug) VALUES ('c', 'x'), ('d', 'z'), ('e', 'y')",
        "INSERT INTO parent(id, slug) SELECT value, iif(value = 'c', 'x', 'y')"
        ' FROM json_each(\'["c", "e"]\')',
    ):
        with pytest.raises(UniqueError) as caught:
            lix.execute(insert)
        pairs = [each.partition("entity ")[2] for each in caught.value.details["violations"]]
        assert [pair[:16] for pair in pairs] == ["'c': entity 'a' ", "'e': entity 'b' "]
    assert lix.column("SELECT id FROM parent ORDER BY id") == ["a", "b"]


def test_conflict_clauses(lix: Session) -> None:
    lix.execute("INSERT INTO parent(id, slug, a, b) VALUES ('a', 'x', 1, 1), ('b', 'y', 2, 2)")
    lix.execute("INSERT OR IGNORE INTO parent(id, slug) VALUES ('c', 'x'), ('d', 'z')")
    assert ids(lix, "parent") == ["a", "b", "d"]
    lix.execute("INSERT OR REPLACE INTO parent(id, slug, a, b) VALUES ('e', 'x', 2, 2)")
    assert ids(lix, "parent") == ["d", "e"]
    lix.execute("UPDATE OR IGNORE parent SET slug = 'z' WHERE id = 'e'")
    assert lix.value("SELECT slug FROM parent WHERE id = 'e'") == "x"
    lix.execute("UPDATE OR REPLACE parent SET slug = 'z' WHERE id = 'e'")
    assert lix.rows("SELECT id, slug FROM parent") == [("e", "z")]


def test_replacing_an_inherited_rival_hides_it(lix: Session) -> None:
    state(lix, "a", version="global", slug="x")
    lix.execute("INSERT OR REPLACE INTO parent(id, slug) VALUES ('b', 'x')")
    assert ids(lix, "parent") == ["b"]
    assert lix.column("SELECT id FROM parent_by_version WHERE lixcol_version_id = 'global'") == [
        "a"
    ]


def test_replacing_a_referenced_rival_is_refused(lix: Session) -> None:
    store(lix, CHILD)
    lix.execute("INSERT INTO parent(id, slug) VALUES ('a', 'x')")
    lix.execute("INSERT INTO child(id, parent_id) VALUES ('c', 'a')")
    with pytest.raises(ForeignKeyError, match="Cannot delete entity"):
        lix.execute("INSERT OR REPLACE INTO parent(id, slug) VALUES ('b', 'x')")
    assert ids(lix, "parent") == ["a"]


def test_on_conflict_names_a_unique_group(lix: Session) -> None:
    lix.execute("INSERT INTO parent(id, slug) VALUES ('a', 'x')")
    lix.execute(
        "INSERT INTO parent(id, slug, a) VALUES ('b', 'x', 7)"
        " ON CONFLICT(slug) DO UPDATE SET a = excluded.a"
    )
    assert lix.rows("SELECT id, slug, a FROM parent") == [("a", "x", 7)]
    lix.execute("INSERT INTO parent(id, slug) VALUES ('b', 'x') ON CONFLICT DO NOTHING")
    assert ids(lix, "parent") == ["a"]


def test_values_freed_in_a_transaction(lix: Session) -> None:
    lix.execute("INSERT INTO parent(id, slug) VALUES ('a', 'x')")
    with lix.transaction() as transaction:
        transaction.execute("UPDATE parent SET slug = 'y' WHERE id = 'a'")
        transaction.execute("INSERT INTO parent(id, slug) VALUES ('b', 'x')")
        transaction.execute("DELETE FROM parent WHERE id = 'b'")
        transaction.execute("UPDATE parent SET slug = 'x' WHERE id = 'a'")
        with pytest.raises(UniqueError):
            transaction.execute("INSERT INTO parent(id, slug) VALUES ('b', 'x')")
    lix.execute("BEGIN")
    lix.execute("DELETE FROM parent")
    lix.execute("ROLLBACK")
    with pytest.raises(UniqueError):
        lix.execute("INSERT INTO parent(id, slug) VALUES ('b', 'x')")


def test_nested_properties(lix: Session) -> None:
    place = {"type": "object", "properties": {"at": {"type": "integer"}}}
    store(lix, schema("spot", {"id": TEXT, "p": place}, primary_key=["/id"], unique=[["/p/at"]]))
    lix.execute("INSERT INTO spot(id, p) VALUES ('a', '{\"at\": 1}'), ('b', '{}'), ('c', NULL)")
    with pytest.raises(UniqueError, match="/p/at"):
        lix.execute("INSERT INTO spot(id, p) VALUES ('d', '{\"at\": 1}')")


def test_a_unique_group_can_be_referred_to(lix: Session) -> None:
    store(lix, schema("link", "id slug", primary_key=["/id"],
                      foreign_keys=[refers("/slug", "parent", "/slug")]))  # fmt: skip
    lix.execute("INSERT INTO parent(id, slug) VALUES ('a', 'x')")
    lix.execute("INSERT INTO link(id, slug) VALUES ('l', 'x')")
    with pytest.raises(ForeignKeyError, match="no matching record"):
        lix.execute("INSERT INTO link(id, slug) VALUES ('m', 'y')")
    with pytest.raises(ForeignKeyError, match="Cannot delete entity"):
        lix.execute("UPDATE parent SET slug = 'y'")
    with pytest.raises(ForeignKeyError, match="referenced by 1 record"):
        lix.execute("DELETE FROM parent")
    lix.execute("INSERT INTO parent(id, slug) VALUES ('b', 'y')")
    lix.execute("UPDATE parent SET slug = iif(slug = 'x', 'y', 'x')")
    lix.execute("DELETE FROM parent WHERE slug = 'y'")
    assert ids(lix, "parent") == ["b"]
