"""Size up a Python value before anything recursive touches it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain
from typing import Any

from lix_vtab.model.dataclasses import dataclass

__all__ = ["MAX_DEPTH", "Extent", "survey", "without_surrogates"]

MAX_DEPTH = 500
"""Levels of nesting a validated value may have; compiled validators recurse on the C stack."""


@dataclass(frozen=True, slots=True)
class Extent:
    """What a value looks like from afar.

    `depth` stops counting one past the limit; `weight` approximates the bytes of its JSON text;
    `flaw` names the first thing in it that is not JSON.
    """

    depth: int
    nodes: int
    longest: int
    weight: int
    flaw: str | None


def survey(value: Any, *, max_depth: int = MAX_DEPTH) -> Extent:
    """Walk `value` without recursion; give up below `max_depth`, so cycles end too.

    >>> survey({"a": [1, "xyz"]}).depth
    3
    """
    depth = nodes = longest = weight = 0
    flaw = None
    stack: list[Iterator[Any]] = [iter((value,))]
    while stack:
        depth = max(depth, len(stack))
        # the iterator on top remembers where a break left it
        for item in stack[-1]:
            nodes += 1
            kind = type(item)
            if kind is str:
                longest = max(longest, len(item))
                weight += len(item) + 2
                continue
            weight += 2
            children = _children(item)
            flaw = flaw or _flaw(item)
            if children is None:
                continue
            if len(stack) == max_depth:
                return Extent(max_depth + 1, nodes, longest, weight, flaw)
            stack.append(children)
            break
        else:
            stack.pop()
    return Extent(depth, nodes, longest, weight, flaw)


def without_surrogates(value: Any) -> Any:
    """Copy `value` with U+FFFD for every lone surrogate, which no UTF-8 library takes."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {without_surrogates(key): without_surrogates(item) for key, item in value.items()}
    return value


def _children(item: Any) -> Iterator[Any] | None:
    if isinstance(item, dict):
        return chain.from_iterable(item.items())
    if isinstance(item, list):
        return iter(item)
    return None


def _flaw(item: Any) -> str | None:
    if item is None or isinstance(item, bool | int | list | str):
        return None
    if isinstance(item, dict):
        return next(
            (f"the key {key!r} is not a string" for key in item if type(key) is not str), None
        )
    if isinstance(item, float):
        return None if math.isfinite(item) else f"{item} is not a JSON number"
    return f"a Python {type(item).__name__} is not JSON"
