"""`lix_checkpoint`: the commits somebody wanted to be able to come back to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lix_vtab.history.content import CHANGE_COUNT
from lix_vtab.session import Session
from lix_vtab.surfaces.base import ReadOnlySurface
from lix_vtab.surfaces.planner import Column, Plan
from lix_vtab.surfaces.relation import Branch, Relation

__all__ = ["FIRST_LABEL", "CheckpointTable", "checkpoint_labels"]

_SOURCE = "lix_internal_checkpoint k JOIN lix_internal_commit c ON c.seq = k.seq"


class CheckpointTable(ReadOnlySurface):
    """Checkpoints of all versions. `change_count` counts the entities that changed since the last.

    Created with `lix_create_checkpoint(name, message)`.
    """

    name = "lix_checkpoint"
    columns: Sequence[Column] = (
        Column("id", "TEXT", "{id}", "entity"),
        Column("name", "TEXT", "{name}", "index"),
        Column("message", "TEXT", "{message}"),
        Column("version_id", "TEXT", "{made_in}"),
        Column("change_set_id", "TEXT", "{change_set_id}", "index"),
        Column("change_count", "INTEGER", "{changes}"),
        Column("author_account_ids", "TEXT", "{authors}"),
        Column("created_at", "TEXT", "{at}"),
    )
    sortable = True
    limits = True
    branch = Branch(
        _SOURCE,
        {
            "id": "c.id",
            "name": "k.name",
            "message": "c.message",
            "made_in": "(SELECT id FROM lix_internal_version WHERE no = c.version_no)",
            "change_set_id": "c.change_set_id",
            "changes": CHANGE_COUNT,
            "authors": "coalesce(c.authors, '[]')",
            "at": "c.created_at",
            "rowid": "k.seq",
        },
    )

    def __init__(self, session: Session) -> None:
        self._relation = Relation(session, self.name, self.columns, [self.branch])

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find checkpoints."""
        return self._relation.rows(plan, args)


FIRST_LABEL = -(1 << 61)
"""Rowids of derived labels are smaller than this, those of stored ones greater."""

_LABEL = "(SELECT value FROM lix_internal_meta WHERE key = 'checkpoint_label')"
_CONTENT = {
    "entity_id": "c.id",
    "file_id": "'lix'",
    "label_id": _LABEL,
    "schema_key": "'lix_commit'",
}
_META = {
    "lixcol_entity_id": f"c.id || '~lix_commit~lix~' || {_LABEL}",
    "lixcol_schema_key": "'lix_entity_label'",
    "lixcol_file_id": "'lix'",
    "lixcol_version_id": "'global'",
    "lixcol_plugin_key": "'lix'",
    "lixcol_schema_version": "'1'",
    "lixcol_created_at": "c.created_at",
    "lixcol_updated_at": "c.created_at",
    "lixcol_inherited_from_version_id": "NULL",
    "lixcol_change_id": "NULL",
    "lixcol_untracked": "0",
    "lixcol_metadata": "NULL",
}


def checkpoint_labels(session: Session, columns: Sequence[Column]) -> Relation:
    """Return the label of every checkpoint as rows of a table with the columns of an entity table.

    These rows exist in `lix_entity_label` by derivation; their rowids lie below `FIRST_LABEL`.
    """
    fields = {**_CONTENT, **_META}
    templates = [c._replace(template=f"{{{c.name}}}") for c in columns]
    branch = Branch(_SOURCE, {**fields, "rowid": f"{FIRST_LABEL} - c.seq"})
    return Relation(session, "checkpoint_labels", templates, [branch])
