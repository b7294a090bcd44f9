"""`lix diff`: what differs between two revisions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from lix_vtab.cli.call import Call, command
from lix_vtab.cli.diff.changes import Ends, read_changes, sections
from lix_vtab.cli.diff.render import counted, side_by_side, unified
from lix_vtab.cli.failures import Failure
from lix_vtab.cli.names import REVISION

if TYPE_CHECKING:
    from lix_vtab import Lix
    from lix_vtab.cli.diff.blocks import Section
    from lix_vtab.cli.screen import Screen

__all__ = ["diff", "last_checkpoint", "show_sections"]

_BASE = """
SELECT parent_commit_ids ->> '$[0]' FROM lix_commit WHERE id =
    (SELECT working_commit_id FROM lix_version WHERE id = lix_active_version_id())
"""
_MACHINE = """
SELECT entity_id, schema_key, file_id, status, before_commit_id, after_commit_id,
       before_snapshot_content, after_snapshot_content
FROM lix_diff(:before, :after) ORDER BY file_id, schema_key, entity_id
"""
_DEFAULT_WIDTH = 120


@command(
    examples=(
        "lix diff                      # what changed since the last checkpoint",
        "lix diff HEAD~1               # what the last commit changed",
        "lix diff main draft /docs/    # what differs below /docs/ between versions",
    )
)
@click.argument("what", nargs=-1, metavar="[FROM [TO]] [PATH]...", type=REVISION)
@click.option("-y", "--side-by-side", "beside", is_flag=True, help="Show both sides in columns.")
@click.option("--stat", is_flag=True, help="Show counts only.")
@click.option("--name-only", is_flag=True, help="Show names only.")
@click.option(
    "-U",
    "--unified",
    "context",
    type=click.IntRange(min=0),
    metavar="N",
    default=3,
    help="Lines around changed lines (3).",
)
@click.option("--exit-code", is_flag=True, help="Exit with 1 when there are differences.")
def diff(
    call: Call,
    what: tuple[str, ...],
    beside: bool,
    stat: bool,
    name_only: bool,
    context: int,
    exit_code: bool,
) -> int:
    """Compare revisions: text by line, JSON by property, CSV by record, other rows by property.

    FROM is the last checkpoint when left out, TO is HEAD. What begins with / is a PATH, a file or a
    directory; other arguments are revisions.
    """
    ends, paths = _arguments(call.lix, what)
    if call.screen.machine:
        given = {"before": ends.before, "after": ends.after}
        result = call.lix.execute(_MACHINE, given)
        call.screen.rows(result.columns, result.rows)
        return int(exit_code and bool(result.rows))
    changes = read_changes(call.lix, ends)
    found = sections(call.lix, ends, changes, paths=paths, context=context)
    with call.screen.paged():
        shown = show_sections(call.screen, found, beside=beside, stat=stat, name_only=name_only)
    return int(exit_code and shown)


def _arguments(lix: Lix, what: Sequence[str]) -> tuple[Ends, list[str]]:
    paths = [each for each in what if each.startswith("/")]
    revisions = [each for each in what if not each.startswith("/")]
    if len(revisions) > 2:
        raise Failure(
            f"more than two revisions: {' '.join(revisions)}", hint="paths begin with a slash"
        )
    before = revisions[0] if revisions else last_checkpoint(lix)
    return Ends(before, revisions[1] if len(revisions) > 1 else "HEAD"), paths


def last_checkpoint(lix: Lix) -> str:
    """Return the commit that the working changes of the active version count from."""
    return str(lix.execute(_BASE).rows[0][0])


def show_sections(
    screen: Screen,
    found: Iterator[Section],
    *,
    beside: bool = False,
    stat: bool = False,
    name_only: bool = False,
) -> bool:
    """Print sections the way that was asked for; tell whether there were any."""
    if stat:
        listed = list(found)
        for line in counted(listed, screen.paint) if listed else ():
            screen.say(line)
        return bool(listed)
    number = -1
    for number, section in enumerate(found):
        if name_only:
            screen.say(section.name)
            continue
        if number:
            screen.say()
        lines = (
            side_by_side(section, screen.paint, screen.wide or _DEFAULT_WIDTH)
            if beside
            else unified(section, screen.paint)
        )
        for line in lines:
            screen.say(line)
    return number >= 0
