"""Ids for new entities: what they are made of, and a number where several are alike."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Minter"]


class Minter:
    """Gives out ids that nobody has; equal things get the numbers in their order.

    `taken` tells whether an id is somebody's, those given out included; numbers begin at `start`.

    >>> taken = {"a:0", "a:2"}
    >>> minter = Minter(taken.__contains__)
    >>> minter.mint("a:"), minter.mint("a:"), minter.mint("b:")
    ('a:1', 'a:3', 'b:0')
    """

    __slots__ = ("_numbers", "_start", "taken")

    def __init__(self, taken: Callable[[str], bool], *, start: int = 0) -> None:
        self.taken = taken
        self._start = start
        self._numbers: dict[str, int] = {}

    def mint(self, stem: str) -> str:
        """Return the stem with the first number that is free.

        Numbers are not tried twice, or thousands of equal lines would take hours.
        """
        number = self._numbers.get(stem, self._start)
        while self.taken(id := f"{stem}{number}"):
            number += 1
        self._numbers[stem] = number + 1
        return id
