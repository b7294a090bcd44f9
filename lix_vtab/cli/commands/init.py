"""`lix init`: a new database, or lix added to one."""

from __future__ import annotations

from pathlib import Path

import click

from lix_vtab.cli.call import Call, command
from lix_vtab.cli.database import has_lix

__all__ = ["init"]


@command()
@click.argument("path", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--account", metavar="NAME", help="Author of what is written from now on.")
def init(call: Call, path: Path | None, account: str | None) -> None:
    """Create a database with version control, or add it to an SQLite database.

    PATH is --db or LIX_DB when left out, else the name of this directory with .lix at its end. A
    database that already has version control stays as it is.
    """
    from lix_vtab import open as open_lix

    target = path or call.given_path or Path.cwd() / f"{Path.cwd().name or 'root'}.lix"
    existed = target.exists()
    known = existed and has_lix(target)
    author = None if account is None else {"id": account, "name": account}
    with open_lix(str(target), account=author) as lix:
        main = lix.active_version
    done = "already there" if known else "added" if existed else "created"
    if call.screen.machine:
        call.screen.rows(("path", "done", "active_version_id"), [(str(target), done, main.id)])
    elif known:
        call.screen.say(f"{target} has version control already")
    else:
        verb = "added version control to" if existed else "created"
        call.screen.say(f"{verb} {target}, on version {call.screen.paint('version', main.name)}")
