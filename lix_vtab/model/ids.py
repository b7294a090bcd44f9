"""Ids and time, both injectable: a `Source` says what the next id and the current moment are.

`SystemSource` is the real one. Deterministic mode supplies another (see `model.deterministic`).
"""

from __future__ import annotations

import time
from typing import Final, Protocol

import uuid_utils

__all__ = ["NANO_LENGTH", "Source", "SystemSource", "format_timestamp"]

NANO_LENGTH: Final = 21
"""Characters of a short id unless told otherwise: as hard to guess as a UUID."""

_NANO_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class Source(Protocol):
    """Where ids and timestamps come from."""

    def uuid7(self) -> str:
        """Return a fresh RFC 9562 version 7 UUID, lowercase with hyphens."""

    def timestamp(self) -> str:
        """Return the current moment as `YYYY-MM-DDTHH:MM:SS.mmmZ`."""

    def nano_id(self, length: int = NANO_LENGTH) -> str:
        """Return a fresh short id of characters that need no quoting anywhere."""


class SystemSource:
    """Random UUIDs and the machine's clock."""

    __slots__ = ()

    def uuid7(self) -> str:
        """Return a fresh UUID; ids of one process grow monotonically."""
        return str(uuid_utils.uuid7())

    def timestamp(self) -> str:
        """Return the clock in UTC with milliseconds."""
        return format_timestamp(time.time_ns() // 1_000_000)

    def nano_id(self, length: int = NANO_LENGTH) -> str:
        """Return random letters, digits, `-` and `_`."""
        from random import SystemRandom  # nobody who only reads needs it

        return "".join(SystemRandom().choices(_NANO_ALPHABET, k=length))


def format_timestamp(milliseconds: int) -> str:
    """Write milliseconds since 1970 as RFC 3339 in UTC with three fraction digits.

    >>> format_timestamp(7)
    '1970-01-01T00:00:00.007Z'
    """
    seconds, fraction = divmod(milliseconds, 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{fraction:03d}Z"
