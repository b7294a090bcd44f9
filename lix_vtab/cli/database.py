"""Finding and opening the database a command works on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lix_vtab.cli.exits import CONFIGURATION
from lix_vtab.cli.failures import Failure

if TYPE_CHECKING:
    import apsw

    from lix_vtab import Lix

__all__ = ["find_database", "has_lix", "interruptible", "open_existing"]

SUFFIX = ".lix"

_STEPS = 100_000
"""Instructions of SQLite's machine, about a millisecond of them."""


def find_database(given: str | None, environment: Mapping[str, str], start: Path) -> Path:
    """Return where the database is: what was given, LIX_DB, or the nearest `.lix` upwards."""
    named = given or environment.get("LIX_DB")
    if named:
        return Path(named)
    for directory in (start, *start.parents):
        found = sorted(path for path in directory.glob(f"*{SUFFIX}") if path.is_file())
        if len(found) > 1:
            names = ", ".join(path.name for path in found)
            raise Failure(
                f"{directory} has several databases: {names}",
                hint="choose one with --db or LIX_DB",
                code=CONFIGURATION,
            )
        if found:
            return found[0]
    raise Failure(
        f"no {SUFFIX} file in {start} or above it",
        hint="name a database with --db or LIX_DB, or make one: lix init",
        code=CONFIGURATION,
    )


def open_existing(path: Path) -> Lix:
    """Open a database that has a lix in it; never create one."""
    from lix_vtab import open as open_lix
    from lix_vtab.errors import NotInitializedError

    if not path.exists():
        raise Failure(
            f"there is no database {path}", hint=f"make it: lix init {path}", code=CONFIGURATION
        )
    if not _known(path):
        raise NotInitializedError(f"{path} has no lix in it", hint=f"add one: lix init {path}")
    if os.access(path, os.W_OK):
        opened = open_lix(str(path))
    else:
        opened = open_lix(_readable(path), read_only=True)
    interruptible(opened.connection)
    return opened


def _readable(path: Path) -> str:
    """Return the name to read a database by that must not be written.

    A database in WAL mode needs files beside it. Where they are not and nobody may make them,
    nobody writes it either, and SQLite can be told so.
    """
    beside = path.with_name(f"{path.name}-wal")
    if beside.exists() or os.access(path.absolute().parent, os.W_OK):
        return str(path)
    return f"{path.absolute().as_uri()}?immutable=1"


def interruptible(connection: apsw.Connection) -> None:
    """Let Control-C end a statement: Python sees it only while Python runs."""
    connection.set_progress_handler(lambda: False, _STEPS, id=interruptible)


def _known(path: Path) -> bool:
    import apsw

    try:
        return has_lix(path)
    except apsw.Error:
        return True  # opening it says what is wrong, with a code


def has_lix(path: Path) -> bool:
    """Tell whether an SQLite database has a lix in it."""
    import apsw

    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    probe = apsw.Connection(_readable(path), flags=flags)
    try:
        query = "SELECT 1 FROM sqlite_schema WHERE name = 'lix_internal'"
        return bool(probe.execute(query).fetchall())
    finally:
        probe.close()
