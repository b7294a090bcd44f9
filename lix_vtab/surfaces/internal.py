"""`lix_internal`: owner of the shadow tables, and the way SQL functions join a transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lix_vtab.session import Session
from lix_vtab.storage.ddl import SHADOW_NAMES
from lix_vtab.surfaces.base import BaseModule, ReadOnlySurface, Table
from lix_vtab.surfaces.planner import Column, Plan

__all__ = ["InternalModule"]


class Internal(ReadOnlySurface):
    """A table without rows. Inserting into it does nothing but join the transaction."""

    name = "lix_internal"
    columns: Sequence[Column] = (Column("joined", "INTEGER", "NULL"),)

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find nothing."""
        return ()

    def insert(self, fields: Sequence[Any], conflict: int) -> int:
        """Join the transaction."""
        return 1


class InternalTable(Table):
    """The connected table, which also answers PRAGMA integrity_check."""

    __slots__ = ("_check",)

    def __init__(self, session: Session, check: Callable[[Session], list[str]]) -> None:
        super().__init__(session, Internal())
        self._check = check

    def Integrity(self, schema: str, name: str, is_quick: int) -> str | None:
        """Report broken invariants, or None when all hold."""
        problems = self._check(self._session)
        return "\n".join(problems) or None


class InternalModule(BaseModule):
    """Module of `lix_internal`; SQLite asks it which tables are its shadow tables."""

    def __init__(
        self, sessions: Callable[[str], Session], check: Callable[[Session], list[str]]
    ) -> None:
        super().__init__(sessions, lambda session, args: Internal())
        self._check = check

    def Connect(
        self, connection: Any, module: str, db: str, table: str, *args: str
    ) -> tuple[str, Any]:
        """Connect the table."""
        return "CREATE TABLE x(joined)", InternalTable(self._session(db, table), self._check)

    def ShadowName(self, suffix: str) -> bool:
        """Tell whether `lix_internal_<suffix>` is a shadow table."""
        return suffix in SHADOW_NAMES
