"""`lix files`: the files in the database."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, Any

import click

from lix_vtab.cli.call import Call, command, group
from lix_vtab.cli.failures import Failure
from lix_vtab.cli.names import FILE_PATH
from lix_vtab.cli.text import harmless

__all__ = ["files"]

_LIST = """
SELECT path, length(data) AS size, lixcol_updated_at AS updated_at, hidden
FROM lix_file WHERE {where} ORDER BY path
"""


@group()
def files() -> None:
    """List, read, write, move and remove files."""


@command(files)
@click.argument("where", default="/", type=FILE_PATH)
@click.option("-l", "--long", is_flag=True, help="Show sizes and times too.")
@click.option("--all", "every", is_flag=True, help="List hidden files too.")
def ls(call: Call, where: str, long: bool, every: bool) -> None:
    """List files below a directory, or those that match a pattern such as '/docs/*.md'."""
    condition = "path GLOB :where" if _is_pattern(where) else "path >= :where AND path < :end"
    if not every:
        condition += " AND hidden = 0"
    start = where if where.endswith("/") else where + "/"
    given: dict[str, Any] = {"where": where}
    if not _is_pattern(where):
        given = {"where": start, "end": start[:-1] + "0"}  # '0' comes right after '/'
    if not long and not call.screen.machine:
        query = f"SELECT path FROM lix_file WHERE {condition} ORDER BY path"
        found = [path for (path,) in call.lix.execute(query, given)]
    else:
        result = call.lix.execute(_LIST.format(where=condition), given)
        found = [row[0] for row in result]
        call.screen.rows(result.columns, result.rows)
    if not found and not _is_pattern(where) and _exists(call, where):
        found = [where]
    if not long:
        for path in found:
            call.screen.say(harmless(path))


@command(files)
@click.argument("paths", nargs=-1, required=True, type=FILE_PATH)
def cat(call: Call, paths: tuple[str, ...]) -> None:
    """Write the bytes of files to standard output."""
    import shutil  # brings every compressor with it

    for path in paths:
        with call.lix.open_file(path) as content:
            shutil.copyfileobj(content, sys.stdout.buffer)
    sys.stdout.buffer.flush()


@command(files)
@click.argument("path", type=FILE_PATH)
@click.argument("source", default="-", type=click.File("rb"))
def write(call: Call, path: str, source: IO[bytes]) -> None:
    """Write a file: from SOURCE, a file of the disk, or from standard input."""
    call.lix.write_file(path, source)
    call.done(f"wrote {harmless(path)}", path=path)


@command(files)
@click.argument("paths", nargs=-1, required=True, type=FILE_PATH)
@click.option("-r", "--recursive", is_flag=True, help="Remove directories, with all in them.")
def rm(call: Call, paths: tuple[str, ...], recursive: bool) -> None:
    """Remove files. They stay in the history."""
    with call.lix.transaction():
        for path in paths:
            _remove(call, path, recursive=recursive)
    call.done(f"removed {', '.join(map(harmless, paths))}", removed=len(paths))


def _remove(call: Call, path: str, *, recursive: bool) -> None:
    if call.lix.execute("DELETE FROM lix_file WHERE path = ?", (path,)).changes:
        return
    directory = path if path.endswith("/") else path + "/"
    known = call.lix.execute("SELECT 1 FROM lix_directory WHERE path = ?", (directory,)).rows
    if not known:
        raise Failure(f"no file has the path '{path}'", hint="lix files ls lists them")
    if not recursive:
        raise Failure(f"'{path}' is a directory", hint="remove it with all in it: --recursive")
    call.lix.execute("DELETE FROM lix_directory WHERE path = ?", (directory,))


@command(files)
@click.argument("source", type=FILE_PATH)
@click.argument("target", type=FILE_PATH)
def mv(call: Call, source: str, target: str) -> None:
    """Move or rename a file or a directory. Into TARGET when that ends in /."""
    name = Path(source.rstrip("/")).name
    into = target + name if target.endswith("/") else target
    moved = call.lix.execute("UPDATE lix_file SET path = ? WHERE path = ?", (into, source)).changes
    if not moved:
        old, new = source.rstrip("/") + "/", into.rstrip("/") + "/"
        moved = call.lix.execute(
            "UPDATE lix_directory SET path = ? WHERE path = ?", (new, old)
        ).changes
    if not moved:
        raise Failure(f"nothing has the path '{source}'", hint="lix files ls lists the files")
    call.done(f"moved {harmless(source)} to {harmless(into)}", source=source, target=into)


def _is_pattern(text: str) -> bool:
    return any(mark in text for mark in "*?[")


def _exists(call: Call, path: str) -> bool:
    return bool(call.lix.execute("SELECT 1 FROM lix_file WHERE path = ?", (path,)).rows)
