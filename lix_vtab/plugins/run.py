"""Calls into plugins, guarded: a time limit, one kind of error, and no nonsense let through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

from lix_vtab.errors import PluginError
from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.json import Json
from lix_vtab.plugins.answer import Answer, DetectedChange, Nonsense, RepeatedChange, read_changes
from lix_vtab.plugins.contract import (
    EntityChange,
    File,
    Plugin,
    PluginInternal,
    PluginInvalidInput,
    Replacement,
    StateContext,
)
from lix_vtab.plugins.watchdog import TIME_LIMIT, TimeLimitExceeded, Watchdog, interrupts

__all__ = ["TIME_LIMIT", "DetectedChange", "Detection", "PluginRunner", "apply", "detect"]

_R = TypeVar("_R")
_DETECT = "file detect stage failed: plugin detect-changes"
_APPLY = "plugin materialization"


@dataclass(frozen=True, slots=True)
class Detection:
    """What a detect call brought: changes in the plugin's order, or the reason for a refusal.

    `contents` says what the snapshot of each change means. `rejected` is set only for plugins whose
    manifest says `"on_invalid": "blob"`.
    """

    changes: tuple[DetectedChange, ...] = ()
    rejected: str | None = None
    contents: tuple[Json, ...] = ()


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
        size = len(after.data) + (0 if before is None else len(before.data))

        def call() -> Answer:
            # consumed in here, for a generator does its work while it is read
            return read_changes(plugin, plugin.detect_changes(before, after, context), size)

        try:
            changes, contents = self._guarded(call)
            return Detection(changes, contents=contents)
        except RepeatedChange as problem:
            _fail_duplicate(plugin, after, problem)
        except Nonsense as problem:
            _nonsense(_DETECT, plugin, after, str(problem))
        except PluginInvalidInput as problem:
            if plugin.manifest.get("on_invalid") == "blob":
                return Detection(rejected=str(problem) or "invalid input")
            _fail(_DETECT, plugin, after, "invalid-input", problem)
        except TimeLimitExceeded as problem:
            _fail(_DETECT, plugin, after, "timeout", problem)
        except BaseException as problem:
            if interrupts(problem):
                raise
            _fail(_DETECT, plugin, after, "internal", problem)

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
        except BaseException as problem:
            if interrupts(problem):
                raise
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


def _fail_duplicate(plugin: Plugin, file: File, change: RepeatedChange) -> NoReturn:
    raise PluginError(
        f"{_DETECT}: duplicate change key for plugin '{plugin.key}' file '{file.id}'"
        f" ({file.path}): {change}",
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
