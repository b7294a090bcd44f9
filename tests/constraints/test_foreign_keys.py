"""Foreign keys: what a row refers to must be there, and stay."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lix_vtab.errors import ForeignKeyError, LixError, UniqueError
from tests.constraints.schemas import CHILD, NODE, PARENT, ids, refers, store
from tests.entities.schemas import TEXT, schema
from tests.state.session import Session

MISSING = "Foreign key constraint violation. The schema 'child'"
HELD = "Foreign key constraint violation: Cannot delete entity because it is referenced by"


@pytest.fixture(autouse=True)
def schemas(lix: Session) -> None:
    store(lix, PARENT, CHILD, NODE)


def put(lix: Session, table: str, id: str, ref: str | None, **lixcol: Any) -> None:
    """Insert a row of `child` or `node` into the active version, or where `lixcol` says."""
    column = {"child": "parent_id", "node": "up"}[table]
    given = {"id": id, column: ref} | {f"lixcol_{name}": value for name, value in lixcol.items()}
    suffix = "_by_version" if "version_id" in lixcol else ""
    marks = ", ".join("?" * len(given))
    lix.execute(
        f"INSERT INTO {table}{suffix}({', '.join(given)}) VALUES ({marks})", [*given.values()]
    )


# -- what is referred to


def test_the_target_must_be_there(lix: Session) -> None:
    with pytest.raises(ForeignKeyError, match=MISSING) as caught:
        put(lix, "child", "c", "a")
    error = caught.value
    for part in ("'child'", "(1)", "/parent_id", "'parent.(/id)'", "('a')", lix.main(), "'c'"):
        assert part in error.message
    assert error.details["target"] == "parent"
    assert ids(lix, "child") == []
    lix.execute("INSERT INTO parent(id) VALUES ('a')")
    put(lix, "child", "c", "a")
    with pytest.raises(ForeignKeyError, match=MISSING):
        lix.execute("UPDATE child SET parent_id = 'b'")
    lix.execute("UPDATE child SET n = 1")
    put(lix, "child", "d", None)


def test_every_way_of_writing(lix: Session) -> None:
    content = json.dumps({"id": "c", "parent_id": "gone"})
    for table, version in (("lix_state", None), ("lix_state_by_version", "global")):
        column = ", version_id" if version else ""
        given = ["c", content, *([version] if version else [])]
        with pytest.raises(ForeignKeyError, match=MISSING):
            lix.execute(
                f"INSERT INTO {table}(entity_id, snapshot_content{column}, schema_key, file_id,"
                f" plugin_key, schema_version) VALUES (?, ?{', ?' if version else ''}, 'child',"
                " 'lix', 'lix', '1')",
                given,
            )
    for version in (lix.main(), "unheard-of"):
        with pytest.raises(ForeignKeyError, match=MISSING):
            lix.execute(
                "INSERT INTO lix_internal_state_vtable(entity_id, snapshot_content, version_id,"
                " schema_key, file_id, plugin_key, schema_version)"
                " VALUES ('c', ?, ?, 'child', 'lix', 'lix', '1')",
                (content, version),
            )
    assert lix.raw() == []


def test_inherited_and_branched_rows_are_targets(lix: Session) -> None:
    lix.execute("INSERT INTO parent_by_version(id, lixcol_version_id) VALUES ('g', 'global')")
    put(lix, "child", "c", "g")
    lix.execute("INSERT INTO parent(id) VALUES ('own')")
    lix.switch_version(lix.create_version("draft"))
    put(lix, "child", "d", "own")
    put(lix, "child", "e", "g")
    with pytest.raises(ForeignKeyError):
        put(lix, "child", "f", "own", version_id="global")
    lix.execute("DELETE FROM child")
    lix.execute("DELETE FROM parent")
    for gone in ("own", "g"):
        with pytest.raises(ForeignKeyError):
            put(lix, "child", "f", gone)


def test_targets_lie_in_any_file_unless_the_scope_says_otherwise(lix: Session) -> None:
    strict = schema("strict", "id parent_id", primary_key=["/id"],
                    foreign_keys=[refers("/parent_id", "parent", scope=["file_id"])])  # fmt: skip
    loose = schema("loose", "id parent_id", primary_key=["/id"],
                   foreign_keys=[refers("/parent_id", "parent", scope=["version_id"])])  # fmt: skip
    store(lix, strict, loose)
    lix.execute("INSERT INTO parent(id, lixcol_file_id) VALUES ('a', 'f1')")
    lix.execute("INSERT INTO loose(id, parent_id, lixcol_file_id) VALUES ('l', 'a', 'f2')")
    lix.execute("INSERT INTO strict(id, parent_id, lixcol_file_id) VALUES ('s', 'a', 'f1')")
    with pytest.raises(ForeignKeyError, match="no matching record"):
        lix.execute("INSERT INTO strict(id, parent_id, lixcol_file_id) VALUES ('t', 'a', 'f2')")
    with pytest.raises(ForeignKeyError, match=HELD):
        lix.execute("DELETE FROM parent")
    lix.execute("INSERT INTO parent(id, lixcol_file_id) VALUES ('a', 'f2')")
    with pytest.raises(ForeignKeyError, match="in schema 'strict'"):
        lix.execute("DELETE FROM parent WHERE lixcol_file_id = 'f1'")
    lix.execute("DELETE FROM strict")
    lix.execute("DELETE FROM parent WHERE lixcol_file_id = 'f1'")
    with pytest.raises(ForeignKeyError, match="in schema 'loose'"):
        lix.execute("DELETE FROM parent")


def test_types_are_part_of_a_value(lix: Session) -> None:
    number = schema("number", {"id": {"type": "integer"}}, primary_key=["/id"])
    any_ref = schema("ref", {"id": TEXT, "to": {}}, primary_key=["/id"],
                     foreign_keys=[refers("/to", "number")])  # fmt: skip
    store(lix, number, any_ref)
    lix.execute("INSERT INTO number(id) VALUES (1)")
    lix.execute("INSERT INTO ref(id, \"to\") VALUES ('a', 1), ('b', 1.0)")
    with pytest.raises(ForeignKeyError):
        lix.execute("INSERT INTO ref(id, \"to\") VALUES ('c', '1')")
    lix.execute("DELETE FROM ref WHERE id = 'a'")
    with pytest.raises(ForeignKeyError, match=HELD):
        lix.execute("DELETE FROM number")


def test_values_python_takes_for_equal_are_not(lix: Session) -> None:
    named = schema("named", {"id": TEXT, "name": {}}, primary_key=["/id"], unique=[["/name"]])
    ref = schema("ref", {"id": TEXT, "to": {}}, primary_key=["/id"],
                 foreign_keys=[refers("/to", "named", "/name")])  # fmt: skip
    store(lix, named, ref)
    for number, (old, new) in enumerate([("true", "1"), ("0", "false"), ("[1]", "[1.0]")]):
        row = (f"n{number}", old)
        lix.execute("INSERT INTO named(id, name) VALUES (?, lix_json(?))", row)
        lix.execute('INSERT INTO ref(id, "to") VALUES (?, lix_json(?))', row)
        with pytest.raises(ForeignKeyError, match=HELD):
            lix.execute("UPDATE named SET name = lix_json(?) WHERE id = ?", (new, row[0]))
    lix.execute("INSERT INTO named(id, name) VALUES ('n', 7)")
    lix.execute("INSERT INTO ref(id, \"to\") VALUES ('n', 7)")
    lix.execute("UPDATE named SET name = 7.0 WHERE id = 'n'")


def test_a_replaced_row_that_is_replaced_in_turn_is_missed(lix: Session) -> None:
    ref = schema("ref", {"id": TEXT, "to": TEXT}, primary_key=["/id"],
                 foreign_keys=[refers("/to", "parent", "/slug")])  # fmt: skip
    store(lix, ref)
    lix.execute("INSERT INTO parent(id, slug) VALUES ('a', 's')")
    lix.execute("INSERT INTO ref(id, \"to\") VALUES ('r', 's')")
    sql = "INSERT OR REPLACE INTO parent(id, slug) VALUES ('b', 's'), ('b', 't')"
    with lix.lix.transaction() as transaction:
        transaction.execute("INSERT INTO parent(id) VALUES ('c')")
        with pytest.raises(ForeignKeyError, match=HELD):
            transaction.execute(sql)
    with pytest.raises(ForeignKeyError, match=HELD):
        lix.execute(sql)
    assert lix.rows("SELECT id, slug FROM parent ORDER BY id") == [("a", "s"), ("c", None)]
    lix.execute("INSERT OR REPLACE INTO parent(id, slug) VALUES ('b', 't'), ('b', 's')")
    assert lix.rows("SELECT id, slug FROM parent ORDER BY id") == [("b", "s"), ("c", None)]


def test_composite_keys(lix: Session) -> None:
    pair = schema("pair", "x y", primary_key=["/x", "/y"])
    points = schema("points", "id x y", primary_key=["/id"],
                    foreign_keys=[refers(["/x", "/y"], "pair", ["/x", "/y"])])  # fmt: skip
    store(lix, pair, points)
    lix.execute("INSERT INTO pair(x, y) VALUES ('a~', 'b'), ('a', 'b')")
    lix.execute("INSERT INTO points(id, x, y) VALUES ('p', 'a~', 'b'), ('q', 'a', NULL)")
    with pytest.raises(ForeignKeyError):
        lix.execute("INSERT INTO points(id, x, y) VALUES ('r', 'a', '~b')")
    lix.execute("DELETE FROM pair WHERE x = 'a'")
    with pytest.raises(ForeignKeyError, match=HELD):
        lix.execute("DELETE FROM pair")


def test_any_row_can_be_a_target(lix: Session) -> None:
    notes = schema(
        "note",
        "id entity schema file",
        primary_key=["/id"],
        foreign_keys=[
            refers(["/entity", "/schema", "/file"], "lix_state",
                   ["/entity_id", "/schema_key", "/file_id"])
        ],
    )  # fmt: skip
    store(lix, notes)
    lix.execute("INSERT INTO parent(id, lixcol_file_id) VALUES ('a', 'f')")
    note = "INSERT INTO note(id, entity, schema, file) VALUES ('n', ?, ?, ?)"
    for place in (("a", "parent", "lix"), ("a", "child", "f"), ("b", "parent", "f"), ("", "", "")):
        with pytest.raises(ForeignKeyError):
            lix.execute(note, place)
    lix.execute(note, ("a", "parent", "f"))
    with pytest.raises(ForeignKeyError, match=HELD):
        lix.execute("DELETE FROM parent")
    lix.execute("UPDATE parent SET slug = 'x'")
    lix.execute("DELETE FROM note")
    lix.execute("DELETE FROM parent")
    commit = lix.tip()
    lix.execute(note, (commit, "lix_commit", "lix"))
    lix.execute("UPDATE note SET entity = 'lix_name', schema = 'lix_key_value'")


def test_bookkeeping_can_be_a_target(lix: Session) -> None:
    review = schema("review", "commit_id change_id", primary_key=["/commit_id"],
                    foreign_keys=[refers("/commit_id", "lix_commit"),
                                  refers("/change_id", "lix_change")])  # fmt: skip
    store(lix, review)
    lix.execute("INSERT INTO parent(id) VALUES ('a')")
    change = lix.value("SELECT lixcol_change_id FROM parent")
    tip = lix.tip()
    lix.execute("INSERT INTO review(commit_id, change_id) VALUES (?, ?)", (tip, change))
    with pytest.raises(ForeignKeyError) as caught:
        lix.execute("INSERT INTO review(commit_id, change_id) VALUES ('x', 'y')")
    assert len(caught.value.details["violations"]) == 2


def test_labels_are_under_their_rules(lix: Session) -> None:
    label = "INSERT INTO lix_entity_label(entity_id, schema_key, file_id, label_id) VALUES"
    with pytest.raises(ForeignKeyError) as caught:
        lix.execute(f"{label} ('a', 'parent', 'lix', 'gone')")
    assert len(caught.value.details["violations"]) == 2
    lix.execute("INSERT INTO parent(id) VALUES ('a')")
    id = lix.value("SELECT id FROM lix_label")
    lix.execute(f"{label} ('a', 'parent', 'lix', ?)", (id,))
    with pytest.raises(ForeignKeyError, match="in schema 'lix_entity_label'"):
        lix.execute("DELETE FROM parent")
    with pytest.raises(ForeignKeyError, match="in schema 'lix_entity_label'"):
        lix.execute("DELETE FROM lix_label")
    lix.execute("DELETE FROM lix_entity_label WHERE schema_key = 'parent'")
    lix.execute("DELETE FROM parent")


def test_tracked_rows_do_not_refer_to_untracked_ones(lix: Session) -> None:
    lix.execute("INSERT INTO parent(id, lixcol_untracked) VALUES ('u', 1), ('t', 0)")
    with pytest.raises(ForeignKeyError, match="tracked entities cannot reference untracked"):
        put(lix, "child", "c", "u")
    put(lix, "child", "c", "u", untracked=1)
    put(lix, "child", "d", "t", untracked=1)
    put(lix, "child", "e", "t")


# -- what is referred to stays


def test_delete_is_restricted(lix: Session) -> None:
    lix.execute("INSERT INTO parent(id) VALUES ('a'), ('b')")
    for id in ("c", "d"):
        put(lix, "child", id, "a")
    with pytest.raises(ForeignKeyError, match=f"{HELD} 2 record") as caught:
        lix.execute("DELETE FROM parent WHERE id = 'a'")
    assert caught.value.details["count"] == 2
    for sql in (
        "DELETE FROM lix_state WHERE schema_key = 'parent'",
        "UPDATE lix_state SET snapshot_content = NULL WHERE schema_key = 'parent'",
        "DELETE FROM lix_internal_state_vtable WHERE schema_key = 'parent'",
        "DELETE FROM parent",
    ):
        with pytest.raises(ForeignKeyError, match=HELD):
            lix.execute(sql)
    assert ids(lix, "parent") == ["a", "b"]
    lix.execute("DELETE FROM parent WHERE id = 'b'")
    lix.execute("DELETE FROM child")
    lix.execute("DELETE FROM parent")


def test_each_version_is_judged_by_what_it_shows(lix: Session) -> None:
    lix.execute("INSERT INTO parent_by_version(id, lixcol_version_id) VALUES ('g', 'global')")
    put(lix, "child", "c", "g")
    with pytest.raises(ForeignKeyError, match=HELD):
        lix.execute("DELETE FROM parent")
    put(lix, "child", "e", "g", version_id="global")
    draft = lix.create_version("draft").id
    lix.switch_version(draft)
    with pytest.raises(ForeignKeyError, match=f"{HELD} 2 record"):
        lix.execute("DELETE FROM parent")
    lix.execute("DELETE FROM child")
    lix.execute("DELETE FROM parent")
    assert ids(lix, "parent") == []
    lix.switch_version("main")
    assert ids(lix, "parent") == ["g"]


def test_rows_of_heirs_count_while_they_inherit_the_target(lix: Session) -> None:
    """What `global` shows is what most versions build on."""
    main = lix.main()
    grandchild = lix.create_version("grandchild", inherits_from=main).id
    lix.execute("INSERT INTO parent_by_version(id, lixcol_version_id) VALUES ('g', 'global')")
    lix.execute("INSERT INTO parent_by_version(id, lixcol_version_id) VALUES ('h', 'global')")
    put(lix, "child", "c", "g")
    put(lix, "child", "d", "h", version_id=grandchild)
    for id, version in (("g", main), ("h", grandchild)):
        for sql in (
            f"DELETE FROM parent_by_version WHERE id = '{id}' AND lixcol_version_id = 'global'",
            "UPDATE lix_internal_state_vtable SET snapshot_content = NULL WHERE"
            f" entity_id = '{id}' AND version_id = 'global'",
        ):
            with pytest.raises(ForeignKeyError, match=f"{HELD} 1 record") as caught:
                lix.execute(sql)
            assert caught.value.details["version_id"] == version
    with pytest.raises(ForeignKeyError, match=HELD):
        lix.execute("DELETE FROM parent_by_version WHERE lixcol_version_id = 'global'")
    # an own row of the heir, or of a version between, is a target of its own
    lix.execute("UPDATE parent SET slug = id")
    lix.execute("DELETE FROM parent_by_version WHERE lixcol_version_id = 'global'")
    assert ids(lix, "parent") == ["g", "h"]
    with pytest.raises(ForeignKeyError, match=HELD):
        lix.execute("DELETE FROM parent WHERE id = 'h'")
    lix.execute("DELETE FROM child_by_version WHERE id = 'd'")
    lix.execute("DELETE FROM parent WHERE id = 'h'")
    assert ids(lix, "parent") == ["g"]


def test_heirs_that_come_later_count_too(lix: Session) -> None:
    lix.execute("INSERT INTO parent(id) VALUES ('a')")
    put(lix, "child", "c", "a")
    lix.execute("DELETE FROM child")
    # whoever looks for heirs now finds none
    lix.execute("DELETE FROM parent WHERE id = 'a'")
    draft = lix.create_version("draft", inherits_from=lix.main()).id
    leaf = lix.create_version("leaf", inherits_from=draft).id
    lix.execute("INSERT INTO parent(id) VALUES ('b')")
    put(lix, "child", "c", "b", version_id=leaf)
    with pytest.raises(ForeignKeyError, match=HELD):
        lix.execute("DELETE FROM parent WHERE id = 'b'")
    assert ids(lix, "parent") == ["b"]


def test_rows_that_heirs_inherit_count_once(lix: Session) -> None:
    lix.execute("INSERT INTO parent_by_version(id, lixcol_version_id) VALUES ('g', 'global')")
    put(lix, "child", "c", "g", version_id="global")
    with pytest.raises(ForeignKeyError, match=HELD) as caught:
        lix.execute("DELETE FROM parent_by_version WHERE lixcol_version_id = 'global'")
    assert len(caught.value.details["violations"]) == 1
    # both go in one statement, for the heir as well
    lix.execute(
        "DELETE FROM lix_internal_state_vtable WHERE version_id = 'global'"
        " AND schema_key IN ('parent', 'child')"
    )
    assert ids(lix, "parent") == []


def test_heirs_that_were_deleted_or_refer_untracked(lix: Session) -> None:
    lix.execute("INSERT INTO parent_by_version(id, lixcol_version_id) VALUES ('g', 'global')")
    draft = lix.create_version("draft").id
    put(lix, "child", "u", "g", version_id=draft, untracked=1)
    gone = "DELETE FROM parent_by_version WHERE lixcol_version_id = 'global'"
    with pytest.raises(ForeignKeyError, match=HELD):
        lix.execute(gone)
    lix.execute("DELETE FROM lix_version WHERE id = ?", (draft,))
    lix.execute(gone)
    assert ids(lix, "parent") == []


def test_branches_that_do_not_inherit_are_free(lix: Session) -> None:
    lix.execute("INSERT INTO parent(id) VALUES ('a')")
    put(lix, "child", "c", "a")
    draft = lix.create_version("draft").id
    lix.execute("DELETE FROM child")
    lix.execute("DELETE FROM parent")
    assert lix.column(f"SELECT id FROM child_by_version WHERE lixcol_version_id = '{draft}'") == [
        "c"
    ]


def test_an_untracked_row_that_hides_its_like_may_go(lix: Session) -> None:
    lix.execute("INSERT INTO parent(id) VALUES ('a')")
    put(lix, "child", "c", "a")
    lix.execute(
        "INSERT INTO lix_state(entity_id, schema_key, file_id, plugin_key, schema_version,"
        " snapshot_content, untracked) VALUES ('a', 'parent', 'lix', 'lix', '1', ?, 1)",
        ('{"id":"a","slug":"x"}',),
    )
    lix.execute("DELETE FROM parent WHERE slug = 'x'")
    assert lix.rows("SELECT id, slug FROM parent") == [("a", None)]
    with pytest.raises(ForeignKeyError, match=HELD):
        lix.execute("DELETE FROM parent")


@pytest.mark.parametrize("bare", [False, True])
def test_a_referenced_row_does_not_make_way_inside_a_transaction(lix: Session, bare: bool) -> None:
    lix.execute("INSERT INTO parent(id, slug) VALUES ('a', 'x'), ('z', 'z')")
    put(lix, "child", "c", "a")
    lix.execute("BEGIN")
    lix.execute("UPDATE parent SET slug = 'kept' WHERE id = 'z'")
    run = lix.connection.execute if bare else lix.execute
    with pytest.raises(ForeignKeyError, match="referenced by 1"):
        run("INSERT OR REPLACE INTO parent(id, slug) VALUES ('b', 'x')")
    lix.execute("COMMIT")
    assert lix.rows("SELECT id, slug FROM parent ORDER BY id") == [("a", "x"), ("z", "kept")]


@pytest.mark.parametrize("otherwise", ["ABORT", "FAIL", "IGNORE", "ROLLBACK", "REPLACE"])
@pytest.mark.parametrize("inside", [False, True])
def test_conflict_clauses_are_not_about_references(
    lix: Session, otherwise: str, inside: bool
) -> None:
    insert = f"INSERT OR {otherwise} INTO node(id, up)"
    lix.execute("INSERT INTO node(id) VALUES ('root')")
    if inside:
        lix.execute("BEGIN")
        lix.execute("INSERT INTO parent(id) VALUES ('before')")
    with pytest.raises(ForeignKeyError):
        lix.execute(f"{insert} VALUES ('kept', 'root'), ('lost', 'nobody'), ('later', NULL)")
    assert lix.column("SELECT id FROM node") == ["root"]
    lix.execute(f"{insert} VALUES ('first', 'second'), ('second', 'root')")
    if inside:
        lix.execute("COMMIT")
        assert lix.column("SELECT id FROM parent") == ["before"]
    assert lix.rows("SELECT id, up FROM node ORDER BY id") == [
        ("first", "second"),
        ("root", None),
        ("second", "root"),
    ]


@pytest.mark.parametrize("inside", [False, True])
def test_or_fail_keeps_what_came_before_a_conflict(lix: Session, inside: bool) -> None:
    lix.execute("INSERT INTO parent(id, slug) VALUES ('a', 'x')")
    if inside:
        lix.execute("BEGIN")
    with pytest.raises(UniqueError):
        lix.execute(
            "INSERT OR FAIL INTO parent(id, slug) VALUES ('b', 'y'), ('c', 'x'), ('d', 'z')"
        )
    if inside:
        lix.execute("COMMIT")
    assert lix.column("SELECT id FROM parent ORDER BY id") == ["a", "b"]


def test_a_hidden_reference_must_hold_when_it_shows_again(lix: Session) -> None:
    lix.execute("INSERT INTO parent(id) VALUES ('a'), ('b')")
    put(lix, "child", "c", "a")
    lix.execute(
        "INSERT OR REPLACE INTO child(id, parent_id, lixcol_untracked) VALUES ('c', 'b', 1)"
    )
    lix.execute("DELETE FROM parent WHERE id = 'a'")
    with pytest.raises(ForeignKeyError, match=r"values \('a'\)"):
        lix.execute("DELETE FROM child")
    assert lix.rows("SELECT id, parent_id FROM child") == [("c", "b")]
    lix.execute("INSERT INTO parent(id) VALUES ('a')")
    lix.execute("DELETE FROM child")
    assert lix.rows("SELECT id, parent_id FROM child") == [("c", "a")]


def test_an_own_row_over_an_inherited_one_may_not_go(lix: Session) -> None:
    """Deleting leaves a tombstone, so the inherited row does not show again."""
    lix.execute("INSERT INTO parent_by_version(id, lixcol_version_id) VALUES ('a', 'global')")
    lix.execute("UPDATE parent SET slug = 'own'")
    put(lix, "child", "c", "a")
    with pytest.raises(ForeignKeyError, match=HELD):
        lix.execute("DELETE FROM parent")


# -- the end of the statement


def test_rows_of_a_statement_refer_to_each_other(lix: Session) -> None:
    lix.execute("INSERT INTO node(id, up) VALUES ('a', 'b'), ('b', 'c'), ('c', 'a'), ('d', 'd')")
    lix.execute(
        "INSERT INTO node(id, up) SELECT column1, column2 FROM (VALUES ('x', 'y'), ('y', 'x'))"
    )
    assert ids(lix, "node") == ["a", "b", "c", "d", "x", "y"]
    lix.execute("UPDATE node SET up = iif(id = 'x', 'x', 'a') WHERE id IN ('x', 'y')")
    lix.execute("DELETE FROM node")
    assert ids(lix, "node") == []


def test_what_is_still_missing_at_the_end_undoes_the_statement(lix: Session) -> None:
    rows = "('a', 'b'), ('b', 'gone'), ('c', 'lost')"
    with pytest.raises(ForeignKeyError) as caught:
        lix.execute(f"INSERT INTO node(id, up) VALUES {rows}")
    assert len(caught.value.details["violations"]) == 2
    assert ids(lix, "node") == []


def test_parents_and_children_go_together(lix: Session) -> None:
    lix.execute("INSERT INTO parent(id) VALUES ('a')")
    put(lix, "child", "c", "a")
    lix.execute("DELETE FROM lix_state WHERE schema_key IN ('parent', 'child')")
    assert ids(lix, "child") == []


@pytest.mark.parametrize("nested", [False, True])
def test_inside_a_transaction_only_the_statement_is_undone(lix: Session, nested: bool) -> None:
    with lix.transaction() as transaction:
        transaction.execute("INSERT INTO parent(id) VALUES ('kept')")
        if nested:
            transaction.execute("SAVEPOINT inner")
        run = transaction.execute
        run("INSERT INTO node(id, up) VALUES ('a', 'b'), ('b', 'a')")
        for failing in (
            "INSERT INTO node(id, up) VALUES ('c', 'gone')",
            "INSERT INTO node(id, up) VALUES ('c', 'd'), ('d', 'gone')",
            "INSERT INTO node(id, up) SELECT id || '2', 'gone' FROM node",
            "UPDATE node SET up = 'gone'",
            "DELETE FROM node WHERE id = 'a'",
            "INSERT INTO node(id, up) VALUES ('c', 'gone') ON CONFLICT(id) DO NOTHING",
            "INSERT INTO node(id, up) VALUES ('c', 'gone'); INSERT INTO node(id) VALUES ('gone')",
        ):
            with pytest.raises(ForeignKeyError):
                run(failing)
        run("INSERT INTO node(id, up) VALUES ('e', 'f'), ('f', 'e') ON CONFLICT(id) DO NOTHING")
        run("INSERT INTO node(id, up) VALUES ('g', 'h'), ('h', 'g') RETURNING id")
        if nested:
            transaction.execute("RELEASE inner")
    assert ids(lix, "parent") == ["kept"]
    assert ids(lix, "node") == ["a", "b", "e", "f", "g", "h"]


def test_scripts_are_checked_statement_by_statement(lix: Session) -> None:
    with pytest.raises(ForeignKeyError):
        lix.execute(
            "INSERT INTO child(id, parent_id) VALUES ('c', 'a'); INSERT INTO parent(id) VALUES ('a')"
        )
    lix.execute(
        "INSERT INTO parent(id) VALUES ('a'); INSERT INTO child(id, parent_id) VALUES ('c', 'a');"
        "INSERT INTO node(id, up) VALUES ('x', 'y'), ('y', 'x');"
    )
    assert ids(lix, "child") == ["c"]


class TestBareConnection:
    """What holds without `execute` around the statement."""

    def test_autocommit(self, lix: Session) -> None:
        run = lix.connection.execute
        run("INSERT INTO node(id, up) VALUES ('a', 'b'), ('b', 'a')")
        with pytest.raises(ForeignKeyError, match="gone"):
            run("INSERT INTO node(id, up) VALUES ('c', 'd'), ('d', 'gone')")
        assert not lix.connection.in_transaction
        assert ids(lix, "node") == ["a", "b"]

    def test_in_a_transaction(self, lix: Session) -> None:
        run = lix.connection.execute
        run("BEGIN")
        run("INSERT INTO parent(id) VALUES ('kept')")
        with pytest.raises(ForeignKeyError, match="gone"):
            run("INSERT INTO node(id, up) VALUES ('c', 'gone')")
        assert lix.connection.in_transaction
        run("INSERT INTO node(id, up) VALUES ('a', 'b'), ('b', 'a')")
        run("COMMIT")
        assert ids(lix, "node") == ["a", "b"]
        assert ids(lix, "parent") == ["kept"]

    def test_the_end_of_a_statement_can_only_undo_the_transaction(self, lix: Session) -> None:
        run = lix.connection.execute
        run("BEGIN")
        run("INSERT INTO parent(id) VALUES ('lost')")
        with pytest.raises(ForeignKeyError, match="gone"):
            run("INSERT INTO node(id, up) VALUES ('c', 'd'), ('d', 'gone')")
        assert not lix.connection.in_transaction
        assert ids(lix, "parent") == []
        lix.connection.execute("INSERT INTO node(id) VALUES ('a')")
        assert ids(lix, "node") == ["a"]

    def test_nothing_broken_is_ever_committed(self, lix: Session) -> None:
        run = lix.connection.execute
        run("BEGIN")
        run("INSERT INTO parent(id) VALUES ('a')")
        run("SAVEPOINT s")
        with pytest.raises(ForeignKeyError, match="gone"):
            run("INSERT INTO node(id, up) VALUES ('c', 'gone')")
            run("RELEASE s")
        if lix.connection.in_transaction:
            run("ROLLBACK")
        assert ids(lix, "node") == []


# -- materialized


@pytest.fixture
def late(lix: Session) -> None:
    store(
        lix,
        schema("late", "id parent_id", primary_key=["/id"],
               foreign_keys=[refers("/parent_id", "parent", mode="materialized")]),
    )  # fmt: skip


@pytest.mark.usefixtures("late")
def test_materialized_references_are_checked_at_commit(lix: Session) -> None:
    with lix.transaction() as transaction:
        transaction.execute("INSERT INTO late(id, parent_id) VALUES ('l', 'a')")
        transaction.execute("INSERT INTO parent(id) VALUES ('a')")
    with pytest.raises(ForeignKeyError, match="no matching record"):
        lix.execute("INSERT INTO late(id, parent_id) VALUES ('m', 'b')")
    with pytest.raises(ForeignKeyError, match="no matching record"), lix.transaction() as t:
        t.execute("INSERT INTO parent(id) VALUES ('c')")
        t.execute("INSERT INTO late(id, parent_id) VALUES ('m', 'b')")
    assert ids(lix, "late") == ["l"]
    assert ids(lix, "parent") == ["a"]
    with lix.transaction() as transaction:
        transaction.execute("INSERT INTO late(id, parent_id) VALUES ('m', 'b')")
        transaction.execute("UPDATE late SET parent_id = 'a'")
    with pytest.raises(ForeignKeyError, match=HELD):
        lix.execute("DELETE FROM parent")


@pytest.mark.usefixtures("late")
def test_materialized_references_after_a_rollback(lix: Session) -> None:
    with lix.transaction() as transaction:
        transaction.execute("SAVEPOINT s")
        transaction.execute("INSERT INTO late(id, parent_id) VALUES ('m', 'b')")
        transaction.execute("ROLLBACK TO s")
    assert ids(lix, "late") == []


# -- schemas that come later


def test_rows_that_are_there_come_under_rules_of_newer_schemas(lix: Session) -> None:
    store(lix, schema("old", "id x", primary_key=["/id"]))
    lix.execute("INSERT INTO old(id, x) VALUES ('a', '1'), ('b', '2')")
    store(lix, schema("new", "id", primary_key=["/id"], foreign_keys=[refers("/id", "old")]))
    lix.execute("INSERT INTO new(id) VALUES ('a')")
    with pytest.raises(ForeignKeyError, match=HELD):
        lix.execute("DELETE FROM old WHERE id = 'a'")
    lix.execute("DELETE FROM old WHERE id = 'b'")


def test_version_2_without_the_rule(lix: Session) -> None:
    put_ = "INSERT INTO child(id, parent_id) VALUES (?, 'gone')"
    with pytest.raises(ForeignKeyError):
        lix.execute(put_, ("c",))
    loose = {k: v for k, v in CHILD.items() if k != "x-lix-foreign-keys"} | {"x-lix-version": "2"}
    store(lix, loose)
    lix.execute(put_, ("c",))
    with pytest.raises(LixError):
        lix.execute("DELETE FROM lix_stored_schema WHERE lixcol_entity_id = 'child~2'")
    lix.execute("DELETE FROM child")
    lix.execute("DELETE FROM lix_stored_schema WHERE lixcol_entity_id = 'child~2'")
    with pytest.raises(ForeignKeyError):
        lix.execute(put_, ("c",))
