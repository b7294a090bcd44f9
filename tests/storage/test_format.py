"""The format number: newer ones are refused, older ones migrated in one transaction."""

from __future__ import annotations

import apsw
import pytest

import lix_vtab
from lix_vtab import errors
from lix_vtab.storage import ddl
from lix_vtab.storage.migrations import MIGRATIONS


@pytest.fixture
def path(tmp_path):
    path = str(tmp_path / "app.lix")
    lix_vtab.open(path).close()
    return path


def pretend(path, number):
    connection = apsw.Connection(path)
    connection.execute("UPDATE lix_internal_meta SET value = ? WHERE key = 'format'", (number,))
    connection.close()


def stored(path):
    connection = apsw.Connection(path)
    number = connection.execute("SELECT value FROM lix_internal_meta WHERE key = 'format'").get
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE name LIKE 'step%'").fetchall()
    connection.close()
    return number, [name for (name,) in tables]


def test_a_new_database_has_the_current_format(path):
    assert stored(path) == (ddl.FORMAT, [])


@pytest.mark.parametrize("number", [ddl.FORMAT + 1, "two", None])
def test_an_unknown_format_is_refused(path, number):
    pretend(path, number)
    with pytest.raises(errors.FormatError, match="format"):
        lix_vtab.open(path)
    assert stored(path)[0] == number


def test_an_older_format_is_migrated(path, monkeypatch):
    pretend(path, ddl.FORMAT - 1)
    monkeypatch.setitem(
        MIGRATIONS, ddl.FORMAT - 1, lambda con, db: con.execute(f'CREATE TABLE "{db}".step (a)')
    )
    with lix_vtab.open(path) as lix:
        assert lix.check() == []
    assert stored(path) == (ddl.FORMAT, ["step"])


def test_a_failing_migration_leaves_the_database_as_it_was(path, monkeypatch):
    def step(connection, db):
        connection.execute(f'CREATE TABLE "{db}".step (a)')
        raise ValueError("half way")

    pretend(path, ddl.FORMAT - 1)
    monkeypatch.setitem(MIGRATIONS, ddl.FORMAT - 1, step)
    with pytest.raises(ValueError, match="half way"):
        lix_vtab.open(path)
    assert stored(path) == (ddl.FORMAT - 1, [])


def test_a_format_without_migration_is_refused(path):
    pretend(path, ddl.FORMAT - 1)
    with pytest.raises(errors.FormatError, match="up to date"):
        lix_vtab.open(path)


@pytest.mark.parametrize(
    ("number", "told"),
    [(ddl.FORMAT + 1, f"reads up to {ddl.FORMAT}"), (ddl.FORMAT - 1, f"needs {ddl.FORMAT}")],
)
def test_an_attached_database_is_of_our_format(path, tmp_path, number, told):
    pretend(path, number)
    with lix_vtab.open() as lix:
        lix.execute("ATTACH ? AS other", (path,))
        for run in (lix.execute, lix.connection.execute):
            for table in ("lix_state", "lix_version"):
                with pytest.raises(errors.FormatError, match=f"'other' has lix format.*{told}"):
                    run(f"SELECT * FROM other.{table}")
        assert lix.execute("SELECT count(*) FROM lix_version").rows == [(2,)]
        lix.execute("DETACH other")
        lix.execute("ATTACH ? AS other", (str(tmp_path / "sound.lix"),))
        lix_vtab.open(str(tmp_path / "sound.lix")).close()
        assert lix.execute("SELECT count(*) FROM other.lix_version").rows == [(2,)]
