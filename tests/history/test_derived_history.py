"""`<key>_history` of bookkeeping lists what belongs to the commits one can reach."""

from __future__ import annotations

import pytest

from tests.history.test_derived_by_version import TABLES

MADE_BY = {
    "lix_change": "SELECT id, lixcol_commit_id FROM lix_change",
    "lix_change_author": (
        "SELECT a.lixcol_entity_id, h.lixcol_commit_id FROM lix_change_author a"
        " JOIN lix_change h ON h.id = a.change_id"
    ),
    "lix_change_set": "SELECT change_set_id, id FROM lix_commit",
    "lix_change_set_element": (
        "SELECT e.lixcol_entity_id, c.id FROM lix_change_set_element e"
        " JOIN lix_commit c USING (change_set_id)"
    ),
    "lix_commit": "SELECT id, id FROM lix_commit",
    "lix_commit_edge": "SELECT lixcol_entity_id, child_id FROM lix_commit_edge",
    "lix_version_pointer": "SELECT id, commit_id FROM lix_version_pointer",
}


@pytest.fixture
def branched(lix):
    lix.execute("INSERT INTO lix_active_account (account_id) VALUES ('ann'), ('bob')")
    lix.execute("INSERT INTO lix_key_value (key, value) VALUES ('k', '1'), ('l', '1')")
    lix.create_version("draft", id="draft")
    lix.lix.switch_version("draft")
    lix.execute("UPDATE lix_key_value SET value = '2'")
    lix.lix.create_checkpoint()
    lix.execute("DELETE FROM lix_key_value WHERE key = 'l'")
    lix._dirty = True
    return lix


def distances(lix, root: str) -> dict[str, int]:
    """Return how far away each commit is from a root, by walking the edges."""
    edges = lix.rows("SELECT child_id, parent_id FROM lix_commit_edge")
    found, level, depth = {}, {root}, 0
    while level:
        found |= dict.fromkeys(level - found.keys(), depth)
        level = {parent for child, parent in edges if child in level} - found.keys()
        depth += 1
    return found


@pytest.mark.parametrize("table", TABLES)
def test_rows_of_reachable_commits_and_how_far_away_they_are(branched, table):
    tips = branched.column("SELECT commit_id FROM lix_version")
    active = branched.value("SELECT lix_active_commit_id()")
    assert len(set(tips)) > 1
    for root in tips:
        near = distances(branched, root)
        made = branched.rows(MADE_BY[table])
        expected = {(id, commit, near[commit], root) for id, commit in made if commit in near}
        listed = (
            "SELECT lixcol_entity_id, lixcol_commit_id, lixcol_depth, lixcol_root_commit_id"
            f" FROM {table}_history"
        )
        found = branched.rows(f"{listed} WHERE lixcol_root_commit_id = ?", (root,))
        assert set(found) == expected
        assert len(found) == len(expected) > 0
        if root == active:
            assert set(branched.rows(listed)) == expected
            nearest = branched.rows(f"{listed} WHERE lixcol_depth = 0")
            assert set(nearest) == {row for row in expected if row[2] == 0}


@pytest.mark.parametrize("table", TABLES)
def test_it_has_the_properties_and_what_histories_have(branched, table):
    live = branched.execute(f"SELECT * FROM {table}").columns
    shown = branched.execute(f"SELECT * FROM {table}_history").columns
    properties = [name for name in live if not name.startswith("lixcol_")]
    assert list(shown[: len(properties)]) == properties
    assert shown[len(properties) :] == (
        *("lixcol_entity_id", "lixcol_schema_key", "lixcol_file_id", "lixcol_version_id"),
        *("lixcol_plugin_key", "lixcol_schema_version", "lixcol_change_id", "lixcol_metadata"),
        *("lixcol_commit_id", "lixcol_root_commit_id", "lixcol_depth"),
    )
    both = ", ".join(properties)
    rows = branched.rows(f"SELECT {both} FROM {table}_history")
    assert set(rows) <= set(branched.rows(f"SELECT {both} FROM {table}"))
    assert branched.rows(f"SELECT 1 FROM {table}_history WHERE lixcol_root_commit_id = 'no'") == []
