"""Definitions the tests start from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lix_vtab.schema import CompiledSchema, compile_schema, validate_schema

TEXT = {"type": "string"}


def schema(
    key: str = "mock",
    properties: dict[str, Any] | None = None,
    required: Iterable[str] = (),
    **keywords: Any,
) -> dict[str, Any]:
    """Build a definition; `primary_key=` and the like become `x-lix-primary-key`."""
    definition: dict[str, Any] = {
        "x-lix-key": key,
        "x-lix-version": "1",
        "type": "object",
        "properties": {"name": TEXT} if properties is None else properties,
        "additionalProperties": False,
    }
    if required:
        definition["required"] = list(required)
    for name, value in keywords.items():
        dashed = name.replace("_", "-")
        definition[f"x-lix-{dashed}" if dashed in _LIX else name] = value
    return definition


def texts(*names: str) -> dict[str, Any]:
    """Return string properties."""
    return {name: dict(TEXT) for name in names}


def compiled(*args: Any, **keywords: Any) -> CompiledSchema:
    """Validate and compile what `schema` builds."""
    definition = schema(*args, **keywords)
    validate_schema(definition)
    return compile_schema(definition)


class Counting:
    """A source of ids and times that counts, starting at zero."""

    def __init__(self) -> None:
        self.next = 0

    def uuid7(self) -> str:
        return f"01920000-0000-7000-8000-{self._draw():012x}"

    def timestamp(self) -> str:
        return f"1970-01-01T00:00:00.{self._draw():03d}Z"

    def nano_id(self, length: int = 21) -> str:
        return f"test_{self._draw():010d}"

    def _draw(self) -> int:
        drawn, self.next = self.next, self.next + 1
        return drawn


_LIX = {
    "primary-key",
    "unique",
    "index",
    "foreign-keys",
    "immutable",
    "override-lixcols",
    "entity-views",
    "version",
}
