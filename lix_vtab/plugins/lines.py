"""Where two texts differ, told in whole lines."""

from __future__ import annotations

from lix_vtab.plugins.align import common_prefix, common_suffix

__all__ = ["begins_line", "differing_lines"]


def differing_lines(before: bytes, after: bytes) -> tuple[int, int]:
    r"""Return where in `before` the lines begin and end that `after` has otherwise.

    >>> differing_lines(b"a\nb\nc\n", b"a\nx\nc\n")
    (2, 4)
    """
    start = before.rfind(b"\n", 0, common_prefix(before, after)) + 1
    tail = common_suffix(before, after, min(len(before), len(after)) - start)
    stop, shift = len(before) - tail, len(after) - len(before)
    if begins_line(before, stop) and begins_line(after, stop + shift):
        return start, stop
    return start, (before.find(b"\n", stop) + 1) or len(before)


def begins_line(data: bytes, at: int) -> bool:
    """Tell whether a line begins at a place."""
    return at == 0 or data[at - 1 : at] == b"\n"
