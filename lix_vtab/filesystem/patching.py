"""Rendering a file whose entities were edited by putting the edits into its bytes as they were.

A commit that edited a few entities of a large file need not read the others. The plugin is asked to
put the edits into the bytes of the commit before; when it cannot, or when anything but edits
happened, the answer is None and the file is rendered from all its entities.
"""

from __future__ import annotations

from collections.abc import Sequence

from lix_vtab.filesystem.plugins import Plugins
from lix_vtab.filesystem.render import Entity, Rendered, Renderer
from lix_vtab.filesystem.renderings import Position, Renderings, basis_behind
from lix_vtab.model.json import parse_json
from lix_vtab.plugins.contract import (
    ActiveStateRow,
    EntityChange,
    Replacement,
    StateContext,
)
from lix_vtab.plugins.contract import File as PluginFile
from lix_vtab.resolution.scope import Layer, Scope
from lix_vtab.storage.blobs import Blobs
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.first_names import LIX
from lix_vtab.storage.store import Store

__all__ = ["Patcher"]

_MOST_CHANGES = 256
"""Of a commit with more changes than this the changes of one file are not looked for."""

_MOST_EDITS = 16

_CHANGED = (
    "SELECT schema_id, entity_id, file_id FROM lix_internal_change WHERE commit_seq = ?1 "
    "AND no >= (SELECT first_change FROM lix_internal_commit WHERE seq = ?1) "
    "AND no < (SELECT first_change FROM lix_internal_commit WHERE seq = ?1) + ?2"
)
_TOO_MANY = (
    "SELECT (SELECT max(no) FROM lix_internal_change) - first_change >= ?2 "
    "OR EXISTS (SELECT 1 FROM lix_internal_member WHERE seq = ?1) "
    "FROM lix_internal_commit WHERE seq = ?1"
)


class Patcher:
    """Renders what only edits have changed."""

    __slots__ = (
        "_blobs",
        "_changed",
        "_plugins",
        "_renderer",
        "_renderings",
        "_store",
        "_too_many",
    )

    def __init__(
        self,
        store: Store,
        renderings: Renderings,
        renderer: Renderer,
        plugins: Plugins,
        blobs: Blobs,
    ) -> None:
        self._store = store
        self._renderings = renderings
        self._renderer = renderer
        self._plugins = plugins
        self._blobs = blobs
        self._changed = qualify(_CHANGED, store.db)
        self._too_many = qualify(_TOO_MANY, store.db)

    def render(self, scope: Scope, file_id: str, since: int) -> Rendered | None:
        """Render what the nearest layer, a segment, has changed since the commit `since` began."""
        number = self._store.names.find(file_id)
        before = _before(scope, since)
        known = _clean(self._renderings.find(before.layers, number))
        if known is None:
            return None
        plugin = self._plugins.get(self._store.names.text(known.plugin_id or LIX))
        if plugin is None or not hasattr(plugin, "replace_entities"):
            return None
        replacements = self._replacements(before, scope, file_id, since, known.plugin_id)
        if not replacements:
            return None
        data = self._blobs.get((known.hash or b"").hex())
        file = PluginFile(file_id, self._renderer.path(scope, file_id), data)
        context = self._context(scope, file_id)
        made = self._plugins.replace(plugin, file, replacements, context)
        return None if made is None else Rendered(made, known.plugin_id)

    def _replacements(
        self, before: Scope, now: Scope, file_id: str, since: int, owner: int | None
    ) -> list[Replacement] | None:
        """Return the edits of a commit; None when it did more than edit, or too much."""
        keys = self._keys(file_id, since)
        if keys is None:
            return None
        replacements = []
        for schema_id, entity_id in keys:
            old = self._renderer.entity(before, file_id, schema_id, entity_id)
            new = self._renderer.entity(now, file_id, schema_id, entity_id)
            if old is None or new is None:
                return None
            if {old.plugin_id, new.plugin_id} == {LIX}:
                continue  # no part of the file
            if old.plugin_id != owner or new.plugin_id != owner:
                return None
            replacements.append(Replacement(self._change(old), self._change(new)))
        return replacements

    def _keys(self, file_id: str, since: int) -> set[tuple[int, str]] | None:
        execute = self._store.connection.execute
        if execute(self._too_many, (since, _MOST_CHANGES)).get != 0:
            return None
        number = self._store.names.find(file_id)
        rows = execute(self._changed, (since, _MOST_CHANGES))
        keys = {(schema_id, entity_id) for schema_id, entity_id, file in rows if file == number}
        return keys if len(keys) <= _MOST_EDITS else None

    def _change(self, row: Entity) -> EntityChange:
        schema_key = self._store.names.text(row.schema_id)
        return EntityChange(row.entity_id, schema_key, parse_json(row.snapshot), row.schema_version)

    def _context(self, scope: Scope, file_id: str) -> StateContext:
        names = self._store.names

        def rows() -> list[ActiveStateRow]:
            return [
                _state_row(names.text(row.schema_id), row)
                for row in self._renderer.entities(scope, file_id)
            ]

        def find(schema_key: str, entity_id: str) -> ActiveStateRow | None:
            row = self._renderer.entity(scope, file_id, names.find(schema_key), entity_id)
            return None if row is None else _state_row(schema_key, row)

        return StateContext(rows, find=find)


def _state_row(schema_key: str, row: Entity) -> ActiveStateRow:
    return ActiveStateRow(row.entity_id, schema_key, row.schema_version, row.snapshot)


def _before(scope: Scope, since: int) -> Scope:
    """Return what a scope showed before the newest commit of its nearest layer."""
    nearest = scope.layers[0]
    layer = Layer("p", nearest.depth, (nearest.params[0], since - 1))
    return scope.with_layers((layer, *scope.layers[1:]))


def _clean(positions: Sequence[Position]) -> Position | None:
    """Return the nearest rendering when its bytes stand for all that was visible then."""
    if not positions:
        return None
    first = positions[0]
    sound = bool(first.hash) and first.error is None and first.plugin_id is not None
    return first if sound and first.basis == basis_behind(positions) else None
