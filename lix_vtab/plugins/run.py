"""Calls into plugins, guarded: a time limit, one kind of error, and no nonsense let through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple, NoReturn, TypeVar

from lix_vtab.errors import PluginError
from lix_vtab.model.json import canonical_json
from lix_vtab.plugins.contract import (
    EntityChange,
    File,
    Plugin,
    PluginInternal,
    PluginInvalidInput,
    Replacement,
    StateContext,
)
from lix_vtab.plugins.watchdog import TimeLimitExceeded, Watchdog

__all__ = ["TIME_LIMIT", "DetectedChange", "Detection", "PluginRunner", "apply", "detect"]

TIME_LIMIT = 30.0
"""Seconds a plugin may take for one call, unless said otherwise."""

_R = TypeVar("_R")
_DETECT = "file detect stage failed: plugin detect-changes"
_APPLY = "plugin materialization"


class DetectedChange(NamedTuple):
    """One checked change; `snapshot_text` is canonical JSON, None for a vanished entity."""

    entity_id: str
    schema_key: str
    schema_version: str
    snapshot_text: str | None


@dataclass(frozen=True, slots=True)
class Detection:
    """What a detect call brought: changes in the plugin's order, or the reason for a refusal.

    `rejected` is set only for plugins whose manifest says `"on_invalid": "blob"`.
    """

    changes: tuple[DetectedChange, ...] = ()
    rejected: str | None = None


class PluginRunner:
    """Call plugins with a time limit in seconds (None: no limit).

    >>> PluginRunner(time_limit=5.0).time_limit
    5.0
    """

    def __init__(self, *, time_limit: float | None = TIME_LIMIT) -> None:
        self.time_limit = time_limit
        self._watchdog = Watchdog()

    def detect(
        self,
        plugin: Plugin,
        before: File | None,
        after: File,
        context: StateContext | None = None,
    ) -> Detection:
        """Ask what changed; raise PluginError when the plugin fails or answers nonsense."""

        def call() -> list[Any]:
            # consumed in here, for a generator does its work while it is read
            return list(plugin.detect_changes(before, after, context))

        try:
            changes = self._guarded(call)
        except PluginInvalidInput as problem:
            if plugin.manifest.get("on_invalid") == "blob":
                return Detection(rejected=str(problem) or "invalid input")
            _fail(_DETECT, plugin, after, "invalid-input", problem)
        except TimeLimitExceeded as problem:
            _fail(_DETECT, plugin, after, "timeout", problem)
        except (Exception, SystemExit) as problem:
            _fail(_DETECT, plugin, after, "internal", problem)
        return Detection(_check_changes(plugin, after, changes))

    def apply(self, plugin: Plugin, file: File, changes: Sequence[EntityChange]) -> bytes:
        """Let the plugin write the file; raise PluginError when it fails or answers nonsense."""
        call = "apply_changes"
        return self._bytes(plugin, file, call, lambda: plugin.apply_changes(file, changes))

    def replace(
        self,
        plugin: Any,
        file: File,
        replacements: Sequence[Replacement],
        context: StateContext,
    ) -> bytes | None:
        """Let the plugin put edits into the bytes of a file; None when it cannot."""
        unable = False

        def call() -> Any:
            nonlocal unable
            made = plugin.replace_entities(file, replacements, context)
            unable = made is None
            return b"" if unable else made

        data = self._bytes(plugin, file, "replace_entities", call)
        return None if unable else data

    def _bytes(self, plugin: Plugin, file: File, name: str, call: Callable[[], Any]) -> bytes:
        try:
            data = self._guarded(call)
        except PluginInvalidInput as problem:
            _fail(_APPLY, plugin, file, "invalid-input", problem)
        except TimeLimitExceeded as problem:
            _fail(_APPLY, plugin, file, "timeout", problem)
        except (Exception, SystemExit) as problem:
            _fail(_APPLY, plugin, file, "internal", problem)
        if not isinstance(data, bytes | bytearray | memoryview):
            wrong = f"{name} returned {type(data).__name__}, not bytes"
            _nonsense(_APPLY, plugin, file, wrong)
        return bytes(data)

    def _guarded(self, call: Callable[[], _R]) -> _R:
        if self.time_limit is None:
            return call()
        return self._watchdog.call(self.time_limit, call)


_DEFAULT_RUNNER = PluginRunner()


def detect(
    plugin: Plugin, before: File | None, after: File, context: StateContext | None = None
) -> Detection:
    """Ask `plugin` what changed, within the default time limit (see `PluginRunner.detect`)."""
    return _DEFAULT_RUNNER.detect(plugin, before, after, context)


def apply(plugin: Plugin, file: File, changes: Sequence[EntityChange]) -> bytes:
    """Let `plugin` write a file, within the default time limit (see `PluginRunner.apply`)."""
    return _DEFAULT_RUNNER.apply(plugin, file, changes)


def _check_changes(
    plugin: Plugin, file: File, changes: Iterable[Any]
) -> tuple[DetectedChange, ...]:
    known = {schema["x-lix-key"] for schema in plugin.schemas}
    checked: dict[tuple[str, str], DetectedChange] = {}
    for change in changes:
        if not isinstance(change, EntityChange) or not isinstance(change.schema_key, str):
            _nonsense(_DETECT, plugin, file, _shape_error(change, known))
        if change.schema_key not in known or not isinstance(change.entity_id, str):
            _nonsense(_DETECT, plugin, file, _shape_error(change, known))
        if not isinstance(change.schema_version, str) or not change.schema_version:
            _nonsense(_DETECT, plugin, file, _shape_error(change, known))
        key = (change.schema_key, change.entity_id)
        if key in checked:
            _fail_duplicate(plugin, file, change)
        try:
            text = _snapshot_text(change.snapshot_content)
        except (TypeError, ValueError, RecursionError) as problem:
            where = f"schema_key={change.schema_key!r} entity_id={change.entity_id!r}"
            _nonsense(_DETECT, plugin, file, f"the snapshot of {where} is not JSON: {problem}")
        checked[key] = DetectedChange(
            change.entity_id, change.schema_key, change.schema_version, text
        )
    return tuple(checked.values())


def _shape_error(change: Any, known: set[Any]) -> str:
    if not isinstance(change, EntityChange):
        return f"expected EntityChange, got {change!r:.200}"
    if not isinstance(change.entity_id, str):
        return f"entity_id must be text, not {change.entity_id!r:.200}"
    if not isinstance(change.schema_key, str) or change.schema_key not in known:
        names = ", ".join(sorted(map(str, known)))
        return f"unknown schema key {change.schema_key!r} (the plugin declares: {names})"
    return f"schema_version must be text, not {change.schema_version!r:.200}"


def _snapshot_text(content: Any) -> str | None:
    if content is None:
        return None
    text = canonical_json(content)
    # The fast serializer writes NaN as null and knows types that JSON does not; texts with
    # neither a null nor an odd type are the rule, and the walk below is for the rest.
    if type(content) is not dict or "null" in text or not _plain(content):
        _require_json(content)
    return text


_PLAIN = frozenset({str, int, bool, type(None)})


def _plain(content: dict[Any, Any]) -> bool:
    return all(type(name) is str and type(member) in _PLAIN for name, member in content.items())


def _require_json(value: Any) -> None:
    if value is None or type(value) in (str, int, bool):
        return
    if type(value) is float:
        if not isfinite(value):
            raise ValueError(f"{value} is no JSON number")
    elif isinstance(value, Mapping):
        for name, member in value.items():
            if not isinstance(name, str):
                raise TypeError(f"the object key {name!r} is not text")
            _require_json(member)
    elif isinstance(value, list | tuple):
        for member in value:
            _require_json(member)
    else:
        raise TypeError(f"{type(value).__name__} is no JSON type")


def _fail_duplicate(plugin: Plugin, file: File, change: EntityChange) -> NoReturn:
    raise PluginError(
        f"{_DETECT}: duplicate change key for plugin '{plugin.key}' file '{file.id}'"
        f" ({file.path}): schema_key='{change.schema_key}' entity_id='{change.entity_id}'",
        hint="one detect call may name an entity once",
        details=_details(plugin, file, "nonsense"),
    )


def _nonsense(stage: str, plugin: Plugin, file: File, what: str) -> NoReturn:
    raise PluginError(
        f"{stage}: failed to decode plugin output for key '{plugin.key}'"
        f" (file '{file.id}', {file.path}): {what}",
        details=_details(plugin, file, "nonsense"),
    )


def _fail(stage: str, plugin: Plugin, file: File, kind: str, problem: BaseException) -> NoReturn:
    call = "detect-changes" if stage == _DETECT else "apply-changes"
    text = str(problem) or type(problem).__name__
    if kind == "internal" and not isinstance(problem, PluginInternal):
        text = f"{type(problem).__name__}: {text}"
    raise PluginError(
        f"{stage}: failed to call {call} export ({kind}) of plugin '{plugin.key}'"
        f" for file '{file.id}' ({file.path}): {text}",
        details=_details(plugin, file, kind),
    ) from problem


def _details(plugin: Plugin, file: File, kind: str) -> dict[str, str]:
    return {"plugin": plugin.key, "file_id": file.id, "path": file.path, "kind": kind}
