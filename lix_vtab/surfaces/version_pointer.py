"""`lix_version_pointer`: the commits each version stands at."""

from __future__ import annotations

from lix_vtab.surfaces.derived import DerivedTable, Property
from lix_vtab.surfaces.relation import DELETED, Branch

__all__ = ["VersionPointerTable"]

FIELDS = {
    "id": "v.id",
    "commit_id": "v.commit_id",
    "working_commit_id": "v.working_commit_id",
    "at": "v.updated_at",
    "about": "NULL",
    "alive": "1",
    "made": "(SELECT k.seq FROM lix_internal_commit k WHERE k.id = v.commit_id)",
    "rowid": "v.no",
}


class VersionPointerTable(DerivedTable):
    """Pointers of all versions that were not deleted."""

    name = schema_key = "lix_version_pointer"
    properties = (
        Property("commit_id"),
        Property("id", "entity"),
        Property("working_commit_id", "index"),
    )
    key = ("id",)
    branches = (Branch("lix_internal_version v", FIELDS, (f"NOT {DELETED}",)),)
    state_branches = (Branch("lix_internal_version v", {**FIELDS, "alive": f"NOT {DELETED}"}),)
