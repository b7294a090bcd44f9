"""Keeping SQLite from running a query with OR in branches that have lost an argument.

`WHERE root_commit_id = (SELECT ...) AND (a = 1 OR b = 2)` may be run as two look-ups, by a and b.
SQLite repeats the other conditions in each branch, but none that has a sub-query (where.c, tag
20220303a): those it checks afterwards. That is enough for a condition, but not for an argument,
without which a table shows another history altogether. So whole queries are made to look cheaper.

What is given as an argument of a table-valued function is repeated; so hidden columns are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lix_vtab.surfaces.planner import EQ, IS, LIMIT, OFFSET, Column, Offer

__all__ = ["Branches"]

DEARER = 1e9
"""Factor on the cost of a branch."""


class Branches:
    """Tells the branches of an OR from whole queries, for one table.

    SQLite asks about the query first and then about each branch, which has the same conditions and
    its own. Two queries in a row may look like that too; to a query of its own the factor makes no
    difference, because it applies to all ways of running it.
    """

    __slots__ = ("_arguments", "_whole")

    def __init__(self, columns: Sequence[Column]) -> None:
        self._arguments = frozenset(
            n for n, c in enumerate(columns) if c.role == "argument" and not c.hidden
        )
        self._whole: tuple[frozenset[tuple[int, int]], frozenset[int]] | None = None

    def factor(self, info: Any, offers: Sequence[Offer], used: frozenset[int]) -> float:
        """Return what to multiply the cost of a plan by."""
        given = [n for n, o in enumerate(offers) if o.column in self._arguments and _gives(o)]
        if not given:
            return 1.0
        asked = frozenset((o.column, o.operator) for o in offers if o.operator not in _WINDOW)
        whole = self._whole
        if whole is None or whole[1] != used or not asked > whole[0]:
            self._whole = asked, used
            return 1.0
        # a value that is known stands in the query itself, and is repeated in its branches
        unknown = any(info.get_aConstraint_rhs(n) is None for n in given)
        return DEARER if unknown else 1.0


_WINDOW = (LIMIT, OFFSET)


def _gives(offer: Offer) -> bool:
    return offer.usable and offer.operator in (EQ, IS)
