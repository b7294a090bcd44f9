"""`lix status`: where we are."""

from __future__ import annotations

from collections.abc import Sequence

from lix_vtab.cli.call import Call, command
from lix_vtab.cli.commands.diff import last_checkpoint
from lix_vtab.cli.diff.changes import Ends, FileChange, read_files
from lix_vtab.cli.screen import Screen
from lix_vtab.cli.text import harmless

__all__ = ["status"]

_WORKING = """
SELECT entity_id, schema_key, file_id, status FROM lix_working_changes
ORDER BY file_id, schema_key, entity_id
"""
_TABLES = """
SELECT schema_key, status, count(*) FROM lix_working_changes
WHERE file_id = 'lix' AND schema_key NOT IN
    ('lix_file_descriptor', 'lix_directory_descriptor', 'lix_binary_blob_ref')
GROUP BY schema_key, status ORDER BY schema_key, status
"""
_UNTRACKED = """
SELECT schema_key, count(*) FROM lix_state
WHERE untracked AND inherited_from_version_id IS NULL GROUP BY schema_key ORDER BY schema_key
"""
_CHECKPOINT = "SELECT coalesce(name, created_at) FROM lix_checkpoint WHERE id = ?"
_MEANINGS = {"added": "added", "removed": "removed", "modified": "changed", "renamed": "changed"}


@command()
def status(call: Call) -> None:
    """Show the active version and what changed since its last checkpoint."""
    lix, screen = call.lix, call.screen
    if screen.machine:
        result = lix.execute(_WORKING)
        screen.rows(result.columns, result.rows)
        return
    version = lix.active_version
    parent = version.inherits_from_version_id
    about = f", which inherits from {harmless(lix.version(parent).name)}" if parent else ""
    screen.say(f"On version {screen.paint('active', harmless(version.name))}{about}")
    base = last_checkpoint(lix)
    known = lix.execute(_CHECKPOINT, (base,)).rows
    since = f"checkpoint {screen.paint('label', harmless(known[0][0]))}" if known else "it began"
    files = read_files(lix, Ends(base, "HEAD"))
    tables = lix.execute(_TABLES).rows
    nothing = not files and not tables
    screen.say(f"Nothing changed since {since}." if nothing else f"Changed since {since}:")
    _list(screen, files, tables)
    untracked = lix.execute(_UNTRACKED).rows
    if untracked:
        kinds = ", ".join(f"{count} in {harmless(table)}" for table, count in untracked)
        screen.say(f"Untracked: {kinds}")


def _list(
    screen: Screen, files: Sequence[FileChange], tables: Sequence[tuple[str, str, int]]
) -> None:
    """List files one by one, other rows counted by table."""
    for file in files:
        name = harmless(file.path)
        if file.status == "renamed":
            name = f"{harmless(file.before_path or '')} → {name}"
        screen.say(f"  {screen.paint(_MEANINGS[file.status], file.status.ljust(8))}  {name}")
    for table, state, count in tables:
        shown = screen.paint(_MEANINGS[state], state.ljust(8))
        rows = "row" if count == 1 else "rows"
        screen.say(f"  {shown}  {count} {rows} in {harmless(table)}")
