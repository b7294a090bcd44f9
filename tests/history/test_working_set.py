"""The working commit lists what changed in the active version since its last checkpoint."""

from __future__ import annotations

import pytest


@pytest.fixture
def rotated(lix):
    put(lix, "working-seed-key", "seed")
    checkpoint(lix)
    return lix


def put(lix, key, value):
    lix.execute("INSERT INTO lix_key_value (key, value) VALUES (?, ?)", (key, value))


def checkpoint(lix):
    lix._dirty = True
    return lix.lix.create_checkpoint()


def working(lix, entity=None):
    """Return (entity, snapshot) of the elements of the working change set."""
    return lix.rows(
        "SELECT e.entity_id, h.snapshot_content FROM lix_active_version a"
        " JOIN lix_version v ON v.id = a.version_id"
        " JOIN lix_commit c ON c.id = v.working_commit_id"
        " JOIN lix_change_set_element e ON e.change_set_id = c.change_set_id"
        " JOIN lix_change h ON h.id = e.change_id"
        " WHERE ?1 IS NULL OR e.entity_id = ?1 ORDER BY 1",
        (entity,),
    )


def test_an_insert_appears_once(rotated):
    put(rotated, "working-insert-key", "v1")
    assert len(working(rotated, "working-insert-key")) == 1


def test_a_delete_appears_as_a_tombstone(rotated):
    rotated.execute("DELETE FROM lix_key_value WHERE key = 'working-seed-key'")
    assert working(rotated) == [("working-seed-key", None)]


def test_writes_of_several_entities_collapse_to_one_element_each(rotated):
    put(rotated, "working-multi-key-1", "v1")
    put(rotated, "working-multi-key-2", "v1")
    rotated.execute(
        "UPDATE lix_key_value SET value = 'v2' WHERE key IN"
        " ('working-multi-key-1', 'working-multi-key-2')"
    )
    assert working(rotated) == [
        ("working-multi-key-1", '{"key":"working-multi-key-1","value":"v2"}'),
        ("working-multi-key-2", '{"key":"working-multi-key-2","value":"v2"}'),
    ]


def test_a_checkpoint_empties_it(rotated):
    put(rotated, "working-reset-key", "v1")
    assert len(working(rotated, "working-reset-key")) == 1
    made = checkpoint(rotated)
    assert working(rotated) == []
    assert rotated.column(
        "SELECT entity_id FROM lix_change_set_element WHERE change_set_id = ?",
        (made.change_set_id,),
    ) == ["working-reset-key"]


def test_everything_counts_before_the_first_checkpoint(lix):
    put(lix, "a", "1")
    put(lix, "b", "1")
    assert [entity for entity, _ in working(lix)] == ["a", "b"]


def test_writes_elsewhere_do_not_count(rotated):
    rotated.execute(
        "INSERT INTO lix_key_value_by_version (key, value, lixcol_version_id)"
        " VALUES ('in-global', 'v', 'global')"
    )
    assert working(rotated) == []


def test_created_and_deleted_again_leaves_a_tombstone(rotated):
    put(rotated, "short", "v")
    rotated.execute("DELETE FROM lix_key_value WHERE key = 'short'")
    assert working(rotated) == [("short", None)]


def test_the_running_transaction_counts(rotated):
    with rotated.transaction() as tx:
        tx.execute("INSERT INTO lix_key_value (key, value) VALUES ('open', 'v')")
        assert [entity for entity, _ in working(rotated)] == ["open"]


def test_elements_by_change_and_by_set_agree(rotated):
    put(rotated, "k", "v")
    whole = rotated.rows("SELECT change_id, change_set_id FROM lix_change_set_element")
    assert len(whole) == len(set(whole))
    by_change = [
        row
        for change in {change for change, _ in whole}
        for row in rotated.rows(
            "SELECT change_id, change_set_id FROM lix_change_set_element WHERE change_id = ?",
            (change,),
        )
    ]
    assert sorted(by_change) == sorted(whole)
