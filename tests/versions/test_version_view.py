"""`lix_version`: branches as rows."""

from __future__ import annotations

import pytest

from lix_vtab import errors
from tests.state.session import snapshot as content

S = "test_schema"


def add(lix, version, **columns):
    columns = {
        "id": version,
        "name": version,
        "inherits_from_version_id": "global",
        "hidden": 0,
        "commit_id": f"commit-{version}",
        "working_commit_id": f"working-{version}",
    } | columns
    given = {k: v for k, v in columns.items() if v is not ...}
    lix.execute(
        f"INSERT INTO lix_version ({', '.join(given)}) VALUES ({', '.join('?' * len(given))})",
        tuple(given.values()),
    )


def version(lix, version_id, columns="name, commit_id, working_commit_id"):
    return lix.rows(f"SELECT {columns} FROM lix_version WHERE id = ?", (version_id,))


def test_columns(lix):
    columns = (
        "id name inherits_from_version_id hidden commit_id working_commit_id entity_id schema_key"
        " file_id version_id plugin_key schema_version change_id created_at updated_at untracked"
    )
    assert lix.execute("SELECT * FROM lix_version").columns == tuple(columns.split(" "))


def test_a_new_database_has_global_and_main(lix):
    ((main, name, parent),) = lix.rows(
        "SELECT id, name, inherits_from_version_id FROM lix_version WHERE name = 'main'"
    )
    assert main not in ("", "main")
    assert (name, parent) == ("main", "global")
    assert version(lix, "global", "name, inherits_from_version_id, hidden") == [("global", None, 0)]
    assert lix.value("SELECT count(*) FROM lix_version") == 2


def test_every_version_is_born_with_commits_of_its_own(lix):
    lix.create_version("draft", id="draft")
    ids = lix.rows("SELECT commit_id, working_commit_id FROM lix_version")
    working = [w for _, w in ids]
    assert all(c and w for c, w in ids)
    assert len(set(working)) == len(working) == 3
    assert not {c for c, _ in ids} & set(working)
    tips = dict(lix.rows("SELECT name, commit_id FROM lix_version"))
    assert tips["global"] != tips["main"]


def test_constant_columns(lix):
    ((entity, key, file, in_version, plugin, schema_version, untracked),) = version(
        lix,
        "global",
        "entity_id, schema_key, file_id, version_id, plugin_key, schema_version, untracked",
    )
    assert (entity, key, file) == ("global", "lix_version", "lix")
    assert (in_version, plugin, schema_version, untracked) == ("global", "lix", "1", 0)


def test_insert_with_every_column(lix):
    add(lix, "version-a", name="Version A", hidden=1)
    assert version(
        lix, "version-a", "name, inherits_from_version_id, hidden, commit_id, working_commit_id"
    ) == [("Version A", "global", 1, "commit-version-a", "working-version-a")]


def test_insert_generates_what_is_omitted(lix):
    lix.execute("INSERT INTO lix_version (id) VALUES ('bare')")
    ((name, parent, hidden, commit, working),) = version(
        lix, "bare", "name, inherits_from_version_id, hidden, commit_id, working_commit_id"
    )
    assert (parent, hidden) == ("global", 0)
    assert commit == lix.tip()
    assert working
    assert working != commit
    assert isinstance(name, str)


def test_insert_generates_the_id(lix):
    lix.execute("INSERT INTO lix_version (name) VALUES ('nameless')")
    assert lix.value("SELECT id FROM lix_version WHERE name = 'nameless'")


def test_insert_of_an_explicit_null_parent_means_none(lix):
    lix.schema(S)
    lix.row("g", "global", "G", schema=S)
    add(lix, "alone", inherits_from_version_id=None)
    assert version(lix, "alone", "inherits_from_version_id") == [(None,)]
    assert lix.rows("SELECT 1 FROM lix_state_by_version WHERE version_id = 'alone'") == []


def test_insert_takes_expressions_and_selects(lix):
    lix.execute(
        "INSERT INTO lix_version (id, name)"
        " SELECT 'copy-' || id, upper(name) FROM lix_version WHERE name IN ('main', 'global')"
    )
    assert lix.column("SELECT name FROM lix_version WHERE id LIKE 'copy-%' ORDER BY 1") == [
        "GLOBAL",
        "MAIN",
    ]


@pytest.mark.parametrize(
    ("columns", "error"),
    [
        ({"id": ""}, errors.LixError),
        ({"commit_id": ""}, errors.LixError),
        ({"working_commit_id": ""}, errors.LixError),
        ({"name": 5}, errors.LixError),
        ({"hidden": "maybe"}, errors.LixError),
        ({"inherits_from_version_id": 5}, errors.LixError),
        ({"inherits_from_version_id": "nobody"}, errors.LixError),
    ],
    ids=str,
)
def test_insert_refuses_nonsense(lix, columns, error):
    (column,) = columns
    with pytest.raises(error, match=column):
        add(lix, "version-x", **columns)
    assert lix.value("SELECT count(*) FROM lix_version") == 2


@pytest.mark.parametrize("column", ["name", "inherits_from_version_id", "id", "commit_id"])
def test_a_number_is_no_text(lix, column):
    with pytest.raises(errors.LixError, match=f"lix_version field '{column}' must be a string"):
        add(lix, "version-x", **{column: 5})


def test_the_name_may_be_empty_from_the_start(lix):
    add(lix, "version-a", name="")
    lix.execute("UPDATE lix_version SET hidden = 1 WHERE id = 'version-a'")
    lix.execute(
        "UPDATE lix_version SET commit_id = 'c', working_commit_id = 'w' WHERE id = 'version-a'"
    )
    assert version(lix, "version-a", "name, hidden, commit_id") == [("", 1, "c")]
    with pytest.raises(errors.LixError, match="lix_version update cannot set empty name"):
        lix.execute("UPDATE lix_version SET name = '' WHERE id = 'version-a'")


@pytest.mark.parametrize(
    ("given", "stored"),
    [("1", 1), ("true", 1), ("FALSE", 0), ("0", 0), (True, 1), (None, 0), (1.0, 1)],
)
def test_hidden_takes_what_looks_like_a_boolean(lix, given, stored):
    add(lix, "version-h", hidden=given)
    assert version(lix, "version-h", "hidden") == [(stored,)]


def test_insert_of_an_existing_id_is_refused(lix):
    add(lix, "version-a")
    before = version(lix, "version-a")
    with pytest.raises(errors.UniqueError, match="version-a"):
        add(lix, "version-a", name="again", working_commit_id="working-other")
    assert version(lix, "version-a") == before


def test_insert_or_ignore_keeps_and_or_replace_replaces(lix):
    add(lix, "version-a")
    before = version(lix, "version-a")
    lix.execute("INSERT OR IGNORE INTO lix_version (id, name) VALUES ('version-a', 'ignored')")
    assert version(lix, "version-a") == before
    lix.execute("INSERT OR REPLACE INTO lix_version (id, name) VALUES ('version-a', 'replaced')")
    assert version(lix, "version-a", "name") == [("replaced",)]


def test_working_commit_id_is_unique(lix):
    add(lix, "version-a")
    with pytest.raises(errors.UniqueError, match="working_commit_id 'working-version-a'"):
        add(lix, "version-b", working_commit_id="working-version-a")
    with pytest.raises(errors.UniqueError, match="working_commit_id"):
        lix.execute(
            "INSERT INTO lix_version (id, commit_id, working_commit_id)"
            " VALUES ('x', 'c', 'same'), ('y', 'c', 'same')"
        )
    assert lix.column("SELECT id FROM lix_version WHERE id IN ('x', 'y', 'version-b')") == []


def test_or_replace_takes_a_working_commit_from_the_version_that_has_it(lix):
    add(lix, "version-a")
    lix.execute(
        "INSERT OR REPLACE INTO lix_version (id, working_commit_id)"
        " VALUES ('version-b', 'working-version-a')"
    )
    assert lix.column(
        "SELECT id FROM lix_version WHERE working_commit_id = 'working-version-a'"
    ) == ["version-b"]
    assert version(lix, "version-a") == []
    working = lix.value("SELECT working_commit_id FROM lix_version WHERE name = 'main'")
    with pytest.raises(errors.VersionError, match="is active"):
        lix.execute(
            "INSERT OR REPLACE INTO lix_version (id, working_commit_id) VALUES ('version-c', ?)",
            (working,),
        )


def test_update_or_replace_takes_a_working_commit_too(lix):
    add(lix, "version-a")
    add(lix, "version-b")
    lix.execute(
        "UPDATE OR REPLACE lix_version SET commit_id = 'c', working_commit_id = 'working-version-a'"
        " WHERE id = 'version-b'"
    )
    assert lix.rows("SELECT id, commit_id FROM lix_version WHERE id LIKE 'version-%'") == [
        ("version-b", "c")
    ]


def test_or_replace_moves_a_version_when_it_names_commits(lix):
    add(lix, "version-a")
    replace = "INSERT OR REPLACE INTO lix_version (id, name, {}) VALUES ('version-a', '', '{}')"
    lix.execute(replace.format("working_commit_id", "other"))
    assert version(lix, "version-a") == [("", "commit-version-a", "other")]
    lix.execute(replace.format("commit_id", "elsewhere"))
    ((_, commit, working),) = version(lix, "version-a")
    assert commit == "elsewhere"
    assert working not in ("", "other", None)


def test_update_cannot_take_another_working_commit(lix):
    add(lix, "version-a")
    add(lix, "version-b")
    with pytest.raises(errors.UniqueError, match="working_commit_id"):
        lix.execute(
            "UPDATE lix_version SET commit_id = 'c', working_commit_id = 'working-version-a'"
            " WHERE id = 'version-b'"
        )


def test_a_commit_that_does_not_exist_is_accepted(lix):
    add(lix, "v-lenient", commit_id="does_not_exist")
    assert version(lix, "v-lenient", "commit_id") == [("does_not_exist",)]
    lix.schema(S)
    lix.row("e", "v-lenient", "x", schema=S)
    assert lix.raw() == [("v-lenient", content("x"))]
    assert version(lix, "v-lenient", "working_commit_id") == [("working-v-lenient",)]


def test_update_everything_at_once(lix):
    add(lix, "version-b", name="Version B", commit_id="commit-b", working_commit_id="working-b")
    lix.execute(
        "UPDATE lix_version SET name = 'Version B2', hidden = 1, commit_id = 'commit-b2',"
        " working_commit_id = 'working-b2' WHERE id = 'version-b'"
    )
    assert version(lix, "version-b", "name, hidden, commit_id, working_commit_id") == [
        ("Version B2", 1, "commit-b2", "working-b2")
    ]


@pytest.mark.parametrize(
    "commit", ["'nowhere'", "(SELECT commit_id FROM lix_version WHERE name = 'main')"]
)
def test_global_does_not_move_where_there_are_no_versions(lix, commit):
    before = lix.rows("SELECT * FROM lix_version ORDER BY id")
    with pytest.raises(errors.VersionError, match="'global' cannot move"):
        lix.execute(
            f"UPDATE lix_version SET commit_id = {commit}, working_commit_id = 'w'"
            " WHERE id = 'global'"
        )
    assert lix.rows("SELECT * FROM lix_version ORDER BY id") == before


def test_global_moves_to_its_own_commits(lix):
    add(lix, "version-a")
    ((_, then, _),) = version(lix, "global")
    add(lix, "version-b")
    lix.execute(
        "UPDATE lix_version SET commit_id = ?, working_commit_id = 'w' WHERE id = 'global'", (then,)
    )
    assert lix.column("SELECT id FROM lix_version WHERE id LIKE 'version-%'") == ["version-a"]


@pytest.mark.parametrize("column", ["commit_id", "working_commit_id"])
def test_update_of_one_commit_id_alone_is_refused(lix, column):
    add(lix, "version-a")
    before = version(lix, "version-a")
    with pytest.raises(
        errors.LixError, match="must set both commit_id and working_commit_id together"
    ):
        lix.execute(f"UPDATE lix_version SET {column} = 'other' WHERE id = 'version-a'")
    assert version(lix, "version-a") == before


def test_update_with_placeholders(lix):
    add(lix, "version-ph")
    lix.execute(
        "UPDATE lix_version SET name = ?, commit_id = ?, working_commit_id = ? WHERE id = ?",
        ("Version PH2", "commit-ph2", "working-ph2", "version-ph"),
    )
    assert version(lix, "version-ph") == [("Version PH2", "commit-ph2", "working-ph2")]


@pytest.mark.parametrize(
    "column",
    ["id", "entity_id", "schema_key", "version_id", "change_id", "created_at", "untracked"],
)
def test_update_of_fixed_columns_is_refused(lix, column):
    add(lix, "version-a")
    with pytest.raises(errors.ReadOnlyError, match=column):
        lix.execute(f"UPDATE lix_version SET {column} = 'x' WHERE id = 'version-a'")


@pytest.mark.parametrize(
    "assignment",
    ["commit_id = '', working_commit_id = 'w'", "commit_id = 'c', working_commit_id = ''"],
)
def test_update_to_an_empty_commit_is_refused(lix, assignment):
    add(lix, "version-a")
    with pytest.raises(errors.LixError, match="empty"):
        lix.execute(f"UPDATE lix_version SET {assignment} WHERE id = 'version-a'")


def test_update_and_delete_of_nothing_change_nothing(lix):
    before = lix.rows("SELECT * FROM lix_version ORDER BY id")
    assert lix.execute("UPDATE lix_version SET name = 'x' WHERE id = 'nobody'").changes == 0
    assert lix.execute("DELETE FROM lix_version WHERE id = 'nobody'").changes == 0
    assert lix.rows("SELECT * FROM lix_version ORDER BY id") == before


def test_renaming_commits_to_global_only(lix):
    add(lix, "version-direct")
    before = version(lix, "version-direct", "commit_id, working_commit_id")
    tip = lix.tip("global")
    lix.execute(
        "UPDATE lix_version SET name = 'version-direct-renamed' WHERE id = 'version-direct'"
    )
    assert version(lix, "version-direct", "name") == [("version-direct-renamed",)]
    assert version(lix, "version-direct", "commit_id, working_commit_id") == before
    assert lix.tip("global") != tip


def test_renaming_to_the_same_name_makes_no_commit(lix):
    add(lix, "version-a")
    tip = lix.tip("global")
    lix.execute("UPDATE lix_version SET name = name, hidden = hidden WHERE id = 'version-a'")
    assert lix.tip("global") == tip


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO lix_version (id, name) VALUES ('one', 'one')",
        "UPDATE lix_version SET name = 'new', hidden = 1 WHERE name = 'draft'",
        "DELETE FROM lix_version WHERE name = 'draft'",
    ],
)
def test_each_write_is_one_commit_on_global(lix, statement):
    lix.create_version("draft")
    before = lix.tip("global")
    count = lix.value(
        "SELECT count(*) FROM lix_commit WHERE id IN (SELECT commit_id FROM lix_version)"
    )
    assert count > 0
    lix.execute(statement)
    assert lix.column(
        "SELECT parent_id FROM lix_commit_edge WHERE child_id = ?", (lix.tip("global"),)
    ) == [before]


def test_a_write_moves_its_own_tip_only(lix):
    add(lix, "version-state", commit_id="commit-state", working_commit_id="working-state")
    others = dict(lix.rows("SELECT id, commit_id FROM lix_version WHERE id <> 'version-state'"))
    lix.schema(S, "key")
    others["global"] = lix.tip("global")
    lix.row("state-entity-1", "version-state", "value", schema=S, prop="key", file="file-state")
    ((name, commit, working),) = version(lix, "version-state")
    assert name == "version-state"
    assert commit != "commit-state"
    assert working == "working-state"
    assert (
        dict(lix.rows("SELECT id, commit_id FROM lix_version WHERE id <> 'version-state'"))
        == others
    )


# Deleting -----------------------------------------------------------------------------------------


def test_delete_leaves_tombstones_in_the_raw_table(lix):
    add(lix, "version-c")
    lix.execute("DELETE FROM lix_version WHERE id = 'version-c'")
    assert version(lix, "version-c") == []
    assert lix.rows(
        "SELECT schema_key, snapshot_content FROM lix_internal_state_vtable"
        " WHERE entity_id = 'version-c' AND version_id = 'global'"
        " AND schema_key IN ('lix_version_descriptor', 'lix_version_pointer') ORDER BY schema_key"
    ) == [("lix_version_descriptor", None), ("lix_version_pointer", None)]


def test_delete_removes_the_rows_from_view_and_keeps_the_commits(lix):
    lix.schema(S)
    add(lix, "version-c")
    lix.row("e", "version-c", "x", schema=S)
    tip = lix.tip("version-c")
    lix.delete_version("version-c")
    assert lix.rows("SELECT 1 FROM lix_state_by_version WHERE version_id = 'version-c'") == []
    assert lix.column("SELECT id FROM lix_commit WHERE id = ?", (tip,)) == [tip]
    lix.create_version("again", id="again", source=tip)
    assert lix.column(
        "SELECT snapshot_content FROM lix_state_by_version WHERE version_id = 'again'"
        f" AND schema_key = '{S}'"
    ) == [content("x")]


@pytest.mark.parametrize("how", ["verb", "sql"])
@pytest.mark.parametrize("target", ["global", "active", "parent"])
def test_delete_is_refused_while_needed(lix, how, target):
    add(lix, "parent")
    add(lix, "child", inherits_from_version_id="parent")
    before = lix.rows("SELECT * FROM lix_version ORDER BY id")
    target = lix.main() if target == "active" else target
    delete = {
        "verb": lambda: lix.delete_version(target),
        "sql": lambda: lix.execute("DELETE FROM lix_version WHERE id = ?", (target,)),
    }[how]
    with pytest.raises(errors.VersionError):
        delete()
    assert lix.rows("SELECT * FROM lix_version ORDER BY id") == before


@pytest.mark.parametrize("source", ["main", "global"])
def test_a_version_made_and_deleted_in_one_transaction_leaves_no_rows(lix, source):
    lix.schema(S)
    lix.row("g", "global", "G", schema=S)
    lix.row("m", lix.main(), "M", schema=S)
    with lix.transaction():
        lix.lix.create_version("brief", id="brief", source=source)
        lix.row("b", "brief", "B", schema=S)
        lix.row("u", "brief", "U", schema=S, untracked=1)
        lix.lix.delete_version("brief")
    assert lix.rows("SELECT 1 FROM lix_state_by_version WHERE version_id = 'brief'") == []
    assert lix.rows("SELECT 1 FROM lix_version WHERE id = 'brief'") == []


def test_parent_can_go_after_its_children(lix):
    add(lix, "parent")
    add(lix, "child", inherits_from_version_id="parent")
    lix.delete_version("child")
    lix.delete_version("parent")
    assert lix.value("SELECT count(*) FROM lix_version") == 2


CHAIN = (
    "INSERT INTO lix_version (id, inherits_from_version_id)"
    " VALUES ('child', 'middle'), ('middle', 'parent'), ('parent', 'global')"
)


def test_rows_of_one_statement_may_come_in_any_order(lix):
    lix.execute(CHAIN)
    assert lix.rows("SELECT id FROM lix_version WHERE inherits_from_version_id = 'middle'") == [
        ("child",)
    ]
    lix.execute("DELETE FROM lix_version WHERE id IN ('parent', 'middle', 'child')")
    assert lix.value("SELECT count(*) FROM lix_version") == 2


def test_a_chain_can_be_turned_around_in_one_statement(lix):
    lix.execute(CHAIN)
    turn = (
        "UPDATE lix_version SET inherits_from_version_id = CASE id WHEN 'child' THEN 'global'"
        " WHEN 'middle' THEN 'child' ELSE {} END WHERE id IN ('child', 'middle', 'parent')"
    )
    with pytest.raises(errors.VersionError, match="cycle"):
        lix.execute(turn.replace("'global'", "'parent'").format("'middle'"))
    lix.execute(turn.format("'middle'"))
    assert lix.rows(
        "SELECT id, inherits_from_version_id FROM lix_version"
        " WHERE id IN ('child', 'middle', 'parent') ORDER BY id"
    ) == [
        ("child", "global"),
        ("middle", "child"),
        ("parent", "middle"),
    ]


def test_rows_of_one_statement_may_come_in_any_order_in_a_transaction(lix):
    lix.execute("BEGIN")
    lix.execute(CHAIN)
    lix.execute("DELETE FROM lix_version WHERE id IN ('parent', 'middle', 'child')")
    lix.execute("COMMIT")
    assert lix.value("SELECT count(*) FROM lix_version") == 2


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("DELETE FROM lix_version WHERE id IN ('parent', 'middle')", errors.VersionError),
        (
            "INSERT INTO lix_version (id, inherits_from_version_id) VALUES ('a', 'b'), ('c', 'a')",
            errors.ForeignKeyError,
        ),
        (
            "INSERT INTO lix_version (id, inherits_from_version_id) VALUES ('a', 'b'), ('b', 'a')",
            errors.VersionError,
        ),
        (
            "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 70)"
            " INSERT INTO lix_version (id, inherits_from_version_id)"
            " SELECT 'n' || i, iif(i = 70, 'global', 'n' || (i + 1)) FROM n",
            errors.VersionError,
        ),
    ],
)
def test_what_is_still_wrong_when_a_statement_ends_is_refused(lix, statement, error):
    lix.execute(CHAIN)
    before = lix.rows("SELECT * FROM lix_version ORDER BY id")
    with pytest.raises(error):
        lix.execute(statement)
    assert lix.rows("SELECT * FROM lix_version ORDER BY id") == before


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO lix_version (id, inherits_from_version_id) VALUES ('x', 'nobody')",
        "INSERT OR REPLACE INTO lix_version (id, working_commit_id, inherits_from_version_id)"
        " VALUES ('x', 'working-b', 'nobody')",
        "INSERT OR REPLACE INTO lix_version (id, working_commit_id, inherits_from_version_id)"
        " VALUES ('x', 'working-b', 'b')",
        "INSERT OR REPLACE INTO lix_version (id, working_commit_id, inherits_from_version_id)"
        " VALUES ('a', 'other', 'a')",
        "UPDATE lix_version SET commit_id = 'c', working_commit_id = 'w',"
        " inherits_from_version_id = 'nobody' WHERE id = 'a'",
        "UPDATE OR REPLACE lix_version SET commit_id = 'c', working_commit_id = 'working-b',"
        " inherits_from_version_id = 'a' WHERE id = 'a'",
        "UPDATE lix_version SET commit_id = 'c', working_commit_id = 'w', hidden = 'maybe'"
        " WHERE id = 'a'",
    ],
)
def test_a_refused_row_leaves_nothing_in_the_transaction(lix, statement):
    add(lix, "a")
    add(lix, "b", working_commit_id="working-b")
    pointers = (
        "SELECT entity_id FROM lix_internal_state_vtable"
        " WHERE schema_key = 'lix_version_pointer' ORDER BY 1"
    )
    before = lix.rows("SELECT * FROM lix_version ORDER BY id"), lix.rows(pointers)
    lix.execute("BEGIN")
    with pytest.raises(errors.LixError):
        lix.execute(statement)
    lix.execute("COMMIT")
    assert (lix.rows("SELECT * FROM lix_version ORDER BY id"), lix.rows(pointers)) == before


def test_a_version_that_cannot_be_deleted_does_not_end_the_transaction(lix):
    lix.execute(CHAIN)
    lix.execute("BEGIN")
    lix.execute("UPDATE lix_version SET name = 'kept' WHERE id = 'child'")
    with pytest.raises(errors.VersionError, match="inherited from by child"):
        lix.execute("DELETE FROM lix_version WHERE id IN ('parent', 'middle')")
    lix.execute("COMMIT")
    assert version(lix, "child", "name") == [("kept",)]


def test_descriptors_are_rows_of_global_whatever_version_is_active(lix):
    lix.execute("INSERT INTO lix_version_descriptor (id, name) VALUES ('bare', 'Bare')")
    assert version(lix, "bare", "name, inherits_from_version_id, hidden") == [("Bare", None, 0)]
    lix.execute("UPDATE lix_version_descriptor SET hidden = 1 WHERE id = 'bare'")
    assert version(lix, "bare", "hidden, commit_id IS NULL") == [(1, 0)]
    assert lix.column(
        "SELECT lixcol_inherited_from_version_id FROM lix_version_descriptor WHERE id = 'bare'"
    ) == [None]
    lix.execute("DELETE FROM lix_version_descriptor WHERE id = 'bare'")
    assert version(lix, "bare") == []


def test_delete_of_an_unknown_version_by_verb_is_refused(lix):
    with pytest.raises(errors.VersionNotFound, match="nobody"):
        lix.delete_version("nobody")


def test_a_deleted_id_can_be_used_again_from_scratch(lix):
    lix.schema(S)
    add(lix, "again")
    lix.row("e", "again", "old", schema=S)
    lix.row("u", "again", "old", schema=S, untracked=1)
    lix.delete_version("again")
    add(lix, "again", commit_id="fresh", working_commit_id="working-fresh")
    assert version(lix, "again") == [("again", "fresh", "working-fresh")]
    assert lix.raw() == []
    lix.row("e", "again", "new", schema=S)
    assert lix.raw() == [("again", content("new"))]


def test_or_replace_with_an_explicit_null_parent_means_none(lix):
    lix.execute("INSERT INTO lix_version (id, name) VALUES ('v', 'v')")
    lix.execute(
        "INSERT OR REPLACE INTO lix_version (id, name, inherits_from_version_id)"
        " VALUES ('v', 'w', NULL)"
    )
    assert version(lix, "v", "name, inherits_from_version_id") == [("w", None)]


def test_or_replace_fills_in_what_is_left_out_like_an_insert(lix):
    lix.execute("INSERT INTO lix_version (id, name) VALUES ('v', 'v')")
    lix.execute("INSERT OR REPLACE INTO lix_version (id, name) VALUES ('v', 'w')")
    assert version(lix, "v", "name, inherits_from_version_id, hidden") == [("w", "global", 0)]
    lix.execute("INSERT OR REPLACE INTO lix_version (id, name) VALUES ('global', 'g')")
    assert version(lix, "global", "name, inherits_from_version_id") == [("g", None)]
    with pytest.raises(errors.VersionError, match="the global version") as caught:
        lix.execute("DELETE FROM lix_version WHERE id = 'global'")
    assert "it holds what all versions share" in str(caught.value)
