"""`lix shell`: SQL by hand."""

from __future__ import annotations

from pathlib import Path

import click

from lix_vtab.cli.call import Call, command
from lix_vtab.cli.database import open_existing

__all__ = ["shell"]


@command()
@click.argument("path", required=False, metavar="[DB]", type=click.Path(path_type=Path))
@click.option("--init-file", is_flag=True, help="Print the init file for the stock APSW shell.")
def shell(call: Call, path: Path | None, init_file: bool) -> None:
    """Open an interactive SQL shell on a database: the APSW shell with lix in it.

    The prompt is the active version. Commands of lix are dot-commands: .lix log --graph, or
    .lix-status. The tab key completes tables, columns, versions, checkpoints and paths.
    """
    if init_file:
        from lix_vtab.cli.shell import init

        call.screen.write(f"{init.__file__}\n")
        return
    from lix_vtab.cli.shell.shell import LixShell

    opened = call.lix if path is None else open_existing(path)
    try:
        LixShell(opened).cmdloop()
    finally:
        opened.close()
