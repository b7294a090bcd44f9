"""Everything derived can be thrown away: the log, the commits and the pointers say it all."""

from __future__ import annotations

import random

import pytest

import lix_vtab
from tests.state.session import dump, one_property
from tests.state.session import snapshot as content

S = "test_state_schema"
COLUMNS = (
    "(entity_id, schema_key, file_id, version_id, plugin_key, schema_version, snapshot_content"
)
SURFACES = (
    "lix_state",
    "lix_state_by_version",
    "lix_internal_state_vtable",
    "lix_version",
    "lix_active_version",
    "lix_active_account",
    "lix_commit",
    "lix_commit_edge",
    "lix_change",
    "lix_change_set",
    "lix_change_set_element",
    "lix_change_author",
)


def surfaces(lix):
    """Return every column of every row anybody can see."""
    return {name: sorted(lix.execute(f"SELECT * FROM {name}").rows, key=repr) for name in SURFACES}


def write(lix, version, entity, value, untracked=0, **options):
    lix.execute(
        f"INSERT INTO lix_internal_state_vtable {COLUMNS}, untracked)"
        f" VALUES (?, '{S}', 'f', ?, 'lix', '1', ?, ?)",
        (entity, version, None if value is None else content(value), untracked),
        **options,
    )


def random_history(lix, seed, steps):
    """Write, branch, move tips, switch and delete at random; return the versions."""
    draw = random.Random(seed)
    versions = ["global", lix.active_version.id]
    for step in range(steps):
        version = draw.choice(versions)
        kind = draw.randrange(12)
        if kind < 5:
            value = draw.choice([None, str(step), str(step), "same"])
            write(lix, version, f"e{draw.randrange(8)}", value, writer_key=draw.choice([None, "w"]))
        elif kind == 5:
            write(lix, version, f"e{draw.randrange(8)}", draw.choice([None, str(step)]), 1)
        elif kind == 6:
            lix.execute(
                f"DELETE FROM lix_state_by_version WHERE schema_key = '{S}' AND version_id = ?"
                " AND entity_id <= ?",
                (version, f"e{draw.randrange(8)}"),
            )
        elif kind == 7:
            lix.execute(
                "UPDATE lix_state_by_version SET metadata = json_object('step', ?)"
                f" WHERE schema_key = '{S}' AND version_id = ?",
                (step, version),
            )
        elif kind == 8 and len(versions) < 8:
            parent = draw.choice(versions)
            name = f"v{step}"
            lix.create_version(name, id=name, source=version, inherits_from=parent)
            versions.append(name)
        elif kind == 9 and version != "global":  # it holds the list of versions
            move_tip(lix, version, draw, step)
        elif kind == 10:
            lix.switch_version(version)
        elif kind == 11:
            with lix.transaction() as tx:
                for number in range(3):
                    write(tx, draw.choice(versions), f"e{number}", f"{step}-{number}")
    return versions


def move_tip(lix, version, draw, step):
    commits = [c for (c,) in lix.execute("SELECT id FROM lix_commit ORDER BY id")]
    working = {c for (c,) in lix.execute("SELECT working_commit_id FROM lix_version")}
    target = draw.choice([c for c in commits if c not in working])
    lix.execute(
        "UPDATE lix_version SET commit_id = ?, working_commit_id = ? WHERE id = ?",
        (target, f"working-{step}", version),
    )


@pytest.mark.parametrize("seed", range(8))
def test_rebuild_changes_nothing_anybody_can_see(seed, tmp_path):
    path = str(tmp_path / "app.lix")
    with lix_vtab.open(path, internal=True) as lix:
        lix.register_schema(one_property(S))
        lix.execute("INSERT INTO lix_active_account (account_id) VALUES ('acct')")
        random_history(lix, seed, 80)
        before = surfaces(lix)
        assert any(before.values())
        lix.rebuild()
        assert surfaces(lix) == before
        assert lix.check() == []
    with lix_vtab.open(path, internal=True) as lix:
        assert surfaces(lix) == before
        lix.rebuild()
        assert surfaces(lix) == before


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 160))
def test_rebuild_changes_nothing_after_long_histories(seed):
    with lix_vtab.open(internal=True) as lix:
        lix.register_schema(one_property(S))
        random_history(lix, seed, 400)
        before = surfaces(lix)
        lix.rebuild()
        assert surfaces(lix) == before
        assert lix.check() == []


def test_rebuild_is_deterministic():
    with lix_vtab.open(internal=True) as lix:
        lix.register_schema(one_property(S))
        random_history(lix, 1, 60)
        lix.rebuild()
        first = dump(lix)
        lix.rebuild()
        assert dump(lix) == first


def test_writing_goes_on_after_a_rebuild(lix):
    lix.schema(S)
    lix.row("e", lix.main(), "1")
    created = lix.raw("created_at")
    lix.lix.rebuild()
    lix.row("e", lix.main(), "2")
    lix.row("f", lix.main(), "3")
    assert lix.raw("entity_id, snapshot_content") == [("e", content("2")), ("f", content("3"))]
    assert lix.raw("created_at")[0] == created[0]


def test_rebuild_lists_the_bookkeeping_of_every_commit(lix):
    lix.schema(S)
    for entity in ("entity-1", "entity-1b"):
        lix.execute(
            f"INSERT INTO lix_state_by_version {COLUMNS}) VALUES (?, '{S}', 'f', ?, 'lix', '1', ?)",
            (entity, lix.main(), content("x")),
        )
    lix.lix.rebuild()
    keys = set(lix.column("SELECT schema_key FROM lix_internal_state_vtable"))
    assert {
        "lix_commit",
        "lix_version_pointer",
        "lix_change_set_element",
        "lix_commit_edge",
    } <= keys


def test_rebuild_clears_rows_that_no_log_explains(lix):
    """Damage done to the physical rows disappears, whatever table holds them."""
    lix.schema(S)
    lix.row("entity-new", lix.main(), "new")
    lix.row("entity-old", lix.main(), "old")
    lix.row("entity-old", lix.main(), None)
    sound = surfaces(lix)
    damaged = 0
    for table in derived_tables(lix):
        lix.connection.execute(f'DELETE FROM "{table}"')
        damaged += lix.connection.changes()
    assert damaged > 0
    assert lix.lix.check() != []
    lix.lix.rebuild()
    assert lix.lix.check() == []
    assert surfaces(lix) == sound


def derived_tables(lix):
    """Name the two row tables: they hold which change is current where, and nothing else."""
    names = lix.connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table'"
        " AND name IN ('lix_internal_tip', 'lix_internal_past')"
    ).fetchall()
    assert len(names) == 2
    return [name for (name,) in names]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE lix_internal_tip SET live = 0 WHERE entity_id = 'e'",
        "UPDATE lix_internal_tip SET change_no = change_no + 1000 WHERE entity_id = 'e'",
    ],
)
def test_check_and_integrity_check_report_what_is_wrong(lix, damage):
    lix.schema(S)
    lix.row("e", lix.main(), "1")
    sound = lix.raw("*")
    assert lix.lix.check() == []
    lix.connection.execute(damage)
    assert lix.connection.changes() == 1
    assert "'e'" in "".join(lix.lix.check())
    assert "'e'" in str(lix.connection.execute("PRAGMA integrity_check").fetchall())
    lix.lix.rebuild()
    assert lix.connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert lix.raw("*") == sound


def test_check_finds_a_missing_row(lix):
    lix.schema(S)
    lix.row("e", lix.main(), "1")
    lix.connection.execute("DELETE FROM lix_internal_tip WHERE entity_id = 'e'")
    assert "'e'" in "".join(lix.lix.check())
    lix.lix.rebuild()
    assert lix.raw("entity_id") == [("e",)]


def test_check_finds_a_missing_version(lix_path):
    with lix_vtab.open(lix_path, internal=True) as lix:
        lix.execute("INSERT INTO lix_version(id, name) VALUES ('v', 'v')")
        lix.execute("DELETE FROM lix_internal_version WHERE id = 'v'")
        assert "version 'v' has a descriptor and no pointer" in lix.check()


def test_untracked_rows_survive_a_rebuild(lix):
    lix.schema(S)
    lix.row("e", lix.main(), "local", untracked=1)
    before = lix.raw("*")
    lix.lix.rebuild()
    assert lix.raw("*") == before


def test_deleted_versions_stay_deleted(lix):
    lix.schema(S)
    lix.create_version("gone", id="gone")
    lix.row("e", "gone", "x")
    lix.delete_version("gone")
    lix.lix.rebuild()
    assert lix.rows("SELECT 1 FROM lix_version WHERE id = 'gone'") == []
    assert lix.rows("SELECT 1 FROM lix_state_by_version WHERE version_id = 'gone'") == []


def test_rebuild_inside_a_transaction_is_rolled_back_with_it(lix):
    lix.schema(S)
    lix.row("e", lix.main(), "1")
    before = surfaces(lix.lix)
    lix.execute("BEGIN")
    lix.row("f", lix.main(), "2")
    lix.lix.rebuild()
    lix.execute("ROLLBACK")
    assert surfaces(lix.lix) == before
