"""The plugins of one lix: checked when they are added, found by path and content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lix_vtab.errors import PluginError
from lix_vtab.model.dataclasses import dataclass
from lix_vtab.plugins.archive import load_archive, refusal
from lix_vtab.plugins.contract import Plugin
from lix_vtab.plugins.manifest import Manifest, parse_manifest
from lix_vtab.plugins.matching import ContentType, content_type_of, glob_matches, rank
from lix_vtab.plugins.watchdog import TIME_LIMIT, Watchdog, interrupts

__all__ = ["ENTRY_POINT_GROUP", "RESERVED_KEYS", "PluginRegistry", "load_archive"]

ENTRY_POINT_GROUP = "lix_vtab.plugins"
RESERVED_KEYS = frozenset({"lix", "lix_builtin_binary_fallback"})
"""Keys that rows of no plugin have."""


@dataclass(frozen=True, slots=True)
class _Entry:
    plugin: Plugin
    manifest: Manifest
    rank: float


class PluginRegistry:
    """Hold plugins and choose among them. Asking one about a path may take `time_limit` seconds.

    >>> from lix_vtab.plugins import BUILTIN
    >>> registry = PluginRegistry(BUILTIN)
    >>> registry.match("/package.json").key, registry.match("/photo.png")
    ('plugin_json', None)
    """

    def __init__(
        self, plugins: Iterable[Plugin | type] = (), *, time_limit: float | None = TIME_LIMIT
    ) -> None:
        self._watchdog = Watchdog()
        self._time_limit = time_limit
        self._entries: dict[str, _Entry] = {}
        self._ordered: list[_Entry] = []
        for plugin in plugins:
            self.add(plugin)

    def __iter__(self) -> Iterator[Plugin]:
        return (entry.plugin for entry in self._ordered)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def add(self, plugin: Plugin | type) -> Plugin:
        """Check a plugin (an object, or a class to be called) and add it, replacing its key's."""
        checked, manifest = _check(plugin)
        self._entries[manifest.key] = _Entry(checked, manifest, rank(manifest.path_glob))
        self._ordered = [self._entries[key] for key in sorted(self._entries)]
        return checked

    def get(self, key: str) -> Plugin | None:
        """Return the plugin of this key, or None."""
        entry = self._entries.get(key)
        return entry.plugin if entry else None

    def manifest(self, key: str) -> Manifest:
        """Return the parsed manifest of a plugin that is held; raise KeyError."""
        return self._entries[key].manifest

    def match(self, path: str, content: bytes | ContentType | None = None) -> Plugin | None:
        """Return the plugin for a file, by its path and its bytes or content type if known.

        The most specific glob wins; among equals the smaller key.
        """
        best: _Entry | None = None
        kind = content_type_of(content) if isinstance(content, bytes) else content
        for entry in self._ordered:
            manifest = entry.manifest
            if kind and manifest.content_type and kind != manifest.content_type:
                continue
            if best is not None and entry.rank <= best.rank:
                continue
            if glob_matches(manifest.path_glob, path) and self._accepts(entry.plugin, path):
                best = entry
        return best.plugin if best else None

    def _accepts(self, plugin: Plugin, path: str) -> bool:
        narrower = getattr(plugin, "accepts_path", None)
        if narrower is None:
            return True
        try:
            if self._time_limit is None:
                return bool(narrower(path))
            return self._watchdog.call(self._time_limit, lambda: bool(narrower(path)))
        except BaseException as problem:
            if interrupts(problem):
                raise
            reason = str(problem) or type(problem).__name__
            text = f"accepts_path of plugin '{plugin.key}' failed for {path}: {reason}"
            raise PluginError(text, details={"plugin": plugin.key, "path": path}) from problem

    def add_entry_points(self) -> list[Plugin]:
        """Add every plugin that installed packages offer in the group `lix_vtab.plugins`."""
        from importlib.metadata import entry_points  # slow to import, seldom needed

        added = []
        for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name):
            try:
                found = point.load()
            except Exception as problem:
                reason = f"entry point {point.name!r} ({point.value}): {problem}"
                raise refusal([reason]) from problem
            added.append(self.add(found))
        return added


def _check(candidate: Any) -> tuple[Plugin, Manifest]:
    """Return a usable plugin and its manifest, or raise with every reason against it."""
    plugin = _instance(candidate)
    problems: list[str] = []
    manifest = _check_manifest(plugin, problems)
    problems += _schema_problems(getattr(plugin, "schemas", None))
    for name in ("detect_changes", "apply_changes"):
        if not callable(getattr(plugin, name, None)):
            problems.append(f"it has no method {name!r}")
    if not callable(getattr(plugin, "accepts_path", len)):
        problems.append("accepts_path must be callable")
    if problems or manifest is None:
        raise refusal(problems)
    return plugin, manifest


def _instance(candidate: Any) -> Any:
    if not isinstance(candidate, type):
        return candidate
    try:
        return candidate()
    except Exception as problem:
        reason = f"{candidate.__name__}() failed: {type(problem).__name__}: {problem}"
        raise refusal([reason]) from problem


def _check_manifest(plugin: Any, problems: list[str]) -> Manifest | None:
    source = getattr(plugin, "manifest", None)
    if not isinstance(source, Mapping):
        problems.append(f"its manifest must be a mapping, not {type(source).__name__}")
        return None
    try:
        manifest = parse_manifest(source)
    except PluginError as problem:
        problems += [f"Invalid plugin manifest: {text}" for text in problem.details["violations"]]
        return None
    key = getattr(plugin, "key", None)
    if key != manifest.key:
        problems.append(f"its key {key!r} differs from the manifest's {manifest.key!r}")
    if manifest.key in RESERVED_KEYS:
        problems.append(f"the key {manifest.key!r} is reserved")
    return manifest


def _schema_problems(schemas: Any) -> list[str]:
    if not isinstance(schemas, list | tuple) or not schemas:
        return ["its schemas must be a list with at least one schema"]
    problems = []
    names = []
    for at, schema in enumerate(schemas):
        if not isinstance(schema, Mapping):
            problems.append(f"schemas[{at}] must be a mapping, not {type(schema).__name__}")
            continue
        for name in ("x-lix-key", "x-lix-version"):
            if not isinstance(schema.get(name), str):
                problems.append(f"schemas[{at}] lacks the text {name!r}")
        names.append((schema.get("x-lix-key"), schema.get("x-lix-version")))
    for key, version in names:
        if names.count((key, version)) > 1:
            problems.append(f"the schema {key!r} version {version!r} is there more than once")
            break
    return problems
