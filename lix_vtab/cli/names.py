"""Arguments that name things of the database, with completion in the shell."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click

from lix_vtab.cli.database import find_database, open_existing
from lix_vtab.cli.options import setting

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from lix_vtab import Lix

__all__ = ["FILE_PATH", "MOST", "PLUGIN", "REVISION", "SCHEMA", "VERSION"]

MOST = 200
"""More suggestions than this help nobody."""


class Named(click.ParamType[str]):
    """Text that completes to what a query finds."""

    queries: ClassVar[dict[str, str]] = {
        "version": "SELECT name, '' FROM lix_version WHERE hidden = 0",
        "revision": "SELECT name, 'version' FROM lix_version WHERE hidden = 0 "
        "UNION ALL SELECT name, 'checkpoint' FROM lix_checkpoint WHERE name IS NOT NULL "
        "UNION ALL VALUES ('HEAD', 'tip of the active version')",
        "path": "SELECT path, '' FROM lix_file WHERE path LIKE :start || '%'",
        "schema": "SELECT DISTINCT value ->> '$.x-lix-key', '' FROM lix_stored_schema",
        "plugin": "SELECT key, '' FROM lix_plugin",
    }

    def __init__(self, name: str) -> None:
        self.name = name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Take any text; the database says what does not exist."""
        return value

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Look up what begins like this; say nothing when there is no database."""
        with suppress(Exception):
            given = setting(ctx, "lix")
            if given is not None:
                return self._found(given, incomplete)
            path = find_database(setting(ctx, "db"), os.environ, Path.cwd())
            with open_existing(path) as lix:
                return self._found(lix, incomplete)
        return []

    def _found(self, lix: Lix, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        query = self.queries[self.name]
        rows = lix.execute(query, {"start": incomplete} if ":start" in query else ()).rows
        return [
            CompletionItem(name, help=about or None)
            for name, about in sorted(rows)[:MOST]
            if name.startswith(incomplete)
        ]


VERSION = Named("version")
REVISION = Named("revision")
FILE_PATH = Named("path")
SCHEMA = Named("schema")
PLUGIN = Named("plugin")
