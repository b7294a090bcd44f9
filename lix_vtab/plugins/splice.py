"""Putting one passage of a file in the place of another."""

from __future__ import annotations

__all__ = ["LINE_ENDS", "splice"]

LINE_ENDS = b"\r\n"
_MOST = 1000


def splice(data: bytes, old: bytes, new: bytes, bounds: bytes = b"") -> bytes | None:
    r"""Replace the only occurrence of `old`; None when there is not just one.

    With `bounds` only occurrences count that have one of these bytes, or an end of the file, on
    either side.

    >>> splice(b"a\nab\n", b"a", b"c", LINE_ENDS)
    b'c\nab\n'
    """
    found = -1
    at = data.find(old) if old else -1
    tries = 0
    while at != -1:
        tries += 1
        if not bounds or _is_bounded(data, at, at + len(old), bounds):
            if found != -1:
                return None
            found = at
        if tries == _MOST:
            return None
        at = data.find(old, at + 1)
    return None if found == -1 else data[:found] + new + data[found + len(old) :]


def _is_bounded(data: bytes, start: int, end: int, bounds: bytes) -> bool:
    return (start == 0 or data[start - 1] in bounds) and (end == len(data) or data[end] in bounds)
