"""`lix_active_version` and the session's own choice."""

from __future__ import annotations

import json

import pytest

import lix_vtab
from lix_vtab import errors

RAW = (
    "SELECT entity_id, snapshot_content, untracked FROM lix_internal_state_vtable"
    " WHERE schema_key = 'lix_active_version' AND file_id = 'lix' AND version_id = 'global'"
    " AND untracked = 1"
)


def test_columns(lix):
    assert lix.execute("SELECT * FROM lix_active_version").columns == (
        "id",
        "version_id",
        "schema_key",
        "file_id",
        "lixcol_version_id",
        "schema_version",
        "untracked",
        "created_at",
        "updated_at",
        "change_id",
    )


def test_a_new_database_works_on_main(lix):
    ((entity, content, untracked),) = lix.rows(RAW)
    stored = json.loads(content)
    assert stored["id"] == entity
    assert untracked == 1
    assert lix.column("SELECT name FROM lix_version WHERE id = $1", (stored["version_id"],)) == [
        "main"
    ]


def test_there_is_one_untracked_row(lix):
    ((row_id, version, schema, file, in_version, untracked, change),) = lix.rows(
        "SELECT id, version_id, schema_key, file_id, lixcol_version_id, untracked, change_id"
        " FROM lix_active_version"
    )
    assert row_id
    assert version == lix.main()
    assert (schema, file, in_version, untracked, change) == (
        "lix_active_version",
        "lix",
        "global",
        1,
        "untracked",
    )


def test_update_keeps_the_id(lix):
    before = lix.value("SELECT id FROM lix_active_version")
    lix.execute("UPDATE lix_active_version SET version_id = $1", ("global",))
    assert lix.rows("SELECT id, version_id FROM lix_active_version") == [(before, "global")]
    assert lix.active_version.id == "global"


def test_update_to_an_unknown_version_is_refused(lix):
    with pytest.raises(errors.ForeignKeyError, match="Foreign key constraint violation"):
        lix.execute("UPDATE lix_active_version SET version_id = 'version_nonexistent'")
    assert lix.value("SELECT version_id FROM lix_active_version") == lix.main()


def test_update_to_a_deleted_version_is_refused(lix):
    lix.create_version("gone", id="gone")
    lix.delete_version("gone")
    with pytest.raises(errors.ForeignKeyError, match="Foreign key constraint violation"):
        lix.execute("UPDATE lix_active_version SET version_id = 'gone'")


@pytest.mark.parametrize("value", [None, "", 5, b"x"])
def test_update_to_nonsense_is_refused(lix, value):
    with pytest.raises(errors.LixError, match="version_id"):
        lix.execute("UPDATE lix_active_version SET version_id = ?", (value,))
    assert lix.value("SELECT version_id FROM lix_active_version") == lix.main()


@pytest.mark.parametrize("column", ["id", "schema_key", "created_at", "untracked"])
def test_other_columns_are_read_only(lix, column):
    with pytest.raises(errors.ReadOnlyError, match=column):
        lix.execute(f"UPDATE lix_active_version SET {column} = 'x'")


def test_insert_and_delete_are_refused(lix):
    with pytest.raises(errors.LixError):
        lix.execute("INSERT INTO lix_active_version (version_id) VALUES ('global')")
    with pytest.raises(errors.LixError):
        lix.execute("DELETE FROM lix_active_version")
    assert lix.value("SELECT version_id FROM lix_active_version") == lix.main()


def test_update_that_matches_nothing_changes_nothing(lix):
    result = lix.execute("UPDATE lix_active_version SET version_id = 'global' WHERE id = 'nope'")
    assert result.changes == 0
    assert lix.value("SELECT version_id FROM lix_active_version") == lix.main()


@pytest.mark.parametrize("target", ["version-a", "version-b"])
def test_raw_update_is_not_checked(lix, target):
    row_id = lix.value("SELECT id FROM lix_active_version")
    lix.execute(
        "UPDATE lix_internal_state_vtable SET snapshot_content = $1 WHERE untracked = 1"
        " AND schema_key = 'lix_active_version' AND file_id = 'lix' AND version_id = 'global'",
        (json.dumps({"id": row_id, "version_id": target}),),
    )
    ((_, content, _),) = lix.rows(RAW)
    assert json.loads(content)["version_id"] == target
    lix.renew()
    assert lix.lix.check() == [f"version '{target}', which is needed, does not exist"]
    lix.execute("UPDATE lix_active_version SET version_id = 'global'")


def test_switching_makes_no_commit(lix):
    before = lix.rows("SELECT id FROM lix_commit ORDER BY 1")
    lix.execute("UPDATE lix_active_version SET version_id = 'global'")
    assert lix.rows("SELECT id FROM lix_commit ORDER BY 1") == before


def test_switch_takes_effect_inside_its_transaction_and_rolls_back(lix):
    lix.schema("s")
    lix.create_version("draft", id="draft")
    lix.execute("BEGIN")
    lix.execute("UPDATE lix_active_version SET version_id = 'draft'")
    lix.execute(
        "INSERT INTO lix_state (entity_id, schema_key, file_id, plugin_key, schema_version,"
        " snapshot_content) VALUES ('e', 's', 'f', 'lix', '1', '{\"value\":\"x\"}')"
    )
    assert lix.column("SELECT version_id FROM lix_state WHERE entity_id = 'e'") == ["draft"]
    lix.execute("ROLLBACK")
    assert lix.active_version.name == "main"
    assert lix.raw() == []


def test_switch_by_id_name_and_object(lix):
    made = lix.create_version("Draft")
    lix.switch_version(made.id)
    assert lix.active_version.id == made.id
    lix.switch_version("main")
    assert lix.active_version.name == "main"
    lix.switch_version(made)
    assert lix.active_version.name == "Draft"
    assert lix.value("SELECT version_id FROM lix_active_version") == made.id


def test_switch_by_an_ambiguous_or_unknown_name_is_refused(lix):
    lix.create_version("twin")
    lix.create_version("twin")
    with pytest.raises(errors.LixError, match="twin"):
        lix.switch_version("twin")
    with pytest.raises(errors.VersionNotFound, match="nobody"):
        lix.switch_version("nobody")
    assert lix.active_version.name == "main"


def test_an_id_wins_over_a_name(lix):
    lix.create_version("b", id="a")
    lix.create_version("a", id="c")
    lix.switch_version("a")
    assert lix.active_version.id == "a"


# Sessions -----------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "app.lix")


def write(lix, entity):
    lix.execute(
        "INSERT INTO lix_state (entity_id, schema_key, file_id, plugin_key, schema_version,"
        " snapshot_content) VALUES (?, 'lix_key_value', 'lix', 'lix', '1',"
        " json_object('key', ?1, 'value', 1))",
        (entity,),
    )


def where(lix, entity):
    return lix.execute(
        "SELECT v.name FROM lix_state_by_version s JOIN lix_version v ON v.id = s.version_id"
        " WHERE s.entity_id = ? ORDER BY 1",
        (entity,),
    ).rows


def test_the_choice_is_stored_and_shared(path):
    with lix_vtab.open(path) as one, lix_vtab.open(path) as two:
        one.create_version("draft")
        one.switch_version("draft")
        assert two.active_version.name == "draft"
        two.switch_version("main")
        assert one.active_version.name == "main"
        one.switch_version("draft")
    with lix_vtab.open(path) as three:
        assert three.active_version.name == "draft"


def test_a_pinned_session_keeps_its_own(path):
    with lix_vtab.open(path) as shared:
        draft = shared.create_version("draft")
        with lix_vtab.open(path, version="draft") as pinned:
            assert pinned.active_version == draft
            assert shared.active_version.name == "main"
            write(pinned, "from-draft")
            write(shared, "from-main")
            assert where(shared, "from-draft") == [("draft",)]
            assert where(shared, "from-main") == [("main",)]
            assert pinned.execute(
                "SELECT entity_id FROM lix_state WHERE entity_id LIKE 'from-%'"
            ).rows == [("from-draft",)]
            assert pinned.execute("SELECT version_id FROM lix_active_version").rows == [(draft.id,)]
            shared.switch_version("global")
            assert pinned.active_version == pinned.active_version
            assert pinned.active_version.name == "draft"


@pytest.mark.parametrize("how", ["id", "name", "object"])
def test_pin_by(path, how):
    with lix_vtab.open(path) as shared:
        draft = shared.create_version("draft")
    chosen = {"id": draft.id, "name": draft.name, "object": draft}[how]
    with lix_vtab.open(path, version=chosen) as pinned:
        assert pinned.active_version.id == draft.id


def test_pin_to_an_unknown_version_is_refused(path):
    with lix_vtab.open(path):
        pass
    with pytest.raises(errors.VersionNotFound, match="nobody"):
        lix_vtab.open(path, version="nobody")


def test_a_session_may_pin_later(path):
    with lix_vtab.open(path) as one, lix_vtab.open(path) as two:
        one.create_version("draft")
        one.switch_version("draft", session=True)
        assert one.active_version.name == "draft"
        assert two.active_version.name == "main"
        write(one, "pinned")
        assert where(two, "pinned") == [("draft",)]
    with lix_vtab.open(path) as three:
        assert three.active_version.name == "main"


def test_a_pinned_session_that_updates_the_table_moves_only_itself(path):
    with lix_vtab.open(path) as shared, lix_vtab.open(path, version="global") as pinned:
        pinned.execute(
            "UPDATE lix_active_version SET version_id ="
            " (SELECT id FROM lix_version WHERE name = 'main')"
        )
        assert pinned.active_version.name == "main"
        pinned.execute("UPDATE lix_active_version SET version_id = 'global'")
        assert pinned.active_version.name == "global"
        assert shared.active_version.name == "main"


def test_pinned_version_deleted_by_another_session(path):
    """Whatever would show or write the version says so; the rest goes on."""
    asking = (
        "SELECT count(*) FROM lix_state",
        "SELECT count(*) FROM lix_key_value WHERE key = 'own'",
        "SELECT path FROM lix_file",
        "SELECT count(*) FROM lix_state_history",
        "SELECT count(*) FROM lix_state_at('HEAD')",
        "SELECT count(*) FROM lix_working_changes",
        "SELECT lix_create_checkpoint()",
        "SELECT lix_undo()",
        "INSERT INTO lix_key_value (key, value) VALUES ('lost', 1)",
        "UPDATE lix_key_value SET value = 2 WHERE key = 'own'",
        "DELETE FROM lix_key_value WHERE key = 'own'",
    )
    with lix_vtab.open(path) as shared:
        draft = shared.create_version("draft")
        with lix_vtab.open(path, version="draft") as pinned:
            write(pinned, "own")
            events = pinned.observe("SELECT count(*) FROM lix_key_value WHERE key = 'own'")
            assert events.next().rows == [(1,)]
            shared.delete_version("draft")
            for sql in asking:
                with pytest.raises(errors.VersionNotFound, match=draft.id) as caught:
                    pinned.execute(sql)
                assert "pinned" in caught.value.hint
            with pytest.raises(errors.VersionNotFound):
                events.next(timeout=10)
            assert pinned.execute("SELECT lix_active_version_id()").rows == [(draft.id,)]
            assert pinned.execute("SELECT version_id FROM lix_active_version").rows == [(draft.id,)]
            assert pinned.execute("SELECT count(*) FROM lix_state_at('main')").rows == [(0,)]
            write(shared, "elsewhere")
            pinned.switch_version("main", session=True)
            assert events.next(timeout=10).rows == [(0,)]
            write(pinned, "found")
        assert where(shared, "lost") == []
        assert len(where(shared, "found")) == 1
        assert shared.check() == []


def test_a_pin_survives_the_rollback_of_what_deleted_its_version(path):
    with lix_vtab.open(path) as shared:
        shared.create_version("draft")
        with lix_vtab.open(path, version="draft") as pinned:
            shared.execute("BEGIN")
            shared.execute("DELETE FROM lix_version WHERE name = 'draft'")
            assert pinned.execute("SELECT count(*) FROM lix_working_changes").rows == [(0,)]
            shared.execute("ROLLBACK")
            write(pinned, "kept")
            assert len(where(shared, "kept")) == 1


# Active accounts ----------------------------------------------------------------------------------


def test_accounts_are_inserted_and_deleted(lix):
    lix.execute("INSERT INTO lix_active_account (account_id) VALUES ('acct-2'), ('acct-1')")
    assert lix.column("SELECT account_id FROM lix_active_account ORDER BY 1") == [
        "acct-1",
        "acct-2",
    ]
    assert lix.column("SELECT DISTINCT untracked FROM lix_active_account") == [1]
    assert lix.execute("DELETE FROM lix_active_account WHERE account_id = 'zzz'").changes == 0
    assert lix.execute("DELETE FROM lix_active_account WHERE account_id = 'acct-1'").changes == 1
    assert lix.column("SELECT account_id FROM lix_active_account") == ["acct-2"]
    lix.execute("DELETE FROM lix_active_account")
    assert lix.rows("SELECT * FROM lix_active_account") == []


@pytest.mark.parametrize("value", [None, "", 5])
def test_account_id_must_be_text(lix, value):
    with pytest.raises(errors.LixError, match="account_id"):
        lix.execute("INSERT INTO lix_active_account (account_id) VALUES (?)", (value,))
    assert lix.rows("SELECT * FROM lix_active_account") == []


def test_active_account_cannot_be_updated(lix):
    lix.execute("INSERT INTO lix_active_account (account_id) VALUES ('a')")
    with pytest.raises(errors.LixError):
        lix.execute("UPDATE lix_active_account SET account_id = 'b'")
    assert lix.column("SELECT account_id FROM lix_active_account") == ["a"]


def test_account_given_at_opening_becomes_the_only_active_one(path):
    with lix_vtab.open(path, account={"id": "ada", "name": "Ada"}) as lix:
        assert lix.execute("SELECT account_id FROM lix_active_account").rows == [("ada",)]
    with lix_vtab.open(path) as lix:
        assert lix.execute("SELECT account_id FROM lix_active_account").rows == [("ada",)]
    with lix_vtab.open(path, account={"id": "bob", "name": "Bob"}) as lix:
        assert lix.execute("SELECT account_id FROM lix_active_account").rows == [("bob",)]


def test_an_account_that_is_known_keeps_its_name(path):
    for name in ("Ada", "Nobody"):
        with lix_vtab.open(path, account={"id": "ada", "name": name}) as lix:
            assert lix.execute("SELECT id, name FROM lix_account").rows == [("ada", "Ada")]
    with lix_vtab.open(path) as lix:
        lix.execute("UPDATE lix_account SET name = 'Ada L.'")
    with lix_vtab.open(path, account={"id": "ada", "name": "Ada"}) as lix:
        assert lix.execute("SELECT name FROM lix_account").rows == [("Ada L.",)]


def test_a_question_that_reads_no_table_notices_other_connections(path):
    with lix_vtab.open(path) as one, lix_vtab.open(path) as two:
        id = one.active_version.id
        with two.transaction():
            draft = two.create_version("draft")
            two.switch_version(draft)
        assert one.execute("SELECT lix_active_version_id() = ?", (id,)).rows == [(0,)]
        two.switch_version("main")
        assert one.version("main") == one.active_version
        assert one.execute("SELECT lix_active_version_id() = ?", (id,)).rows == [(1,)]


def test_a_pin_to_a_version_that_was_rolled_back_is_told(lix):
    """The session stays where it was sent; what it then does fails and says why."""
    lix = lix.lix  # one session all along, in every mode
    lix.execute("BEGIN")
    lix.execute("INSERT INTO lix_version (id, name) VALUES ('gone', 'gone')")
    lix.execute("SELECT lix_switch_version('gone', 1)")
    lix.execute("ROLLBACK")
    for sql in (
        "SELECT * FROM lix_working_changes",
        "SELECT lix_create_checkpoint()",
        "SELECT lix_undo()",
        "INSERT INTO lix_key_value (key, value) VALUES ('k', 1)",
    ):
        with pytest.raises(errors.VersionNotFound, match="'gone' does not exist"):
            lix.execute(sql)
    lix.execute("SELECT lix_switch_version('main', 1)")
    assert lix.execute("SELECT count(*) FROM lix_working_changes").rows == [(0,)]
