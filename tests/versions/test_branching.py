"""Branching, moving tips and what a version sees of the line it came from."""

from __future__ import annotations

import pytest

import lix_vtab
from lix_vtab import errors
from tests.state.session import snapshot as content

S = "test_schema"


@pytest.fixture
def br(lix):
    """`main` holds `e` = 1 and, inherited from `global`, `g`."""
    lix.schema(S)
    lix.row("g", "global", "G", schema=S)
    lix.row("e", lix.main(), "1", schema=S)
    return lix


def put(lix, version, entity, value, **options):
    lix.row(entity, version, value, schema=S, **options)


def seen(lix, version):
    return {
        entity: (value, origin)
        for entity, value, origin in lix.rows(
            "SELECT entity_id, json_extract(snapshot_content, '$.value'),"
            " inherited_from_version_id FROM lix_state_by_version"
            f" WHERE schema_key = '{S}' AND version_id = ?",
            (version,),
        )
    }


def move(lix, version, commit, working):
    lix.execute(
        "UPDATE lix_version SET commit_id = ?, working_commit_id = ? WHERE id = ?",
        (commit, working, version),
    )


# create_version -----------------------------------------------------------------------------------


def test_create_version_returns_what_is_stored(lix):
    made = lix.create_version("Draft", hidden=True)
    assert lix.rows(
        "SELECT id, name, commit_id, working_commit_id, inherits_from_version_id, hidden"
        " FROM lix_version WHERE id = ?",
        (made.id,),
    ) == [
        (
            made.id,
            "Draft",
            made.commit_id,
            made.working_commit_id,
            made.inherits_from_version_id,
            1,
        )
    ]
    assert made.inherits_from_version_id == "global"
    assert made.hidden is True
    assert made.commit_id == lix.tip()


def test_create_version_without_a_name(lix):
    one, two = lix.create_version(), lix.create_version()
    assert one.id != two.id
    assert one.name


def test_create_version_does_not_switch(lix):
    lix.create_version("draft")
    assert lix.active_version.name == "main"


@pytest.mark.parametrize("how", ["id", "name", "object", "commit", "default"])
def test_create_version_from_anything(br, how):
    source = br.create_version("Source", id="source")
    put(br, "source", "s", "S")
    if how == "default":
        br.switch_version("source")
        made = br.create_version("copy")
    else:
        options = {"id": "source", "name": "Source", "object": source, "commit": br.tip("source")}
        made = br.create_version("copy", source=options[how])
    assert made.commit_id == br.tip("source")
    assert seen(br, made.id) == {"g": ("G", "global"), "e": ("1", None), "s": ("S", None)}


def test_create_version_from_nowhere_is_refused(br):
    with pytest.raises(errors.NotFoundError, match="nowhere"):
        br.create_version("copy", source="nowhere")
    with pytest.raises(errors.VersionNotFound, match="nobody"):
        br.create_version("copy", inherits_from="nobody")
    assert br.value("SELECT count(*) FROM lix_version") == 2


def test_create_version_with_a_taken_id_is_refused(br):
    br.create_version("draft", id="draft")
    with pytest.raises(errors.UniqueError, match="draft"):
        br.create_version("other", id="draft")


def test_create_version_inheriting_from_another(br):
    br.create_version("parent", id="parent")
    made = br.create_version("child", inherits_from="parent", source="global")
    put(br, "parent", "p", "P")
    assert made.inherits_from_version_id == "parent"
    assert seen(br, made.id)["p"] == ("P", "parent")


def test_create_version_inheriting_from_none(br):
    made = br.create_version("island", inherits_from=None)
    assert seen(br, made.id) == {"e": ("1", None)}


def test_sql_function_does_the_same(br):
    br.execute("SELECT lix_create_version('draft')")
    assert br.value("SELECT count(*) FROM lix_version WHERE name = 'draft'") == 1
    br.execute("SELECT lix_switch_version('draft')")
    assert br.active_version.name == "draft"
    br.execute("SELECT lix_switch_version('main')")
    br.execute("SELECT lix_delete_version('draft')")
    assert br.value("SELECT count(*) FROM lix_version WHERE name = 'draft'") == 0


# What a branch sees -------------------------------------------------------------------------------


def test_a_branch_sees_its_source_as_its_own_and_frozen(br):
    br.create_version("draft", id="draft")
    assert seen(br, "draft") == {"g": ("G", "global"), "e": ("1", None)}
    put(br, br.main(), "e", "2")
    put(br, br.main(), "later", "x")
    put(br, "global", "g", "G2")
    assert seen(br, "draft") == {"g": ("G2", "global"), "e": ("1", None)}
    assert seen(br, br.main())["e"] == ("2", None)


def test_a_branch_does_not_leak_into_its_source(br):
    br.create_version("draft", id="draft")
    put(br, "draft", "e", "2")
    put(br, "draft", "new", "x")
    assert seen(br, br.main()) == {"g": ("G", "global"), "e": ("1", None)}
    put(br, "draft", "e", None)
    assert "e" not in seen(br, "draft")
    assert seen(br, br.main())["e"] == ("1", None)


def test_a_branch_created_by_sql_sees_the_same(br):
    main = br.main()
    br.execute(
        "INSERT INTO lix_version (id, name, inherits_from_version_id, commit_id,"
        " working_commit_id) SELECT 'draft', 'draft', 'global', commit_id, 'working-draft'"
        " FROM lix_version WHERE id = ?",
        (main,),
    )
    assert seen(br, "draft") == {"g": ("G", "global"), "e": ("1", None)}
    put(br, main, "e", "2")
    assert seen(br, "draft")["e"] == ("1", None)


def test_a_branch_keeps_tombstones_over_inherited_rows(br):
    br.execute(f"DELETE FROM lix_state WHERE schema_key = '{S}' AND entity_id = 'g'")
    br.create_version("draft", id="draft")
    assert seen(br, "draft") == {"e": ("1", None)}
    br.row("g", "draft", "back", schema=S)
    assert seen(br, "draft")["g"] == ("back", None)
    assert "g" not in seen(br, br.main())


def test_a_branch_does_not_take_untracked_rows(br):
    put(br, br.main(), "e", "local", untracked=1)
    br.create_version("draft", id="draft")
    assert seen(br, "draft")["e"] == ("1", None)


def test_a_branch_of_an_old_commit(br):
    main = br.main()
    old = br.tip()
    put(br, main, "e", "2")
    put(br, main, "f", "new")
    put(br, main, "e", None)
    br.create_version("past", id="past", source=old)
    assert seen(br, "past") == {"g": ("G", "global"), "e": ("1", None)}
    put(br, "past", "e", "other future")
    assert seen(br, "past")["e"] == ("other future", None)
    assert "e" not in seen(br, main)


def test_created_at_of_a_branched_row_is_its_own_first_write(br):
    created = br.value(
        f"SELECT created_at FROM lix_state WHERE schema_key = '{S}' AND entity_id = 'e'"
    )
    br.create_version("draft", id="draft")
    put(br, "draft", "e", "2")
    assert (
        br.value(
            "SELECT created_at FROM lix_state_by_version"
            f" WHERE schema_key = '{S}' AND entity_id = 'e' AND version_id = 'draft'"
        )
        == created
    )


def test_commit_id_of_a_branched_row_is_where_it_was_written(br):
    tip = br.tip()
    br.create_version("draft", id="draft")
    put(br, "draft", "f", "x")
    assert br.rows(
        "SELECT entity_id, commit_id FROM lix_state_by_version"
        f" WHERE schema_key = '{S}' AND version_id = 'draft'"
        " AND inherited_from_version_id IS NULL ORDER BY 1"
    ) == [("e", tip), ("f", br.tip("draft"))]


def test_first_commit_of_a_branch_has_the_source_as_parent(br):
    tip = br.tip()
    br.create_version("draft", id="draft")
    assert br.tip("draft") == tip
    put(br, "draft", "f", "x")
    assert br.column(
        "SELECT parent_id FROM lix_commit_edge WHERE child_id = ?", (br.tip("draft"),)
    ) == [tip]


def test_branches_of_branches_deep(br):
    """Deep lineages are folded on the way; what they show must not change."""
    previous, expected = br.main(), {"g": ("G", "global"), "e": ("1", None)}
    for number in range(60):
        name = f"b{number}"
        br.lix.create_version(name, id=name, source=previous)
        put(br, name, f"e{number % 7}", str(number))
        put(br, name, f"d{number % 3}", None if number % 2 else str(number))
        expected[f"e{number % 7}"] = (str(number), None)
        expected[f"d{number % 3}"] = (str(number), None)
        if number % 2:
            del expected[f"d{number % 3}"]
        previous = name
    assert seen(br, "b59") == expected
    assert seen(br, "b0")["e0"] == ("0", None)
    put(br, "b30", "e", "30")
    assert seen(br, "b59") == expected


def test_many_branches_of_one_commit(br):
    for number in range(40):
        br.lix.create_version(f"b{number}", id=f"b{number}")
        put(br, f"b{number}", "e", str(number))
    assert {seen(br, f"b{n}")["e"][0] for n in range(40)} == {str(n) for n in range(40)}
    assert seen(br, br.main())["e"] == ("1", None)


def test_branch_created_inside_a_transaction_sees_what_was_written_there(br):
    with br.transaction() as tx:
        tx.execute(
            "INSERT INTO lix_state (entity_id, schema_key, file_id, plugin_key, schema_version,"
            f" snapshot_content) VALUES ('tx', '{S}', 'f', 'lix', '1', '{content('x')}')"
        )
        br.lix.create_version("draft", id="draft")
        tx.execute(
            "UPDATE lix_state SET snapshot_content = ? WHERE entity_id = 'tx'", (content("y"),)
        )
    assert seen(br, "draft")["tx"] == ("x", None)
    assert seen(br, br.main())["tx"] == ("y", None)


# Moving tips --------------------------------------------------------------------------------------


def test_moving_the_tip_back_and_forth(br):
    main = br.main()
    one = br.tip()
    put(br, main, "e", "2")
    put(br, main, "f", "x")
    two = br.tip()
    move(br, main, one, "working-1")
    assert seen(br, main) == {"g": ("G", "global"), "e": ("1", None)}
    assert br.tip() == one
    move(br, main, two, "working-2")
    assert seen(br, main) == {"g": ("G", "global"), "e": ("2", None), "f": ("x", None)}


def test_writing_after_moving_back_starts_another_line(br):
    main = br.main()
    one = br.tip()
    put(br, main, "e", "2")
    two = br.tip()
    move(br, main, one, "working-1")
    put(br, main, "f", "x")
    assert seen(br, main) == {"g": ("G", "global"), "e": ("1", None), "f": ("x", None)}
    assert br.column("SELECT parent_id FROM lix_commit_edge WHERE child_id = ?", (br.tip(),)) == [
        one
    ]
    br.create_version("old line", id="old", source=two)
    assert seen(br, "old") == {"g": ("G", "global"), "e": ("2", None)}


def test_moving_to_another_versions_tip(br):
    main = br.main()
    br.create_version("draft", id="draft")
    put(br, "draft", "d", "D")
    move(br, main, br.tip("draft"), "working-m")
    assert seen(br, main) == seen(br, "draft")
    put(br, "draft", "d", "D2")
    assert seen(br, main)["d"] == ("D", None)


def test_moving_to_an_unknown_commit_empties_the_own_state(br):
    main = br.main()
    move(br, main, "never-heard-of", "working-n")
    assert seen(br, main) == {"g": ("G", "global")}
    put(br, main, "f", "x")
    assert seen(br, main) == {"g": ("G", "global"), "f": ("x", None)}


def test_moving_keeps_untracked_rows(br):
    main = br.main()
    one = br.tip()
    put(br, main, "u", "local", untracked=1)
    put(br, main, "e", "2")
    move(br, main, one, "working-1")
    assert seen(br, main) == {"g": ("G", "global"), "e": ("1", None), "u": ("local", None)}


def test_moving_to_the_same_tip_changes_no_row(br):
    before = seen(br, br.main())
    move(br, br.main(), br.tip(), "working-same")
    assert seen(br, br.main()) == before


def test_several_tips_in_one_statement(br):
    for name in ("a", "b"):
        br.create_version(name, id=name)
        put(br, name, "e", name)
    br.execute(
        "UPDATE lix_version SET working_commit_id = 'working-of-' || id,"
        " commit_id = (SELECT commit_id FROM lix_version WHERE name = 'main')"
        " WHERE id IN ('a', 'b')"
    )
    assert seen(br, "a") == seen(br, "b") == seen(br, br.main())


def test_heirs_follow_a_moved_parent(br):
    br.create_version("parent", id="parent")
    put(br, "parent", "p", "1")
    one = br.tip("parent")
    put(br, "parent", "p", "2")
    br.create_version("child", id="child", source="global", inherits_from="parent")
    assert seen(br, "child")["p"] == ("2", "parent")
    move(br, "parent", one, "working-p")
    assert seen(br, "child")["p"] == ("1", "parent")


def test_version_objects_are_values():
    with lix_vtab.open() as lix:
        made = lix.create_version("draft")
        with pytest.raises(AttributeError):
            made.name = "other"
        lix.switch_version(made)
        assert lix.active_version == made


@pytest.mark.parametrize("how", ["create", "move"])
def test_a_branch_from_a_commit_whose_content_was_undone_starts_before_it(br, how):
    main, before = br.main(), br.tip(br.main())
    if how == "move":
        br.create_version("branch", id="branch")
        put(br, "branch", "e", "branch")
    with br.transaction():
        put(br, main, "n", "new")
        br.execute("DELETE FROM lix_state WHERE entity_id = 'n'")
        if how == "create":
            br.create_version("branch", id="branch")
        else:
            move(br, "branch", br.tip(main), "working-b")
        put(br, main, "later", "main")
    assert br.tip("branch") == before
    assert seen(br, "branch") == {"e": ("1", None), "g": ("G", "global")}
    put(br, "branch", "e", "2")
    assert seen(br, "branch")["e"] == ("2", None)
    assert seen(br, main)["later"] == ("main", None)
