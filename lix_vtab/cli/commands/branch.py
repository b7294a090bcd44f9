"""`lix branch`: versions."""

from __future__ import annotations

import click

from lix_vtab.cli.call import Call, command, group
from lix_vtab.cli.commits import Ids
from lix_vtab.cli.failures import Failure
from lix_vtab.cli.names import REVISION, VERSION
from lix_vtab.cli.text import harmless, pad, width

__all__ = ["branch"]

_LIST = """
SELECT v.id = (SELECT version_id FROM lix_active_version) AS active, v.name, v.id, v.commit_id,
       p.name AS inherits_from, v.hidden
FROM lix_version v LEFT JOIN lix_version p ON p.id = v.inherits_from_version_id
WHERE v.hidden = 0 OR :hidden
ORDER BY v.id <> 'global', v.created_at, v.id
"""
_COLUMNS = ("active", "name", "id", "commit_id", "inherits_from", "hidden")


@group("list")
def branch() -> None:
    """List, create, switch, rename and delete versions; without a command, list."""


@command(branch, "list")
@click.option("--hidden", is_flag=True, help="List hidden versions too.")
def list_versions(call: Call, hidden: bool) -> None:
    """List versions; the active one has a star."""
    rows = call.lix.execute(_LIST, {"hidden": int(hidden)}).rows
    screen = call.screen
    if screen.machine:
        screen.rows(_COLUMNS, rows)
        return
    names = [harmless(row[1]) for row in rows]
    wide = max(map(width, names), default=0)
    ids = Ids(call.lix)
    tips = [ids.short(row[3]) if row[3] else "-" for row in rows]
    long = max(map(len, tips), default=0)
    for (active, _, _, _, parent, is_hidden), name, tip in zip(rows, names, tips, strict=True):
        meaning = "active" if active else "version"
        mark = screen.paint("active", "*") if active else " "
        shown = f"{screen.paint(meaning, name)}{pad('', wide - width(name))}"
        about = f"inherits {harmless(parent)}" if parent else "inherits nothing"
        about += ", hidden" if is_hidden else ""
        short = screen.paint("commit", tip.ljust(long))
        screen.say(f"{mark} {shown}  {short}  {screen.paint('dim', about)}")


@command(branch)
@click.argument("name")
@click.option("--from", "source", metavar="REV", type=REVISION, help="Where it starts (HEAD).")
@click.option("--inherits", metavar="VERSION", type=VERSION, help="Its parent (global).")
@click.option("--alone", is_flag=True, help="Inherit from no version.")
@click.option("--hidden", is_flag=True, help="Leave it out of lists.")
@click.option("--switch", "and_switch", is_flag=True, help="Make it the active version.")
def create(
    call: Call,
    name: str,
    source: str | None,
    inherits: str | None,
    alone: bool,
    hidden: bool,
    and_switch: bool,
) -> None:
    """Create a version."""
    if alone and inherits:
        raise click.UsageError("--alone and --inherits exclude each other")
    _free(call, name)
    with call.lix.transaction():
        made = call.lix.create_version(
            name,
            source=source,
            inherits_from=None if alone else inherits or "global",
            hidden=hidden,
        )
        if and_switch:
            call.lix.switch_version(made)
    then = " and switched to it" if and_switch else ""
    call.done(
        f"created version {call.screen.paint('version', harmless(name))}{then}",
        name=name,
        id=made.id,
        commit_id=made.commit_id,
    )


@command(branch)
@click.argument("name", type=VERSION)
def switch(call: Call, name: str) -> None:
    """Make a version active."""
    call.lix.switch_version(name)
    active = call.lix.active_version
    shown = call.screen.paint("version", harmless(active.name))
    call.done(f"switched to version {shown}", name=active.name, id=active.id)


@command(branch)
@click.argument("old", type=VERSION)
@click.argument("new")
def rename(call: Call, old: str, new: str) -> None:
    """Give a version another name."""
    id = call.lix.version(old).id
    _free(call, new, but=id)
    call.lix.execute("UPDATE lix_version SET name = ? WHERE id = ?", (new, id))
    call.done(f"renamed version {harmless(old)} to {harmless(new)}", id=id, name=new)


@command(branch)
@click.argument("name", type=VERSION)
def delete(call: Call, name: str) -> None:
    """Delete a version; its commits stay reachable by id."""
    id = call.lix.version(name).id
    call.lix.delete_version(id)
    call.done(f"deleted version {harmless(name)}", id=id, name=name)


def _free(call: Call, name: str, but: str | None = None) -> None:
    """Refuse a name that would not tell versions apart: here they are known by their names."""
    if not name.strip():
        raise Failure("a version needs a name", hint="such as draft")
    query = "SELECT id FROM lix_version WHERE name = ? AND id IS NOT ?"
    if call.lix.execute(query, (name, but)).rows:
        raise Failure(
            f"there is a version named '{name}' already", hint="take another name; lix branch lists"
        )
