"""Functions of CEL that cel-python leaves out, or means differently."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from celpy import celtypes
from celpy.evaluation import CELEvalError, base_functions

__all__ = ["STANDARD"]

_KINDS: Final = (
    ("bool", celtypes.BoolType),
    ("number", (celtypes.IntType, celtypes.UintType, celtypes.DoubleType)),
    ("string", celtypes.StringType),
    ("bytes", celtypes.BytesType),
    ("timestamp", celtypes.TimestampType),
    ("duration", celtypes.DurationType),
)
"""What can be compared, first match first: to Python, booleans are numbers."""


def _extreme(name: str, choose: Callable[[list[Any]], Any]) -> Callable[..., Any]:
    """Return `max` or `min`: of several values, or of the items of one list; of none it is null."""

    def call(*given: Any) -> Any:
        listed = len(given) == 1 and isinstance(given[0], celtypes.ListType)
        items = list(given[0] if listed else given)
        kinds = {_kind(item) for item in items}
        if len(items) > 1 and (len(kinds) > 1 or "" in kinds):
            raise CELEvalError(f"no such overload: {name} compares values of one kind")
        return choose(items) if items else None

    return call


def _kind(value: Any) -> str:
    return next((kind for kind, types in _KINDS if isinstance(value, types)), "")


def _string(value: Any) -> Any:
    if isinstance(value, celtypes.BoolType):
        return celtypes.StringType("true" if value else "false")
    return base_functions["string"](value)


STANDARD: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {"max": _extreme("max", max), "min": _extreme("min", min), "string": _string}
)
"""These functions by name."""
