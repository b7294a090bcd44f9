"""SQL functions that make values."""

from __future__ import annotations

import json
import re
import uuid

import apsw
import pytest

import lix_vtab
from lix_vtab.errors import InvalidValueError, LixError

ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def value(lix: lix_vtab.Lix, expression: str, *params: object) -> object:
    ((found,),) = lix.execute(f"SELECT {expression}", params).rows
    return found


@pytest.fixture
def lix() -> lix_vtab.Lix:
    return lix_vtab.open()


def test_ids_and_times_have_their_shape(lix: lix_vtab.Lix) -> None:
    id = value(lix, "lix_uuid_v7()")
    assert uuid.UUID(id).version == 7
    assert id == id.lower()
    assert ISO.fullmatch(value(lix, "lix_timestamp()"))
    assert re.fullmatch(r"[A-Za-z0-9_-]{21}", value(lix, "LIX_NANO_ID()"))
    assert len(value(lix, "lix_nano_id(8)")) == 8


@pytest.mark.parametrize("length", ["0", "256", "'8'", "NULL", "1.5"])
def test_nano_id_refuses_other_lengths(lix: lix_vtab.Lix, length: str) -> None:
    with pytest.raises(InvalidValueError, match="length must be an integer"):
        value(lix, f"lix_nano_id({length})")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT {} FROM n",
        "SELECT x FROM (SELECT {} AS x FROM n)",
        "WITH c AS MATERIALIZED (SELECT {} AS x FROM n) SELECT x FROM c",
        "SELECT coalesce(NULL, {}) FROM n WHERE i > 0",
        "SELECT {} FROM n GROUP BY i",
        "SELECT x FROM (SELECT i, {} AS x FROM n) ORDER BY i DESC",
    ],
)
def test_each_row_gets_its_own_id(lix: lix_vtab.Lix, sql: str) -> None:
    lix.execute("CREATE TABLE n(i)")
    lix.execute("INSERT INTO n VALUES (1), (2), (3)")
    assert len({row[0] for row in lix.execute(sql.format("lix_uuid_v7()"))}) == 3


def test_in_any_position(lix: lix_vtab.Lix) -> None:
    lix.execute("CREATE TABLE log(id DEFAULT (lix_uuid_v7()), at DEFAULT (lix_timestamp()), x)")
    lix.execute("CREATE TRIGGER t AFTER INSERT ON log BEGIN UPDATE log SET x = lix_uuid_v7(); END")
    lix.execute("CREATE VIEW ids AS SELECT lix_uuid_v7() AS id FROM log")
    lix.execute("INSERT INTO log(x) VALUES (1), (2)")
    assert len({row[0] for row in lix.execute("SELECT id FROM log")}) == 2
    assert len({row[0] for row in lix.execute("SELECT id FROM ids")}) == 2
    lix.execute(
        "INSERT INTO lix_key_value(key, value)"
        " SELECT 'log ' || lix_uuid_v7(), lix_timestamp() FROM log"
    )
    logged = "FROM lix_key_value WHERE key LIKE 'log %'"
    assert value(lix, f"count(*) {logged} AND value LIKE '____-%Z'") == 2
    lix.execute("UPDATE lix_key_value SET value = lix_uuid_v7() WHERE key LIKE 'log %'")
    assert value(lix, f"count(DISTINCT value) {logged} AND length(value) = 36") == 2
    lix.execute("DELETE FROM lix_key_value WHERE key > lix_uuid_v7() AND key < 'a'")


def test_only_pure_functions_are_constant(lix: lix_vtab.Lix) -> None:
    flags = dict(
        lix.execute(
            "SELECT name, flags & 0x800 FROM pragma_function_list WHERE name GLOB 'lix_*'"
        ).rows
    )
    pure = {"lix_json", "lix_json_text", "lix_empty_blob", "lix_text_encode", "lix_text_decode",
            "lix_key_part"}  # fmt: skip
    assert all(flags[name] for name in pure | {"lix_version"})
    for name in ("lix_uuid_v7", "lix_timestamp", "lix_nano_id", "lix_active_version_id"):
        assert not flags[name]


def test_innocuous_functions_work_in_an_untrusted_schema(lix: lix_vtab.Lix) -> None:
    lix.connection.execute("CREATE VIEW v AS SELECT lix_json_text('{\"a\":1}', 'a') AS x")
    lix.connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    assert value(lix, "x FROM v") == 1
    lix.connection.execute("CREATE VIEW w AS SELECT lix_register_schema('{}')")
    with pytest.raises(LixError, match="unsafe use"):
        lix.execute("SELECT * FROM w")


@pytest.mark.parametrize(
    ("document", "path", "expected"),
    [
        ('{"a":"x"}', "a", "x"),
        ('{"a":1}', "a", 1),
        ('{"a":1.5}', "a", 1.5),
        ('{"a":true}', "a", 1),
        ('{"a":false}', "a", 0),
        ('{"a":null}', "a", None),
        ('{"b":1}', "a", None),
        ('{"a":[1, {"b": 2}]}', "a", '[1,{"b":2}]'),
        (
            '{"a":[{"z":1, "b":{"y":2, "x":36893488147419103232}}]}',
            "a",
            '[{"z":1,"b":{"y":2,"x":36893488147419103232}}]',
        ),
        ('{"a":["x"]}', "a 0", None),
        ('{"id":{"commit_id":"c"}}', "id commit_id", "c"),
        ('{"a\\"b.c":1}', 'a"b.c', 1),
        ('"text"', "a", None),
        ("[1]", "0", None),
    ],
)
def test_json_text(lix: lix_vtab.Lix, document: str, path: str, expected: object) -> None:
    segments = path.split()
    marks = ", ".join("?" * len(segments))
    assert value(lix, f"lix_json_text(?, {marks})", document, *segments) == expected
    assert value(lix, f"lix_json_text(jsonb(?), {marks})", document, *segments) == expected
    assert value(lix, "lix_json_text(NULL, 'a')") is None


@pytest.mark.parametrize(
    ("expression", "phrase"),
    [
        ("lix_json_text()", "requires at least 2 arguments"),
        ("lix_json_text('{}')", "requires at least 2 arguments"),
        ("lix_json_text('{}', 1)", "path arguments must be single-quoted strings, not an integer"),
        ("lix_json_text('{}', NULL)", "path arguments must be single-quoted strings, not NULL"),
        ("lix_json_text('{}', '')", "path segments must not be empty"),
        ("lix_json_text('{', 'a')", "malformed JSON"),
        ("lix_json_text(x'ff', 'a')", "malformed JSON"),
        ("lix_json('{')", "malformed JSON"),
        ("lix_json('NaN')", "malformed JSON"),
        ("lix_empty_blob(1)", "does not accept arguments"),
        ("lix_text_encode(1.5)", "expects text, got a real"),
        ("lix_text_decode(1)", "expects a blob"),
        ("lix_text_decode(x'ff')", "not UTF-8"),
        ("lix_uuid_v7(1)", "wrong number of arguments"),
    ],
)
def test_refusals(lix: lix_vtab.Lix, expression: str, phrase: str) -> None:
    with pytest.raises(LixError, match=phrase):
        value(lix, expression)


def test_json_is_json_wherever_it_is_stored(lix: lix_vtab.Lix) -> None:
    text = '{"b": [1, true, null], "a": "x"}'
    assert json.loads(value(lix, "json(lix_json(?))", text)) == json.loads(text)
    lix.execute("INSERT INTO lix_key_value(key, value) VALUES ('k', lix_json(?))", (text,))
    assert value(lix, "lix_json_text(value, 'a') FROM lix_key_value WHERE key = 'k'") == "x"
    assert value(lix, "lix_json(NULL)") is None


def test_bytes_and_texts(lix: lix_vtab.Lix) -> None:
    assert value(lix, "lix_empty_blob()") == b""
    assert value(lix, "lix_text_encode('é')") == "é".encode()
    assert value(lix, "lix_text_decode(lix_text_encode('é😀'))") == "é😀"
    assert value(lix, "lix_text_decode(NULL)") is None


def test_facts(lix: lix_vtab.Lix) -> None:
    assert value(lix, "lix_active_version_id()") == lix.active_version.id
    assert value(lix, "lix_active_commit_id()") == lix.active_version.commit_id
    lix.execute("INSERT INTO lix_key_value(key, value) VALUES ('k', 1)")
    assert value(lix, "lix_active_commit_id()") == lix.active_version.commit_id
    assert value(lix, "lix_format()") == 1
    assert re.match(r"\d+\.\d+|unknown", value(lix, "lix_version()"))
