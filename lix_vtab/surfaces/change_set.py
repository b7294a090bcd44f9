"""`lix_change_set`: the sets changes are grouped in, one for each commit and working commit."""

from __future__ import annotations

from lix_vtab.surfaces.commit import NOT_A_COMMIT
from lix_vtab.surfaces.derived import DerivedTable, Property
from lix_vtab.surfaces.relation import LISTED, Branch

__all__ = ["ChangeSetTable"]


class ChangeSetTable(DerivedTable):
    """Change sets."""

    name = schema_key = "lix_change_set"
    properties = (Property("id", "entity"),)
    key = ("id",)
    branches = (
        Branch(
            "lix_internal_commit c",
            {
                "id": "c.change_set_id",
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
                "id": "v.working_change_set_id",
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
