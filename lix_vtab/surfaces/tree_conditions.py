"""What the conditions on a path, as a plan has them, say about where to look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lix_vtab.filesystem.patterns import Region, glob_region, like_region, range_region
from lix_vtab.surfaces.affinity import affine
from lix_vtab.surfaces.planner import Term

__all__ = ["after", "region_of", "wanted_paths"]


def wanted_paths(terms: Sequence[Term], args: Sequence[Any]) -> list[str]:
    """Return the paths that satisfy all of several equalities."""
    paths: list[str] | None = None
    for term in terms:
        value = args[term.argument]
        listed = value if term.operator == "IN" else (value,)
        texts = [v for v in (affine(v, "TEXT") for v in listed) if isinstance(v, str)]
        paths = texts if paths is None else [path for path in paths if path in texts]
    return list(dict.fromkeys(paths or ()))


def region_of(terms: Sequence[Term], args: Sequence[Any]) -> Region | None:
    """Return where all conditions can hold; None when nowhere."""
    low, high = None, None
    best = Region((), "")
    for term in terms:
        value = args[term.argument]
        if not isinstance(value, str):
            continue
        if term.operator in ("GLOB", "LIKE"):
            region = glob_region(value) if term.operator == "GLOB" else like_region(value)
            if region is None:
                return None
            best = _narrower(best, region)
        elif term.operator in (">", ">="):
            low = value if low is None else max(low, value)
        else:
            above = value if term.operator == "<" else value + "\0"
            high = above if high is None else min(high, above)
    if low is not None and high is not None:
        region = range_region(low, high)
        return None if region is None else _narrower(best, region)
    return best


def _narrower(one: Region, other: Region) -> Region:
    return other if len(other.segments) >= len(one.segments) else one


def after(stem: str) -> str:
    """Return the least text greater than everything that starts with `stem`."""
    last = ord(stem[-1])
    following = 0xE000 if last == 0xD7FF else last + 1
    return stem[:-1] + chr(following) if following <= 0x10FFFF else stem + "\U0010ffff" * 2
