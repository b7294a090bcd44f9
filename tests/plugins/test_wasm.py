"""WebAssembly plugins; the guests are built here from their text form by wasmtime's wat2wasm."""

from __future__ import annotations

import builtins
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from lix_vtab.errors import PluginError
from lix_vtab.plugins import ActiveStateRow, EntityChange, File, StateContext, load_archive
from lix_vtab.plugins.run import apply, detect
from lix_vtab.plugins.wasm import WasmLimits, WasmPlugin

GUESTS = Path(__file__).parent / "guests"
MANIFEST: dict[str, Any] = {
    "key": "guest",
    "runtime": "wasm-component-v1",
    "api_version": "1.0.0",
    "match": {"path_glob": "*.guest"},
    "detect_changes": {"state_context": {"include_active_state": True}},
}
SCHEMA: dict[str, Any] = {
    "x-lix-key": "guest_file",
    "x-lix-version": "1",
    "type": "object",
    "properties": {"id": {"type": "string"}},
    "additionalProperties": False,
}
CONTEXT = StateContext([ActiveStateRow("all", "guest_file", "1", '{"id":"all"}')])


def build(name: str) -> bytes:
    wasmtime = pytest.importorskip("wasmtime")
    return bytes(wasmtime.wat2wasm((GUESTS / f"{name}.wat").read_text()))


def guest(name: str = "module", **limits: Any) -> WasmPlugin:
    return WasmPlugin(build(name), MANIFEST, [SCHEMA], WasmLimits(**limits))


def file(data: bytes, path: str = "/a.guest") -> File:
    return File("f", path, data)


@pytest.mark.parametrize("name", ["module", "component"])
def test_a_guest_detects_and_applies(name: str) -> None:
    plugin = guest(name)
    before = file(b"earlier")
    for context in (None, CONTEXT):
        for previous in (None, before):
            found = detect(plugin, previous, file(b"hello"), context)
            assert [tuple(change) for change in found.changes] == [
                ("all", "guest_file", "1", '{"id":"all"}')
            ]
    changes = [EntityChange("all", "guest_file", {"id": "all"}), EntityChange("x", "y", None)]
    assert apply(plugin, file(b"\x00bytes\xff"), changes) == b"\x00bytes\xff"
    assert apply(plugin, file(b""), []) == b""


def test_large_files_pass_through_the_memory_of_a_module() -> None:
    data = b"x" * 1_000_000
    assert apply(guest(), file(data), []) == data


@pytest.mark.parametrize(
    ("data", "kind", "text"),
    [
        (b"bad", "invalid-input", "the first byte is bad"),
        (b"internal", "internal", "the guest is broken"),
        (b"nonsense", "internal", "the guest replied with no JSON"),
        (b"outside", "internal", "replied with 64 bytes at 4294967280"),
        (b"trap", "internal", "unreachable"),
    ],
)
def test_the_errors_of_a_guest_are_told(data: bytes, kind: str, text: str) -> None:
    with pytest.raises(PluginError, match=text) as caught:
        detect(guest(), None, file(data))
    assert caught.value.details["kind"] == kind


def test_a_component_tells_invalid_input_apart() -> None:
    with pytest.raises(PluginError, match="a file needs a path") as caught:
        detect(guest("component"), None, file(b"", path=""))
    assert caught.value.details["kind"] == "invalid-input"


def test_a_guest_that_loops_runs_out_of_fuel_or_time() -> None:
    with pytest.raises(PluginError, match="fuel"):
        detect(guest(fuel=1_000_000), None, file(b"loop"))
    plugin = guest(seconds=0.1)
    with pytest.raises(PluginError, match="time"):
        detect(plugin, None, file(b"loop"))
    plugin.limits = WasmLimits()
    assert len(detect(plugin, None, file(b"fine")).changes) == 1


def test_memory_is_limited() -> None:
    with pytest.raises(PluginError, match="lix_alloc gave no room"):
        apply(guest(memory=262_144), file(b"x" * 1_000_000), [])


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (b"", "must not be empty"),
        (b"\0asm", "valid wasm header"),
        (b"not wasm at all", "valid wasm header"),
        (b"\0asm\x01\0\0\0", "exports no 'memory'; .*exports no 'apply_changes'"),
        (b"\0asm\x0d\0\x01\0", "exports no interface 'lix:plugin/api@0.1.0'"),
        (b"\0asm\x01\0\0\0\xff\xff", "cannot be compiled"),
    ],
)
def test_unusable_code_is_refused(code: bytes, text: str) -> None:
    pytest.importorskip("wasmtime")
    with pytest.raises(PluginError, match=text):
        WasmPlugin(code, MANIFEST, [SCHEMA])


def test_a_module_that_imports_something_is_refused() -> None:
    wasmtime = pytest.importorskip("wasmtime")
    code = wasmtime.wat2wasm('(module (import "env" "open" (func)))')
    with pytest.raises(PluginError, match=r"it imports env\.open"):
        WasmPlugin(bytes(code), MANIFEST, [SCHEMA])


def test_a_python_manifest_does_not_fit() -> None:
    with pytest.raises(PluginError, match="'python' is not 'wasm-component-v1'"):
        WasmPlugin(b"\0asm\x01\0\0\0", {**MANIFEST, "runtime": "python"}, [SCHEMA])


def test_without_wasmtime_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "wasmtime":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(PluginError, match=r"pip install 'lix_vtab\[wasm\]'"):
        WasmPlugin(b"\0asm\x01\0\0\0", MANIFEST, [SCHEMA])


def test_an_archive_may_hold_a_guest() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("manifest.json", json.dumps(MANIFEST))
        archive.writestr("schemas/guest_file.json", json.dumps(SCHEMA))
        archive.writestr("plugin.wasm", build("module"))
    plugin = load_archive(packed.getvalue())
    assert plugin.key == "guest"
    assert apply(plugin, file(b"abc"), []) == b"abc"
