"""A `Lix` for tests that runs each suite in three modes.

A test that takes `open_session` (or the `lix` fixture of its directory) runs three times: as it is
(`live`), with everything derived rebuilt from the change log before each read (`rebuild`), and with
the database file closed and opened again before each read (`reopen`). `--lix-mode=live` picks one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

import lix_vtab

MODES = ("live", "rebuild", "reopen")

_READ = re.compile(r"\s*(SELECT|VALUES|EXPLAIN|WITH(?!.*\b(INSERT|UPDATE|DELETE)\b))", re.I | re.S)
_FROM = re.compile(r"\bFROM\b", re.I)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--lix-mode",
        choices=(*MODES, "all"),
        default="all",
        help="run session tests live, rebuilt or reopened before each read (default: all three)",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "lix_mode" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--lix-mode")
        metafunc.parametrize("lix_mode", MODES if chosen == "all" else (chosen,))


def snapshot(value: str, prop: str = "value") -> str:
    """Return the canonical snapshot of a one-property row."""
    return json.dumps({prop: value}, separators=(",", ":"), ensure_ascii=False)


def one_property(key: str, prop: str = "value", version: str = "1", **more: Any) -> dict[str, Any]:
    """Return a schema whose only property is a required string."""
    return {
        "x-lix-key": key,
        "x-lix-version": version,
        "type": "object",
        "properties": {prop: {"type": "string"}},
        "required": [prop],
        "additionalProperties": False,
    } | more


def dump(lix: lix_vtab.Lix) -> dict[str, list[Any]]:
    """Return every row of every `lix_internal_*` table that stores something."""
    run = lix.connection.execute
    names = run(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'lix_internal_*'"
        " AND sql NOT LIKE 'CREATE VIRTUAL%'"
    ).fetchall()
    assert names
    return {n: sorted(run(f'SELECT * FROM "{n}"').fetchall(), key=repr) for (n,) in names}


class Session:
    """A `Lix` with the shorthands of the suites, which renews itself before reads when told to."""

    def __init__(self, mode: str, path: str, **options: Any) -> None:
        self.mode = mode
        self.path = path
        self._dirty = True
        self.lix = lix_vtab.open(path, internal=True, **options)

    @property
    def connection(self) -> Any:
        return self.lix.connection

    @property
    def active_version(self) -> Any:
        self.renew()
        return self.lix.active_version

    def execute(self, sql: str, params: Any = (), **options: Any) -> lix_vtab.Result:
        """Run one statement, renewing the derived state or the connection before a read."""
        if _READ.match(sql) and _FROM.search(sql):
            self.renew()
        else:
            self._dirty = True
        return self.lix.execute(sql, params, **options)

    def rows(self, sql: str, params: Any = ()) -> list[tuple[Any, ...]]:
        return self.execute(sql, params).rows

    def value(self, sql: str, params: Any = ()) -> Any:
        """Return the only column of the only row."""
        ((value,),) = self.rows(sql, params)
        return value

    def column(self, sql: str, params: Any = ()) -> list[Any]:
        return [row[0] for row in self.rows(sql, params)]

    def renew(self) -> None:
        """Rebuild or reopen, unless nothing changed or a transaction is open."""
        if not self._dirty or self.lix.connection.in_transaction:
            return
        self._dirty = False
        if self.mode == "rebuild":
            self.lix.rebuild()
        elif self.mode == "reopen":
            internal = self.lix._session.internal
            self.lix.close()
            self.lix = lix_vtab.open(self.path, internal=True)
            self.lix._session.internal = internal

    def transaction(self, **options: Any) -> AbstractContextManager[Any]:
        self._dirty = True
        return self.lix.transaction(**options)

    def create_version(self, *args: Any, **options: Any) -> lix_vtab.Version:
        self._dirty = True
        return self.lix.create_version(*args, **options)

    def switch_version(self, version: Any, **options: Any) -> None:
        self._dirty = True
        self.lix.switch_version(version, **options)

    def delete_version(self, version: Any) -> None:
        self._dirty = True
        self.lix.delete_version(version)

    def schema(self, key: str, prop: str = "value", version: str = "1", **more: Any) -> None:
        """Store a schema whose only property is a required string."""
        self.store_schema(one_property(key, prop, version, **more))

    def store_schema(self, definition: dict[str, Any]) -> None:
        self.execute(
            "INSERT INTO lix_internal_state_vtable (schema_key, snapshot_content)"
            " VALUES ('lix_stored_schema', ?)",
            (json.dumps({"value": definition}),),
        )

    def version(self, version: str, *, inherits: str | None = "global") -> None:
        """Create a version whose commits do not exist yet."""
        self.execute(
            "INSERT INTO lix_version"
            " (id, name, inherits_from_version_id, hidden, commit_id, working_commit_id)"
            " VALUES (?1, ?1, ?2, 0, 'commit-' || ?1, 'working-' || ?1)",
            (version, inherits),
        )

    def active(self, version: str) -> None:
        self.execute("UPDATE lix_active_version SET version_id = ?", (version,))

    def row(
        self,
        entity: str,
        version: str,
        value: str | None,
        *,
        untracked: int = 0,
        schema: str = "test_state_schema",
        prop: str = "value",
        file: str = "test-file",
        metadata: str | None = None,
        **options: Any,
    ) -> None:
        """Write one row into one version through the raw table; None is a tombstone."""
        content = None if value is None else snapshot(value, prop)
        self.execute(
            "INSERT INTO lix_internal_state_vtable (entity_id, schema_key, file_id, version_id,"
            " plugin_key, schema_version, snapshot_content, untracked, metadata)"
            " VALUES (?, ?, ?, ?, 'lix', '1', ?, ?, ?)",
            (entity, schema, file, version, content, untracked, metadata),
            **options,
        )

    def tip(self, version: str | None = None) -> str:
        """Return the tip of a version, of the active one by default."""
        return self.value(
            "SELECT commit_id FROM lix_version"
            " WHERE id = coalesce(?, (SELECT version_id FROM lix_active_version))",
            (version,),
        )

    def main(self) -> str:
        return self.value("SELECT id FROM lix_version WHERE name = 'main'")

    def raw(self, columns: str = "version_id, snapshot_content", where: str = "1") -> list[Any]:
        """Return stored rows of the ordinary test schemas, tombstones included."""
        return self.rows(
            f"SELECT {columns} FROM lix_internal_state_vtable"
            f" WHERE schema_key NOT LIKE 'lix\\_%' ESCAPE '\\' AND ({where})"
            " ORDER BY version_id, schema_key, entity_id"
        )


@pytest.fixture
def open_session(lix_mode: str, tmp_path: Path) -> Iterator[Callable[..., Session]]:
    """Return a function that opens a session in the mode under test.

    Every database must be sound at the end of its test.
    """
    opened: list[Session] = []

    def opener(**options: Any) -> Session:
        path = str(tmp_path / f"{len(opened)}.lix") if lix_mode == "reopen" else ":memory:"
        opened.append(Session(lix_mode, path, **options))
        return opened[-1]

    yield opener
    for session in opened:
        assert session.lix.check() == []
        session.lix.close()
