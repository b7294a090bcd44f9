"""Ids and times that are the same on every run.

What the user sees evaluated draws from one visible counter (`uuid_of`, `moment_of`); rows the
engine makes take their ids and times from their own row numbers, which are just as repeatable.
"""

from __future__ import annotations

from lix_vtab.model.ids import format_timestamp

__all__ = ["internal_id", "moment_of", "shuffled", "uuid_of"]

_FAMILIES = {"change": 1, "commit": 2, "change_set": 3, "version": 4, "row": 5}


def uuid_of(number: int) -> str:
    """Return the UUID shape of a counter value.

    >>> uuid_of(26)
    '01920000-0000-7000-8000-00000000001a'
    """
    return f"01920000-0000-7000-8000-{number % (1 << 48):012x}"


def internal_id(family: str, number: int) -> str:
    """Return the id of the `number`-th engine-made thing of a family.

    >>> internal_id("commit", 3)
    '01920000-0000-7000-8002-000000000003'
    """
    return f"01920000-0000-7000-{0x8000 + _FAMILIES[family]:04x}-{number % (1 << 48):012x}"


def moment_of(number: int) -> str:
    """Return the timestamp of a counter value: that many milliseconds after 1970.

    >>> moment_of(1)
    '1970-01-01T00:00:00.001Z'
    """
    return format_timestamp(number)


def shuffled(number: int) -> int:
    """Permute counter values inside each block of 1000, so that time no longer grows.

    >>> [shuffled(n) for n in range(4)]
    [271, 4, 737, 470]
    """
    block, place = divmod(number, 1000)
    return block * 1000 + (733 * place + 271) % 1000
