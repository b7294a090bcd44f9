"""Deterministic mode: settings, the sequence, and scripts that run twice."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import apsw
import pytest

import lix_vtab
from lix_vtab.errors import LixError
from lix_vtab.model.deterministic import moment_of, uuid_of
from lix_vtab.mutation.deterministic import Settings
from tests.entities.schemas import TEXT, schema
from tests.state.session import Session

MODE = "lix_deterministic_mode"
TRIPLE = "SELECT lix_uuid_v7(), lix_timestamp(), lix_uuid_v7()"


def boot(**settings: Any) -> list[dict[str, Any]]:
    return [{"key": MODE, "value": {"enabled": True} | settings}]


def switch(lix: Any, **settings: Any) -> None:
    lix.execute(
        "INSERT INTO lix_internal_state_vtable(entity_id, schema_key, file_id, version_id,"
        " plugin_key, snapshot_content, schema_version)"
        " VALUES (?1, 'lix_key_value', 'lix', 'global', 'lix', ?2, '1')",
        (MODE, json.dumps({"key": MODE, "value": settings})),
    )


def sequence(lix: Any) -> Any:
    rows = lix.execute(
        "SELECT snapshot_content ->> '$.value' FROM lix_internal_state_vtable WHERE schema_key ="
        " 'lix_key_value' AND entity_id = 'lix_deterministic_sequence_number'"
        " AND version_id = 'global' AND snapshot_content IS NOT NULL AND untracked"
    ).rows
    return rows[0][0] if rows else None


def test_the_sequence_counts_what_is_drawn(lix: Session) -> None:
    assert sequence(lix) is None
    switch(lix, enabled=True)
    assert lix.rows(TRIPLE) == [(uuid_of(0), moment_of(1), uuid_of(2))]
    assert lix.rows(TRIPLE) == [(uuid_of(3), moment_of(4), uuid_of(5))]
    assert sequence(lix) == 5
    assert lix.value("SELECT lix_nano_id()") == "test_0000000006"
    assert lix.column("SELECT lix_uuid_v7() FROM (VALUES (1), (2))") == [uuid_of(7), uuid_of(8)]


def test_reopening_goes_on(tmp_path: Path) -> None:
    path = str(tmp_path / "a.lix")
    with lix_vtab.open(path, internal=True) as lix:
        switch(lix, enabled=True)
        lix.execute(TRIPLE)
    with lix_vtab.open(path, internal=True) as lix:
        assert lix.execute(TRIPLE).rows == [(uuid_of(3), moment_of(4), uuid_of(5))]
    connection = apsw.Connection(path)
    lix_vtab.load(connection)
    assert connection.execute("SELECT lix_uuid_v7()").get == uuid_of(6)
    connection.close()


def test_ids_and_times_switch_off_alone(lix: Session) -> None:
    switch(lix, enabled=True, timestamp=False)
    first, time, second = lix.rows(TRIPLE)[0]
    assert (first, second) == (uuid_of(0), uuid_of(1))
    assert time > "2020"
    assert sequence(lix) == 1
    switch(lix, enabled=True, uuid_v7=0)
    first, time, second = lix.rows(TRIPLE)[0]
    assert time == moment_of(2)
    assert not first.startswith("01920000-0000")
    switch(lix, enabled="yes")
    assert lix.rows(TRIPLE)[0][1] > "2020"
    assert sequence(lix) == 2


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"enabled": True}, Settings(True, True, False)),
        ({"enabled": 1}, Settings(True, True, False)),
        ({"enabled": 1.0}, Settings(True, True, False)),
        ({"enabled": "1"}, Settings(True, True, False)),
        ({"enabled": "true"}, Settings()),
        ({"enabled": 0}, Settings()),
        ({"enabled": {}}, Settings()),
        ({}, Settings()),
        (None, Settings()),
        (True, Settings()),
        ({"enabled": True, "uuid_v7": False}, Settings(False, True, False)),
        ({"enabled": True, "uuid_v7": "0"}, Settings(False, True, False)),
        ({"enabled": True, "uuid_v7": ""}, Settings(False, True, False)),
        ({"enabled": True, "uuid_v7": []}, Settings(False, True, False)),
        ({"enabled": True, "uuid_v7": None}, Settings(True, True, False)),
        ({"enabled": True, "timestamp": 0.0}, Settings(True, False, False)),
        ({"enabled": True, "timestamp_shuffle": "1"}, Settings(True, True, True)),
        ({"enabled": True, "timestamp_shuffle": {}}, Settings(True, True, False)),
    ],
)
def test_settings(value: Any, expected: Settings) -> None:
    assert Settings.of(value) == expected


def test_shuffled_times_go_back_and_forth(open_session: Callable[..., Session]) -> None:
    lix = open_session(key_values=boot(timestamp_shuffle=True))
    before = sequence(lix)
    times = [lix.value("SELECT lix_timestamp()") for _ in range(12)]
    assert times != sorted(times)
    assert len(set(times)) == 12
    assert sequence(lix) == (-1 if before is None else before) + 12


def test_booting_applies_from_the_start(open_session: Callable[..., Session]) -> None:
    lix = open_session(key_values=boot())
    created, updated, content = lix.rows(
        "SELECT created_at, updated_at, snapshot_content FROM lix_internal_state_vtable"
        f" WHERE entity_id = '{MODE}' AND untracked"
    )[0]
    assert created == updated == "1970-01-01T00:00:00.000Z"
    assert json.loads(content)["value"]["enabled"] is True
    assert lix.value("SELECT value FROM lix_key_value WHERE key = 'lix_id'") == (
        "deterministic-lix-id"
    )


def test_the_last_boot_entry_decides(open_session: Callable[..., Session]) -> None:
    lix = open_session(key_values=[*boot(), {"key": MODE, "value": {"enabled": False}}])
    assert lix.value("SELECT lix_timestamp()") > "2020"


def test_defaults_draw_in_the_order_of_names(lix: Session) -> None:
    lix.store_schema(
        schema(
            "defaults_schema",
            {
                "id": TEXT | {"x-lix-default": "lix_uuid_v7()"},
                "created_at": TEXT | {"x-lix-default": "lix_timestamp()"},
            },
        )
    )
    switch(lix, enabled=True)
    lix.execute(
        "INSERT INTO lix_internal_state_vtable(entity_id, schema_key, file_id, version_id,"
        " plugin_key, snapshot_content, schema_version)"
        " VALUES ('e', 'defaults_schema', 'file-1', 'version-1', 'lix', '{}', '1')"
    )
    assert lix.value(
        "SELECT snapshot_content FROM lix_internal_state_vtable WHERE entity_id = 'e'"
    ) == json.dumps({"created_at": moment_of(0), "id": uuid_of(1)}, separators=(",", ":"))
    assert sequence(lix) == 1


def test_defaults_and_functions_give_the_same_ids(lix: Session) -> None:
    named = {"id": TEXT | {"x-lix-default": "lix_nano_id()"}}
    lix.store_schema(schema("short", named, primary_key=["/id"]))
    lix.execute("INSERT INTO short DEFAULT VALUES")
    (random,) = lix.column("SELECT id FROM short")
    assert len(random) == 21
    switch(lix, enabled=True)
    lix.execute("INSERT INTO short DEFAULT VALUES")
    assert lix.value("SELECT lix_nano_id()") == "test_0000000001"
    assert set(lix.column("SELECT id FROM short")) == {random, "test_0000000000"}


FAILING = [
    "INSERT INTO task(id, n) VALUES (lix_uuid_v7(), 'x')",
    "INSERT INTO task(id, n) SELECT lix_uuid_v7(), v FROM (VALUES (1), (2), ('x')) AS t(v)",
    "SELECT lix_uuid_v7(), json('{')",
    "UPDATE task SET n = lix_timestamp()",
    "INSERT INTO task(id, n) VALUES (lix_uuid_v7(), 1), (lix_uuid_v7(), 'x')"
    " ON CONFLICT DO NOTHING",
]


@pytest.mark.parametrize("failing", FAILING)
@pytest.mark.parametrize("inside", [False, True])
def test_failed_statements_draw_again(lix: Session, failing: str, inside: bool) -> None:
    lix.store_schema(schema("task", {"id": TEXT, "n": {"type": "integer"}}, primary_key=["/id"]))
    lix.execute("INSERT INTO task(id, n) VALUES ('a', 1)")
    switch(lix, enabled=True)
    lix.execute("SELECT lix_uuid_v7()")
    if inside:
        with lix.transaction() as transaction:
            transaction.execute("SELECT lix_uuid_v7()")
            with pytest.raises(LixError):
                transaction.execute(failing)
            assert transaction.execute("SELECT lix_uuid_v7()").rows == [(uuid_of(2),)]
        assert sequence(lix) == 2
    else:
        with pytest.raises(LixError):
            lix.execute(failing)
        assert lix.value("SELECT lix_uuid_v7()") == uuid_of(1)


def test_rollback_takes_the_sequence_back(lix: Session) -> None:
    switch(lix, enabled=True)
    lix.execute("SELECT lix_uuid_v7()")
    lix.execute("BEGIN")
    lix.execute("SELECT lix_uuid_v7()")
    lix.execute("SAVEPOINT s")
    lix.execute("SELECT lix_uuid_v7()")
    lix.execute("ROLLBACK TO s")
    assert lix.value("SELECT lix_uuid_v7()") == uuid_of(2)
    lix.execute("ROLLBACK")
    assert lix.value("SELECT lix_uuid_v7()") == uuid_of(1)


def test_switching_on_rolled_back(lix: Session) -> None:
    lix.execute("BEGIN")
    switch(lix, enabled=True)
    assert lix.value("SELECT lix_uuid_v7()") == uuid_of(0)
    lix.execute("ROLLBACK")
    assert lix.value("SELECT lix_timestamp()") > "2020"
    lix.execute("INSERT INTO lix_key_value(key, value) VALUES ('a', 1)")
    assert lix.value("SELECT lixcol_created_at FROM lix_key_value WHERE key = 'a'") > "2020"


@pytest.mark.parametrize("stored", [41, "41"])
def test_users_may_set_the_sequence(lix: Session, stored: Any) -> None:
    switch(lix, enabled=True)
    lix.execute(
        "INSERT INTO lix_key_value_by_version(key, value, lixcol_version_id, lixcol_untracked)"
        " VALUES ('lix_deterministic_sequence_number', ?, 'global', 1)",
        (stored,),
    )
    assert lix.value("SELECT lix_uuid_v7()") == uuid_of(42)


def test_another_connection_follows(lix_path: Path) -> None:
    one = lix_vtab.open(str(lix_path), internal=True)
    two = lix_vtab.open(str(lix_path), internal=True)
    with one, two:
        switch(one, enabled=True)
        assert two.execute("SELECT lix_uuid_v7()").rows == [(uuid_of(0),)]
        assert one.execute("SELECT lix_uuid_v7()").rows == [(uuid_of(1),)]
        two.execute("INSERT INTO lix_key_value(key, value) VALUES ('k', 1)")
        ((id,),) = one.execute("SELECT lixcol_change_id FROM lix_key_value WHERE key = 'k'").rows
        assert id.startswith("01920000-0000-7000-8001-")


SCRIPT = """
INSERT INTO task(id, n) VALUES (lix_uuid_v7(), 1), (lix_uuid_v7(), 2), ('c', 3);
UPDATE task SET n = n + 1 WHERE n < 3;
INSERT INTO lix_key_value(key, value) VALUES ('k', lix_timestamp());
SELECT lix_create_version('draft');
SELECT lix_switch_version('draft');
INSERT INTO task(id, n) SELECT 'x' || value, value FROM json_each('[7,8,9]');
DELETE FROM task WHERE n = 8;
SELECT lix_create_checkpoint('first');
INSERT INTO lix_account(name) VALUES ('Ann');
INSERT INTO lix_active_account(account_id) SELECT id FROM lix_account;
UPDATE task SET n = 100 WHERE id = 'c';
INSERT INTO lix_file(path, data) VALUES ('/a/b/c.json', lix_text_encode('{"x": [1, 2]}'));
UPDATE lix_file SET data = lix_text_encode('{"x": [1, 3], "y": null}');
INSERT INTO lix_label(name) VALUES ('bug');
INSERT INTO lix_entity_label(entity_id, schema_key, file_id, label_id)
  SELECT 'c', 'task', 'lix', id FROM lix_label WHERE name = 'bug';
SELECT lix_switch_version('main');
INSERT OR REPLACE INTO task(id, n) VALUES ('c', 5);
UPDATE lix_version SET name = 'renamed' WHERE name = 'draft';
"""


def everything(lix: lix_vtab.Lix) -> dict[str, list[Any]]:
    """Return all rows of all tables that can be read without arguments."""
    names = lix.execute(
        "SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL%' AND name != 'lix_internal'"
    ).rows
    found = {}
    for (name,) in names:
        # table-valued functions are tables, too, and want an argument
        with suppress(LixError):
            found[name] = lix.execute(f'SELECT * FROM "{name}"').rows
    return found


def play(path: str) -> tuple[dict[str, list[Any]], list[Any]]:
    with lix_vtab.open(path, internal=True, key_values=boot()) as lix:
        lix.register_schema(
            schema("task", {"id": TEXT, "n": {"type": "integer"}}, primary_key=["/id"])
        )
        answers = []
        for statement in filter(sqlite3.complete_statement, _statements(SCRIPT)):
            answers.append(lix.execute(statement).rows)
        return everything(lix), answers


def _statements(script: str) -> list[str]:
    return [f"{part};" for part in script.split(";\n") if part.strip()]


def test_the_same_script_gives_the_same_database(tmp_path: Path) -> None:
    one, first = play(":memory:")
    two, second = play(str(tmp_path / "a.lix"))
    assert first == second
    assert one == two
    assert len(one["task"]) == 3
    assert {"lix_commit", "lix_change", "lix_file", "lix_version"} <= set(one)
    late = [row for rows in one.values() for row in rows if "202" in str(row)[-400:]]
    assert not [row for row in late if any(str(v).startswith("202") for v in row)]
