"""`lix plugin`: what turns files into entities."""

from __future__ import annotations

from pathlib import Path

import click

from lix_vtab.cli.call import Call, command, group
from lix_vtab.cli.failures import Failure
from lix_vtab.cli.names import PLUGIN
from lix_vtab.cli.text import harmless

__all__ = ["plugin"]


@group("list")
def plugin() -> None:
    """List, install and remove plugins; without a command, list."""


@command(plugin, "list")
def list_plugins(call: Call) -> None:
    """List plugins and the files they take."""
    query = (
        "SELECT key, coalesce(match_path_glob, '') AS files, runtime,"
        " iif(installed, 'database', 'Python') AS \"from\" FROM lix_plugin ORDER BY key"
    )
    result = call.lix.execute(query)
    call.screen.rows(result.columns, result.rows)


@command(plugin)
@click.argument("archive", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def install(call: Call, archive: Path) -> None:
    """Install a plugin archive (.lixplugin) into the database."""
    key = call.lix.install_plugin(archive.read_bytes())
    call.done(f"installed {harmless(key)}", key=key)


@command(plugin)
@click.argument("key", type=PLUGIN)
def remove(call: Call, key: str) -> None:
    """Remove a plugin that is installed in the database; its files stay readable."""
    found = call.lix.execute("SELECT installed FROM lix_plugin WHERE key = ?", (key,)).rows
    if found == [(0,)]:
        raise Failure(
            f"plugin '{key}' is not in the database: it comes with Python, for every session",
            hint="lix_vtab.open(plugins=...) says which of those serve a session",
        )
    call.lix.uninstall_plugin(key)
    call.done(f"removed {harmless(key)}", key=key)
