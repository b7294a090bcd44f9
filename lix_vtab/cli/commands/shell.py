"""`lix shell`: SQL by hand."""

from __future__ import annotations

from pathlib import Path

import click

from lix_vtab.cli.call import Call, command
from lix_vtab.cli.database import open_existing
from lix_vtab.cli.exits import INPUT

__all__ = ["shell"]


@command()
@click.argument("path", required=False, metavar="[DB]", type=click.Path(path_type=Path))
@click.option("--init-file", is_flag=True, help="Print the init file for the stock APSW shell.")
def shell(call: Call, path: Path | None, init_file: bool) -> int:
    """Open an interactive SQL shell on a database: the APSW shell with lix in it.

    The prompt is the active version. Commands of lix are dot-commands: .lix log --graph, or
    .lix-status. The tab key completes tables, columns, versions, checkpoints and paths.

    Reads standard input when that is not a terminal, and then ends with an error code if anything
    failed.
    """
    if init_file:
        from lix_vtab.cli.shell import init

        call.screen.write(f"{init.__file__}\n")
        return 0
    from lix_vtab.cli.shell.shell import LixShell

    opened = open_existing(call.path if path is None else path)
    shell = LixShell(opened, color=call.color)
    try:
        shell.cmdloop(_INTRO.format(path=opened.connection.filename))
    finally:
        shell.close()
    return INPUT if shell.failures and not shell.interactive else 0


_INTRO = """lix shell on {path}
Enter SQL that ends in ;   .lix --help lists the commands of lix, .help those of the shell.
"""
