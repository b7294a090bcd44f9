"""OR FAIL keeps the rows before the one that failed, if they break no rule by themselves."""

from __future__ import annotations

import pytest

import lix_vtab
from lix_vtab.errors import ForeignKeyError, SchemaValidationError, UniqueError


def schema(key, **more):
    return {
        "x-lix-key": key,
        "x-lix-version": "1",
        "x-lix-primary-key": ["/id"],
        "type": "object",
        "required": ["id"],
        "additionalProperties": False,
        "properties": {"id": {"type": "string"}, "of": {"type": "string"}, "n": {"type": "number"}},
    } | more


@pytest.fixture
def lix():
    with lix_vtab.open() as opened:
        opened.register_schema(schema("whole"))
        target = {"schemaKey": "whole", "properties": ["/id"]}
        keys = [{"properties": ["/of"], "references": target}]
        opened.register_schema(schema("part", **{"x-lix-foreign-keys": keys}))
        opened.execute("INSERT INTO whole (id) VALUES ('w')")
        opened.execute("INSERT INTO part (id, of) VALUES ('there', 'w')")
        yield opened
        assert opened.check() == []


@pytest.fixture(params=["alone", "in a transaction"])
def run(request, lix):
    """Run one statement, in the second case in a transaction that is committed afterwards."""
    if request.param == "alone":
        yield lix.execute
        return
    lix.execute("BEGIN")
    yield lix.execute
    lix.execute("COMMIT")


@pytest.mark.parametrize("returning", ["", " RETURNING id"])
class TestOrFail:
    def test_rows_that_break_nothing_stay(self, lix, run, returning):
        with pytest.raises(UniqueError):
            run(f"INSERT OR FAIL INTO part (id) VALUES ('a'), ('there'), ('b'){returning}")
        assert lix.execute("SELECT id FROM part ORDER BY id").rows == [("a",), ("there",)]

    def test_a_row_whose_target_is_missing_does_not(self, lix, run, returning):
        rows = "('a', 'w'), ('b', 'nothing'), ('there', 'w')"
        with pytest.raises((ForeignKeyError, UniqueError)):
            run(f"INSERT OR FAIL INTO part (id, of) VALUES {rows}{returning}")
        assert lix.execute("SELECT id FROM part ORDER BY id").rows == [("there",)]

    def test_nor_does_a_version_whose_parent_is_missing(self, lix, run, returning):
        before = lix.execute("SELECT id FROM lix_version ORDER BY id").rows
        with pytest.raises((ForeignKeyError, UniqueError)):
            run(
                "INSERT OR FAIL INTO lix_version (id, inherits_from_version_id)"
                f" VALUES ('v', 'nothing'), ('global', NULL){returning}"
            )
        assert lix.execute("SELECT id FROM lix_version ORDER BY id").rows == before

    def test_an_update_that_fails_is_treated_likewise(self, lix, run, returning):
        lix.execute("INSERT INTO part (id, of) VALUES ('other', 'w')")
        with pytest.raises(SchemaValidationError):
            run(
                "UPDATE OR FAIL part SET n = CASE id WHEN 'there' THEN 'x' ELSE 1 END"
                f" WHERE id IN ('other', 'there'){returning}"
            )
        assert lix.execute("SELECT n FROM part WHERE id = 'there'").rows == [(None,)]
        with pytest.raises((ForeignKeyError, SchemaValidationError)):
            run(
                "UPDATE OR FAIL part SET of = 'nothing',"
                f" n = CASE id WHEN 'there' THEN 'x' END{returning}"
            )
        assert lix.execute("SELECT DISTINCT of FROM part").rows == [("w",)]


def test_what_a_bare_statement_left_is_found_when_the_transaction_is_committed(lix):
    lix.execute("BEGIN")
    with pytest.raises(UniqueError):
        lix.connection.execute(
            "INSERT OR FAIL INTO part (id, of) VALUES ('b', 'nothing'), ('there', 'w')"
        )
    with pytest.raises(ForeignKeyError):
        lix.execute("UPDATE OR FAIL part SET n = 1 WHERE id = 'there'")
    with pytest.raises(ForeignKeyError):
        lix.execute("COMMIT")
    assert not lix.connection.in_transaction
    assert lix.execute("SELECT id, of FROM part").rows == [("there", "w")]


@pytest.mark.parametrize("bare", [False, True])
def test_a_row_that_is_ignored_need_not_refer_to_anything(lix, bare):
    run = lix.connection.execute if bare else lix.execute
    lix.register_schema(
        schema("single", **{"x-lix-unique": [["/n"]]})
        | {
            "x-lix-foreign-keys": [
                {"properties": ["/of"], "references": {"schemaKey": "whole", "properties": ["/id"]}}
            ]
        }
    )
    run("INSERT INTO single (id, n) VALUES ('a', 1), ('b', 2)")
    run("UPDATE OR IGNORE single SET n = 1, of = 'nothing' WHERE id = 'b'")
    run("INSERT OR IGNORE INTO single (id, n, of) VALUES ('c', 1, 'nothing'), ('d', 4, 'w')")
    found = lix.execute("SELECT id, n, of FROM single ORDER BY id").rows
    assert found == [("a", 1, None), ("b", 2, None), ("d", 4, "w")]
