"""Scopes of many layers are read with other SQL: it must find the same, and not grow with them."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest

import lix_vtab
from lix_vtab.resolution import deep
from lix_vtab.resolution.visible import FIELDS, IN_FILE, Query
from lix_vtab.storage.versions import CHAIN_LIMIT
from tests.state.session import one_property

INSERT = (
    "INSERT INTO lix_state_by_version(version_id, entity_id, schema_key, file_id, plugin_key, "
    "schema_version, snapshot_content, untracked) VALUES (?, ?, 'task', ?, 'own', '1', ?, ?)"
)
READS = (
    "SELECT * FROM lix_state WHERE schema_key = 'task' ORDER BY file_id, entity_id",
    "SELECT * FROM lix_state WHERE schema_key = 'task' AND file_id = 'doc' ORDER BY entity_id",
    "SELECT count(*), sum(untracked) FROM lix_state",
    "SELECT lixcol_entity_id, value, lixcol_inherited_from_version_id, lixcol_change_id "
    "FROM task WHERE value > 'm' ORDER BY lixcol_file_id, 1",
    "SELECT entity_id, version_id, change_id FROM lix_state_by_version "
    "WHERE schema_key = 'task' ORDER BY 1, file_id, 2",
)


def chain(lix: lix_vtab.Lix, length: int) -> list[str]:
    """Let versions inherit one from another; return their ids, the farthest first."""
    (parent,) = lix.execute("SELECT version_id FROM lix_active_version").rows[0]
    ids = [parent]
    for number in range(length):
        lix.execute(
            "INSERT INTO lix_version(id, name, inherits_from_version_id) VALUES (?1, ?1, ?2)",
            (f"v{number}", ids[-1]),
        )
        ids.append(f"v{number}")
    return ids


def write_at_random(lix: lix_vtab.Lix, versions: list[str], chance: random.Random) -> None:
    """Insert, delete and move about rows all along a chain."""
    for _ in range(400):
        version, key = chance.choice(versions), f"e{chance.randrange(25)}"
        file = chance.choice(["lix", "doc"])
        if chance.random() < 0.25:
            lix.execute(
                "DELETE FROM lix_state_by_version WHERE version_id = ? AND entity_id = ? "
                "AND schema_key = 'task' AND file_id = ?",
                (version, key, file),
            )
            continue
        value = json.dumps({"value": chance.choice("abcxyz") * 3})
        lix.execute(INSERT, (version, key, file, value, chance.random() < 0.1))


@pytest.mark.parametrize("seed", range(4))
def test_both_ways_to_read_find_the_same(
    seed: int, lix_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    with lix_vtab.open(lix_path) as lix:
        lix.execute("INSERT INTO lix_stored_schema(value) VALUES (?)", (json.dumps(
            one_property("task")
        ),))  # fmt: skip
        versions = chain(lix, 5)
        write_at_random(lix, versions, chance)
        lix.execute("UPDATE lix_active_version SET version_id = ?", (versions[-1],))
    found = []
    for few in (1000, -1):
        monkeypatch.setattr(deep, "FEW", few)
        with lix_vtab.open(lix_path) as lix:
            lix.execute("UPDATE lix_active_version SET version_id = ?", (versions[-1],))
            found.append([lix.execute(sql).rows for sql in READS])
    assert found[0] == found[1]
    assert all(found[0])


def test_the_longest_chain_can_be_read_and_written(lix: lix_vtab.Lix) -> None:
    lix.execute("INSERT INTO lix_key_value(key, value) VALUES ('far', 'away')")
    versions = chain(lix, CHAIN_LIMIT - 2)
    lix.execute("UPDATE lix_active_version SET version_id = ?", (versions[-1],))
    lix.execute("INSERT INTO lix_key_value(key, value) VALUES ('near', 'by')")
    lix.execute("UPDATE lix_key_value SET value = 'closer' WHERE key = 'far'")
    rows = lix.execute("SELECT key, value FROM lix_key_value WHERE key IN ('far', 'near')").rows
    assert sorted(rows) == [("far", "closer"), ("near", "by")]
    assert len(lix.execute("SELECT * FROM lix_state").rows) > 2


def test_the_text_does_not_grow_with_the_layers() -> None:
    query = Query(("{entity_id}", "{snapshot}", "{commit_id}"), 1, ("x.schema_id = ?1",))
    text = query.build(deep.shape(overlaid=True, withdrawn=False), 60)
    assert len(text) < 6000
    assert text.count("lix_internal_tip") == 3


SHAPES = ("0t", "0p", "0o 0t", "0t 1p 1t", "0w 1o 1q", "deep", "deep overlaid withdrawn")


@pytest.mark.parametrize("shape", SHAPES)
def test_conditions_that_never_hold_can_be_read_by_file(shape):
    """SQLite drops all else when a condition cannot hold, also what lets it use an index."""
    with lix_vtab.open(internal=True) as lix:
        for name in FIELDS - {"version_id", "origin"}:
            for condition in ("IS NULL", "IS NOT NULL"):
                filters = (f"({{{name}}}) {condition}",)
                query = Query(("{entity_id}",), 1, ("x.file_id = ?1", IN_FILE), filters)
                sql = query.sql("main", shape, 3)
                values = [1] * max(int(number) for number in re.findall(r"\?(\d+)", sql))
                assert lix.connection.execute(f"EXPLAIN {sql}", values).fetchall()
