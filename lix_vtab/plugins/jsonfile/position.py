"""The order of members: by a container's list, by token, or by a place between two others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lix_vtab.plugins.order import between, increasing

__all__ = ["Place", "Ranking"]

Place = tuple[tuple[int, int, str], str, str]
"""Where a member stands: the rank of its anchor, its order key behind the anchor, its token."""

At = list[Any]
"""A stored place: the token of the anchor (None: in front of all) and an order key."""

_FRONT = (-1, 0, "")


class Ranking:
    """The ranks of a container's tokens.

    Tokens of the container's `order` list come first, then indexes by number, then others by name.
    A member with a place of its own stands right behind its anchor, which need not exist any more.
    """

    __slots__ = ("_indexes", "_listed")

    def __init__(self, kind: str, order: Sequence[str] = ()) -> None:
        self._indexes = kind == "["
        self._listed = {token: at for at, token in enumerate(order)}

    def rank(self, token: str) -> tuple[int, int, str]:
        """Return where a token stands when nothing else is said."""
        listed = self._listed.get(token)
        if listed is not None:
            return (0, listed, token)
        if self._indexes and token.isdecimal() and token.isascii():
            return (1, int(token), token)
        return (2, 0, token)

    def place(self, token: str, at: At | None) -> Place:
        """Return where a member stands."""
        if at is None:
            return (self.rank(token), "", token)
        return (_FRONT if at[0] is None else self.rank(at[0]), at[1], token)

    def arrange(
        self, tokens: Sequence[str], known: Mapping[str, At | None]
    ) -> dict[str, At | None]:
        """Return what each member has to say about its place so that they stand as given.

        `known` holds what members say now; as few of them as possible get another place.
        """
        places = [self.place(token, known[token]) if token in known else None for token in tokens]
        kept = increasing(places)
        if len(kept) == len(tokens):
            return {token: known[token] for token in tokens}
        arranged: dict[str, At | None] = {}
        low: Place | None = None
        start = 0
        for at in [*kept, len(tokens)]:
            high = places[at] if at < len(tokens) else None
            if high is not None and low is not None and at > start and low[:2] == high[:2]:
                continue  # nothing fits between two members at the same place: this one moves too
            for token in tokens[start:at]:
                said = self._fit(token, low, high)
                arranged[token] = said
                low = self.place(token, said)
            if high is not None:
                arranged[tokens[at]] = known[tokens[at]]
                low, start = high, at + 1
        return arranged

    def _fit(self, token: str, low: Place | None, high: Place | None) -> At | None:
        usual = self.place(token, None)
        if (low is None or low < usual) and (high is None or usual < high):
            return None
        if low is None:
            bound = high[1] if high is not None and high[0] == _FRONT else None
            return [None, between(None, bound)]
        anchor = None if low[0] == _FRONT else low[0][2]
        bound = high[1] if high is not None and high[0] == low[0] else None
        return [anchor, between(low[1] or None, bound)]
