"""`lix export-sql`: the present state for a database without lix."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lix_vtab.cli.call import Call, command
from lix_vtab.cli.failures import Failure
from lix_vtab.cli.names import VERSION

if TYPE_CHECKING:
    from lix_vtab import Lix

__all__ = ["export_sql"]

_SCHEMAS = """
SELECT value ->> '$."x-lix-key"', value FROM lix_stored_schema
ORDER BY 1, CAST(value ->> '$."x-lix-version"' AS INTEGER)
"""
_OWN = """
SELECT type, name, sql FROM main.sqlite_schema
WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*' ORDER BY type <> 'table', rowid
"""

_NO_FILE = "lixcol_file_id = 'lix'"
"""What plugins made of files is in the files."""

_SORTED = "ORDER BY lixcol_entity_id"


@command(examples=("lix export-sql | sqlite3 plain.db", "lix export-sql --version draft draft.sql"))
@click.argument("target", default="-", metavar="[FILE]")
@click.option("--version", metavar="VERSION", type=VERSION, help="Of this version (the active).")
@click.option("--files/--no-files", "with_files", default=True, help="Include the files.")
def export_sql(call: Call, target: str, version: str | None, with_files: bool) -> None:
    """Write the present state as SQL that any SQLite can run.

    It goes to a new file, or to standard output when there is none or it is "-".
    Every schema with rows becomes a plain table, files become the table "file" (path, data), and
    tables of your own come along as they are. History stays behind.
    """
    if version is not None:
        call.lix.switch_version(version, session=True)
    with call.lix.transaction(), _output(call, target) as write:
        for statement in _statements(call.lix, with_files=with_files):
            write(f"{statement};\n")


@contextmanager
def _output(call: Call, target: str) -> Iterator[Callable[[str], object]]:
    """Yield what writes to the file named, or to the screen."""
    if target == "-":
        yield call.screen.write
        return
    try:
        # nothing that is there is written over: one may have meant a database to read
        Path(target).touch(exist_ok=False)
    except OSError as error:
        raise Failure(
            f"cannot write {target}: {error.strerror}",
            hint="name a new file in a directory you may write to, or none for standard output",
        ) from error
    with Path(target).open("w", encoding="utf-8") as stream:
        yield stream.write


def _statements(lix: Lix, *, with_files: bool) -> Iterator[str]:
    yield "BEGIN"
    for key, definition in {key: json.loads(text) for key, text in lix.execute(_SCHEMAS)}.items():
        yield from _entities(lix, key, definition)
    if with_files and lix.execute("SELECT 1 FROM lix_file LIMIT 1").rows:
        yield "CREATE TABLE file (path TEXT PRIMARY KEY, data BLOB)"
        yield from _inserts(lix, "file", "SELECT path, data FROM lix_file ORDER BY path")
    yield from _own_tables(lix)
    yield "COMMIT"


def _entities(lix: Lix, key: str, definition: dict[str, Any]) -> Iterator[str]:
    """Write the rows of a schema as a table; schemas of lix itself and empty ones are left out."""
    table = _quoted(key)
    some = f"SELECT 1 FROM {table} WHERE {_NO_FILE} LIMIT 1"
    if key.startswith("lix_") or not lix.execute(some).rows:
        return
    names = [str(name) for name in definition.get("properties", {})]
    declared = {
        name: kind
        for _, name, kind, *_ in lix.execute(f"PRAGMA table_info({table})")
        if name in names
    }
    columns = [f"{_quoted(name)} {kind}".rstrip() for name, kind in declared.items()]
    pointers = [str(pointer) for pointer in definition.get("x-lix-primary-key", ())]
    if pointers and all(pointer.removeprefix("/") in declared for pointer in pointers):
        key_columns = ", ".join(_quoted(pointer.removeprefix("/")) for pointer in pointers)
        columns.append(f"PRIMARY KEY ({key_columns})")
    yield f"CREATE TABLE {table} ({', '.join(columns)})"
    listed = ", ".join(map(_quoted, declared))
    yield from _inserts(lix, key, f"SELECT {listed} FROM {table} WHERE {_NO_FILE} {_SORTED}")


def _own_tables(lix: Lix) -> Iterator[str]:
    """Write tables that are not ours with their rows, then indexes, views and triggers."""
    listed = lix.execute(_OWN).rows
    virtual = [name for _, name, sql in listed if sql.upper().startswith("CREATE VIRTUAL")]
    shadows = tuple(f"{name}_" for name in virtual)
    for kind, name, sql in listed:
        if name in virtual or name.startswith(("lix_", *shadows)):
            continue
        yield sql
        if kind == "table":
            yield from _inserts(lix, name, f"SELECT * FROM {_quoted(name)}")


def _inserts(lix: Lix, table: str, query: str) -> Iterator[str]:
    import apsw

    for row in lix.connection.execute(query):
        values = ", ".join(map(apsw.format_sql_value, row))
        yield f"INSERT INTO {_quoted(table)} VALUES ({values})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
