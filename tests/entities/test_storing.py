"""Storing, renewing and deleting schemas, and the tables that follow."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import apsw
import pytest

import lix_vtab
from lix_vtab.errors import (
    ConstraintViolation,
    ForeignKeyError,
    ImmutableError,
    LixError,
    ReadOnlyError,
    SchemaDefinitionError,
    SchemaNotFound,
    UniqueError,
    UnsupportedSql,
)
from tests.entities.schemas import TASK, TEXT, schema, wrapped
from tests.state.session import Session

WAYS: dict[str, Callable[[Session, str], object]] = {
    "entity table": lambda lix, text: lix.execute(
        "INSERT INTO lix_stored_schema(value) VALUES (?)", (text,)
    ),
    "jsonb": lambda lix, text: lix.execute(
        "INSERT INTO lix_stored_schema(value) VALUES (jsonb(?))", (text,)
    ),
    "raw table": lambda lix, text: lix.execute(
        "INSERT INTO lix_internal_state_vtable(schema_key, snapshot_content)"
        " VALUES ('lix_stored_schema', ?)",
        ('{"value":' + text + "}",),
    ),
    "state": lambda lix, text: lix.execute(
        "INSERT INTO lix_state(schema_key, snapshot_content) VALUES ('lix_stored_schema', ?)",
        ('{"value":' + text + "}",),
    ),
    "state by version": lambda lix, text: lix.execute(
        "INSERT INTO lix_state_by_version(schema_key, version_id, snapshot_content)"
        " VALUES ('lix_stored_schema', 'global', ?)",
        ('{"value":' + text + "}",),
    ),
    "function": lambda lix, text: lix.execute("SELECT lix_register_schema(?)", (text,)),
}


COUNT = "SELECT count(*) FROM lix_stored_schema"


def tables(lix: Session) -> list[str]:
    """Return the tables of schemas that are not there from the start."""
    return lix.column(
        "SELECT name FROM sqlite_schema WHERE sql LIKE '%lix_entity(%'"
        " AND name NOT LIKE 'lix_%' AND name NOT GLOB 'csv_*' AND name NOT GLOB 'json_*'"
        " AND name NOT GLOB 'markdown_*' AND name NOT GLOB 'text_*' AND name NOT GLOB 'md_*'"
        " ORDER BY 1"
    )


def columns(lix: Session, table: str) -> list[str]:
    return lix.column("SELECT name FROM pragma_table_info(?)", (table,))


def references(key: str, prop: str = "/id", local: str = "/ref") -> dict:
    return {"properties": [local], "references": {"schemaKey": key, "properties": [prop]}}


def store(lix: Session, definition: dict) -> None:
    WAYS["entity table"](lix, json.dumps(definition))


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_storing_makes_the_tables(lix: Session, way: str) -> None:
    WAYS[way](lix, json.dumps(TASK))
    assert {"task", "task_by_version"} <= set(tables(lix))
    assert lix.rows(
        "SELECT entity_id, schema_key, schema_version, version_id, file_id, plugin_key, untracked"
        " FROM lix_internal_state_vtable WHERE entity_id = 'task~1'"
    ) == [("task~1", "lix_stored_schema", "1", "global", "lix", "lix", 0)]
    assert lix.value("SELECT count(*) FROM task") == 0
    assert (
        json.loads(
            lix.value("SELECT value FROM lix_stored_schema WHERE value ->> '$.x-lix-key'='task'")
        )
        == TASK
    )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("definition", "phrase"),
    [
        ({**TASK, "additionalProperties": True}, "Invalid Lix schema definition"),
        ({**TASK, "x-lix-primary-key": ["/gone"]}, "references missing property"),
        ({**TASK, "x-lix-key": "lix_task"}, "reserved"),
        ({**TASK, "x-lix-version": "01"}, "without leading zeros|Invalid Lix schema"),
        ({"x-lix-version": "1"}, "x-lix-key"),
        ([], "must be an object|Invalid Lix schema definition"),
    ],
)
def test_an_unfit_definition_is_refused_every_way(
    open_session: Callable[..., Session], way: str, definition: object, phrase: str
) -> None:
    lix = open_session()
    lix.lix._session.internal = False
    before = lix.value(COUNT)
    with pytest.raises(LixError, match=phrase):
        WAYS[way](lix, json.dumps(definition))
    assert lix.value(COUNT) == before


def test_reserved_keys_need_internal_access(tmp_path: Path) -> None:
    definition = json.dumps({**TASK, "x-lix-key": "lix_mine"})
    with lix_vtab.open() as lix, pytest.raises(SchemaDefinitionError, match="reserved"):
        lix.execute("SELECT lix_register_schema(?)", (definition,))
    with lix_vtab.open(internal=True) as lix:
        lix.execute("SELECT lix_register_schema(?)", (definition,))
        lix.execute("INSERT INTO lix_mine(id) VALUES ('a')")


@pytest.mark.parametrize("way", WAYS)
def test_storing_the_same_again_changes_nothing(lix: Session, way: str) -> None:
    WAYS[way](lix, json.dumps(TASK))
    before = lix.tip("global")
    WAYS[way](lix, json.dumps(dict(reversed(TASK.items()))))
    assert lix.tip("global") == before


@pytest.mark.parametrize("way", WAYS)
def test_another_definition_under_the_same_version_is_refused(lix: Session, way: str) -> None:
    WAYS[way](lix, json.dumps(TASK))
    other = TASK | {"properties": TASK["properties"] | {"more": TEXT}}
    with pytest.raises(UniqueError, match="already stored with another definition") as caught:
        WAYS[way](lix, json.dumps(other))
    assert caught.value.hint == "store the new one as version 2"


def test_the_row_of_a_schema_says_what_it_must(lix: Session) -> None:
    for column, value in {"entity_id": "other~1", "file_id": "f", "version_id": "main"}.items():
        with pytest.raises(ConstraintViolation, match="stored schema insert"):
            lix.execute(
                f"INSERT INTO lix_internal_state_vtable(schema_key, snapshot_content, {column})"
                " VALUES ('lix_stored_schema', ?, ?)",
                (wrapped(TASK), value),
            )
    with pytest.raises(ConstraintViolation, match="untracked"):
        lix.execute(
            "INSERT INTO lix_internal_state_vtable(schema_key, snapshot_content, untracked)"
            " VALUES ('lix_stored_schema', ?, 1)",
            (wrapped(TASK),),
        )
    for column, value in {
        "file_id": "f", "plugin_key": "p", "schema_version": "2", "entity_id": "other~1",
        "untracked": 1,
    }.items():  # fmt: skip
        with pytest.raises(ConstraintViolation, match=r"stored schema insert (requires|entity_id)"):
            lix.execute(
                f"INSERT INTO lix_stored_schema(value, lixcol_{column}) VALUES (?, ?)",
                (json.dumps(TASK), value),
            )
    for column in ("change_id", "created_at"):
        with pytest.raises(ReadOnlyError, match=f"cannot set {column}"):
            lix.execute(
                f"INSERT INTO lix_internal_state_vtable(schema_key, snapshot_content, {column})"
                " VALUES ('lix_stored_schema', ?, 'x')",
                (wrapped(TASK),),
            )
    assert tables(lix) == []


@pytest.mark.parametrize("way", WAYS)
def test_the_row_of_a_schema_bears_the_version_of_that_schema(lix: Session, way: str) -> None:
    WAYS[way](lix, json.dumps(TASK))
    later = TASK | {"x-lix-version": "12"}
    WAYS[way](lix, json.dumps(later))
    seen = (
        "SELECT entity_id, schema_version FROM lix_state WHERE entity_id LIKE 'task~%' ORDER BY 1"
    )
    assert lix.rows(seen) == [("task~1", "1"), ("task~12", "12")]
    lix.execute("UPDATE lix_stored_schema SET lixcol_metadata = '{}'")
    changed = later | {"properties": TASK["properties"] | {"more": TEXT}}
    update = "UPDATE lix_stored_schema SET value = ? WHERE lixcol_entity_id = 'task~12'"
    lix.execute(update, (json.dumps(changed),))
    assert lix.rows(seen) == [("task~1", "1"), ("task~12", "12")]
    for column, value in (("schema_version", "2"), ("plugin_key", "p")):
        with pytest.raises(ConstraintViolation, match=f"{column} = '(12|lix)', got '{value}'"):
            lix.execute(
                f"UPDATE lix_state_by_version SET {column} = ? WHERE entity_id = 'task~12'"
                " AND version_id = 'global'",
                (value,),
            )


def test_foreign_keys_name_keys_of_stored_schemas(lix: Session) -> None:
    parent = schema(
        "parent_schema",
        "id slug name",
        "id",
        "slug",
        "name",
        primary_key=["/id"],
        unique=[["/slug"]],
    )

    def child(key: str, target: str, prop: str) -> dict:
        return schema(key, "ref", foreign_keys=[references(target, prop)])

    with pytest.raises(SchemaNotFound, match="'parent_schema' is not stored"):
        store(lix, child("child_schema", "parent_schema", "/id"))
    store(lix, parent)
    store(lix, child("child_schema", "parent_schema", "/id"))
    store(lix, child("slug_child", "parent_schema", "/slug"))
    with pytest.raises(SchemaDefinitionError, match="not a primary key or unique key"):
        store(lix, child("bad_child", "parent_schema", "/name"))
    with pytest.raises(SchemaNotFound):
        store(lix, child("by_version", "lix_state_by_version", "/entity_id"))
    own = schema(
        "node",
        "id parent",
        primary_key=["/id"],
        foreign_keys=[references("node", local="/parent")],
    )
    store(lix, own)
    assert {"child_schema", "slug_child", "node"} <= set(tables(lix))


def node(key: str, other: str) -> dict:
    """Return a schema whose rows may refer to rows of another one."""
    return schema(
        key,
        {"id": TEXT, "ref": {"type": ["string", "null"]}},
        primary_key=["/id"],
        unique=[["/ref"]],
        foreign_keys=[references(other, local="/ref")],
    )


BOTH = "INSERT INTO lix_stored_schema(value) VALUES (?), (?)"


@pytest.mark.parametrize("inside", [False, True])
def test_schemas_of_one_statement_may_refer_to_each_other(lix: Session, inside: bool) -> None:
    pair = (json.dumps(node("team", "player")), json.dumps(node("player", "team")))
    if inside:
        with lix.transaction() as transaction:
            transaction.execute(BOTH, pair)
            with pytest.raises(SchemaNotFound, match="'gone' is not stored"):
                transaction.execute(
                    BOTH, (json.dumps(node("a", "b")), json.dumps(node("b", "gone")))
                )
            transaction.execute("INSERT INTO team(id) VALUES ('t')")
    else:
        lix.execute(BOTH, pair)
        lix.execute("INSERT INTO team(id) VALUES ('t')")
    assert {"team", "player"} <= set(tables(lix))
    assert "a" not in tables(lix)
    lix.execute("INSERT INTO player(id, ref) VALUES ('p', 't')")
    lix.execute("UPDATE team SET ref = 'p'")
    for sql in (
        "UPDATE team SET ref = 'gone'",
        "DELETE FROM player",
        "INSERT INTO player(id, ref) VALUES ('q', 'x')",
    ):
        with pytest.raises(ForeignKeyError):
            lix.execute(sql)
    lix.execute("DELETE FROM lix_state WHERE schema_key IN ('team', 'player')")
    with pytest.raises(ForeignKeyError, match="'player' \\(1\\) references it"):
        delete(lix, "team~1")
    lix.execute("DELETE FROM lix_stored_schema WHERE lixcol_entity_id IN ('team~1', 'player~1')")
    assert tables(lix) == []


def test_a_reference_to_nothing_stores_nothing(lix: Session) -> None:
    for pair in (
        (node("a", "b"), node("b", "gone")),
        (node("a", "gone"), node("b", "a")),
    ):
        with pytest.raises(SchemaNotFound, match="'gone' is not stored"):
            lix.execute(BOTH, [json.dumps(definition) for definition in pair])
        assert tables(lix) == []
    store(lix, schema("gone", "id", primary_key=["/id"]))
    lix.execute(BOTH, [json.dumps(definition) for definition in pair])
    lix.execute("INSERT INTO gone(id) VALUES ('g')")
    lix.execute("INSERT INTO a(id, ref) VALUES ('1', 'g')")


def test_a_bare_connection_tells_at_the_end_of_the_statement() -> None:
    connection = apsw.Connection(":memory:")
    lix_vtab.load(connection)
    with pytest.raises(SchemaNotFound, match="'gone' is not stored"):
        connection.execute(BOTH, (json.dumps(node("a", "b")), json.dumps(node("b", "gone"))))
    with pytest.raises(apsw.SQLError, match="no such table: a"):
        connection.execute("SELECT * FROM a")
    connection.execute(BOTH, (json.dumps(node("a", "b")), json.dumps(node("b", "a"))))
    connection.execute("BEGIN")
    with pytest.raises(SchemaNotFound, match="'gone' is not stored"):
        connection.execute("SELECT lix_register_schema(?)", (json.dumps(node("c", "gone")),))
    connection.execute("SAVEPOINT inner")
    connection.execute(
        "INSERT INTO lix_stored_schema(value) VALUES (?)", (json.dumps(node("c", "gone")),)
    )
    connection.execute("ROLLBACK TO inner; RELEASE inner")
    connection.execute(BOTH, (json.dumps(node("d", "e")), json.dumps(node("e", "d"))))
    connection.execute("COMMIT")
    assert connection.execute("SELECT count(*) FROM d, a").get == 0
    connection.close()


# -- newer versions


def test_a_newer_version_renews_the_tables(lix: Session) -> None:
    store(lix, TASK)
    lix.execute("INSERT INTO task(id, title) VALUES ('a', 'A')")
    newer = TASK | {"x-lix-version": "2", "properties": TASK["properties"] | {"due": TEXT}}
    store(lix, newer)
    lix.execute("INSERT INTO task(id, due) VALUES ('b', 'now')")
    assert lix.rows("SELECT id, title, due, lixcol_schema_version FROM task ORDER BY id") == [
        ("a", "A", None, "1"),
        ("b", None, "now", "2"),
    ]
    assert "due" in [
        row[1] for row in lix.rows("SELECT * FROM pragma_table_info('task_by_version')")
    ]


def test_a_row_of_an_older_version_has_the_defaults_of_that_version(lix: Session) -> None:
    first = schema("item", {"id": TEXT, "kind": {"type": "string", "default": "old"}}, "id")
    store(lix, first)
    properties = first["properties"] | {
        "kind": {"type": "string", "default": "new"},
        "rank": {"type": "integer", "default": 3},
    }
    store(lix, first | {"x-lix-version": "2", "properties": properties})
    insert = "INSERT INTO item(id, lixcol_entity_id, lixcol_schema_version) VALUES (?1, ?1, ?2)"
    for id, version in (("a", "1"), ("b", "2"), ("c", None)):
        lix.execute(insert, (id, version))
    assert lix.rows("SELECT id, kind, rank, lixcol_schema_version FROM item ORDER BY id") == [
        ("a", "old", None, "1"),
        ("b", "new", 3, "2"),
        ("c", "new", 3, "2"),
    ]
    with pytest.raises(SchemaNotFound, match=r"'item' \(3\) is not stored"):
        lix.execute(insert, ("d", "3"))


def test_versions_compare_as_numbers_and_the_newest_is_shown(lix: Session) -> None:
    for version in ("2", "10", "9"):
        names = {f"p{n}": TEXT for n in (2, 9, 10) if n <= int(version)}
        store(lix, schema("thing", names, version=version))
    assert columns(lix, "thing")[:3] == [
        "p10",
        "p2",
        "p9",
    ]


def test_a_version_that_breaks_rows_is_refused_with_all_reasons(lix: Session) -> None:
    store(lix, TASK)
    newer = TASK | {
        "x-lix-version": "2",
        "required": ["id", "title"],
        "properties": TASK["properties"] | {"rank": TEXT},
    }
    with pytest.raises(SchemaDefinitionError, match="not compatible") as caught:
        store(lix, newer)
    assert len(caught.value.details["violations"]) >= 2
    store(lix, TASK | {"x-lix-version": "3", "properties": TASK["properties"] | {"due": TEXT}})
    between = TASK | {"x-lix-version": "2", "properties": TASK["properties"] | {"due": {}}}
    with pytest.raises(SchemaDefinitionError, match=r"'task' \(3\) is not compatible with \(2\)"):
        store(lix, between)


# -- UPDATE


def update(lix: Session, definition: object) -> None:
    lix.execute(
        "UPDATE lix_internal_state_vtable SET snapshot_content = ? WHERE schema_key ="
        " 'lix_stored_schema' AND entity_id = 'task~1' AND version_id = 'global'",
        (json.dumps({"value": definition}),),
    )


def test_update_judges_the_new_definition(lix: Session) -> None:
    store(lix, TASK)
    with pytest.raises(SchemaDefinitionError, match="Invalid Lix schema definition"):
        update(lix, {"x-lix-version": "1"})
    with pytest.raises(ConstraintViolation, match="cannot become 'task~2'"):
        update(lix, TASK | {"x-lix-version": "2"})
    with pytest.raises(SchemaDefinitionError, match="not compatible"):
        update(lix, TASK | {"required": ["id", "title"]})
    with pytest.raises(SchemaDefinitionError, match="not compatible"):
        rank = {"rank": {"type": "integer", "enum": [1]}}
        store(lix, TASK | {"x-lix-key": "one", "properties": TASK["properties"] | rank})
        rank = {"rank": {"type": "integer", "enum": [True]}}
        changed = TASK | {"x-lix-key": "one", "properties": TASK["properties"] | rank}
        lix.execute("UPDATE lix_stored_schema SET value = ? WHERE lixcol_entity_id = 'one~1'",
                    (json.dumps(changed),))  # fmt: skip
    with pytest.raises(SchemaNotFound):
        update(lix, TASK | {"x-lix-foreign-keys": [references("gone", local="/title")]})


def test_update_that_keeps_rows_valid_renews_the_tables(lix: Session) -> None:
    store(lix, TASK)
    lix.execute("INSERT INTO task(id) VALUES ('a')")
    update(lix, TASK | {"properties": TASK["properties"] | {"due": TEXT}})
    lix.execute("UPDATE task SET due = 'now'")
    assert lix.rows("SELECT id, due FROM task") == [("a", "now")]


def test_builtin_schemas_stay(lix: Session) -> None:
    with pytest.raises((UniqueError, ImmutableError)):
        lix.execute(
            "UPDATE lix_stored_schema SET value = json_set(value, '$.description', 'x')"
            " WHERE lixcol_entity_id = 'lix_label~1'"
        )
    with pytest.raises(ConstraintViolation, match="belongs to lix"):
        lix.execute("DELETE FROM lix_stored_schema WHERE lixcol_entity_id = 'lix_label~1'")


# -- DELETE


def delete(lix: Session, id: str) -> None:
    lix.execute("DELETE FROM lix_stored_schema WHERE lixcol_entity_id = ?", (id,))


@pytest.mark.parametrize("untracked", [0, 1])
@pytest.mark.parametrize("where", ["main", "global", "child"])
def test_delete_is_refused_while_rows_remain(lix: Session, where: str, untracked: int) -> None:
    store(lix, TASK)
    child = lix.create_version("child").id
    ids = {"main": lix.main(), "global": "global", "child": child}
    lix.execute(
        "INSERT INTO task_by_version(id, lixcol_version_id, lixcol_untracked) VALUES ('a', ?, ?)",
        (ids[where], untracked),
    )
    with pytest.raises(ConstraintViolation, match="still has rows"):
        delete(lix, "task~1")
    lix.execute("DELETE FROM task_by_version WHERE lixcol_version_id = ?", (ids[where],))
    delete(lix, "task~1")
    assert tables(lix) == []


def test_a_deleted_schema_can_be_stored_again(lix: Session) -> None:
    store(lix, TASK)
    delete(lix, "task~1")
    with pytest.raises(LixError, match="no such table"):
        lix.execute("SELECT * FROM task")
    with pytest.raises(SchemaNotFound, match="'task' \\(1\\) is not stored"):
        lix.row("a", "global", "x", schema="task")
    store(lix, TASK | {"properties": {"id": TEXT}})
    lix.execute("INSERT INTO task(id) VALUES ('a')")
    assert lix.rows("SELECT id FROM task") == [("a",)]


def test_deleting_the_newest_version_shows_the_one_before(lix: Session) -> None:
    store(lix, TASK)
    store(lix, TASK | {"x-lix-version": "2", "properties": TASK["properties"] | {"due": TEXT}})
    lix.execute("INSERT INTO task(id, lixcol_schema_version) VALUES ('old', '1')")
    lix.execute("INSERT INTO task(id) VALUES ('new')")
    with pytest.raises(ConstraintViolation, match="still has rows"):
        delete(lix, "task~2")
    lix.execute("DELETE FROM task WHERE id = 'new'")
    delete(lix, "task~2")
    assert lix.column("SELECT id FROM task") == ["old"]
    assert "due" not in columns(lix, "task")


def test_a_referenced_schema_stays(lix: Session) -> None:
    store(lix, TASK)
    reference = {"schemaKey": "task", "properties": ["/id"]}
    store(
        lix, schema("note", "ref", foreign_keys=[{"properties": ["/ref"], "references": reference}])
    )
    with pytest.raises(ForeignKeyError, match="'note'"):
        delete(lix, "task~1")
    delete(lix, "note~1")
    delete(lix, "task~1")


# -- transactions and names


def test_a_unique_group_others_refer_to_stays(lix: Session) -> None:
    target = schema("target", "id slug", "id", primary_key=["/id"], unique=[["/slug"]])
    store(lix, target)
    refers = schema("refers", "id ref", "id", foreign_keys=[references("target", "/slug")])
    store(lix, refers)
    without = {k: v for k, v in target.items() if k != "x-lix-unique"} | {"x-lix-version": "2"}
    with pytest.raises(SchemaDefinitionError, match=r"'refers' \(1\): foreign key at index 0") as e:
        store(lix, without)
    assert e.value.details["referenced_by"] == "refers"
    store(lix, {k: v for k, v in refers.items() if "foreign" not in k} | {"x-lix-version": "2"})
    store(lix, without)


def test_rollback_takes_schema_and_tables_back(lix: Session) -> None:
    with suppress(RuntimeError), lix.transaction() as transaction:
        transaction.execute("SELECT lix_register_schema(?)", (json.dumps(TASK),))
        transaction.execute("INSERT INTO task(id) VALUES ('a')")
        assert transaction.execute("SELECT id FROM task").rows == [("a",)]
        raise RuntimeError
    assert tables(lix) == []
    with pytest.raises(SchemaNotFound):
        lix.row("a", "global", "x", schema="task")
    store(lix, TASK | {"properties": {"id": TEXT}})
    assert columns(lix, "task")[0] == "id"


def test_schema_and_rows_in_one_script(lix: Session) -> None:
    text = json.dumps(TASK).replace("'", "''")
    lix.execute(
        f"INSERT INTO lix_stored_schema(value) VALUES ('{text}'); INSERT INTO task(id) VALUES ('a')"
    )
    assert lix.rows("SELECT id FROM task") == [("a",)]


@pytest.mark.parametrize("taken", ["task", "task_by_version", "TASK_BY_VERSION"])
@pytest.mark.parametrize("kind", ["TABLE {}(x)", "VIEW {} AS SELECT 1", "INDEX {} ON other(x)"])
def test_names_that_are_taken(lix: Session, taken: str, kind: str) -> None:
    lix.execute("CREATE TABLE other(x)")
    lix.execute(f"CREATE {kind.format(taken)}")
    before = lix.value(COUNT)
    with pytest.raises(ConstraintViolation, match="cannot be stored: a table or index named"):
        store(lix, TASK)
    assert lix.value(COUNT) == before


@pytest.mark.parametrize("first", ["task", "task_by_version"])
def test_names_that_end_like_a_variant(lix: Session, first: str) -> None:
    second = {"task": "task_by_version", "task_by_version": "task"}[first]
    store(lix, TASK | {"x-lix-key": first})
    with pytest.raises(ConstraintViolation, match="cannot be stored"):
        store(lix, TASK | {"x-lix-key": second})


@pytest.mark.parametrize("key", ["sqlite_task", "json_each", "fts5", "pragma_table_info"])
def test_names_sqlite_uses_itself(lix: Session, key: str) -> None:
    with pytest.raises(ConstraintViolation, match="cannot be stored"):
        store(lix, TASK | {"x-lix-key": key})


@pytest.mark.parametrize("key", ["select", "table", "order", "index", "rowid", "a"])
def test_keywords_are_names_like_any_other(lix: Session, key: str) -> None:
    store(lix, TASK | {"x-lix-key": key})
    lix.execute(f"INSERT INTO \"{key}\"(id) VALUES ('x')")
    assert lix.rows(f'SELECT id FROM "{key}"') == [("x",)]


def test_views_a_schema_does_not_want(lix: Session) -> None:
    store(lix, TASK | {"x-lix-entity-views": ["state_by_version"]})
    assert "task" not in tables(lix)
    assert "task_by_version" in tables(lix)
    store(lix, schema("bare", "id", entity_views=[]))
    assert not [name for name in tables(lix) if name.startswith("bare")]


def test_columns_that_differ_only_in_case(lix: Session) -> None:
    with pytest.raises(SchemaDefinitionError, match="differ only in case"):
        store(lix, schema("task", "name Name"))


def test_dropping_a_table_is_refused(lix: Session) -> None:
    store(lix, TASK)
    with pytest.raises(LixError):
        lix.execute("DROP TABLE task")
    assert "task" in tables(lix)


@pytest.mark.parametrize("arguments", ["", "task", '"task", nothing', "task, state_of, x"])
def test_tables_are_made_by_schemas_only(lix: Session, arguments: str) -> None:
    with pytest.raises(UnsupportedSql, match="no table of a schema"):
        lix.execute(f"CREATE VIRTUAL TABLE mine USING lix_entity({arguments})")
    assert lix.rows("SELECT name FROM sqlite_schema WHERE name = 'mine'") == []


@pytest.mark.parametrize(
    ("sql", "hint"),
    [
        ("ALTER TABLE task ADD COLUMN more", "store a newer version"),
        ("CREATE INDEX by_title ON task(title)", "x-lix-index"),
        ("CREATE TRIGGER t AFTER INSERT ON task BEGIN SELECT 1; END", "lix.observe"),
    ],
)
def test_what_sqlite_refuses_has_another_way(lix: Session, sql: str, hint: str) -> None:
    store(lix, TASK)
    with pytest.raises(UnsupportedSql) as caught:
        lix.execute(sql)
    assert hint in (caught.value.hint or "")


def test_what_looks_like_a_table_of_a_schema_is_left_alone(lix: Session) -> None:
    lix.execute("""CREATE TABLE mine(x DEFAULT ' USING lix_entity("task", state)')""")
    store(lix, TASK)
    delete(lix, "task~1")
    lix.execute("INSERT INTO mine DEFAULT VALUES")
    assert lix.value("SELECT count(*) FROM mine") == 1


def nested(depth: int) -> dict:
    found: dict = TEXT
    for _ in range(depth):
        found = {"type": "object", "properties": {"a": found}}
    return found


@pytest.mark.parametrize(
    ("definition", "phrase"),
    [
        ([TASK], "is a JSON object, not a list"),
        (None, "is a JSON object, not a NoneType"),
        (schema("deep", {"a": nested(600)}), "nested more than"),
        (schema("odd", {"a": {"enum": {1, 2}}}), "set is not JSON"),
        (schema("odd", {"a": {"enum": [float("nan")]}}), "nan is not a JSON number"),
        (schema("odd", {"a": {"enum": [b"x"]}}), "bytes is not JSON"),
        (schema("odd", {1: TEXT}), "the key 1 is not a string"),
        (schema("odd", {"a": {"enum": ["\ud800"]}}), "surrogates"),
    ],
)
def test_what_is_no_json_is_no_schema(lix: Session, definition: Any, phrase: str) -> None:
    with pytest.raises(LixError, match=phrase):
        lix.lix.register_schema(definition)
    assert tables(lix) == []
