"""A stand-in for the engine: the entities of one file, edited through a plugin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lix_vtab.model.json import canonical_json, parse_json
from lix_vtab.plugins import (
    ActiveStateRow,
    EntityChange,
    File,
    Plugin,
    Replacement,
    StateContext,
)
from lix_vtab.plugins.run import PluginRunner

Entities = dict[tuple[str, str], str]
RUNNER = PluginRunner()


class World:
    """One file under one plugin; snapshots are kept as canonical text, as the engine does."""

    def __init__(self, plugin: Plugin, path: str, data: bytes | None = None) -> None:
        self.plugin = plugin
        self.path = path
        self.entities: Entities = {}
        self.data: bytes | None = None
        if data is not None:
            self.write(data)

    def file(self, data: bytes) -> File:
        return File("file-1", self.path, data)

    def context(self) -> StateContext:
        return StateContext(
            [
                ActiveStateRow(id, key, "1", text)
                for (key, id), text in sorted(self.entities.items(), key=lambda item: item[0][1])
            ]
        )

    def detect(self, data: bytes) -> list[tuple[str, str, str | None]]:
        """Return what the plugin sees in new bytes, without taking it over."""
        before = None if self.data is None else self.file(self.data)
        found = RUNNER.detect(self.plugin, before, self.file(data), self.context())
        assert found.rejected is None, found.rejected
        return [(c.schema_key, c.entity_id, c.snapshot_text) for c in found.changes]

    def write(self, data: bytes) -> list[tuple[str, str, str | None]]:
        """Write bytes; check that the entities alone give the same bytes; return the changes."""
        changes = self.detect(data)
        for key, id, text in changes:
            if text is None:
                assert (key, id) in self.entities, f"tombstone for unknown {key} {id}"
                del self.entities[key, id]
            else:
                assert self.entities.get((key, id)) != text, f"{key} {id} did not change"
                self.entities[key, id] = text
        self.data = data
        assert self.render() == data
        return changes

    def render(self, entities: Entities | None = None) -> bytes:
        """Return what the plugin writes for a complete set of entities."""
        rows = sorted((self.entities if entities is None else entities).items())
        changes = [EntityChange(id, key, parse_json(text)) for (key, id), text in rows]
        data = RUNNER.apply(self.plugin, self.file(b""), changes)
        base = RUNNER.apply(self.plugin, self.file(self.data or b""), changes)
        assert data == base, "the result depends on the bytes before"
        return data

    def edit(self, key: str, id: str, snapshot: Any | None) -> bytes:
        """Change one entity by hand (None: delete it) and return the new bytes."""
        before = self.entities.get((key, id))
        if snapshot is None:
            del self.entities[key, id]
        else:
            self.entities[key, id] = canonical_json(snapshot)
        made = self.render()
        if before is not None and snapshot is not None:
            assert self.replaced(key, id, before) in (made, None)
        self.data = made
        assert self.detect(self.data) == []
        return self.data

    def replaced(self, key: str, id: str, before: str) -> bytes | None:
        """Return the bytes with an edited entity put in place; None where that cannot be done."""
        contents = [parse_json(text) for text in (before, self.entities[key, id])]
        edit = Replacement(*[EntityChange(id, key, content) for content in contents])
        assert self.data is not None
        return RUNNER.replace(self.plugin, self.file(self.data), [edit], self.context())

    def snapshot(self, key: str, id: str) -> Any:
        return parse_json(self.entities[key, id])

    def ids(self, key: str) -> list[str]:
        return sorted(id for schema, id in self.entities if schema == key)


def ids_of(changes: Iterable[tuple[str, str, str | None]]) -> list[str]:
    """Name the changed entities; a minus marks a tombstone."""
    return [id if text is not None else f"-{id}" for _, id, text in changes]
