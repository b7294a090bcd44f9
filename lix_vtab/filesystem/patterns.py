"""What a condition on a path says about where in the tree to look.

`path GLOB '/docs/*'` can only hold below `/docs/`. A `Region` is such a place. It never leaves out
a match; whether a path in it matches is still for SQLite to say.
"""

from __future__ import annotations

from lix_vtab.model.dataclasses import dataclass

__all__ = ["Region", "glob_region", "like_region", "range_region"]

# LIKE folds ASCII letters and nothing else.
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOWER = str.maketrans(_UPPER, _UPPER.lower())
_LETTERS = frozenset(_UPPER + _UPPER.lower())


@dataclass(frozen=True, slots=True)
class Region:
    """All paths below the directory `segments` whose next segment starts with `stem`.

    The directory itself is in its region when `stem` is empty. With `whole`, the path is exactly
    the directory's followed by `stem`. With `fold`, ASCII letters match in either case.
    """

    segments: tuple[str, ...]
    stem: str
    whole: bool = False
    fold: bool = False

    def descends(self, depth: int, segment: str) -> bool:
        """Tell whether the directory `segment`, at `depth` below the root, leads into the region.

        >>> region = glob_region("/docs/gu*")
        >>> region.descends(0, "docs"), region.descends(0, "src"), region.descends(1, "guides")
        (True, False, True)
        """
        if depth < len(self.segments):
            return self._key(segment) == self._key(self.segments[depth])
        return depth > len(self.segments) or self._key(segment).startswith(self._key(self.stem))

    def fixed(self, depth: int) -> str | None:
        """Return the only name a directory at `depth` can have, or None when there are several."""
        if depth >= len(self.segments):
            return None
        segment = self.segments[depth]
        return None if self.fold and not _LETTERS.isdisjoint(segment) else segment

    def _key(self, text: str) -> str:
        return text.translate(_LOWER) if self.fold else text


def glob_region(pattern: str) -> Region | None:
    """Return where paths that match a GLOB pattern lie, or None when none can.

    >>> glob_region("/docs/*.md")
    Region(segments=('docs',), stem='', whole=False, fold=False)
    """
    return _region(pattern, "*?[", fold=False)


def like_region(pattern: str, *, fold: bool = True) -> Region | None:
    """Return where paths that match a LIKE pattern lie, or None when none can.

    LIKE ignores the case of ASCII letters unless `PRAGMA case_sensitive_like` says otherwise.

    >>> like_region("/docs/re%")
    Region(segments=('docs',), stem='re', whole=False, fold=True)
    """
    return _region(pattern, "%_", fold=fold)


def range_region(low: str, high: str) -> Region | None:
    """Return where paths from `low` up to, but not including, `high` lie, or None when none can.

    >>> range_region("/docs/", "/docs0")
    Region(segments=('docs',), stem='', whole=False, fold=False)
    """
    if low >= high:
        return None
    pairs = zip(low, high, strict=False)
    end = next((at for at, (a, b) in enumerate(pairs) if a != b), len(low))
    # '/docs/' .. '/docs0' is how "starts with '/docs/'" is written as a range
    follows = len(low) == len(high) == end + 1 and ord(high[end]) == ord(low[end]) + 1
    prefix = low if follows else low[:end]
    return _below(prefix, whole=False, fold=False) if prefix else Region((), "")


def _region(pattern: str, wild: str, *, fold: bool) -> Region | None:
    end = next((at for at, symbol in enumerate(pattern) if symbol in wild), None)
    if end == 0:
        return Region((), "", fold=fold)
    if end is None:
        return _below(pattern, whole=True, fold=fold)
    return _below(pattern[:end], whole=False, fold=fold)


def _below(prefix: str, *, whole: bool, fold: bool) -> Region | None:
    if not prefix.startswith("/"):
        return None
    *segments, stem = prefix[1:].split("/")
    return Region(tuple(segments), stem, whole, fold)
