"""What calls from Python are given: checked once on the way in, and refused by name."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lix_vtab.errors import InvalidValueError
from lix_vtab.model.json import canonical_json

__all__ = [
    "ArgumentError",
    "boolean",
    "host_path",
    "json_text",
    "listed",
    "mapping",
    "optional_callable",
    "optional_seconds",
    "optional_text",
    "patience",
    "refused",
    "required_callable",
    "seconds",
    "shown",
    "text",
    "whole",
]

_SHOWN = 60
_LARGEST = 2**63 - 1
_ENDLESS = threading.TIMEOUT_MAX


class ArgumentError(InvalidValueError, TypeError, ValueError):
    """A call from Python has an argument of the wrong type or out of its range."""


def refused(
    name: str, wanted: str, value: object, hint: str, details: Mapping[str, Any] | None = None
) -> ArgumentError:
    """Return the error for an argument that is not what is wanted.

    >>> print(refused("undo: steps", "a whole number", "x", "leave it out for 1"))
    LIX_INVALID_PARAM: undo: steps must be a whole number, got 'x' (leave it out for 1)
    """
    return ArgumentError(
        f"{name} must be {wanted}, got {shown(value)}",
        hint=hint,
        details={"argument": name, "type": type(value).__name__, **(details or {})},
    )


def shown(value: object) -> str:
    """Return how a message shows a value: as Python writes it, but short.

    >>> shown("x" * 100)
    "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..."
    """
    if isinstance(value, str | bytes):
        value, cut = value[: _SHOWN + 1], len(value) > _SHOWN
        written = repr(value)
    else:
        try:
            written = repr(value)
        except Exception:
            # an object may fail at this too, and a huge int does
            written = f"a value of type {type(value).__name__}"
        cut = len(written) > _SHOWN
    return f"{written[: _SHOWN - 1]}..." if cut else written


def text(value: object, name: str, hint: str) -> str:
    """Return a text any table can hold."""
    if not isinstance(value, str):
        raise refused(name, "a text", value, hint)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise refused(name, "a text that is UTF-8", value, str(error)) from error
    return value


def optional_text(value: object, name: str, hint: str) -> str | None:
    """Return a text any table can hold, or None."""
    return None if value is None else text(value, name, hint)


def boolean(value: object, name: str) -> bool:
    """Return True or False, for which 1 and 0 may stand."""
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    raise refused(name, "True or False", value, "1 and 0 will do, too")


def whole(value: object, name: str, *, least: int, hint: str) -> int:
    """Return a whole number that SQLite can hold and that is not less than `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _LARGEST:
        raise refused(name, f"a whole number from {least} on", value, hint)
    return value


def seconds(value: object, name: str, hint: str, *, zero: bool = True) -> float:
    """Return a number of seconds that a clock can wait; `zero` says that it may be none at all."""
    number = -1.0
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _ENDLESS:
        number = float(value)
    if number > 0 or (zero and number == 0):
        return number
    least = "not negative" if zero else "more than 0"
    raise refused(name, f"a number of seconds, {least}", value, hint)


def optional_seconds(value: object, name: str, *, zero: bool = True) -> float | None:
    """Return a number of seconds, or None for no end."""
    return None if value is None else seconds(value, name, "None is for ever", zero=zero)


def patience(value: object, name: str) -> float | None:
    """Return how many seconds to wait: none when it is negative, None when it has no end.

    Both come of computing how much time is left.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise refused(name, "a number of seconds", value, "None waits for ever, 0 not at all")
    return max(0.0, float(value)) if value < _ENDLESS else None


def mapping(value: object, name: str, wanted: str, hint: str) -> Mapping[str, Any]:
    """Return a mapping."""
    if isinstance(value, Mapping):
        return value
    raise refused(name, wanted, value, hint)


def listed(value: object, name: str, wanted: str, hint: str) -> list[Any]:
    """Return the items of anything that can be looped over, but texts and bytes."""
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping | type):
        return list(value)
    raise refused(name, wanted, value, hint)


def json_text(value: object, name: str) -> str:
    """Return a value as JSON text, when it can be written as JSON."""
    try:
        # the fast serializer would write NaN as null
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
        return canonical_json(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise ArgumentError(
            f"{name} must be a JSON value: {error}"[:300],
            hint="None, bool, int, float, str, and lists and dicts of them",
            details={"argument": name, "type": type(value).__name__},
        ) from error


def required_callable(value: object, name: str, hint: str) -> Callable[..., Any]:
    """Return something that can be called."""
    if callable(value):
        return value
    raise refused(name, "callable", value, hint)


def optional_callable(value: object, name: str, hint: str) -> Callable[..., Any] | None:
    """Return something that can be called, or None."""
    return None if value is None else required_callable(value, name, hint)


def host_path(value: object, name: str, hint: str) -> str:
    """Return a path of this machine as a text."""
    if isinstance(value, str | os.PathLike):
        path = os.fspath(value)
        try:
            if isinstance(path, str) and b"\0" not in os.fsencode(path):
                return path
        except UnicodeEncodeError:
            pass  # told below
    raise refused(name, "a path of this machine", value, hint)
