"""`lix_state_by_version`: every version's effective rows, and writes that name their version."""

from __future__ import annotations

import pytest

from lix_vtab import errors
from tests.state.session import snapshot as content

S = "test_state_schema"
WHERE = f"schema_key = '{S}'"
KEY = f"{WHERE} AND entity_id = ? AND file_id = 'test-file' AND version_id = ?"
COLUMNS = (
    "(entity_id, schema_key, file_id, version_id, plugin_key, schema_version, snapshot_content)"
)


@pytest.fixture
def ab(lix):
    """Two sibling versions of `global`; `main` stays active."""
    lix.schema(S)
    lix.version("version-a")
    lix.version("version-b")
    return lix


def rows(lix, version, columns="entity_id, snapshot_content"):
    return lix.rows(
        f"SELECT {columns} FROM lix_state_by_version WHERE {WHERE} AND version_id = ?"
        " ORDER BY entity_id",
        (version,),
    )


def test_select_exposes_commit_id(ab):
    ab.row("entity-commit", "version-a", "A")
    assert rows(ab, "version-a", "commit_id") == [(ab.tip("version-a"),)]


def test_select_scopes_to_version_predicate(ab):
    ab.row("entity-sel", "version-a", "A")
    ab.row("entity-sel", "version-b", "B")
    assert rows(ab, "version-a", "entity_id, version_id, snapshot_content") == [
        ("entity-sel", "version-a", content("A"))
    ]


@pytest.mark.parametrize(
    "condition",
    [
        "version_id IN ('version-a', 'version-b', 'nobody')",
        "version_id IN (SELECT id FROM lix_version WHERE name LIKE 'version-%')",
        "version_id LIKE 'version-%'",
        "version_id > 'version-' AND version_id <= 'version-b'",
        "(version_id = 'version-a' OR version_id = 'version-b')",
        "NOT version_id IN (SELECT id FROM lix_version WHERE name IN ('main', 'global'))",
        "EXISTS (SELECT 1 FROM lix_version v"
        " WHERE v.id = lix_state_by_version.version_id AND v.id GLOB 'version*')",
    ],
)
def test_select_takes_any_version_predicate(ab, condition):
    ab.row("e", "global", "G")
    ab.row("e", "version-b", "B")
    assert ab.rows(
        "SELECT version_id, snapshot_content FROM lix_state_by_version"
        f" WHERE {WHERE} AND {condition} ORDER BY 1"
    ) == [("version-a", content("G")), ("version-b", content("B"))]


def test_select_without_version_lists_the_origin_and_every_heir(ab):
    ab.row("e", "global", "G")
    found = ab.rows(
        "SELECT v.name, s.inherited_from_version_id FROM lix_state_by_version s"
        f" JOIN lix_version v ON v.id = s.version_id WHERE s.{WHERE} ORDER BY 1"
    )
    assert found == [
        ("global", None),
        ("main", "global"),
        ("version-a", "global"),
        ("version-b", "global"),
    ]


def test_hidden_versions_are_listed_too(ab):
    ab.execute("UPDATE lix_version SET hidden = 1 WHERE id = 'version-a'")
    ab.row("e", "version-a", "A")
    assert rows(ab, "version-a") == [("e", content("A"))]


def test_select_inherits_from_parent_version(ab):
    ab.row("e", "global", "G")
    assert rows(ab, "version-a", "version_id, inherited_from_version_id, snapshot_content") == [
        ("version-a", "global", content("G"))
    ]


def test_select_prefers_child_row_over_parent(ab):
    ab.row("entity-override", "global", "global")
    ab.row("entity-override", "version-a", "child")
    assert rows(ab, "version-a", "version_id, inherited_from_version_id, snapshot_content") == [
        ("version-a", None, content("child"))
    ]


def test_select_child_tombstone_hides_parent_row(ab):
    ab.row("entity-tomb", "global", "G")
    ab.row("entity-tomb", "version-a", "A")
    ab.execute(f"DELETE FROM lix_state_by_version WHERE {KEY}", ("entity-tomb", "version-a"))
    assert rows(ab, "version-a") == []
    assert rows(ab, "version-b") == [("entity-tomb", content("G"))]


def test_select_prioritizes_untracked(ab):
    ab.row("e", "version-a", "tracked")
    ab.row("e", "version-a", "local", untracked=1)
    assert rows(ab, "version-a", "snapshot_content, untracked") == [(content("local"), 1)]


def test_insert_routes_to_vtable(ab):
    ab.execute(
        f"INSERT INTO lix_state_by_version {COLUMNS}"
        f" VALUES ('e', '{S}', 'f', 'version-a', 'lix', '1', '{content('inserted')}')"
    )
    assert ab.raw() == [("version-a", content("inserted"))]


def test_insert_supports_placeholders(ab):
    ab.execute(
        f"INSERT INTO lix_state_by_version {COLUMNS} VALUES ($1, $2, $3, $4, $5, $6, $7)",
        ("e", S, "f", "version-a", "lix", "1", content("inserted-p")),
    )
    assert ab.raw() == [("version-a", content("inserted-p"))]


def test_insert_requires_a_version(ab):
    with pytest.raises(errors.LixError, match="version_id"):
        ab.execute(
            "INSERT INTO lix_state_by_version"
            " (entity_id, schema_key, file_id, plugin_key, schema_version, snapshot_content)"
            f" VALUES ('e', '{S}', 'f', 'lix', '1', '{content('x')}')"
        )
    assert ab.raw() == []


def test_insert_refuses_an_unknown_version(ab):
    with pytest.raises(errors.VersionNotFound, match="nobody"):
        ab.execute(
            f"INSERT INTO lix_state_by_version {COLUMNS}"
            f" VALUES ('e', '{S}', 'f', 'nobody', 'lix', '1', '{content('x')}')"
        )
    assert ab.raw() == []


def test_insert_refuses_the_computed_origin(ab):
    with pytest.raises(errors.LixError, match="inherited_from_version_id"):
        ab.execute(
            "INSERT INTO lix_state_by_version (entity_id, schema_key, file_id, version_id,"
            " plugin_key, schema_version, snapshot_content, inherited_from_version_id)"
            f" VALUES ('e', '{S}', 'f', 'version-a', 'lix', '1', '{content('x')}', 'global')"
        )
    assert ab.raw() == []


def test_one_insert_may_span_versions_and_layers(ab):
    ab.execute(
        "INSERT INTO lix_state_by_version (entity_id, schema_key, file_id, version_id,"
        " plugin_key, schema_version, snapshot_content, untracked) VALUES"
        f" ('e', '{S}', 'test-file', 'version-a', 'lix', '1', '{content('A')}', 0),"
        f" ('e', '{S}', 'test-file', 'version-b', 'lix', '1', '{content('B')}', 1),"
        f" ('f', '{S}', 'test-file', 'version-b', 'lix', '1', '{content('C')}', 0)"
    )
    assert ab.raw("entity_id, version_id, untracked") == [
        ("e", "version-a", 0),
        ("e", "version-b", 1),
        ("f", "version-b", 0),
    ]


def test_update_routes_to_explicit_version(ab):
    ab.row("entity-upd", "version-a", "A")
    ab.row("entity-upd", "version-b", "B")
    ab.execute(
        "UPDATE lix_state_by_version SET snapshot_content = ?"
        f" WHERE {WHERE} AND entity_id = ? AND version_id = 'version-a'",
        (content("A-updated"), "entity-upd"),
    )
    assert ab.raw() == [("version-a", content("A-updated")), ("version-b", content("B"))]


def test_update_without_version_predicate_acts_on_every_match(ab):
    ab.row("e", "version-a", "A")
    ab.row("e", "version-b", "B")
    result = ab.execute(
        f"UPDATE lix_state_by_version SET metadata = '{{}}' WHERE {WHERE} AND entity_id = 'e'"
    )
    assert result.changes == 2
    assert ab.raw("version_id, metadata") == [("version-a", "{}"), ("version-b", "{}")]


def test_update_without_version_predicate_copies_inherited_rows(ab):
    ab.row("e", "global", "G")
    ab.execute(
        f"UPDATE lix_state_by_version SET snapshot_content = ? WHERE {WHERE}", (content("N"),)
    )
    own = {version for version, _ in ab.raw()}
    assert own == {"global", "version-a", "version-b", ab.main()}
    assert rows(ab, "version-b", "inherited_from_version_id") == [(None,)]


@pytest.mark.parametrize("untracked", [0, 1])
@pytest.mark.parametrize("fresh", [False, True], ids=["old row", "row of this transaction"])
def test_update_everywhere_does_not_depend_on_the_order_of_versions(ab, untracked, fresh):
    """Changing the origin first must neither hide nor satisfy the copies still to be made."""
    if fresh:
        ab.execute("BEGIN")
    ab.row("e", "global", "G", untracked=untracked)
    result = ab.execute(
        f"UPDATE lix_state_by_version SET snapshot_content = ? WHERE {WHERE}", (content("N"),)
    )
    if fresh:
        ab.execute("COMMIT")
    assert result.changes == 4
    assert {(version, value) for version, value in ab.raw()} == {
        (version, content("N")) for version in ("global", "version-a", "version-b", ab.main())
    }


@pytest.mark.parametrize("untracked", [0, 1])
@pytest.mark.parametrize("fresh", [False, True], ids=["old row", "row of this transaction"])
def test_delete_everywhere_does_not_depend_on_the_order_of_versions(ab, untracked, fresh):
    if fresh:
        ab.execute("BEGIN")
    ab.row("e", "global", "G", untracked=untracked)
    result = ab.execute(f"DELETE FROM lix_state_by_version WHERE {WHERE}")
    if fresh:
        ab.execute("COMMIT")
    assert result.changes == 4
    assert ab.rows(f"SELECT 1 FROM lix_state_by_version WHERE {WHERE}") == []


def test_update_of_an_inherited_row_copies_it_into_the_named_version(ab):
    ab.row("e", "global", "G")
    ab.execute(
        f"UPDATE lix_state_by_version SET snapshot_content = ? WHERE {KEY}",
        (content("mine"), "e", "version-a"),
    )
    assert ab.raw() == [("global", content("G")), ("version-a", content("mine"))]


def test_update_of_untracked_rows_needs_no_predicate(ab):
    ab.row("e", "version-a", "local", untracked=1)
    ab.execute(
        f"UPDATE lix_state_by_version SET snapshot_content = ? WHERE {KEY}",
        (content("newer"), "e", "version-a"),
    )
    assert rows(ab, "version-a", "snapshot_content, untracked") == [(content("newer"), 1)]


def test_update_never_resurrects(ab):
    ab.row("e", "version-a", "A")
    ab.row("e", "version-a", None)
    ab.execute(
        f"UPDATE lix_state_by_version SET snapshot_content = ? WHERE {KEY}",
        (content("back"), "e", "version-a"),
    )
    assert ab.raw() == [("version-a", None)]


def test_delete_routes_to_explicit_version(ab):
    ab.row("e", "version-a", "A")
    ab.row("e", "version-b", "B")
    ab.execute(f"DELETE FROM lix_state_by_version WHERE {KEY}", ("e", "version-b"))
    assert ab.raw() == [("version-a", content("A")), ("version-b", None)]


def test_delete_supports_placeholders(ab):
    ab.row("e", "version-a", "A")
    ab.execute(
        f"DELETE FROM lix_state_by_version WHERE {WHERE}"
        " AND entity_id = $1 AND file_id = $2 AND version_id = $3",
        ("e", "test-file", "version-a"),
    )
    assert rows(ab, "version-a") == []


def test_delete_without_version_predicate_acts_on_every_match(ab):
    ab.row("e", "version-a", "A")
    ab.row("e", "version-b", "B", untracked=1)
    assert ab.execute(f"DELETE FROM lix_state_by_version WHERE {WHERE}").changes == 2
    assert ab.raw() == [("version-a", None)]


def test_delete_of_an_inherited_row_writes_a_tombstone_in_the_named_version(ab):
    ab.row("e", "global", "G")
    ab.execute(f"DELETE FROM lix_state_by_version WHERE {KEY}", ("e", "version-a"))
    assert ab.raw() == [("global", content("G")), ("version-a", None)]
    assert rows(ab, "version-b") == [("e", content("G"))]


def test_delete_twice_writes_one_tombstone(ab):
    ab.row("e", "version-a", "A")
    for expected in (1, 0):
        result = ab.execute(f"DELETE FROM lix_state_by_version WHERE {KEY}", ("e", "version-a"))
        assert result.changes == expected
    assert ab.value("SELECT count(*) FROM lix_change WHERE entity_id = 'e'") == 2


def test_inherited_from_is_an_ordinary_predicate(ab):
    ab.row("g", "global", "G")
    ab.row("a", "version-a", "A")
    ab.execute(
        f"DELETE FROM lix_state_by_version WHERE {WHERE} AND inherited_from_version_id = 'global'"
        " AND version_id = 'version-a'"
    )
    assert rows(ab, "version-a") == [("a", content("A"))]
    assert rows(ab, "version-b") == [("g", content("G"))]


def test_versions_without_descriptor_are_listed(ab):
    ab.row("e", "nobody", "N")
    assert rows(ab, "nobody", "entity_id, inherited_from_version_id") == [("e", None)]
    ab.row("g", "global", "G")
    assert rows(ab, "nobody") == [("e", content("N"))]


@pytest.mark.parametrize("source", ["global", None])
@pytest.mark.parametrize(
    "write",
    ["DELETE FROM {}", "UPDATE {} SET snapshot_content = NULL", "UPDATE {} SET metadata = 1"],
)
def test_a_statement_over_versions_remembers_what_it_removed(lix, write, source):
    """Also where replacing another row takes a statement with a savepoint of its own."""
    lix.schema("removed")
    main = lix.main()
    for entity in ("a", "b", "c"):
        lix.row(entity, main, "tracked", schema="removed")
        lix.row(entity, main, "untracked", untracked=1, schema="removed")
    lix.row("x", main, "tracked", schema="removed")
    lix.row("z", main, "untracked", untracked=1, schema="removed")
    lix.create_version("heir", id="heir", inherits_from=main, source=source)
    lix.create_version("grandchild", id="grandchild", inherits_from="heir", source="global")
    where = "schema_key = 'removed'"
    if "metadata" in write:
        write = write.replace("1", "'1'")
    lix.execute(write.format("lix_state_by_version") + f" WHERE {where}")
    found = lix.rows(
        "SELECT version_id, entity_id, snapshot_content, metadata, inherited_from_version_id"
        f" FROM lix_state_by_version WHERE {where}"
    )
    if "metadata" in write:
        assert {(metadata, origin) for *_, metadata, origin in found} == {("1", None)}
        assert {version for version, *_ in found} == {main, "heir", "grandchild"}
    else:
        # only what the untracked rows of main hid shows again, and only there
        assert sorted(entity for version, entity, *_ in found if version == main) == ["a", "b", "c"]
        assert [row for row in found if row[0] != main and row[0] != "heir"] == []
