"""Tables of bookkeeping: entity-shaped, derived from commits and pointers, never written.

One file for each table says what its properties are and where they come from; here is what they
share, and their second face as rows of `lix_internal_state_vtable`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lix_vtab.model.tuples import NamedTuple
from lix_vtab.session import Session
from lix_vtab.surfaces.base import ReadOnlySurface
from lix_vtab.surfaces.planner import Column, Plan
from lix_vtab.surfaces.relation import Branch, Relation, joined_id

__all__ = ["DerivedTable", "Property", "entity_columns", "state_templates"]


class Property(NamedTuple):
    """A property of a derived entity; its field has the same name.

    `role` says how a look-up by it is answered (see `planner.Column`), `json` that its value is
    JSON text rather than a text.
    """

    name: str
    role: str = ""
    json: bool = False


class DerivedTable(ReadOnlySurface):
    """A read-only entity table over branches."""

    schema_key = ""
    properties: Sequence[Property] = ()
    extra: Sequence[Column] = ()
    key: Sequence[str] = ()
    branches: Sequence[Branch] = ()
    sortable = True
    limits = True

    def __init__(self, session: Session) -> None:
        self.columns = entity_columns(self.schema_key, self.properties, self.key, self.extra)
        self._relation = Relation(session, self.name, self.columns, self.branches, self.key)

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find rows."""
        return self._relation.rows(plan, args)


def entity_columns(
    schema_key: str,
    properties: Sequence[Property],
    key: Sequence[str],
    extra: Sequence[Column] = (),
) -> tuple[Column, ...]:
    """Return the columns entity tables have: properties sorted by name, then `lixcol_*`."""
    own = (Column(p.name, "TEXT", f"{{{p.name}}}", p.role) for p in sorted(properties))
    return (
        *own,
        Column("lixcol_entity_id", "TEXT", joined_id(*key), "entity"),
        Column("lixcol_schema_key", "TEXT", f"'{schema_key}'"),
        Column("lixcol_file_id", "TEXT", "'lix'"),
        Column("lixcol_plugin_key", "TEXT", "'lix'"),
        Column("lixcol_schema_version", "TEXT", "'1'"),
        Column("lixcol_created_at", "TEXT", "{at}"),
        Column("lixcol_updated_at", "TEXT", "{at}"),
        Column("lixcol_inherited_from_version_id", "TEXT", "NULL"),
        Column("lixcol_change_id", "TEXT", "{about}"),
        Column("lixcol_untracked", "INTEGER", "0"),
        Column("lixcol_metadata", "TEXT", "NULL"),
        *extra,
    )


def state_templates(
    schema_key: str, properties: Sequence[Property], key: Sequence[str]
) -> dict[str, str]:
    """Return what a derived entity shows in the columns of `lix_internal_state_vtable`."""
    members = (
        f"'{p.name}', " + (f"json({{{p.name}}})" if p.json else f"{{{p.name}}}")
        for p in sorted(properties)
    )
    return {
        "entity_id": joined_id(*key),
        "schema_key": f"'{schema_key}'",
        "file_id": "'lix'",
        "version_id": "'global'",
        "plugin_key": "'lix'",
        "snapshot_content": f"CASE WHEN {{alive}} THEN json_object({', '.join(members)}) END",
        "metadata": "NULL",
        "schema_version": "'1'",
        "created_at": "{at}",
        "updated_at": "{at}",
        "inherited_from_version_id": "NULL",
        "change_id": "{about}",
        "writer_key": "NULL",
        "untracked": "0",
    }
