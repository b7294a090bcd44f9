"""Every refusal says what would be right: texts as data, each with a word its hint must have."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import lix_vtab
from lix_vtab import Lix, LixError

STATE = (
    "INSERT INTO lix_state (entity_id, schema_key, file_id, plugin_key, schema_version, "
    "snapshot_content) VALUES ('a', 'lix_key_value', 'lix', 'lix', '1', {})"
)
REFUSED = [
    ("SELECT * FROM lix_state_at('HEAD~900')", "LIX_COMMIT_NOT_FOUND", "lix_log()"),
    ("SELECT * FROM lix_state_at('HEAD^7')", "LIX_COMMIT_NOT_FOUND", "lix_log()"),
    ("SELECT * FROM lix_state_at('@1999-01-01')", "LIX_COMMIT_NOT_FOUND", "lix_log()"),
    ("SELECT lix_undo(0)", "LIX_INVALID_PARAM", "how many commits"),
    ("SELECT lix_redo('x')", "LIX_INVALID_PARAM", "how many commits"),
    (STATE.format("'{bad'"), "LIX_ERROR_SCHEMA_VALIDATION", "json_object()"),
    (STATE.format("5"), "LIX_ERROR_SCHEMA_VALIDATION", "json_object()"),
    (STATE.format("'{\"key\":5}'"), "LIX_ERROR_SCHEMA_VALIDATION", "lix_stored_schema"),
    ("UPDATE lix_commit SET id = 'x'", "LIX_ERROR_READ_ONLY", "other tables"),
    ("ALTER TABLE lix_state RENAME TO s", "LIX_ERROR_READ_ONLY", "CREATE VIEW"),
    ("SELEC 1", "LIX_PARSE_ERROR", "SQLite's SQL"),
    ("SELECT (1", "LIX_PARSE_ERROR", "SQLite's SQL"),
    ("SELECT lix_undo(1, 2, 3)", "LIX_ERROR_SQL", "lix_undo([steps], [own])"),
    ("SELECT lix_read_file()", "LIX_ERROR_SQL", "lix_read_file(path)"),
    ("SELECT LIX_GC(5)", "LIX_ERROR_SQL", "LIX_GC()"),
    ("SELECT abs()", "LIX_ERROR_SQL", "lang_corefunc"),
    ("SELECT lix_readfile('/a')", "LIX_ERROR_SQL", "lix_read_file()"),
    ("SELECT zzzzzz()", "LIX_ERROR_SQL", "pragma_function_list"),
    ("INSERT INTO lix_file (path) VALUES ('/a//b')", "LIX_INVALID_PARAM", "perhaps /a/b"),
    ("INSERT INTO lix_file (path) VALUES ('/a/')", "LIX_INVALID_PARAM", "does not end with one"),
    ("INSERT INTO lix_directory (path) VALUES ('/a///b/')", "LIX_INVALID_PARAM", "perhaps /a/b/"),
    ("INSERT INTO lix_directory (path) VALUES ('/')", "LIX_INVALID_PARAM", "always there"),
    ("SELECT * FROM lix_internal_changes", "LIX_TABLE_NOT_FOUND", "did you mean lix_change?"),
    ("SELECT * FROM lix_internal_stat", "LIX_TABLE_NOT_FOUND", "did you mean lix_state?"),
    ("SELECT * FROM zzzzzz", "LIX_TABLE_NOT_FOUND", "pragma_table_list"),
    ("SELECT * FROM lix_blame('nope')", "LIX_ERROR_NOT_FOUND", "starts with a slash"),
    ("SELECT * FROM lix_blame('/nope')", "LIX_FILE_NOT_FOUND", "lix_file_at"),
    ("SELECT * FROM lix_blame(5)", "LIX_INVALID_PARAM", "/docs/a.md"),
    ("SELECT lix_restore('HEAD', '/nope')", "LIX_FILE_NOT_FOUND", "lix_file_at"),
    ("SELECT lix_restore('HEAD', 5)", "LIX_INVALID_PARAM", "/docs/a.md"),
    ("SELECT lix_switch_version(5)", "LIX_INVALID_PARAM", "lists the versions"),
    ("SELECT lix_switch_version(NULL)", "LIX_INVALID_PARAM", "lists the versions"),
    ("SELECT lix_create_version(5)", "LIX_INVALID_PARAM", "NULL"),
    ("SELECT lix_create_checkpoint(5)", "LIX_INVALID_PARAM", "NULL"),
    ("SELECT lix_register_schema('{')", "LIX_ERROR_SCHEMA_DEFINITION", "docs/schemas.md"),
    ("SELECT lix_register_schema('{}')", "LIX_ERROR_SCHEMA_DEFINITION", "docs/schemas.md"),
    ("SELECT lix_register_schema(5)", "LIX_ERROR_SCHEMA_DEFINITION", "docs/schemas.md"),
    ("SELECT lix_nano_id(0)", "LIX_INVALID_PARAM", "21"),
    ("SELECT lix_json_text('{}')", "LIX_INVALID_PARAM", "lix_json_text(json, 'a', 'b')"),
    ("SELECT lix_json_text('{}', 5)", "LIX_INVALID_PARAM", "lix_json_text(json, 'a', 'b')"),
    ("SELECT lix_empty_blob(1)", "LIX_INVALID_PARAM", "x'00ff'"),
    ("SELECT lix_text_encode(5)", "LIX_INVALID_PARAM", "AS TEXT"),
    ("SELECT lix_text_decode(5)", "LIX_INVALID_PARAM", "AS BLOB"),
    ("SELECT lix_text_decode(x'ff')", "LIX_INVALID_PARAM", "hex()"),
    ("SELECT lix_text_diff(1, 2)", "LIX_INVALID_PARAM", "AS TEXT"),
    ("SELECT lix_text_diff('a', 'b', 'c', 'd', -1)", "LIX_INVALID_PARAM", "unchanged lines"),
    ("SELECT lix_emit(5)", "LIX_INVALID_PARAM", "AS TEXT"),
    ("SELECT lix_emit('a', '{')", "LIX_ERROR_SCHEMA_VALIDATION", "json_object()"),
    ("COMMIT", "LIX_INVALID_TRANSACTION_STATE", "BEGIN"),
    ("RELEASE never", "LIX_INVALID_TRANSACTION_STATE", "SAVEPOINT"),
    ("INSERT INTO lix_label VALUES (1)", "LIX_ERROR_SQL", "name the columns"),
    ("INSERT INTO lix_label (id) SELECT 1, 2", "LIX_ERROR_SQL", "name the columns"),
    ("SELECT id FROM lix_label, lix_commit", "LIX_ERROR_SQL", "a dot before it"),
    ("CREATE TABLE lix_state (a)", "LIX_ERROR_SQL", "another name"),
    ("ATTACH '/nope/nope' AS other", "LIX_ERROR_CANNOT_OPEN", "directory must exist"),
    ("SELECT json('{')", "LIX_ERROR_SQL", "json_valid"),
    ("CREATE TABLE own (a UNIQUE); INSERT INTO own VALUES (1), (1)", "LIX_ERROR_UNIQUE", "REPLACE"),
]


@pytest.mark.parametrize(("sql", "code", "hint"), REFUSED)
def test_a_refusal_says_what_would_be_right(lix: Lix, sql: str, code: str, hint: str) -> None:
    with pytest.raises(LixError) as caught:
        lix.execute(sql)
    assert caught.value.code == code
    assert hint in str(caught.value.hint)


@pytest.fixture
def files() -> Iterator[Lix]:
    with lix_vtab.open() as lix:
        yield lix


REASON = "SELECT lixcol_plugin_error FROM lix_file WHERE path = ?"


@pytest.mark.parametrize("data", [b"# A \xff\xfe", b"# A\n\0"])
def test_binary_content_under_a_textual_name_says_why_it_is_a_blob(files: Lix, data: bytes) -> None:
    files.write_file("/bad.md", data)
    assert files.execute(REASON, ("/bad.md",)).rows == [
        ("plugin_md: the content is binary: not UTF-8, or with a NUL",)
    ]
    tip = files.active_version.commit_id
    files.write_file("/bad.md", data)
    assert files.active_version.commit_id == tip, "the same bytes are no change"
    files.write_file("/bad.md", b"# A\n")
    assert files.execute(REASON, ("/bad.md",)).rows == [(None,)]
    files.write_file("/bad.png", data)
    assert files.execute(REASON, ("/bad.png",)).rows == [(None,)]
    assert files.check() == []


def test_the_hints_of_queries_run(lix: Lix) -> None:
    lix.execute("SELECT commit_id, created_at FROM lix_log()")
    lix.execute("SELECT path FROM lix_file_at('HEAD')")
    lix.execute("SELECT value FROM lix_stored_schema")
    lix.execute("SELECT name FROM pragma_table_list")


def test_a_query_plan_names_an_in(lix: Lix) -> None:
    shown = str(lix.explain("SELECT 1 FROM lix_state WHERE entity_id IN ('a', 'b')"))
    assert "entity_id IN" in shown
    assert "entity_id =" in str(lix.explain("SELECT 1 FROM lix_state WHERE entity_id = 'a'"))
