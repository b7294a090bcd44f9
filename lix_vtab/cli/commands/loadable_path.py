"""`lix loadable-path`: what other SQLite hosts load."""

from __future__ import annotations

from pathlib import Path

import click

from lix_vtab.cli.call import Call, command

__all__ = ["loadable_path"]


@command(name="loadable-path", examples=('sqlite3 -cmd ".load $(lix loadable-path)" app.lix',))
@click.option(
    "--cache", metavar="DIR", type=click.Path(path_type=Path), help="Keep the built files here."
)
def loadable_path(call: Call, cache: Path | None) -> None:
    """Print the path of the extension that adds lix to any SQLite host.

    It is built when it is first asked for.
    """
    from lix_vtab import loadable_path as find

    path = find(cache)
    call.done(path, path=path)
