"""WebAssembly components that export the interface `api` of `lix:plugin@0.1.0`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lix_vtab.plugins.archive import refusal
from lix_vtab.plugins.contract import (
    EntityChange,
    File,
    PluginInternal,
    PluginInvalidInput,
    StateContext,
)
from lix_vtab.plugins.guest_values import change_json, read_change

__all__ = ["ComponentGuest"]

_INTERFACES = ("lix:plugin/api@0.1.0", "lix:plugin/api", "api")
_STATE_COLUMNS = (
    "entity-id",
    "schema-key",
    "schema-version",
    "snapshot-content",
    "file-id",
    "plugin-key",
    "version-id",
    "change-id",
    "metadata",
    "created-at",
    "updated-at",
)


class ComponentGuest:
    """Speak with a component; it may import WASI, and finds no files, network or environment."""

    def __init__(self, runtime: Any, engine: Any, code: bytes, columns: Sequence[str]) -> None:
        from wasmtime import component

        self._runtime = runtime
        self._types = component
        self._columns = frozenset(columns)
        self._component = component.Component(engine, code)
        self._linker = component.Linker(engine)
        self._linker.add_wasip2()
        self._linker.define_unknown_imports_as_traps(self._component)
        exported = set(self._component.type.exports(engine))
        interface = next((name for name in _INTERFACES if name in exported), None)
        if interface is None and "detect-changes" not in exported:
            raise refusal([f"it exports no interface {_INTERFACES[0]!r}"])
        self._interface = interface

    def detect(
        self, store: Any, before: File | None, after: File, context: StateContext | None
    ) -> list[EntityChange]:
        """Call `detect-changes`."""
        replied = self._call(
            store,
            "detect-changes",
            None if before is None else self._file(before),
            self._file(after),
            None if context is None else self._context(context),
        )
        return [
            read_change({name.replace("-", "_"): value for name, value in vars(change).items()})
            for change in replied
        ]

    def apply(self, store: Any, file: File, changes: Sequence[EntityChange]) -> bytes:
        """Call `apply-changes`."""
        records = [
            self._record({name.replace("_", "-"): v for name, v in change_json(change).items()})
            for change in changes
        ]
        data: bytes = self._call(store, "apply-changes", self._file(file), records)
        return data

    def _call(self, store: Any, name: str, *arguments: Any) -> Any:
        store.set_wasi(self._runtime.WasiConfig())
        instance = self._linker.instantiate(store, self._component)
        index = None
        if self._interface is not None:
            index = instance.get_export_index(store, self._interface)
        found = instance.get_export_index(store, name, index)
        function = None if found is None else instance.get_func(store, found)
        if function is None:
            raise PluginInternal(f"the component exports no function {name!r}")
        replied = function(store, *arguments)
        if isinstance(replied, self._types.Variant):
            text = str(replied.payload)
            raise (
                PluginInvalidInput(text) if replied.tag == "invalid-input" else PluginInternal(text)
            )
        return replied

    def _record(self, fields: Mapping[str, Any]) -> Any:
        record = self._types.Record()
        vars(record).update(fields)
        return record

    def _file(self, file: File) -> Any:
        return self._record({"id": file.id, "path": file.path, "data": file.data})

    def _context(self, context: StateContext) -> Any:
        rows = []
        for row in context.active_state:
            names = {name: name.replace("-", "_") for name in _STATE_COLUMNS}
            rows.append(
                self._record(
                    {
                        name: getattr(row, column) if column in self._columns else None
                        for name, column in names.items()
                    }
                )
            )
        return self._record({"active-state": rows})
