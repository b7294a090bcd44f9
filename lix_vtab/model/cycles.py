"""Cycles in what should be trees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

__all__ = ["cycles"]


def cycles(parents: Mapping[str, str | None]) -> Iterator[str]:
    """Yield one member of each cycle, its least.

    >>> list(cycles({"a": None, "b": "a", "x": "z", "y": "x", "z": "y", "v": "x"}))
    ['x']
    """
    done: set[str] = set()
    for start in parents:
        way: dict[str, None] = {}
        at: str | None = start
        while at is not None and at not in done and at not in way:
            way[at] = None
            at = parents.get(at)
        if at is not None and at in way:
            passed = list(way)
            yield min(passed[passed.index(at) :])
        done.update(way)
