"""`lix_change`: the journal of everything that was ever recorded, the open transaction included."""

from __future__ import annotations

from lix_vtab.surfaces.derived import DerivedTable, Property
from lix_vtab.surfaces.planner import Column
from lix_vtab.surfaces.relation import Branch

__all__ = ["ChangeTable"]

_NAME = "(SELECT text FROM lix_internal_name WHERE id = {0})"


class ChangeTable(DerivedTable):
    """Changes. A deletion has no snapshot."""

    name = schema_key = "lix_change"
    properties = (
        Property("created_at"),
        Property("entity_id"),
        Property("file_id", "file"),
        Property("id", "entity"),
        Property("metadata", json=True),
        Property("plugin_key", "plugin"),
        Property("schema_key", "schema"),
        Property("schema_version"),
        Property("snapshot_content", json=True),
    )
    extra = (
        Column("lixcol_commit_id", "TEXT", "{commit_id}", hidden=True),
        Column("lixcol_writer_key", "TEXT", "{writer_key}", hidden=True),
    )
    key = ("id",)
    branches = (
        Branch(
            "lix_internal_change h",
            {
                "created_at": "h.created_at",
                "entity_id": "h.entity_id",
                "file_id": _NAME.format("h.file_id"),
                "file_no": "h.file_id",
                "id": "h.id",
                "metadata": "h.metadata",
                "plugin_key": _NAME.format("h.plugin_id"),
                "plugin_no": "h.plugin_id",
                "schema_key": _NAME.format("h.schema_id"),
                "schema_no": "h.schema_id",
                "schema_version": "h.schema_version",
                "snapshot_content": "h.snapshot",
                "commit_id": "(SELECT id FROM lix_internal_commit WHERE seq = h.commit_seq)",
                "writer_key": "h.writer_key",
                "at": "h.created_at",
                "about": "h.id",
                "made": "h.commit_seq",
                "rowid": "h.no",
            },
        ),
    )
