"""Checkpoints: a working commit becomes a commit that says what changed since the last one."""

from __future__ import annotations

import json

import pytest

import lix_vtab


def put(lix, key, value):
    lix.execute("INSERT INTO lix_key_value (key, value) VALUES (?, ?)", (key, value))


def active(lix):
    """Return id, tip and working commit of the active version."""
    ((row),) = lix.rows(
        "SELECT v.id, v.commit_id, v.working_commit_id FROM lix_active_version a"
        " JOIN lix_version v ON v.id = a.version_id"
    )
    return row


def checkpoint(lix, *args):
    lix._dirty = True
    return lix.lix.create_checkpoint(*args)


def ids(lix, commit_id, column="change_ids"):
    return json.loads(lix.value(f"SELECT {column} FROM lix_commit WHERE id = ?", (commit_id,)))


def elements(lix, change_set_id):
    return lix.rows(
        "SELECT entity_id, schema_key, file_id FROM lix_change_set_element WHERE change_set_id = ?"
        " ORDER BY 1",
        (change_set_id,),
    )


def edges(lix, parent, child):
    return lix.value(
        "SELECT count(*) FROM lix_commit_edge WHERE parent_id = ? AND child_id = ?",
        (parent, child),
    )


def counts(lix):
    return [
        lix.value(f"SELECT count(*) FROM {table}")
        for table in ("lix_commit", "lix_change", "lix_commit_edge", "lix_checkpoint")
    ]


def test_without_changes_the_tip_is_returned_and_nothing_written(lix):
    before = active(lix), counts(lix)
    for _ in range(2):
        made = checkpoint(lix)
        assert made.id == before[0][1]
    assert made.change_set_id == lix.value(
        "SELECT change_set_id FROM lix_commit WHERE id = ?", (made.id,)
    )
    assert (active(lix), counts(lix)) == before


def test_the_working_commit_becomes_the_tip(lix):
    put(lix, "checkpoint-test-key", "before")
    version, tip, work = active(lix)
    working_ids = ids(lix, work)
    assert working_ids
    made = checkpoint(lix)
    assert made.id == work
    after, new_tip, new_work = active(lix)
    assert (after, new_tip) == (version, made.id)
    assert new_work != made.id
    assert edges(lix, tip, made.id) == 1
    assert edges(lix, made.id, new_work) == 1
    assert set(working_ids) <= set(ids(lix, made.id))
    assert elements(lix, made.change_set_id) == [("checkpoint-test-key", "lix_key_value", "lix")]
    (new_set,) = lix.column("SELECT change_set_id FROM lix_commit WHERE id = ?", (new_work,))
    assert new_set
    assert elements(lix, new_set) == []
    assert lix.value("SELECT count(*) FROM lix_version WHERE id = ?", (version,)) == 1


def test_it_carries_the_label(lix):
    put(lix, "k", "v")
    made = checkpoint(lix)
    assert (
        lix.value(
            "SELECT count(*) FROM lix_entity_label e JOIN lix_label l ON l.id = e.label_id"
            " WHERE e.entity_id = ? AND e.schema_key = 'lix_commit' AND e.file_id = 'lix'"
            " AND l.name = 'checkpoint'",
            (made.id,),
        )
        == 1
    )
    with pytest.raises(lix_vtab.LixError, match="part of its commit"):
        lix.execute("DELETE FROM lix_entity_label WHERE entity_id = ?", (made.id,))


def test_stored_labels_and_those_of_checkpoints_are_one_table(lix):
    put(lix, "k", "v")
    made = checkpoint(lix)
    (label,) = lix.column("SELECT id FROM lix_label WHERE name = 'checkpoint'")
    lix.execute(
        "INSERT INTO lix_entity_label (entity_id, schema_key, file_id, label_id)"
        " VALUES ('k', 'lix_key_value', 'lix', ?)",
        (label,),
    )
    listed = lix.column("SELECT entity_id FROM lix_entity_label ORDER BY entity_id DESC")
    assert listed == sorted(["k", made.id], reverse=True)
    for limit in range(4):
        for offset in range(3):
            found = lix.column(
                f"SELECT entity_id FROM lix_entity_label LIMIT {limit} OFFSET {offset}"
            )
            assert len(found) == max(0, min(limit, 2 - offset))


def test_deletions_are_part_of_it(lix):
    put(lix, "gone", "v")
    checkpoint(lix)
    lix.execute("DELETE FROM lix_key_value WHERE key = 'gone'")
    made = checkpoint(lix)
    assert lix.rows(
        "SELECT e.entity_id, c.snapshot_content FROM lix_change_set_element e"
        " JOIN lix_change c ON c.id = e.change_id WHERE e.change_set_id = ?",
        (made.change_set_id,),
    ) == [("gone", None)]


def tombstones(lix, change_set_id):
    return lix.rows(
        "SELECT e.entity_id, e.schema_key, e.file_id FROM lix_change_set_element e"
        " JOIN lix_change c ON c.id = e.change_id"
        " WHERE e.change_set_id = ? AND c.snapshot_content IS NULL ORDER BY 2, 1",
        (change_set_id,),
    )


def test_a_deleted_file_is_part_of_it(lix):
    lix.execute(
        "INSERT INTO lix_file (id, path, data) VALUES ('checkpoint-file-tombstone',"
        " '/checkpoint-file-tombstone.json', '{\"before\":true}')"
    )
    checkpoint(lix)
    lix.execute("DELETE FROM lix_file WHERE id = 'checkpoint-file-tombstone'")
    made = checkpoint(lix)
    assert [row for row in tombstones(lix, made.change_set_id) if row[2] == "lix"] == [
        ("checkpoint-file-tombstone", "lix_file_descriptor", "lix")
    ]


def test_so_are_the_entities_a_file_consisted_of(lix):
    lix.execute(
        "INSERT INTO lix_file (id, path, data) VALUES ('f', '/f.json', '{\"a\":1,\"b\":2}')"
    )
    entities = lix.rows(
        "SELECT entity_id, schema_key, file_id FROM lix_state WHERE file_id = 'f' ORDER BY 2, 1"
    )
    assert len(entities) > 1
    checkpoint(lix)
    lix.execute("DELETE FROM lix_file")
    made = checkpoint(lix)
    assert [row for row in tombstones(lix, made.change_set_id) if row[2] == "f"] == entities
    assert lix.value("SELECT count(*) FROM lix_working_changes") == 0


def test_parts_that_went_are_tombstones_too(lix):
    lix.execute(
        "INSERT INTO lix_file (id, path, data) VALUES ('f', '/f.json', '{\"a\":1,\"b\":2}')"
    )
    before = set(lix.column("SELECT entity_id FROM lix_state WHERE file_id = 'f'"))
    checkpoint(lix)
    lix.execute("UPDATE lix_file SET data = '{\"a\":1}'")
    gone = before - set(lix.column("SELECT entity_id FROM lix_state WHERE file_id = 'f'"))
    made = checkpoint(lix)
    assert len(gone) == 1
    assert {entity for entity, *_ in tombstones(lix, made.change_set_id)} == gone


def test_it_needs_no_internal_access():
    with lix_vtab.open() as lix:
        lix.execute("INSERT INTO lix_key_value (key, value) VALUES ('k', 'v')")
        made = lix.create_checkpoint()
        assert made.id == lix.active_version.commit_id
        with pytest.raises(lix_vtab.LixError, match="lix_internal"):
            lix.execute("SELECT * FROM lix_internal_checkpoint")


def test_parents_are_the_last_checkpoint_and_the_tip(lix):
    put(lix, "checkpoint-parent-merge-seed", "v1")
    checkpoint(lix)
    _, _, work = active(lix)
    parents = ids(lix, work, "parent_commit_ids")
    assert parents
    for parent in parents:
        assert lix.value("SELECT count(*) FROM lix_commit WHERE id = ?", (parent,)) == 1
    put(lix, "checkpoint-parent-merge-next", "v2")
    _, tip, _ = active(lix)
    made = checkpoint(lix)
    assert made.id == work
    merged = ids(lix, made.id, "parent_commit_ids")
    assert set(merged) == {*parents, tip}
    assert all(edges(lix, parent, made.id) == 1 for parent in merged)


def test_the_graph_stays_acyclic_and_whole(lix):
    for number in (1, 2, 3):
        put(lix, f"checkpoint-acyclic-key-{number}", "v")
        checkpoint(lix)
    assert (
        lix.value(
            "WITH RECURSIVE walk(start, at, depth) AS ("
            " SELECT parent_id, child_id, 1 FROM lix_commit_edge UNION"
            " SELECT start, child_id, depth + 1 FROM walk JOIN lix_commit_edge ON parent_id = at"
            " WHERE depth < 128) SELECT count(*) FROM walk WHERE start = at"
        )
        == 0
    )
    assert (
        lix.rows(
            "SELECT id FROM lix_commit WHERE id NOT IN (SELECT parent_id FROM lix_commit_edge)"
            " AND id NOT IN (SELECT child_id FROM lix_commit_edge)"
            " AND id NOT IN (SELECT commit_id FROM lix_version)"
            " AND id NOT IN (SELECT working_commit_id FROM lix_version)"
        )
        == []
    )


def test_only_its_own_version_moves(lix):
    tips = dict(lix.rows("SELECT id, commit_id FROM lix_version"))
    put(lix, "k", "v")
    made = checkpoint(lix)
    after = dict(lix.rows("SELECT id, commit_id FROM lix_version"))
    assert {v for v in after if after[v] != tips[v]} == {active(lix)[0]}
    assert after[active(lix)[0]] == made.id


def test_the_global_version_can_have_one(lix):
    lix.active("global")
    put(lix, "in-global", "v")
    _, _, work = active(lix)
    made = checkpoint(lix)
    assert made.id == work
    assert active(lix)[1] == work
    put(lix, "in-global-2", "v")
    assert checkpoint(lix).id not in (work, made.id)


def test_a_name_or_message_makes_one_without_changes(lix):
    first = checkpoint(lix, "release 1", "the first")
    second = checkpoint(lix, "release 2")
    assert first.id != second.id
    assert lix.rows("SELECT id, name, message, change_count FROM lix_checkpoint ORDER BY name") == [
        (first.id, "release 1", "the first", 0),
        (second.id, "release 2", None, 0),
    ]
    assert active(lix)[1] == second.id


def test_the_table_lists_checkpoints_only(lix):
    put(lix, "a", "1")
    put(lix, "b", "1")
    lix.execute("INSERT INTO lix_active_account (account_id) VALUES ('acct')")
    put(lix, "b2", "1")
    made = checkpoint(lix)
    put(lix, "c", "1")
    assert lix.rows(
        "SELECT id, name, version_id, change_set_id, change_count, author_account_ids"
        " FROM lix_checkpoint"
    ) == [(made.id, None, active(lix)[0], made.change_set_id, 3, '["acct"]')]
    with pytest.raises(lix_vtab.LixError, match="read-only"):
        lix.execute("DELETE FROM lix_checkpoint")


def test_inside_a_transaction_what_follows_is_working_again(lix):
    with lix.transaction() as tx:
        tx.execute("INSERT INTO lix_key_value (key, value) VALUES ('before', 'v')")
        ((made,),) = tx.execute("SELECT lix_create_checkpoint()").rows
        tx.execute("INSERT INTO lix_key_value (key, value) VALUES ('after', 'v')")
        tx.execute("UPDATE lix_key_value SET value = 'w' WHERE key = 'before'")
    (its_set,) = lix.column("SELECT change_set_id FROM lix_commit WHERE id = ?", (made,))
    assert [e for e, _, _ in elements(lix, its_set)] == ["before"]
    (working,) = lix.column(
        "SELECT c.change_set_id FROM lix_commit c WHERE c.id = ?", (active(lix)[2],)
    )
    assert [e for e, _, _ in elements(lix, working)] == ["after", "before"]
    assert lix.lix.check() == []


def test_a_rolled_back_one_leaves_nothing(lix):
    put(lix, "k", "v")
    before = active(lix), counts(lix)
    lix.execute("BEGIN")
    lix.execute("SELECT lix_create_checkpoint('x')")
    lix.execute("ROLLBACK")
    assert (active(lix), counts(lix)) == before
    assert checkpoint(lix).id == before[0][2]


def test_changes_undone_by_a_savepoint_make_none(lix):
    before = active(lix), counts(lix)
    with lix.transaction() as tx:
        tx.execute("SAVEPOINT s")
        tx.execute("INSERT INTO lix_key_value (key, value) VALUES ('k', 'v')")
        tx.execute("ROLLBACK TO s")
        ((made,),) = tx.execute("SELECT lix_create_checkpoint()").rows
    assert made == before[0][1]
    assert (active(lix), counts(lix)) == before


def test_a_version_without_commit_has_nothing_to_promote(lix):
    lix.version("unborn")
    lix.active("unborn")
    with pytest.raises(lix_vtab.LixError, match="tip commit 'commit-unborn' is missing"):
        lix.lix.create_checkpoint()


def test_name_and_message_must_be_texts(lix):
    with pytest.raises(lix_vtab.LixError, match="name must be a string"):
        lix.execute("SELECT lix_create_checkpoint(1)")


def test_a_branch_begins_with_an_empty_working_set(lix):
    put(lix, "k", "v")
    lix.create_version("branch", id="branch")
    lix.active("branch")
    assert ids(lix, active(lix)[2]) == []
    put(lix, "b", "v")
    made = checkpoint(lix)
    assert [e for e, _, _ in elements(lix, made.change_set_id)] == ["b"]
