"""Which row of a chain of versions is visible, and what it says about its origin."""

from __future__ import annotations

import pytest

from lix_vtab import errors
from tests.state.session import snapshot as content

S = "test_state_schema"
WHERE = f"schema_key = '{S}'"


@pytest.fixture
def family(lix):
    """`global` <- `parent` <- `child`, and `sibling` beside `child`; `child` is active."""
    lix.schema(S)
    lix.version("parent")
    lix.version("child", inherits="parent")
    lix.version("sibling", inherits="parent")
    lix.active("child")
    return lix


def seen(lix, version="child", columns="entity_id, inherited_from_version_id, snapshot_content"):
    return lix.rows(
        f"SELECT {columns} FROM lix_state_by_version WHERE {WHERE} AND version_id = ?"
        " ORDER BY entity_id",
        (version,),
    )


def test_select_inherits_from_parent_version(lix):
    lix.schema(S)
    lix.version("version-child")
    lix.active("version-child")
    lix.row("entity-inherited", "global", "global")
    assert lix.rows(
        "SELECT entity_id, version_id, inherited_from_version_id, snapshot_content FROM lix_state"
        f" WHERE {WHERE}"
    ) == [("entity-inherited", "version-child", "global", content("global"))]


def test_select_prefers_child_row_over_parent(lix):
    lix.schema(S)
    lix.version("version-child")
    lix.active("version-child")
    lix.row("e", "global", "global")
    lix.row("e", "version-child", "child")
    assert lix.rows(
        "SELECT version_id, inherited_from_version_id, snapshot_content FROM lix_state"
        f" WHERE {WHERE}"
    ) == [("version-child", None, content("child"))]


# One line per combination: rows stored for the key, then what `child` sees.
# A stored row is (version, value or None for a tombstone, untracked).
CASES = {
    "nothing anywhere": ([], None),
    "tracked in child and parent": ([("parent", "P", 0), ("child", "C", 0)], (None, "C", 0)),
    "tombstone over live parent": ([("parent", "P", 0), ("child", None, 0)], None),
    "untracked over tracked": ([("child", "C", 0), ("child", "L", 1)], (None, "L", 1)),
    "tracked over parent's untracked": (
        [("parent", "L", 1), ("child", "C", 0)],
        (None, "C", 0),
    ),
    "parent's untracked alone": ([("parent", "L", 1)], ("parent", "L", 1)),
    "parent's untracked over parent's tracked": (
        [("parent", "P", 0), ("parent", "L", 1)],
        ("parent", "L", 1),
    ),
    "tombstone over parent's untracked": ([("parent", "L", 1), ("child", None, 0)], None),
    "local tombstone over own tracked": ([("child", "C", 0), ("child", None, 1)], None),
    "local tombstone over parent": ([("parent", "P", 0), ("child", None, 1)], None),
    "grandparent alone": ([("global", "G", 0)], ("global", "G", 0)),
    "parent over grandparent": (
        [("global", "G", 0), ("parent", "P", 0)],
        ("parent", "P", 0),
    ),
    "parent's tombstone over grandparent": ([("global", "G", 0), ("parent", None, 0)], None),
    "parent's local tombstone over grandparent": (
        [("global", "G", 0), ("parent", None, 1)],
        None,
    ),
    "child over parent's tombstone": (
        [("global", "G", 0), ("parent", None, 0), ("child", "C", 0)],
        (None, "C", 0),
    ),
    "local row over everything": (
        [("global", "G", 0), ("parent", "P", 0), ("child", "C", 0), ("child", "L", 1)],
        (None, "L", 1),
    ),
    "sibling does not matter": (
        [("sibling", "S", 0), ("sibling", "T", 1), ("parent", "P", 0)],
        ("parent", "P", 0),
    ),
    "tracked written under a local row": (
        [("child", "L", 1), ("child", "C", 0)],
        (None, "L", 1),
    ),
}


@pytest.mark.parametrize(("stored", "expected"), CASES.values(), ids=CASES)
def test_nearest_row_decides(family, stored, expected):
    for version, value, untracked in stored:
        family.row("e", version, value, untracked=untracked)
    found = seen(family, columns="inherited_from_version_id, snapshot_content, untracked")
    wanted = [] if expected is None else [(expected[0], content(expected[1]), expected[2])]
    assert found == wanted
    assert (
        family.rows(
            "SELECT inherited_from_version_id, snapshot_content, untracked FROM lix_state"
            f" WHERE {WHERE} AND entity_id = 'e' AND file_id = 'test-file'"
        )
        == wanted
    )


def test_origin_is_the_version_that_holds_the_row(family):
    family.row("g", "global", "G")
    family.row("p", "parent", "P")
    family.row("c", "child", "C")
    assert seen(family) == [
        ("c", None, content("C")),
        ("g", "global", content("G")),
        ("p", "parent", content("P")),
    ]


def test_chain_of_many_versions(lix):
    lix.schema(S)
    previous = "global"
    for number in range(30):
        lix.version(f"v{number}", inherits=previous)
        lix.row(f"e{number:02}", f"v{number}", str(number))
        previous = f"v{number}"
    assert lix.rows(
        "SELECT entity_id, inherited_from_version_id FROM lix_state_by_version"
        f" WHERE {WHERE} AND version_id = 'v29' ORDER BY 1"
    ) == [(f"e{n:02}", f"v{n}" if n < 29 else None) for n in range(30)]


def test_inherited_rows_follow_the_parent(family):
    family.row("e", "parent", "1")
    assert seen(family) == [("e", "parent", content("1"))]
    family.row("e", "parent", "2")
    assert seen(family) == [("e", "parent", content("2"))]
    family.row("e", "parent", None)
    assert seen(family) == []
    family.row("e", "parent", "3")
    assert seen(family) == [("e", "parent", content("3"))]


def test_rebuild_does_not_freeze_inherited_rows(family):
    family.row("e", "parent", "1")
    family.lix.rebuild()
    family.row("e", "parent", "2")
    assert seen(family) == [("e", "parent", content("2"))]


def test_siblings_do_not_see_each_other(family):
    family.row("e", "sibling", "S")
    assert seen(family) == []
    family.row("e", "child", "C")
    assert seen(family, "sibling") == [("e", None, content("S"))]
    assert seen(family, "parent") == []


def test_delete_with_inherited_null_filter_deletes_only_local_rows(lix):
    lix.schema(S)
    lix.version("version-child")
    lix.active("version-child")
    lix.row("entity-global", "global", "global")
    lix.row("entity-local", "version-child", "local")
    lix.execute(
        f"DELETE FROM lix_state WHERE {WHERE} AND entity_id LIKE 'entity-%'"
        " AND inherited_from_version_id IS NULL"
    )
    assert lix.rows(
        "SELECT entity_id, inherited_from_version_id, snapshot_content FROM lix_state"
        f" WHERE {WHERE}"
    ) == [("entity-global", "global", content("global"))]


def test_delete_of_an_inherited_row_keeps_parent_and_sibling(family):
    family.row("e", "global", "G")
    family.execute(f"DELETE FROM lix_state WHERE {WHERE}")
    assert seen(family) == []
    assert seen(family, "parent") == seen(family, "sibling") == [("e", "global", content("G"))]


def test_delete_of_an_inherited_untracked_row_hides_it(family):
    family.row("e", "parent", "L", untracked=1)
    assert family.execute(f"DELETE FROM lix_state WHERE {WHERE}").changes == 1
    assert seen(family) == []
    assert seen(family, "parent") == [("e", None, content("L"))]


def test_update_of_an_inherited_untracked_row_copies_it(family):
    family.row("e", "parent", "L", untracked=1)
    family.execute(f"UPDATE lix_state SET snapshot_content = ? WHERE {WHERE}", (content("M"),))
    assert seen(family) == [("e", None, content("M"))]
    assert seen(family, "parent") == [("e", None, content("L"))]


def test_local_row_over_an_inherited_one_and_back(family):
    family.row("e", "parent", "P")
    family.row("e", "child", "L", untracked=1)
    assert seen(family, columns="snapshot_content, untracked") == [(content("L"), 1)]
    family.execute(f"DELETE FROM lix_state WHERE {WHERE}")
    assert seen(family) == [("e", "parent", content("P"))]


def test_untracked_row_in_global_shows_in_main(lix):
    lix.schema(S)
    lix.row("e", "global", "G", untracked=1)
    assert lix.rows(
        f"SELECT inherited_from_version_id, untracked FROM lix_state WHERE {WHERE}"
    ) == [("global", 1)]


def test_same_entity_in_two_files_or_schemas_is_two_rows(family):
    family.schema("other_schema")
    family.row("e", "parent", "1")
    family.row("e", "child", "2", file="another")
    family.row("e", "child", "3", schema="other_schema")
    assert family.rows(
        "SELECT schema_key, file_id, inherited_from_version_id FROM lix_state"
        " WHERE entity_id = 'e' ORDER BY 1, 2"
    ) == [
        ("other_schema", "test-file", None),
        (S, "another", None),
        (S, "test-file", "parent"),
    ]


def test_schema_version_is_not_part_of_the_identity(family):
    family.schema(S, version="2", properties={"value": {}, "more": {}})
    family.row("e", "parent", "1")
    family.execute(
        "INSERT INTO lix_state (entity_id, schema_key, file_id, plugin_key, schema_version,"
        " snapshot_content) VALUES ('e', ?, 'test-file', 'lix', '2', ?)",
        (S, content("2")),
    )
    assert seen(family, columns="schema_version, snapshot_content") == [("2", content("2"))]


def test_reparenting_takes_effect_at_once(family):
    family.row("s", "sibling", "S")
    family.row("p", "parent", "P")
    family.execute("UPDATE lix_version SET inherits_from_version_id = 'sibling' WHERE id = 'child'")
    assert seen(family) == [("p", "parent", content("P")), ("s", "sibling", content("S"))]
    family.execute("UPDATE lix_version SET inherits_from_version_id = NULL WHERE id = 'child'")
    assert seen(family) == []


def test_descriptors_cannot_be_untracked(family):
    """A local descriptor would make the chain differ from what the commits say."""
    family.row("p", "parent", "P")
    with pytest.raises(errors.ConstraintError, match="untracked"):
        family.execute(
            "INSERT INTO lix_internal_state_vtable (entity_id, schema_key, file_id, version_id,"
            " plugin_key, schema_version, snapshot_content, untracked) VALUES ('child',"
            " 'lix_version_descriptor', 'lix', 'global', 'lix', '1', ?, 1)",
            ('{"id":"child","name":"child","inherits_from_version_id":null,"hidden":false}',),
        )
    assert seen(family) == [("p", "parent", content("P"))]


@pytest.mark.parametrize("target", ["parent", "child", "sibling"])
def test_cycles_are_refused(family, target):
    with pytest.raises(errors.LixError, match="cycle"):
        family.execute(
            "UPDATE lix_version SET inherits_from_version_id = ? WHERE id = 'parent'", (target,)
        )
    family.row("g", "global", "G")
    assert seen(family) == [("g", "global", content("G"))]


@pytest.mark.parametrize("beneath", [False, True], ids=["nothing beneath", "a tracked row beneath"])
@pytest.mark.parametrize(("origin", "heir"), [("a", "b"), ("b", "a")])
def test_one_delete_removes_an_untracked_row_everywhere_it_shows(lix, origin, heir, beneath):
    """The origin shows what was beneath; for its heir a tombstone hides it, whoever comes first."""
    lix.schema("test_state_schema")
    lix.execute("INSERT INTO lix_version (id, name) VALUES (?1, ?1)", (origin,))
    lix.execute(
        "INSERT INTO lix_version (id, name, inherits_from_version_id) VALUES (?1, ?1, ?2)",
        (heir, origin),
    )
    if beneath:
        lix.row("e", origin, "t")
    lix.row("e", origin, "x", untracked=1)
    where = "FROM lix_state_by_version WHERE schema_key = 'test_state_schema'"
    assert lix.column(f"SELECT version_id {where} ORDER BY 1") == ["a", "b"]
    assert lix.execute(f"DELETE {where}").changes == 2
    assert lix.column(f"SELECT version_id {where}") == [origin] * beneath
    lix.row("e", origin, "new", untracked=1)
    assert lix.column(f"SELECT version_id {where}") == [origin]
