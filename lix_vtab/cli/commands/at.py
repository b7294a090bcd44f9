"""`lix at`: how things were."""

from __future__ import annotations

import sys

import click

from lix_vtab.cli.call import Call, command
from lix_vtab.cli.failures import Failure
from lix_vtab.cli.names import FILE_PATH, REVISION, SCHEMA
from lix_vtab.cli.screen import Screen
from lix_vtab.cli.text import harmless

__all__ = ["at"]

_FILES = """
SELECT path, length(data) AS size, lixcol_updated_at AS updated_at
FROM lix_file_at(:revision) WHERE path >= :start AND path < :end ORDER BY path
"""
_COUNTS = """
SELECT schema_key AS "table", count(*) AS rows FROM lix_state_at(:revision)
WHERE file_id = 'lix' AND schema_key NOT IN
    ('lix_file_descriptor', 'lix_directory_descriptor', 'lix_binary_blob_ref')
GROUP BY schema_key ORDER BY schema_key
"""


@command(
    examples=(
        "lix at v1                     # files and tables as they were at the checkpoint v1",
        "lix at HEAD~3 /docs/a.md      # the bytes of a file three commits ago",
        "lix at draft --table task     # the rows of a table as a version has them",
    )
)
@click.argument("revision", metavar="REV", type=REVISION)
@click.argument("path", required=False, type=FILE_PATH)
@click.option("--table", metavar="NAME", type=SCHEMA, help="Print the rows of a schema's table.")
def at(call: Call, revision: str, path: str | None, table: str | None) -> None:
    """Look at what there was at REV.

    Files below PATH (/) when it ends in a slash, else the bytes of the file at PATH.
    """
    if table is not None:
        name = table.replace('"', '""')
        result = call.lix.execute(f'SELECT * FROM "{name}_at"(?)', (revision,))
        call.screen.rows(result.columns, result.rows)
    elif path is not None and not path.endswith("/"):
        _bytes(call, revision, path)
    else:
        _list(call, call.screen, revision, path or "/")


def _bytes(call: Call, revision: str, path: str) -> None:
    query = "SELECT data FROM lix_file_at(?) WHERE path = ?"
    rows = call.lix.execute(query, (revision, path)).rows
    if not rows:
        raise Failure(
            f"no file has the path '{path}' at {revision}",
            hint=f"lix at {revision} lists the files",
        )
    sys.stdout.buffer.write(rows[0][0] or b"")
    sys.stdout.buffer.flush()


def _list(call: Call, screen: Screen, revision: str, path: str) -> None:
    given = {"revision": revision, "start": path, "end": path[:-1] + "0"}
    files = call.lix.execute(_FILES, given)
    counts = call.lix.execute(_COUNTS, {"revision": revision}) if path == "/" else []
    if screen.machine:
        screen.rows(files.columns, files.rows)
        return
    with screen.paged():
        screen.rows(files.columns, files.rows)
        if counts:
            screen.say()
        for table, rows in counts:
            screen.say(f"{rows:>6} {harmless(table)}")
