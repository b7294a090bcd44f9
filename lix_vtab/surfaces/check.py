"""`lix_check`: what is wrong with the stored facts, a row for each finding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lix_vtab.session import Session
from lix_vtab.storage.check import check
from lix_vtab.surfaces.base import ReadOnlySurface
from lix_vtab.surfaces.planner import Column, Plan

__all__ = ["Check"]


class Check(ReadOnlySurface):
    """No row means that everything is sound.

    `lix_check(0)` does not read the content of files, which takes long when there is much of it.
    """

    name = "lix_check"
    columns: Sequence[Column] = (
        Column("problem", "TEXT"),
        Column("content", "INTEGER", "", "argument", hidden=True),
    )

    def __init__(self, session: Session) -> None:
        self._session = session

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Verify every invariant."""
        self._session.store.refresh()
        given = plan.find(1, "=", "IS")
        content = given is None or args[given.argument] not in (0, "0")
        found = check(self._session.store, content=content)
        said = None if given is None else args[given.argument]
        return ((problem, said, number) for number, problem in enumerate(found, 1))
