"""Names of revisions: what people can say instead of a commit id."""

from __future__ import annotations

import time

import pytest

import lix_vtab
import lix_vtab.errors


@pytest.fixture
def v(lix):
    for value in "123":
        lix.execute("INSERT OR REPLACE INTO lix_key_value (key, value) VALUES ('k', ?)", (value,))
    return lix


def seen(lix, revision):
    """Return the value of `k` at a revision, None when it has none."""
    rows = lix.rows("SELECT value FROM lix_key_value_at(?) WHERE key = 'k'", (revision,))
    return rows[0][0] if rows else None


def unknown(lix, revision, phrase="names no commit"):
    with pytest.raises(lix_vtab.LixError, match=phrase) as caught:
        seen(lix, revision)
    assert caught.value.code == "LIX_COMMIT_NOT_FOUND"


@pytest.mark.parametrize(
    ("revision", "value"),
    [
        ("HEAD", "3"),
        ("@", "3"),
        ("", "3"),
        ("HEAD~0", "3"),
        ("HEAD~", "2"),
        ("HEAD~1", "2"),
        ("HEAD~~", "1"),
        ("HEAD~1~1", "1"),
        ("HEAD^", "2"),
        ("HEAD^1", "2"),
        ("HEAD^0", "3"),
        ("HEAD~00000000000000002", "1"),
        ("HEAD^00000000000000001", "2"),
        ("HEAD~000000000000000000", "3"),
        ("HEAD^^", "1"),
        ("HEAD~2^1", None),
        ("main", "3"),
        ("main~2", "1"),
        ("@~1", "2"),
    ],
)
def test_steps_from_names(v, revision, value):
    assert seen(v, revision) == value


def test_ids_and_their_beginnings(v):
    tip = v.tip()
    assert seen(v, tip) == "3"
    assert seen(v, f"{tip}~2") == "1"
    commits = v.column("SELECT id FROM lix_commit")
    length = next(
        n for n in range(4, 40) if sum(commit.startswith(tip[:n]) for commit in commits) == 1
    )
    assert seen(v, tip[:length]) == "3"
    unknown(v, tip[:4], "ambiguous")
    unknown(v, tip[:3])


def test_versions_by_id_and_name(v):
    v.create_version("a branch", id="branch-id")
    v.execute("UPDATE lix_key_value SET value = '4'  WHERE key = 'k'")
    assert seen(v, "a branch") == seen(v, "branch-id") == "3"
    assert seen(v, "a branch~1") == "2"
    assert seen(v, v.main()) == "4"
    v.create_version("a branch")
    with pytest.raises(lix_vtab.LixError, match="2 versions are named 'a branch'"):
        seen(v, "a branch")


def test_a_name_may_look_like_steps(v):
    v.create_version("draft~1", id="x")
    v.execute("UPDATE lix_key_value SET value = '4' WHERE key = 'k'")
    assert seen(v, "draft~1") == "3"
    assert seen(v, "draft~1~1") == "2"


def test_checkpoints_by_name_the_newest_wins(v):
    v._dirty = True
    v.lix.create_checkpoint("release")
    assert seen(v, "release") == "3"
    assert seen(v, "release~1") == "3"
    assert seen(v, "release~2") == "2"
    v.execute("UPDATE lix_key_value SET value = '4' WHERE key = 'k'")
    v.lix.create_checkpoint("release")
    assert seen(v, "release") == "4"
    assert seen(v, "release^2") == "3"


def test_labels_on_commits(v):
    v.execute("INSERT INTO lix_label (id, name) VALUES ('l', 'reviewed')")
    (commit,) = v.column("SELECT commit_id FROM lix_commit_ancestry WHERE depth = 2")
    v.execute(
        "INSERT INTO lix_entity_label (entity_id, schema_key, file_id, label_id)"
        " VALUES (?, 'lix_commit', 'lix', 'l')",
        (commit,),
    )
    assert seen(v, "reviewed") == "2"
    unknown(v, "unreviewed")


def test_moments(v):
    time.sleep(0.02)
    ((moment,),) = v.rows("SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')")
    time.sleep(0.02)
    v.execute("UPDATE lix_key_value SET value = '4' WHERE key = 'k'")
    assert seen(v, f"@{moment}") == "3"
    assert seen(v, f"main@{moment}") == "3"
    assert seen(v, f"@{moment}~1") == "2"
    assert seen(v, "@2999-01-01") == "4"
    assert seen(v, "@2999-01-01T00:00:00+02:00") == "4"
    unknown(v, "@2000-01-01", "the line begins after 2000-01-01T00:00:00.000Z")
    unknown(v, "@yesterday")


def test_working_commits_stand_for_their_version(v):
    (working,) = v.column("SELECT working_commit_id FROM lix_version WHERE name = 'main'")
    assert seen(v, working) == "3"


@pytest.mark.parametrize(
    "revision",
    [
        *("nowhere", "HEAD~99", "HEAD^2", "HEAD^9", "nowhere~1", "~x"),
        *("HEAD~1\n", "HEAD~\u0661", "HEAD~ 1", " HEAD", "HEAD\0", "@9999-12-31T23:59-14:00"),
        *("@0001-01-01T00:00+14:00", "@2026-02-30"),
    ],
)
def test_what_names_no_commit(v, revision):
    unknown(v, revision)


def test_a_version_without_commit(v):
    v.version("unborn")
    unknown(v, "unborn", "version 'unborn' has none yet")


def test_only_texts_name_revisions(v):
    with pytest.raises(lix_vtab.LixError, match="a revision must be a text"):
        seen(v, 7)


@pytest.mark.parametrize("steps", ["~" + "9" * 21, "~" + "9" * 6000, "^" + "9" * 30])
def test_more_steps_than_a_number_can_count_name_no_commit(lix, steps):
    with pytest.raises(lix_vtab.errors.CommitNotFound, match="history does not go back that far"):
        lix.execute("SELECT * FROM lix_state_at(?)", (f"HEAD{steps}",))


@pytest.mark.parametrize(
    "table",
    [
        "lix_state_history",
        "lix_file_history",
        "lix_directory_history",
        "lix_key_value_history",
        "lix_change_set_history",
    ],
)
def test_a_version_without_commit_has_no_history(v, table):
    v.execute("INSERT INTO lix_key_value (key, value) VALUES ('other', 1)")
    v.version("unborn")
    v.active("unborn")
    assert v.rows(f"SELECT * FROM {table}") == []
    assert v.value(f"SELECT count(*) FROM lix_version x LEFT JOIN {table} h") == len(
        v.rows("SELECT id FROM lix_version")
    )
    v.execute("INSERT INTO lix_file (path, data) VALUES ('/d/f', 'x')")
    assert v.value("SELECT count(*) FROM lix_file_history") == 1
