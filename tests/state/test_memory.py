"""What is remembered between statements is never wrong: long scripts of SQL run at random twice.

One connection keeps all it remembers. Its twin, on a database of its own, has forgotten everything
before each statement. Both must answer alike, and whenever no transaction is open a connection that
was just opened must find what the first one shows. In between a second connection commits to the
same file, functions of the user raise in the middle of statements, schemas and versions come, go
and come again under the same name, and savepoints are undone at any depth.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

import lix_vtab
from lix_vtab.errors import LixError
from lix_vtab.loading import load_into

SCHEMAS = ("red", "blue")
ENTITIES = ("a", "b", "c")
VERSIONS = ("v1", "v2", "v3")
PLACES = (*VERSIONS, "main", "global")

BUSY = {"BusyError", "LIX_ERROR_BUSY"}

TOLD = (
    "SELECT schema_key, entity_id, file_id, version_id, snapshot_content, untracked,"
    " inherited_from_version_id, writer_key, metadata FROM lix_state_by_version"
    " WHERE schema_key IN ('red', 'blue') OR (schema_key = 'lix_key_value' AND entity_id IN"
    " ('a', 'b', 'c')) ORDER BY 1, 2, 3, 4",
    "SELECT schema_key, entity_id, file_id, snapshot_content, untracked FROM lix_state"
    " WHERE schema_key IN ('red', 'blue', 'lix_key_value') AND entity_id IN ('a', 'b', 'c')"
    " ORDER BY 1, 2, 3",
    "SELECT id, name, inherits_from_version_id FROM lix_version ORDER BY id",
    "SELECT version_id FROM lix_active_version",
    "SELECT json_extract(value, '$.x-lix-key'), json_extract(value, '$.title')"
    " FROM lix_stored_schema WHERE value ->> '$.x-lix-key' IN ('red', 'blue') ORDER BY 1",
    "SELECT schema_key, entity_id, file_id, snapshot_content FROM lix_change"
    " WHERE schema_key IN ('red', 'blue') ORDER BY 1, 2, 3, 4",
    "SELECT entity_id, schema_key, file_id, status, before_snapshot_content,"
    " after_snapshot_content FROM lix_working_changes WHERE schema_key IN ('red', 'blue')"
    " ORDER BY 1, 2, 3",
    "SELECT count(*) FROM lix_commit",
    "SELECT id, v FROM red ORDER BY 1, 2",
    "SELECT id, v, lixcol_version_id FROM blue_by_version ORDER BY 1, 2, 3",
)
"""What everybody can see, except ids and times."""

EXACTLY = (
    "SELECT * FROM lix_state_by_version ORDER BY schema_key, entity_id, file_id, version_id",
    "SELECT * FROM lix_version ORDER BY id",
    "SELECT * FROM lix_commit ORDER BY id",
    "SELECT * FROM lix_change ORDER BY id",
)
"""What two connections to one file agree about to the letter."""


class Boom(Exception):
    """Raised by a function of the user."""


def boom(value: object) -> object:
    """Fail for one value, in whatever statement asks."""
    if value == 7:
        raise Boom("seven")
    return value


def definition(key: str, kind: int) -> str:
    """Return one of several definitions of a schema, as SQL."""
    more = (
        "",
        ', "x-lix-unique": [["/v"]]',
        ', "x-lix-immutable": true',
        ', "x-lix-foreign-keys": [{"properties": ["/v"], "references":'
        ' {"schemaKey": "red", "properties": ["/id"]}}]',
    )[kind]
    text = (
        f'{{"x-lix-key": "{key}", "x-lix-version": "1", "type": "object", "title": "k{kind}",'
        ' "x-lix-primary-key": ["/id"], "required": ["id"], "additionalProperties": false,'
        ' "properties": {"id": {"type": "string"}, "v": {"type": ["string", "null"], "default":'
        f' "d{kind}"}}}}{more}}}'
    )
    return f"'{text}'"


class Script:
    """Makes up statements. What they do may depend on the database, never on ids or times."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._number = 0

    def statements(self, count: int) -> Iterator[tuple[str, str]]:
        """Yield who runs what: `me`, or `other` for the second connection."""
        for key in SCHEMAS:
            yield "me", f"INSERT INTO lix_stored_schema (value) VALUES ({definition(key, 0)})"
        for _ in range(count):
            who = self._random.choices(("me", "other"), (8, 1))[0]
            makes, weights = zip(*self._kinds(), strict=True)
            make = self._random.choices(makes, weights)[0]
            if who == "other" and make == self._transaction:
                # when it would get its snapshot depends on what it has to look up
                who = "me"
            yield who, make()

    def _kinds(self) -> list[tuple[Callable[[], str], int]]:
        return [
            (self._insert, 12),
            (self._insert_several, 6),
            (self._entity, 10),
            (self._update, 6),
            (self._delete, 6),
            (self._version, 6),
            (self._schema, 4),
            (self._verb, 3),
            (self._transaction, 16),
        ]

    def _one(self, *choices: str) -> str:
        return self._random.choice(choices)

    def _value(self) -> str:
        self._number += 1
        return self._one(*ENTITIES, f"n{self._number % 5}")

    def _file(self) -> str:
        return self._one("lix", "lix", "f1", f"f{self._number % 9}")

    def _version_of(self) -> str:
        place = self._one(*PLACES)
        return f"'{place}'"

    def _insert(self) -> str:
        key, id = self._one(*SCHEMAS), self._one(*ENTITIES)
        verb = self._one("INSERT", "INSERT", "INSERT OR REPLACE", "INSERT OR IGNORE")
        snapshot = f'{{"id":"{id}","v":"{self._value()}"}}'
        content = self._one(f"'{snapshot}'", f"'{snapshot}'", "NULL")
        return (
            f"{verb} INTO lix_state_by_version (entity_id, schema_key, file_id, version_id,"
            f" plugin_key, schema_version, snapshot_content, untracked) VALUES ('{id}', '{key}',"
            f" '{self._file()}', {self._version_of()}, '{self._one('lix', 'p1')}', '1', {content},"
            f" {self._one('0', '0', '1')})"
        )

    def _insert_several(self) -> str:
        """Write rows of several kinds into several versions; some fail in the middle."""
        rows = ", ".join(
            f"('{self._one(*ENTITIES)}', '{self._one(*SCHEMAS)}', '{self._file()}',"
            f" {self._version_of()}, '{self._value()}', {self._one('0', '0', '1')},"
            f" {self._one('1', '1', '1', '7')})"
            for _ in range(self._random.randint(2, 6))
        )
        return (
            "INSERT INTO lix_state_by_version (entity_id, schema_key, file_id, version_id,"
            " plugin_key, schema_version, snapshot_content, untracked) SELECT column1, column2,"
            " column3, column4, 'lix', '1', json_object('id', column1, 'v', column5),"
            f" column6 + 0 * boom(column7) FROM (VALUES {rows})"
        )

    def _entity(self) -> str:
        key, id = self._one(*SCHEMAS), self._one(*ENTITIES)
        verb = self._one("INSERT", "INSERT OR REPLACE", "INSERT OR IGNORE", "INSERT OR FAIL")
        value = self._value()
        return self._one(
            f"{verb} INTO {key} (id, v) VALUES ('{id}', '{value}')",
            f"{verb} INTO {key} (id) VALUES ('{id}'), ('{self._one(*ENTITIES)}')",
            f"{verb} INTO {key}_by_version (id, v, lixcol_version_id, lixcol_untracked)"
            f" VALUES ('{id}', '{value}', {self._version_of()}, {self._one('0', '1')})",
            f"{verb} INTO lix_key_value (key, value) VALUES ('{id}', '{value}')",
        )

    def _update(self) -> str:
        where = self._one(
            f"entity_id = '{self._one(*ENTITIES)}'",
            f"version_id = {self._version_of()}",
            "inherited_from_version_id IS NULL",
            "untracked = 0",
        )
        key = self._one(*SCHEMAS)
        raises = self._one("", "", " AND boom(CASE entity_id WHEN 'b' THEN 7 ELSE 1 END)")
        return self._one(
            "UPDATE lix_state_by_version SET snapshot_content = json_set(snapshot_content, '$.v',"
            f" '{self._value()}') WHERE schema_key = '{key}' AND {where}{raises}",
            f"UPDATE {key} SET v = '{self._value()}' WHERE id >= '{self._one(*ENTITIES)}'",
        )

    def _delete(self) -> str:
        key, id = self._one(*SCHEMAS), self._one(*ENTITIES)
        return self._one(
            f"DELETE FROM {key} WHERE id = '{id}'",
            f"DELETE FROM {key}",
            f"DELETE FROM lix_state_by_version WHERE schema_key = '{key}' AND entity_id = '{id}'",
            f"DELETE FROM lix_state_by_version WHERE schema_key = '{key}'"
            f" AND version_id = {self._version_of()}",
        )

    def _version(self) -> str:
        id, parent = self._one(*VERSIONS), self._one("global", "main", *VERSIONS)
        any_commit = (
            "(SELECT commit_id FROM lix_version WHERE id = "
            f"coalesce((SELECT id FROM lix_version WHERE id = '{self._one(*VERSIONS)}'), 'main'))"
        )
        self._number += 1
        return self._one(
            "INSERT INTO lix_version (id, name, inherits_from_version_id) VALUES"
            f" ('{id}', '{id}', '{parent}')",
            "INSERT INTO lix_version (id, name, inherits_from_version_id, commit_id) VALUES"
            f" ('{id}', '{id}', '{parent}', {any_commit})",
            f"DELETE FROM lix_version WHERE id = '{id}'",
            f"DELETE FROM lix_version WHERE id = '{id}'",
            f"UPDATE lix_version SET inherits_from_version_id = '{parent}' WHERE id = '{id}'",
            f"UPDATE lix_version SET commit_id = {any_commit},"
            f" working_commit_id = 'w{self._number}' WHERE id = '{id}'",
            f"UPDATE lix_active_version SET version_id = {self._version_of()}",
            f"SELECT lix_switch_version({self._version_of()}, 1) IS NULL",
        )

    def _schema(self) -> str:
        key = self._one(*SCHEMAS)
        fresh = definition(key, self._random.randrange(4))
        return self._one(
            f"DELETE FROM lix_stored_schema WHERE value ->> '$.x-lix-key' = '{key}'",
            f"INSERT INTO lix_stored_schema (value) VALUES ({fresh})",
            f"INSERT OR REPLACE INTO lix_stored_schema (value) VALUES ({fresh})",
            f"SELECT lix_register_schema({fresh}) IS NULL",
        )

    def _verb(self) -> str:
        return self._one(
            "SELECT lix_undo() IS NULL",
            "SELECT lix_undo() IS NULL",
            "SELECT lix_redo() IS NULL",
            "SELECT lix_create_checkpoint() IS NULL",
            "SELECT lix_rebuild() IS NULL",
            "SELECT lix_restore((SELECT commit_id FROM lix_version WHERE id = 'v1')) IS NULL",
            "INSERT OR REPLACE INTO lix_key_value_by_version (key, value, lixcol_version_id)"
            " VALUES ('lix_deterministic_mode', json('{\"enabled\":true}'), 'global')",
            "DELETE FROM lix_key_value WHERE key = 'lix_deterministic_mode'",
        )

    def _transaction(self) -> str:
        name = self._one("s", "t")
        return self._one(
            "BEGIN",
            "BEGIN",
            "COMMIT",
            "ROLLBACK",
            f"SAVEPOINT {name}",
            f"SAVEPOINT {name}",
            f"SAVEPOINT {name}",
            f"ROLLBACK TO {name}",
            f"ROLLBACK TO {name}",
            f"RELEASE {name}",
        )


class Host:
    """One connection to one database, run through `Lix` or bare."""

    def __init__(self, path: str, *, bare: bool) -> None:
        self._lix: lix_vtab.Lix | None = None
        if bare:
            self.connection = apsw.Connection(path)
            self.session = load_into(self.connection).session
        else:
            self._lix = lix_vtab.open(path)
            self.connection = self._lix.connection
            self.session = self._lix._session
        self.connection.set_busy_timeout(0)
        self.connection.create_scalar_function("boom", boom, 1)

    def run(self, sql: str) -> object:
        """Return the rows of a statement, or what kind of error it is."""
        try:
            if self._lix is not None:
                return self._lix.execute(sql).rows
            return self.connection.execute(sql).fetchall()
        except LixError as error:
            return error.code
        except (apsw.Error, Boom) as error:
            return type(error).__name__

    def tell(self, queries: tuple[str, ...]) -> list[object]:
        return [self.run(sql) for sql in queries]

    def forget(self) -> None:
        """Forget everything that can be read again."""
        session, store = self.session, self.session.store
        for hook in store._on_foreign_write:
            hook()
        store.names.forget()
        store.commits._open.clear()
        session.catalogue.forget()
        session.scopes._scopes.clear()
        session.writer._lanes.clear()
        store.transaction.stale()

    def close(self) -> None:
        if self._lix is not None:
            self._lix.close()
        self.connection.close()


@contextmanager
def hosts(folder: Path, *, bare: bool) -> Iterator[tuple[Host, Host, Host, Host]]:
    """Open two databases, each by two connections; give the versions of both the same ids."""
    opened: list[Host] = []
    try:
        for name in ("one", "two"):
            path = str(folder / f"{name}.lix")
            with lix_vtab.open(path, internal=True) as lix:
                lix.connection.execute("PRAGMA journal_mode = WAL")
                lix.execute(
                    "INSERT INTO lix_version (id, name) VALUES ('main', 'm');"
                    "UPDATE lix_active_version SET version_id = 'main';"
                    "DELETE FROM lix_version WHERE name = 'main'"
                )
            opened += [Host(path, bare=bare), Host(path, bare=not bare)]
            opened[-2].connection.execute("PRAGMA synchronous = OFF")
        yield opened[0], opened[1], opened[2], opened[3]
    finally:
        for host in opened:
            host.close()


def play(folder: Path, seed: int, count: int) -> None:
    """Run one script on both databases and compare after each statement."""
    with hosts(folder, bare=seed % 2 == 1) as (one, one_other, two, two_other):
        trace: list[str] = []
        for who, sql in Script(seed).statements(count):
            two.forget()
            two_other.forget()
            pair = (one, two) if who == "me" else (one_other, two_other)
            found, expected = pair[0].run(sql), pair[1].run(sql)
            trace.append(f"{who}: {sql} -> {str(found)[:80]}")
            if BUSY.isdisjoint((str(found), str(expected))):
                # what else is wrong with it is found before that or not
                assert found == expected, "\n".join(trace)
            two.forget()
            assert one.tell(TOLD) == two.tell(TOLD), "\n".join(trace)
            if not one.connection.in_transaction:
                fresh = Host(str(folder / "one.lix"), bare=True)
                try:
                    assert one.tell(EXACTLY) == fresh.tell(EXACTLY), "\n".join(trace)
                finally:
                    fresh.close()
        for host in (one, one_other, two, two_other):
            host.run("ROLLBACK")
        for host in (one, two):
            assert host.run("SELECT problem FROM lix_check") == [], "\n".join(trace)


@pytest.mark.parametrize("seed", range(6))
def test_memory_is_never_wrong(tmp_path, seed):
    play(tmp_path, seed, 60)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1200))
def test_memory_is_never_wrong_at_length(tmp_path, seed):
    play(tmp_path, seed, 150)
