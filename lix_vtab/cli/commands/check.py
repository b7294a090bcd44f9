"""`lix check`: tell whether everything is sound."""

from __future__ import annotations

import click

from lix_vtab.cli.call import Call, command
from lix_vtab.cli.exits import STORAGE
from lix_vtab.cli.progress import spinning
from lix_vtab.cli.text import harmless

__all__ = ["check"]


@command()
@click.option("--quick", is_flag=True, help="Do not read the content of files.")
def check(call: Call, quick: bool) -> int:
    """Verify every stored fact. Exit code 50 when something is wrong."""
    with spinning("checking", call.lix.connection):
        problems = call.lix.check(content=not quick)
    if call.screen.machine:
        call.screen.rows(("problem",), [(problem,) for problem in problems])
    for problem in problems:
        call.screen.say(call.screen.paint("error", harmless(problem)))
    if not problems:
        call.screen.say("sound")
    return STORAGE if problems else 0
