"""`<key>_by_version` of bookkeeping: it belongs to the global version, and others inherit it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lix_vtab.session import Session
from lix_vtab.storage.versions import GLOBAL
from lix_vtab.surfaces.base import ReadOnlySurface
from lix_vtab.surfaces.change import ChangeTable
from lix_vtab.surfaces.change_author import ChangeAuthorTable
from lix_vtab.surfaces.change_set import ChangeSetTable
from lix_vtab.surfaces.change_set_element import ChangeSetElementTable
from lix_vtab.surfaces.commit import CommitTable
from lix_vtab.surfaces.commit_edge import CommitEdgeTable
from lix_vtab.surfaces.derived import DerivedTable
from lix_vtab.surfaces.derived import entity_columns as derived_columns
from lix_vtab.surfaces.entity_shape import EntityShape, entity_columns
from lix_vtab.surfaces.planner import Column, Plan
from lix_vtab.surfaces.relation import Relation
from lix_vtab.surfaces.version_pointer import VersionPointerTable

__all__ = ["DERIVED_TABLES", "DerivedByVersion"]

DERIVED_TABLES: dict[str, type[DerivedTable]] = {
    table.schema_key: table
    for table in (
        ChangeTable,
        ChangeAuthorTable,
        ChangeSetTable,
        ChangeSetElementTable,
        CommitTable,
        CommitEdgeTable,
        VersionPointerTable,
    )
}

_VERSION, _ORIGIN = "lixcol_version_id", "lixcol_inherited_from_version_id"


class DerivedByVersion(ReadOnlySurface):
    """Derived rows, once for each version that shows the global one's."""

    multi = True

    def __init__(self, session: Session, shape: EntityShape) -> None:
        table = DERIVED_TABLES[shape.key]
        known = {c.name: c for c in derived_columns(shape.key, table.properties, table.key)}
        self.name = f"{shape.key}_by_version"
        self.columns: Sequence[Column] = tuple(
            column._replace(template="", role="hint")
            if column.name in (_VERSION, _ORIGIN)
            else column._replace(template=known[column.name].template, role=known[column.name].role)
            for column in entity_columns(shape, by_version=True)
        )
        names = [column.name for column in self.columns]
        self._version, self._origin = names.index(_VERSION), names.index(_ORIGIN)
        self._session = session
        self._relation = Relation(session, self.name, self.columns, table.branches, table.key)

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find rows."""
        self._session.store.refresh()
        versions = list(self._versions(plan, args))
        return self._repeated(self._relation.rows(plan, args), versions) if versions else ()

    def _versions(self, plan: Plan, args: Sequence[Any]) -> Iterator[tuple[int, str]]:
        """Yield number and id of the versions that may be asked for; SQLite looks again."""
        versions = self._session.store.versions
        wanted = plan.find(self._version, "=", "IS")
        for pointer in versions.pointers():
            if wanted is not None and pointer.id != args[wanted.argument]:
                continue
            if versions.listed(pointer.id) and GLOBAL in versions.chain(pointer.id):
                yield pointer.no, pointer.id

    def _repeated(
        self, rows: Iterable[Sequence[Any]], versions: Sequence[tuple[int, str]]
    ) -> Iterator[Sequence[Any]]:
        for *values, rowid in rows:
            for no, id in versions:
                row = [*values]
                for column, value in (
                    (self._version, id),
                    (self._origin, None if id == GLOBAL else GLOBAL),
                ):
                    if column < len(row):
                        row[column] = value
                # numbers of derived rows leave no room for that of a version beside them
                yield [*row, hash((no, rowid)) >> 2]
