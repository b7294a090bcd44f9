"""Plugins in WebAssembly: untrusted code in a sandbox with limits. Needs the extra `wasm`.

Two kinds of binaries are taken. A *component* exports the interface `api` of the package
`lix:plugin@0.1.0`. A plain *module* is simpler to write and moves bytes faster; it exports

- `memory`,
- `lix_alloc(size: i32) -> i32`: room for a request,
- `detect_changes(request: i32, size: i32) -> i64` and `apply_changes` alike: the reply, its address
  in the upper 32 bits and its size in the lower ones.

A request is a 32-bit little-endian size, that many bytes of JSON, and then the bytes of the files
the JSON names, in its order: `{"before": {"id", "path", "size"} | null, "after": {...},
"state_context": {"active_state": [...]} | null}` or `{"file": {...}, "changes": [...]}`. A reply
is one byte (0: done, 1: invalid input, 2: internal error) and then the result (a JSON array of
changes, or the bytes of the file) or the text of the error.

Every call gets a fresh instance, so nothing is left over from the one before.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from lix_vtab.errors import PluginError
from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.json import canonical_json, parse_json
from lix_vtab.plugins.archive import refusal
from lix_vtab.plugins.contract import (
    EntityChange,
    File,
    PluginInternal,
    PluginInvalidInput,
    StateContext,
)
from lix_vtab.plugins.guest_values import change_json, read_change, state_json
from lix_vtab.plugins.manifest import Manifest, parse_manifest

__all__ = ["WasmLimits", "WasmPlugin"]

_MAGIC = b"\0asm"
_MODULE_VERSION = b"\x01\0\0\0"
_EXPORTS = ("memory", "lix_alloc", "detect_changes", "apply_changes")


@dataclass(frozen=True, slots=True)
class WasmLimits:
    """What one call may use: bytes of memory, instructions (fuel), seconds."""

    memory: int = 64 * 1024 * 1024
    fuel: int = 20_000_000_000
    seconds: float = 30.0


class WasmPlugin:
    """A plugin whose code is a WebAssembly module or component."""

    def __init__(
        self,
        code: bytes,
        manifest: Mapping[str, Any],
        schemas: Sequence[Mapping[str, Any]],
        limits: WasmLimits | None = None,
    ) -> None:
        self.manifest = manifest
        self.schemas = schemas
        self.limits = limits or WasmLimits()
        self._columns = _parsed(manifest).state_columns or ()
        self.key: str = manifest["key"]
        if not code:
            raise refusal(["Plugin wasm bytes must not be empty"])
        if len(code) < 8 or not code.startswith(_MAGIC):
            raise refusal(["Plugin wasm bytes must start with a valid wasm header"])
        self._turn = threading.Lock()
        self._runtime = _load_runtime()
        self._guest = self._compile(code)

    @cached_property
    def _engine(self) -> Any:
        config = self._runtime.Config()
        config.consume_fuel = True
        config.epoch_interruption = True
        return self._runtime.Engine(config)

    def _compile(self, code: bytes) -> Any:
        from lix_vtab.plugins.wasm_component import ComponentGuest

        is_module = code[4:8] == _MODULE_VERSION
        guest = _ModuleGuest if is_module else ComponentGuest
        try:
            return guest(self._runtime, self._engine, code, self._columns)
        except self._runtime.WasmtimeError as problem:
            raise refusal([f"the wasm code cannot be compiled: {problem}"]) from problem

    def detect_changes(
        self, before: File | None, after: File, state_context: StateContext | None
    ) -> Iterable[EntityChange]:
        """Call the guest's detect function in a fresh instance."""
        changes: list[EntityChange] = self._call(
            lambda store: self._guest.detect(store, before, after, state_context)
        )
        return changes

    def apply_changes(self, file: File, changes: Sequence[EntityChange]) -> bytes:
        """Call the guest's apply function in a fresh instance."""
        data: bytes = self._call(lambda store: self._guest.apply(store, file, changes))
        return data

    def _call(self, work: Callable[[Any], Any]) -> Any:
        # the clock of an engine strikes every call in it, so calls take turns
        with self._turn:
            return self._call_alone(work)

    def _call_alone(self, work: Callable[[Any], Any]) -> Any:
        limits, engine = self.limits, self._engine
        store = self._runtime.Store(engine)
        store.set_limits(memory_size=limits.memory)
        store.set_fuel(limits.fuel)
        store.set_epoch_deadline(1)
        alarm = threading.Timer(limits.seconds, engine.increment_epoch)
        alarm.daemon = True
        alarm.start()
        try:
            return work(store)
        except (self._runtime.WasmtimeError, self._runtime.Trap) as problem:
            raise PluginInternal(f"the guest was stopped: {_reason(problem)}") from problem
        finally:
            alarm.cancel()
            alarm.join()


def _parsed(manifest: Mapping[str, Any]) -> Manifest:
    parsed = parse_manifest(manifest)
    if parsed.runtime != "wasm-component-v1":
        raise refusal([f"the runtime {parsed.runtime!r} is not 'wasm-component-v1'"])
    return parsed


def _load_runtime() -> Any:
    try:
        import wasmtime
    except ImportError as problem:
        raise PluginError(
            "WebAssembly plugins need wasmtime",
            hint="install it with: pip install 'lix_vtab[wasm]'",
        ) from problem
    return wasmtime


def _reason(problem: BaseException) -> str:
    text = str(problem)
    if "all fuel consumed" in text:
        return "it used up its instructions (fuel)"
    if "interrupt" in text:
        return "it used up its time"
    return text.strip().splitlines()[-1].strip() if text.strip() else type(problem).__name__


class _ModuleGuest:
    """Speak with a plain module through its memory."""

    def __init__(self, runtime: Any, engine: Any, code: bytes, columns: Sequence[str]) -> None:
        self._runtime = runtime
        self._columns = columns
        self._module = runtime.Module(engine, code)
        exported = {export.name for export in self._module.exports}
        problems = [f"it exports no {name!r}" for name in _EXPORTS if name not in exported]
        problems += [f"it imports {each.module}.{each.name}" for each in self._module.imports]
        if problems:
            raise refusal(problems)

    def detect(
        self, store: Any, before: File | None, after: File, context: StateContext | None
    ) -> list[EntityChange]:
        request = {
            "before": None if before is None else _named(before),
            "after": _named(after),
            "state_context": state_json(context, self._columns),
        }
        data = (b"" if before is None else before.data) + after.data
        reply = self._call(store, "detect_changes", request, data)
        return [read_change(change) for change in _parse_array(reply)]

    def apply(self, store: Any, file: File, changes: Sequence[EntityChange]) -> bytes:
        request = {"file": _named(file), "changes": [change_json(change) for change in changes]}
        return self._call(store, "apply_changes", request, file.data)

    def _call(self, store: Any, name: str, request: Mapping[str, Any], data: bytes) -> bytes:
        exports = self._runtime.Instance(store, self._module, []).exports(store)
        header = canonical_json(request).encode()
        payload = struct.pack("<I", len(header)) + header + data
        at = exports["lix_alloc"](store, len(payload)) & 0xFFFFFFFF
        memory = exports["memory"]
        if at + len(payload) > memory.data_len(store):
            raise PluginInternal(f"lix_alloc gave no room for {len(payload)} bytes")
        memory.write(store, payload, at)
        packed = exports[name](store, at, len(payload))
        start, size = (packed >> 32) & 0xFFFFFFFF, packed & 0xFFFFFFFF
        if not size or start + size > memory.data_len(store):
            raise PluginInternal(f"{name} replied with {size} bytes at {start}")
        reply = bytes(memory.read(store, start, start + size))
        if reply[0] == 0:
            return reply[1:]
        text = reply[1:].decode(errors="replace")
        raise PluginInvalidInput(text) if reply[0] == 1 else PluginInternal(text)


def _named(file: File) -> dict[str, Any]:
    return {"id": file.id, "path": file.path, "size": len(file.data)}


def _parse_array(reply: bytes) -> list[Any]:
    try:
        changes = parse_json(reply)
    except ValueError as problem:
        raise PluginInternal(f"the guest replied with no JSON: {problem}") from problem
    if not isinstance(changes, list):
        raise PluginInternal("the guest replied with no JSON array")
    return changes
