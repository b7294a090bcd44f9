"""What a plugin must hold, checked over files of its author's choosing.

Call `check_plugin(plugin, samples)` in a test of your own. It uses the plugin the way a lix does:
through the registry's checks and guarded calls, with entities kept as canonical JSON.

The laws:

- *round trip*: the entities found in a file give back its bytes, without looking at old bytes;
- *quiet*: bytes that did not change, or were just written from entities, bring no changes;
- *following*: after any sample has been replaced by any other, the entities give the new bytes;
- *edits by hand*: an entity set with one entity removed, or replaced by its namesake of another
  sample, is refused with PluginInvalidInput or written as bytes that bring no changes;
- *replacement*: what `replace_entities` makes of an edit, if the plugin offers it, is what
  `apply_changes` makes of the whole;
- *order*: the order in which entities arrive does not matter;
- *tidy*: a tombstone names an entity that exists, and every change changes something;
- *deterministic*: the same call brings the same answer;
- *manners*: bytes that are not understood raise PluginInvalidInput and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lix_vtab.errors import PluginError
from lix_vtab.model.json import parse_json
from lix_vtab.plugins.contract import (
    ActiveStateRow,
    EntityChange,
    File,
    Plugin,
    Replacement,
    StateContext,
)
from lix_vtab.plugins.registry import PluginRegistry
from lix_vtab.plugins.run import DetectedChange, PluginRunner

__all__ = ["ConformanceError", "check_plugin"]

_Entities = dict[tuple[str, str], DetectedChange]

_MOST_EDITS = 20
_MALFORMED = (b"\xff\xfe\x00", b"\x00", b'"', b"{", b"\xed\xa0\x80", b"a\x80b")


class ConformanceError(AssertionError):
    """A plugin broke a law; the text says which, with which file."""


def check_plugin(plugin: Plugin | type, samples: Mapping[str, bytes] | Iterable[bytes]) -> None:
    """Check that a plugin holds its laws over sample files; raise ConformanceError if not.

    `samples` maps paths to bytes. Paths must match the plugin's glob; without paths, files are
    called `/sample` plus what the glob ends in.

    >>> from lix_vtab.plugins import plugin_json
    >>> check_plugin(plugin_json, {"/a.json": b'{"a": 1}', "/b.json": b'{"a": 2, "b": []}'})
    """
    registry = PluginRegistry([plugin])
    (checked,) = registry
    files = _files(checked, registry, samples)
    check = _Check(checked, with_context=registry.manifest(checked.key).state_columns is not None)
    for path, data in files:
        check.alone(path, data)
        for _, other in files:
            check.replaced(path, data, other)
    for path, _ in files[:1]:
        for data in _MALFORMED:
            check.malformed(path, data)


def _files(
    plugin: Plugin, registry: PluginRegistry, samples: Mapping[str, bytes] | Iterable[bytes]
) -> list[tuple[str, bytes]]:
    if isinstance(samples, Mapping):
        files = list(samples.items())
        for path, data in files:
            _require(registry.match(path, data) is plugin, "match", path, "the glob does not match")
    else:
        glob = registry.manifest(plugin.key).path_glob
        ending = glob.rpartition("*")[2].replace("{", "").partition(",")[0].rstrip("}")
        files = [(f"/sample{ending}", data) for data in samples]
    _require(bool(files), "samples", "", "there must be at least one sample")
    return files


def _require(holds: bool, law: str, path: str, text: str) -> None:
    if not holds:
        raise ConformanceError(f"{law}: {path}: {text}")


class _Check:
    def __init__(self, plugin: Plugin, *, with_context: bool) -> None:
        self.plugin = plugin
        self.with_context = with_context
        self.runner = PluginRunner()

    def alone(self, path: str, data: bytes) -> None:
        """Check what must hold of one file."""
        entities = self.write(path, {}, None, data)
        again = self.write(path, {}, None, data)
        _require(entities == again, "deterministic", path, "two calls named different entities")
        self.quiet(path, entities, data)
        rows = list(entities.values())
        for rearranged in (rows[::-1], rows[len(rows) // 2 :] + rows[: len(rows) // 2]):
            written = self.render(path, rearranged, b"")
            _require(written == data, "order", path, "another order of entities, other bytes")

    def replaced(self, path: str, data: bytes, other: bytes) -> None:
        """Check what must hold when one file becomes another, and back."""
        entities = self.write(path, {}, None, data)
        changed = self.write(path, entities, data, other)
        self.quiet(path, changed, other)
        self.write(path, changed, other, data)
        for key in list(entities)[:_MOST_EDITS]:
            rest = {name: entities[name] for name in entities if name != key}
            self.edited(path, rest)
            if changed.get(key, entities[key]) != entities[key]:
                edited = {**rest, key: changed[key]}
                self.edited(path, edited)
                self.replacement(path, data, entities[key], edited)

    def edited(self, path: str, entities: _Entities) -> None:
        """Check an entity set that no file has brought about."""
        try:
            data = self.render(path, sorted(entities.values()), b"")
        except PluginError as problem:
            kind = problem.details["kind"]
            _require(kind == "invalid-input", "edits by hand", path, f"raises: {problem}")
            return
        self.quiet(path, entities, data)

    def replacement(
        self, path: str, data: bytes, before: DetectedChange, entities: _Entities
    ) -> None:
        """Check that an edit put into the bytes makes what all entities together make."""
        context = self.context(entities)
        if not hasattr(self.plugin, "replace_entities") or context is None:
            return
        after = entities[before.schema_key, before.entity_id]
        edit = Replacement(_change(before), _change(after))
        try:
            whole = self.render(path, list(entities.values()), b"")
            made = self.runner.replace(self.plugin, File("file", path, data), [edit], context)
        except PluginError as problem:
            kind = problem.details["kind"]
            _require(kind == "invalid-input", "replacement", path, f"raises: {problem}")
            return
        text = f"wrote {made!r:.200}, not {whole!r:.200}"
        _require(made is None or made == whole, "replacement", path, text)

    def malformed(self, path: str, data: bytes) -> None:
        """Check that bytes are either understood or refused in the right way."""
        try:
            found = self.runner.detect(
                self.plugin, None, File("file", path, data), self.context({})
            )
        except PluginError as problem:
            kind = problem.details["kind"]
            _require(kind == "invalid-input", "manners", path, f"{data!r} raises: {problem}")
            return
        if found.rejected is None:
            self.write(path, {}, None, data)

    def quiet(self, path: str, entities: _Entities, data: bytes) -> None:
        file = File("file", path, data)
        found = self.runner.detect(self.plugin, file, file, self.context(entities))
        names = [change.entity_id for change in found.changes]
        _require(not names, "quiet", path, f"unchanged bytes changed {names[:5]}")

    def write(
        self, path: str, entities: _Entities, before: bytes | None, after: bytes
    ) -> _Entities:
        """Return the entities after a write, checked."""
        old = None if before is None else File("file", path, before)
        file = File("file", path, after)
        found = self.runner.detect(self.plugin, old, file, self.context(entities))
        _require(found.rejected is None, "samples", path, f"was refused: {found.rejected}")
        now = dict(entities)
        for change in found.changes:
            key = (change.schema_key, change.entity_id)
            if change.snapshot_text is None:
                _require(key in now, "tidy", path, f"a tombstone for {key}, which is not there")
                del now[key]
            else:
                _require(now.get(key) != change, "tidy", path, f"{key} did not change")
                now[key] = change
        law = "round trip" if before is None else "following"
        for base in (b"", after, before or b""):
            written = self.render(path, sorted(now.values()), base)
            _require(written == after, law, path, f"wrote {written!r:.200}, not {after!r:.200}")
        return now

    def render(self, path: str, rows: list[DetectedChange], base: bytes) -> bytes:
        changes = [_change(row) for row in rows]
        return self.runner.apply(self.plugin, File("file", path, base), changes)

    def context(self, entities: _Entities) -> StateContext | None:
        if not self.with_context:
            return None
        rows = sorted(entities.values(), key=lambda row: (row.entity_id, row.schema_key))
        return StateContext(
            [
                ActiveStateRow(row.entity_id, row.schema_key, row.schema_version, row.snapshot_text)
                for row in rows
            ]
        )


def _change(row: DetectedChange) -> EntityChange:
    content = parse_json(row.snapshot_text or "null")
    return EntityChange(row.entity_id, row.schema_key, content, row.schema_version)
