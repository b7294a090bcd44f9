"""`lix_plugin`: the plugins at work; an archive inserted is installed, a row deleted is gone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from blake3 import blake3

from lix_vtab.errors import InvalidValueError, ReadOnlyError
from lix_vtab.filesystem.plugins import InstalledPlugin
from lix_vtab.model.json import canonical_json
from lix_vtab.plugins.manifest import parse_manifest
from lix_vtab.session import Session
from lix_vtab.surfaces.planner import Column, Plan

__all__ = ["PluginTable"]


class PluginTable:
    """Plugins of the session and of the database."""

    name = "lix_plugin"
    columns: Sequence[Column] = (
        Column("key", "TEXT"),
        Column("runtime", "TEXT"),
        Column("api_version", "TEXT"),
        Column("match_path_glob", "TEXT"),
        Column("content_type", "TEXT"),
        Column("entry", "TEXT"),
        Column("on_invalid", "TEXT"),
        Column("schema_keys", "TEXT"),
        Column("manifest", "TEXT"),
        Column("installed", "INTEGER"),
        Column("archive", "BLOB"),
        Column("created_at", "TEXT"),
        Column("updated_at", "TEXT"),
    )
    required: Sequence[int] = ()
    sortable = False
    multi = False

    def __init__(self, session: Session) -> None:
        self._plugins = session.files.plugins

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """List the plugins, by key."""
        return self._listed()

    def insert(self, fields: Sequence[Any], conflict: int) -> int:
        """Install the archive of a row; all else is in the archive."""
        given = {column.name: value for column, value in zip(self.columns, fields, strict=True)}
        archive = given.pop("archive")
        if not isinstance(archive, bytes):
            raise InvalidValueError(
                "lix_plugin insert requires archive, a .lixplugin as a blob",
                hint="INSERT INTO lix_plugin(archive) VALUES (readfile('x.lixplugin'))",
                details={"column": "archive"},
            )
        for name, value in given.items():
            if value is not None:
                raise ReadOnlyError(
                    f"lix_plugin insert cannot set {name}; the archive says it",
                    hint="give the archive alone",
                    details={"column": name},
                )
        return _rowid(self._plugins.install(archive))

    def update(self, rowid: int, fields: Sequence[Any]) -> None:
        """Refuse."""
        raise ReadOnlyError(
            "lix_plugin rows do not change", hint="insert a newer archive of the same key"
        )

    def delete(self, rowid: int) -> None:
        """Remove a plugin."""
        for plugin in list(self._plugins):
            if _rowid(plugin.key) == rowid:
                self._plugins.uninstall(plugin.key)

    def _listed(self) -> Iterator[Sequence[Any]]:
        for plugin in list(self._plugins):
            yield (*_values(plugin), _rowid(plugin.key))


def _values(plugin: InstalledPlugin) -> tuple[Any, ...]:
    said: tuple[str | None, ...] = (None,) * 6
    if plugin.manifest is not None:
        manifest = parse_manifest(plugin.manifest)
        said = (
            manifest.runtime,
            manifest.api_version,
            manifest.path_glob,
            manifest.content_type,
            manifest.entry,
            manifest.on_invalid,
        )
    return (
        plugin.key,
        *said,
        canonical_json(plugin.schema_keys),
        None if plugin.manifest is None else canonical_json(dict(plugin.manifest)),
        int(plugin.archive is not None),
        plugin.archive,
        plugin.created_at,
        plugin.updated_at,
    )


def _rowid(key: str) -> int:
    """Return a number that only this key has, for all practical purposes."""
    return int.from_bytes(blake3(key.encode()).digest()[:7], "big")
