"""`lix show`: one commit."""

from __future__ import annotations

import click

from lix_vtab.cli.call import Call, command
from lix_vtab.cli.commands.diff import show_sections
from lix_vtab.cli.commands.log import describe
from lix_vtab.cli.commits import Ids, Names, read_log
from lix_vtab.cli.diff.changes import Ends, read_changes, sections
from lix_vtab.cli.names import REVISION

__all__ = ["show"]

_CHANGES = """
SELECT id AS change_id, entity_id, schema_key, file_id, snapshot_content, created_at
FROM lix_change WHERE lixcol_commit_id = ? ORDER BY file_id, schema_key, entity_id
"""


@command()
@click.argument("revision", default="HEAD", metavar="[REV]", type=REVISION)
@click.option("-y", "--side-by-side", "beside", is_flag=True, help="Show both sides in columns.")
@click.option("--stat", is_flag=True, help="Show counts only.")
def show(call: Call, revision: str, beside: bool, stat: bool) -> None:
    """Show the commit REV (HEAD), and what it changed against its first parent."""
    (entry,) = read_log(call.lix, revision, most=1)
    if call.screen.machine:
        result = call.lix.execute(_CHANGES, (entry.id,))
        call.screen.rows(result.columns, result.rows)
        return
    ends = Ends(entry.parents[0] if entry.parents else None, entry.id)
    found = sections(call.lix, ends, read_changes(call.lix, ends))
    with call.screen.paged():
        names, ids = Names(call.lix, call.screen.paint), Ids(call.lix)
        for line in describe(entry, names, ids, call.screen.paint):
            call.screen.say(line)
        show_sections(call.screen, found, beside=beside, stat=stat)
