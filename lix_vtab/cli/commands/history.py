"""`lix history`: what something was over time."""

from __future__ import annotations

import click

from lix_vtab.cli.call import Call, command
from lix_vtab.cli.failures import Failure
from lix_vtab.cli.names import FILE_PATH, REVISION, SCHEMA

__all__ = ["history"]

_FILE = """
SELECT h.lixcol_depth AS depth, c.created_at, h.path, length(h.data) AS size,
       h.lixcol_commit_id AS commit_id
FROM lix_file_history h JOIN lix_commit_ancestry c ON c.commit_id = h.lixcol_commit_id
WHERE c.root = :root AND h.lixcol_root_commit_id = :root
  AND h.id = (SELECT id FROM lix_file_history
              WHERE path = :path AND lixcol_root_commit_id = :root ORDER BY lixcol_depth LIMIT 1)
ORDER BY h.lixcol_depth
"""
_ENTITY = """
SELECT depth, created_at, snapshot_content AS content, commit_id FROM lix_state_history
WHERE entity_id = :entity AND schema_key = :table AND root_commit_id = :root ORDER BY depth
"""
_ROOT = "SELECT commit_id FROM lix_commit_ancestry(?) WHERE depth = 0"


@command(
    examples=(
        "lix history /docs/a.md        # a file, whatever it was called",
        "lix history --table task t1   # a row",
    )
)
@click.argument("target", metavar="PATH|ENTITY", type=FILE_PATH)
@click.argument("revision", default="HEAD", metavar="[REV]", type=REVISION)
@click.option("--table", metavar="NAME", type=SCHEMA, help="ENTITY is a row of this table.")
def history(call: Call, target: str, revision: str, table: str | None) -> None:
    """List what a file or a row was, newest first; where it was deleted, there is nothing."""
    ((root,),) = call.lix.execute(_ROOT, (revision,))
    if table is None:
        result = call.lix.execute(_FILE, {"path": target, "root": root})
    else:
        result = call.lix.execute(_ENTITY, {"entity": target, "table": table, "root": root})
    if not result.rows:
        raise Failure(
            f"'{target}' is not in the history of {revision}",
            hint="a path starts with a slash; lix files and lix log show what there is",
        )
    with call.screen.paged():
        call.screen.rows(result.columns, result.rows)
