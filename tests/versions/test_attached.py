"""What a call says about its statement holds in attached databases too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import lix_vtab
from lix_vtab import Lix


@pytest.fixture
def lix(tmp_path: Path) -> Iterator[Lix]:
    other = str(tmp_path / "other.lix")
    lix_vtab.open(other).close()
    with lix_vtab.open() as opened:
        opened.execute("ATTACH ? AS other", (other,))
        yield opened
        assert opened.check() == []
    with lix_vtab.open(other) as opened:
        assert opened.check() == []


def test_the_writer_key(lix: Lix) -> None:
    insert = "INSERT INTO other.lix_key_value (key, value) VALUES ('a', 1)"
    update = "UPDATE other.lix_key_value SET value = value + 1"
    writer = (
        "SELECT writer_key FROM other.lix_state"
        " WHERE schema_key = 'lix_key_value' AND entity_id = 'a'"
    )
    lix.execute(insert, writer_key="first")
    assert lix.execute(writer).rows == [("first",)]
    with lix.transaction(writer_key="second") as transaction:
        transaction.execute(update)
    assert lix.execute(writer).rows == [("second",)]
    lix.execute(update)
    assert lix.execute(writer).rows == [(None,)]


@pytest.mark.parametrize("database", ["main", "other"])
def test_a_version_without_parent(lix: Lix, database: str) -> None:
    lix.execute(
        f"INSERT INTO {database}.lix_version (id, inherits_from_version_id) VALUES ('alone', NULL)"
    )
    lix.execute(f"INSERT INTO {database}.lix_version (id) VALUES ('heir')")
    found = lix.execute(
        f"SELECT inherits_from_version_id FROM {database}.lix_version"
        " WHERE id IN ('alone', 'heir') ORDER BY id"
    )
    assert found.rows == [(None,), ("global",)]


def test_each_database_has_its_own_active_version(lix: Lix) -> None:
    lix.execute("INSERT INTO other.lix_version (id) VALUES ('draft')")
    lix.execute("UPDATE other.lix_active_version SET version_id = 'draft'")
    lix.execute("INSERT INTO other.lix_key_value (key, value) VALUES ('a', 1)")
    assert lix.execute(
        "SELECT (SELECT version_id FROM other.lix_active_version),"
        " (SELECT v.name FROM main.lix_version v, main.lix_active_version a"
        " WHERE v.id = a.version_id),"
        " (SELECT group_concat(lixcol_version_id) FROM other.lix_key_value_by_version"
        " WHERE key = 'a')"
    ).rows == [("draft", "main", "draft")]
