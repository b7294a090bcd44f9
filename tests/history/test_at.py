"""`<table>_at(revision)`: any table as it was."""

from __future__ import annotations

import pytest

import lix_vtab


@pytest.fixture
def at(lix):
    """Return a session with four commits on `main`, which changed two keys."""
    for key, value in (("a", "1"), ("b", "1"), ("a", "2")):
        lix.execute("INSERT OR REPLACE INTO lix_key_value (key, value) VALUES (?, ?)", (key, value))
    lix.execute("DELETE FROM lix_key_value WHERE key = 'b'")
    return lix


def shown(lix, revision, table="lix_key_value_at(?)"):
    return dict(lix.rows(f"SELECT key, value FROM {table}", (revision,)))


STATES = [("HEAD", {"a": "2"}), ("HEAD~1", {"a": "2", "b": "1"}), ("HEAD~2", {"a": "1", "b": "1"}),
          ("HEAD~3", {"a": "1"}), ("HEAD~4", {})]  # fmt: skip


@pytest.mark.parametrize(("revision", "state"), STATES)
def test_each_commit_has_its_state(at, revision, state):
    assert shown(at, revision) == state
    assert shown(at, revision, "lix_key_value_at WHERE revision = ?") == state
    rows = at.rows(
        "SELECT entity_id, snapshot_content ->> 'value' FROM lix_state_at(?)"
        " WHERE schema_key = 'lix_key_value'",
        (revision,),
    )
    assert dict(rows) == state


def test_without_revision_it_is_the_tip(at):
    assert shown(at, None, "lix_key_value_at WHERE ? IS NULL") == {"a": "2"}


def test_at_the_tip_it_is_the_live_table_without_what_is_inherited(at):
    at.execute(
        "INSERT INTO lix_key_value_by_version (key, value, lixcol_version_id)"
        " VALUES ('shared', 'v', 'global')"
    )
    live = at.rows("SELECT * FROM lix_state WHERE inherited_from_version_id IS NULL")
    then = at.rows("SELECT * FROM lix_state_at('HEAD')")
    assert sorted(then) == sorted(live)
    assert then


def test_columns_are_those_of_the_live_table(at):
    for table in ("lix_state", "lix_key_value"):
        live = at.execute(f"SELECT * FROM {table}").columns
        assert at.execute(f"SELECT * FROM {table}_at('HEAD')").columns == live


def test_a_branch_shows_its_line(at):
    at.create_version("draft", id="draft")
    at.execute(
        "INSERT INTO lix_key_value_by_version (key, value, lixcol_version_id)"
        " VALUES ('d', 'v', 'draft')"
    )
    assert shown(at, "draft") == {"a": "2", "d": "v"}
    assert shown(at, "draft~1") == {"a": "2"}
    assert shown(at, "draft~4") == {"a": "1"}
    assert shown(at, "main") == {"a": "2"}


def test_a_working_commit_shows_what_it_would_have(at):
    (working,) = at.column("SELECT working_commit_id FROM lix_version WHERE name = 'main'")
    assert shown(at, working) == {"a": "2"}


def test_it_joins(at):
    assert at.rows(
        "SELECT c.depth, k.value FROM lix_state_history c JOIN lix_key_value_at k"
        " ON k.revision = c.commit_id WHERE c.entity_id = 'a' AND k.key = 'a' ORDER BY 1"
    ) == [(1, "2"), (3, "1")]


def test_point_lookups_orders_and_limits(at):
    assert at.rows("SELECT value FROM lix_key_value_at('HEAD~1') WHERE key = 'b'") == [("1",)]
    assert at.rows("SELECT key FROM lix_key_value_at('HEAD~1') ORDER BY key DESC LIMIT 1") == [
        ("b",)
    ]


def test_an_unknown_revision_is_an_error(at):
    for table in ("lix_state_at", "lix_key_value_at"):
        with pytest.raises(lix_vtab.LixError, match="names no commit") as caught:
            at.rows(f"SELECT * FROM {table}('nowhere')")
        assert caught.value.code == "LIX_COMMIT_NOT_FOUND"


def test_no_revision_has_no_rows(at):
    assert at.rows("SELECT * FROM lix_state_at(NULL)") == []


def test_the_running_transaction_is_the_tip(at):
    with at.transaction() as tx:
        tx.execute("UPDATE lix_key_value SET value = '3' WHERE key = 'a'")
        assert dict(tx.execute("SELECT key, value FROM lix_key_value_at('HEAD')").rows) == {
            "a": "3"
        }
        assert dict(tx.execute("SELECT key, value FROM lix_key_value_at('HEAD~1')").rows) == {
            "a": "2"
        }


def test_the_version_is_a_condition_like_any_other(at):
    (main,) = at.rows("SELECT DISTINCT version_id FROM lix_state_at('HEAD~1')")[0]
    every = at.rows("SELECT entity_id FROM lix_state_at('HEAD~1') ORDER BY 1")
    asked = "SELECT entity_id FROM lix_state_at('HEAD~1') WHERE version_id {} ORDER BY 1"
    for condition in (f"= '{main}'", f"IN ('x', '{main}', '{main}')", "IS NOT NULL", "<> 'global'"):
        assert at.rows(asked.format(condition)) == every, condition
    for condition in ("= 'global'", "IN ('global', 'x')", f"= upper('{main}')", "IS NULL", "= 1"):
        assert at.rows(asked.format(condition)) == [], condition


def test_it_is_read_only(at):
    with pytest.raises(lix_vtab.LixError, match="read-only"):
        at.execute("DELETE FROM lix_key_value_at")


def test_the_argument_is_a_column_like_any_other(lix):
    for key in ("a", "b"):
        lix.execute("INSERT INTO lix_key_value (key, value) VALUES (?, 1)", (key,))
    table = "lix_key_value_at"
    counts = [("HEAD", 2), ("HEAD~1", 1)]
    names = "('HEAD', 'HEAD~1', 'HEAD')"
    asked = (
        f"SELECT revision, count(*) FROM {table} WHERE revision IN {names} AND key IN ('a', 'b')"
    )
    assert lix.rows(f"{asked} GROUP BY 1 ORDER BY 1") == counts
    joined = (
        f"SELECT revision, count(*) FROM (SELECT 'HEAD' AS name UNION SELECT 'HEAD~1') "
        f"JOIN {table} ON revision = name WHERE key IN ('a', 'b') GROUP BY 1 ORDER BY 1"
    )
    assert lix.rows(joined) == counts
    assert lix.rows("SELECT \"from\", \"to\", entity_id FROM lix_diff('HEAD~1', 'HEAD')") == [
        ("HEAD~1", "HEAD", "b")
    ]
    assert lix.rows("SELECT target, revision, property FROM lix_blame('b', 'HEAD') LIMIT 1") == [
        ("b", "HEAD", "key")
    ]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT key FROM lix_key_value_at('HEAD') WHERE revision = {0} LIMIT 5",
        "SELECT entity_id FROM lix_diff('HEAD~1', 'HEAD') WHERE \"to\" = {0} LIMIT 5",
        "SELECT depth FROM lix_log('HEAD') WHERE revision IS {0} LIMIT 5",
        "SELECT depth FROM lix_state_history WHERE root_commit_id = {0} AND root_commit_id = 'x'",
    ],
)
def test_an_argument_cannot_have_two_values(lix, sql):
    lix.execute("INSERT INTO lix_key_value (key, value) VALUES ('a', 1)")
    assert lix.rows(sql.format("'HEAD~1'")) == []
    if "root_commit_id" not in sql:
        assert lix.rows(sql.format("'HEAD'")) != []
