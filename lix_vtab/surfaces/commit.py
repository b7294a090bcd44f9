"""`lix_commit`: every commit, and for each version the working commit that collects its changes."""

from __future__ import annotations

from lix_vtab.history.content import CHANGES, PARENTS, WORKING_CHANGES, change_ids
from lix_vtab.surfaces.derived import DerivedTable, Property
from lix_vtab.surfaces.planner import Column
from lix_vtab.surfaces.relation import LISTED, Branch

__all__ = ["NOT_A_COMMIT", "CommitTable"]

NOT_A_COMMIT = "NOT EXISTS (SELECT 1 FROM lix_internal_commit k WHERE k.id = v.working_commit_id)"
"""Condition: the working commit of version `v` has not become a commit."""


class CommitTable(DerivedTable):
    """Commits. Those of versions that are being worked on have the version's working changes."""

    name = schema_key = "lix_commit"
    properties = (
        Property("author_account_ids", json=True),
        Property("change_ids", json=True),
        Property("change_set_id", "index"),
        Property("id", "entity"),
        Property("meta_change_ids", json=True),
        Property("parent_commit_ids", json=True),
    )
    extra = (
        Column("lixcol_message", "TEXT", "{message}", hidden=True),
        Column("lixcol_created_in_version_id", "TEXT", "{made_in}", hidden=True),
    )
    key = ("id",)
    branches = (
        Branch(
            "lix_internal_commit c",
            {
                "id": "c.id",
                "change_set_id": "c.change_set_id",
                "author_account_ids": "coalesce(c.authors, '[]')",
                "change_ids": change_ids(CHANGES),
                "meta_change_ids": "'[]'",
                "parent_commit_ids": (
                    "(SELECT json_group_array(id) "
                    f"FROM (SELECT id FROM ({PARENTS}) ORDER BY position))"
                ),
                "message": "c.message",
                "made_in": "(SELECT id FROM lix_internal_version WHERE no = c.version_no)",
                "at": "c.created_at",
                "about": "NULL",
                "alive": "1",
                "made": "c.seq",
                "rowid": "c.seq",
            },
        ),
        Branch(
            "lix_internal_version v",
            {
                "id": "v.working_commit_id",
                "change_set_id": "v.working_change_set_id",
                "author_account_ids": "'[]'",
                "change_ids": change_ids(WORKING_CHANGES),
                "meta_change_ids": "'[]'",
                "parent_commit_ids": "(SELECT json_group_array(id) FROM lix_internal_commit "
                "WHERE seq = v.baseline_seq)",
                "message": "NULL",
                "made_in": "v.id",
                "at": "coalesce((SELECT created_at FROM lix_internal_commit "
                "WHERE seq = v.baseline_seq), v.created_at)",
                "about": "NULL",
                "alive": "1",
                "made": "NULL",
                "rowid": "-v.no",
            },
            (NOT_A_COMMIT, LISTED),
        ),
    )
