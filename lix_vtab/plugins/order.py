"""Order keys: texts that sort in a chosen order and always leave room for one more between two.

A sequence whose members carry order keys can grow anywhere by writing the new member alone. A key
is an integer part (its first letter gives its length) and a fraction, in 62 digits that sort as
text; the integer part keeps keys short when a sequence grows at its ends.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

__all__ = ["between", "increasing", "is_order_key", "place", "spread"]

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUE = {digit: index for index, digit in enumerate(_DIGITS)}
_SMALLEST = "A" + "0" * 26
_SHAPE = re.compile(r"[A-Za-z][0-9A-Za-z]+", re.ASCII)


def is_order_key(text: object) -> bool:
    """Tell whether `text` is an order key.

    >>> is_order_key("a0"), is_order_key("a00")
    (True, False)
    """
    if not isinstance(text, str) or not _SHAPE.fullmatch(text):
        return False
    size = _integer_size(text[0])
    if len(text) < size or text == _SMALLEST:
        return False
    return len(text) == size or text[-1] != "0"


def between(low: str | None, high: str | None) -> str:
    """Return a key after `low` and before `high`; None is no bound.

    >>> between(None, None), between("a0", None), between("a0", "a1")
    ('a0', 'a1', 'a0V')
    """
    if low is None:
        return "a0" if high is None else _before(high)
    if high is None:
        return _after(low)
    if low >= high:
        raise ValueError(f"there is no room between {low!r} and {high!r}")
    low_integer, high_integer = _integer(low), _integer(high)
    if low_integer == high_integer:
        return low_integer + _middle(low[len(low_integer) :], high[len(high_integer) :])
    following = _step(low_integer, up=True)
    if following is not None and following < high:
        return following
    return low_integer + _middle(low[len(low_integer) :], None)


def spread(low: str | None, high: str | None, count: int) -> list[str]:
    """Return `count` ascending keys between `low` and `high`.

    >>> spread("a0", "a1", 3)
    ['a0F', 'a0V', 'a0l']
    """
    if count <= 0:
        return []
    if high is None:
        keys: list[str] = []
        for _ in range(count):
            keys.append(between(keys[-1] if keys else low, None))
        return keys
    if low is None:
        keys = []
        for _ in range(count):
            keys.append(between(None, keys[-1] if keys else high))
        return keys[::-1]
    middle = between(low, high)
    left = (count - 1) // 2
    return [
        *spread(low, middle, left),
        middle,
        *spread(middle, high, count - 1 - left),
    ]


def increasing(values: Sequence[Any]) -> list[int]:
    """Return the positions of a longest strictly ascending run of members; None never counts.

    >>> increasing([2, 5, None, 3, 4])
    [0, 3, 4]
    """
    tails: list[Any] = []
    places: list[int] = []
    previous: dict[int, int] = {}
    for at, value in enumerate(values):
        if value is None:
            continue
        rung = bisect_left(tails, value)
        if rung:
            previous[at] = places[rung - 1]
        if rung == len(tails):
            tails.append(value)
            places.append(at)
        else:
            tails[rung], places[rung] = value, at
    if not places:
        return []
    chain = [places[-1]]
    while chain[-1] in previous:
        chain.append(previous[chain[-1]])
    return chain[::-1]


def place(members: Sequence[tuple[str | None, str]]) -> list[str]:
    """Give every member of a sequence an order key, changing as few of the given keys as possible.

    A member is its present key (or None) and its id; two members may share a key, as happens when
    two versions insert at the same place, and then sort by id.

    >>> place([("a0", "x"), (None, "y"), ("a1", "z")])
    ['a0', 'a0V', 'a1']
    >>> place([("a1", "x"), ("a0", "y"), ("a2", "z")])
    ['Zz', 'a0', 'a2']
    """
    usable = [(order, id) if is_order_key(order) else None for order, id in members]
    placed: list[str] = []
    low: str | None = None
    for keep in [*increasing(usable), len(members)]:
        kept = usable[keep] if keep < len(members) else None
        waiting = keep - len(placed)
        if kept is None:
            placed += spread(low, None, waiting)
        elif not waiting or low is None or low < (kept[0] or ""):
            placed += [*spread(low, kept[0], waiting), kept[0] or ""]
            low = kept[0]
        # else two members share a key and others must go between them: this one moves too
    return placed


def _integer_size(head: str) -> int:
    return ord(head) - ord("a") + 2 if head >= "a" else ord("Z") - ord(head) + 2


def _integer(key: str) -> str:
    return key[: _integer_size(key[0])]


def _before(high: str) -> str:
    integer = _integer(high)
    if integer == _SMALLEST:
        return integer + _middle("", high[len(integer) :])
    if integer < high:
        return integer
    lower = _step(integer, up=False)
    if lower is None or lower == _SMALLEST:
        return _SMALLEST + _middle("", None)
    return lower


def _after(low: str) -> str:
    integer = _integer(low)
    following = _step(integer, up=True)
    return integer + _middle(low[len(integer) :], None) if following is None else following


def _step(integer: str, *, up: bool) -> str | None:
    """Return the next integer part, or None at the end of the scale."""
    head, digits = integer[0], list(integer[1:])
    edge, start = ("z", "0") if up else ("0", "z")
    for at in range(len(digits) - 1, -1, -1):
        if digits[at] != edge:
            digits[at] = _DIGITS[_VALUE[digits[at]] + (1 if up else -1)]
            return head + "".join(digits)
        digits[at] = start
    return _carry(head, digits, up=up)


def _carry(head: str, digits: list[str], *, up: bool) -> str | None:
    if up:
        if head == "Z":
            return "a0"
        if head == "z":
            return None
        grown = [*digits, "0"] if head >= "a" else digits[:-1]
        return chr(ord(head) + 1) + "".join(grown)
    if head == "a":
        return "Zz"
    if head == "A":
        return None
    grown = [*digits, "z"] if head <= "Z" else digits[:-1]
    return chr(ord(head) - 1) + "".join(grown)


def _middle(low: str, high: str | None) -> str:
    """Return a fraction strictly between two fractions; None is the end of the unit."""
    shared = 0
    if high is not None:
        while low[shared : shared + 1].ljust(1, "0") == high[shared : shared + 1]:
            shared += 1
    if shared:
        assert high is not None
        return high[:shared] + _middle(low[shared:], high[shared:])
    first = _VALUE[low[0]] if low else 0
    last = _VALUE[high[0]] if high is not None else len(_DIGITS)
    if last - first > 1:
        return _DIGITS[(first + last) // 2 if high is not None else (first + last + 1) // 2]
    if high is not None and len(high) > 1:
        return high[0]
    return _DIGITS[first] + _middle(low[1:], None)
