"""`lix_internal_state_vtable`: rows as versions hold them, and derived bookkeeping.

What is stored can be written here, for any version id; derived rows can only be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lix_vtab.errors import ReadOnlyError
from lix_vtab.session import Session
from lix_vtab.storage.versions import GLOBAL
from lix_vtab.surfaces.change_author import ChangeAuthorTable
from lix_vtab.surfaces.change_set import ChangeSetTable
from lix_vtab.surfaces.change_set_element import ChangeSetElementTable
from lix_vtab.surfaces.commit import CommitTable
from lix_vtab.surfaces.commit_edge import CommitEdgeTable
from lix_vtab.surfaces.derived import DerivedTable, state_templates
from lix_vtab.surfaces.planner import Plan
from lix_vtab.surfaces.relation import Branch, Relation, followed_by
from lix_vtab.surfaces.state import StoredState
from lix_vtab.surfaces.version_pointer import VersionPointerTable

__all__ = ["InternalState"]

_DERIVED: tuple[type[DerivedTable], ...] = (
    CommitTable,
    VersionPointerTable,
    ChangeSetTable,
    ChangeSetElementTable,
    CommitEdgeTable,
    ChangeAuthorTable,
)

_FAMILY_SHIFT = 60
"""Rowids of derived rows carry the number of their table above this bit; stored rows never do."""


class InternalState(StoredState):
    """Stored rows followed by derived ones, which all belong to the global version."""

    sortable = False

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._relations = {
            table.schema_key: self._relation(session, table, family)
            for family, table in enumerate(_DERIVED, 1)
        }

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find rows, stored ones first."""
        relations = self._wanted(plan, args)
        if not relations:
            return super().rows(plan, args)
        return followed_by(plan, args, super().rows, relations)

    def _relation(self, session: Session, table: type[DerivedTable], family: int) -> Relation:
        templates = state_templates(table.schema_key, table.properties, table.key)
        columns = [c._replace(template=templates[c.name]) for c in self.columns]
        branches = getattr(table, "state_branches", table.branches)
        return Relation(
            session,
            table.schema_key,
            columns,
            [_numbered(branch, family) for branch in branches],
            table.key,
        )

    def _wanted(self, plan: Plan, args: Sequence[Any]) -> list[Relation]:
        """Return the derived tables that can have rows for a plan."""
        keys = set(self._relations)
        for term in plan.terms:
            role = self.columns[term.column].role
            if role not in ("schema", "version") or term.operator not in ("=", "IS", "IN"):
                continue
            value = args[term.argument]
            given = set(value) if term.operator == "IN" else {value}
            if role == "schema":
                keys &= given
            elif GLOBAL not in given:
                return []
        return [self._relations[key] for key in sorted(keys)]

    def _locate(self, rowid: int) -> tuple[str, int]:
        if abs(rowid) >> _FAMILY_SHIFT:
            table = _DERIVED[(abs(rowid) >> _FAMILY_SHIFT) - 1]
            raise ReadOnlyError(
                f"{table.schema_key} is derived from commits and versions and cannot be written",
                hint="writing rows, checkpoints and versions makes such rows",
                details={"schema_key": table.schema_key},
            )
        return super()._locate(rowid)


def _numbered(branch: Branch, family: int) -> Branch:
    rowid = branch.fields["rowid"]
    shifted = family << _FAMILY_SHIFT
    number = f"CASE WHEN {rowid} < 0 THEN ({rowid}) - {shifted} ELSE ({rowid}) + {shifted} END"
    return Branch(branch.source, {**branch.fields, "rowid": number}, branch.where)
