"""`lix status`: where we are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lix_vtab.cli.call import Call, command
from lix_vtab.cli.commands.diff import last_checkpoint
from lix_vtab.cli.diff.blocks import Section
from lix_vtab.cli.diff.changes import Ends, read_changes, sections
from lix_vtab.cli.screen import Screen
from lix_vtab.cli.text import harmless, pad

__all__ = ["status"]

_WORKING = """
SELECT entity_id, schema_key, file_id, status FROM lix_working_changes
ORDER BY file_id, schema_key, entity_id
"""
_UNTRACKED = """
SELECT schema_key, count(*) FROM lix_state
WHERE untracked AND inherited_from_version_id IS NULL GROUP BY schema_key ORDER BY schema_key
"""
_CHECKPOINT = "SELECT name, created_at FROM lix_checkpoint WHERE id = ?"
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
    screen.say(f"On version {screen.paint('active', harmless(version.name))}")
    base = last_checkpoint(lix)
    known = lix.execute(_CHECKPOINT, (base,)).rows
    since = f"checkpoint {harmless(known[0][0] or base)}" if known else "it began"
    ends = Ends(base, "HEAD")
    found = list(sections(lix, ends, read_changes(lix, ends), context=0))
    if found:
        screen.say(f"Changed since {since}:")
        _list(screen, found)
    else:
        screen.say(f"Nothing changed since {since}.")
    untracked = lix.execute(_UNTRACKED).rows
    if untracked:
        kinds = ", ".join(f"{count} {harmless(schema)}" for schema, count in untracked)
        screen.say(f"Untracked: {kinds}")


def _list(screen: Screen, found: Sequence[Section]) -> None:
    """List files one by one, and other rows counted by table."""
    for section in found:
        if section.name.startswith("/"):
            state = pad(section.status, 8)
            name = harmless(section.name)
            if section.before_name:
                name = f"{harmless(section.before_name)} → {name}"
            plus, minus = section.count()
            size = f"  {screen.paint('dim', f'+{plus} -{minus}')}" if plus + minus else ""
            screen.say(f"  {screen.paint(_MEANINGS[section.status], state)}  {name}{size}")
    rows = Counter(
        (section.name.partition(" ")[0], section.status)
        for section in found
        if not section.name.startswith("/")
    )
    for (table, state), count in sorted(rows.items()):
        shown = screen.paint(_MEANINGS[state], pad(state, 8))
        screen.say(f"  {shown}  {count} in {harmless(table)}")
