"""Bookkeeping is listed for `global`, which has it, and for every version that inherits from it."""

from __future__ import annotations

import pytest

import lix_vtab

TABLES = (
    "lix_change",
    "lix_change_author",
    "lix_change_set",
    "lix_change_set_element",
    "lix_commit",
    "lix_commit_edge",
    "lix_version_pointer",
)


@pytest.fixture
def d(lix):
    lix.execute("INSERT INTO lix_active_account (account_id) VALUES ('ann')")
    lix.execute("INSERT INTO lix_key_value (key, value) VALUES ('k', '1')")
    lix._dirty = True
    lix.lix.create_checkpoint()
    lix.create_version("draft", id="draft")
    lix.lix.create_version("alone", id="alone", inherits_from=None)
    return lix


@pytest.mark.parametrize("table", TABLES)
def test_each_version_shows_what_the_table_does(d, table):
    live = d.execute(f"SELECT * FROM {table}")
    columns = ", ".join(live.columns)
    versions = d.rows(
        f"SELECT DISTINCT lixcol_version_id, lixcol_inherited_from_version_id"
        f" FROM {table}_by_version ORDER BY lixcol_version_id"
    )
    main = d.value("SELECT version_id FROM lix_active_version")
    assert versions == sorted([("draft", "global"), ("global", None), (main, "global")])
    for version, _ in versions:
        found = d.rows(
            f"SELECT {columns} FROM {table}_by_version WHERE lixcol_version_id = ?", (version,)
        )
        if version == "global":
            assert sorted(found, key=repr) == sorted(live.rows, key=repr)
        assert len(found) == len(live.rows) > 0
    at = live.columns.index("lixcol_file_id") + 1
    assert d.execute(f"SELECT * FROM {table}_by_version").columns == (
        *live.columns[:at],
        "lixcol_version_id",
        *live.columns[at:],
    )


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ("lixcol_version_id = 'draft'", 1),
        ("lixcol_version_id IN ('draft', 'global', 'none')", 2),
        ("lixcol_version_id = 'none'", 0),
        ("lixcol_version_id = 'alone'", 0),
        ("lixcol_version_id = NULL", 0),
        ("lixcol_inherited_from_version_id IS NULL", 1),
        ("lixcol_inherited_from_version_id = 'global'", 2),
        ("1", 3),
    ],
)
def test_conditions(d, where, count):
    tip = d.tip()
    found = d.rows(
        f"SELECT id, lixcol_version_id, lixcol_change_id FROM lix_commit_by_version"
        f" WHERE id = ? AND {where}",
        (tip,),
    )
    assert [row[0] for row in found] == [tip] * count


def test_order_limits_and_joins(d):
    whole = d.rows("SELECT lixcol_version_id, id FROM lix_commit_by_version ORDER BY 1, 2")
    assert whole == sorted(whole)
    assert (
        d.rows("SELECT lixcol_version_id, id FROM lix_commit_by_version ORDER BY 1, 2 LIMIT 2")
        == whole[:2]
    )
    assert len(d.rows("SELECT id FROM lix_commit_by_version LIMIT 3 OFFSET 1")) == 3
    rowids = d.column("SELECT rowid FROM lix_change_set_element_by_version")
    assert len(rowids) == len(set(rowids))
    assert d.rows(
        "SELECT v.name, count(*) FROM lix_version v JOIN lix_commit_by_version c"
        " ON c.lixcol_version_id = v.id WHERE v.name IN ('draft', 'alone') GROUP BY 1"
    ) == [("draft", len(whole) // 3)]


@pytest.mark.parametrize("table", TABLES)
def test_it_cannot_be_written(d, table):
    with pytest.raises(lix_vtab.LixError, match="read-only"):
        d.execute(f"DELETE FROM {table}_by_version")
