"""`lix_commit_edge`: which commit follows which."""

from __future__ import annotations

from lix_vtab.surfaces.commit import NOT_A_COMMIT
from lix_vtab.surfaces.derived import DerivedTable, Property
from lix_vtab.surfaces.relation import LISTED, Branch

__all__ = ["CommitEdgeTable"]

_FIELDS = {
    "parent_id": "p.id",
    "child_id": "c.id",
    "at": "c.created_at",
    "about": "NULL",
    "alive": "1",
    "made": "c.seq",
    "rowid": "c.seq << 28 | p.seq",
}


class CommitEdgeTable(DerivedTable):
    """Edges from parents to children; a version's baseline is the parent of its working commit."""

    name = schema_key = "lix_commit_edge"
    properties = (Property("child_id", "index"), Property("parent_id", "index"))
    key = ("parent_id", "child_id")
    branches = (
        Branch("lix_internal_commit c JOIN lix_internal_commit p ON p.seq = c.parent_seq", _FIELDS),
        Branch(
            "lix_internal_parent x JOIN lix_internal_commit c ON c.seq = x.seq "
            "JOIN lix_internal_commit p ON p.seq = x.parent_seq",
            _FIELDS,
        ),
        Branch(
            "lix_internal_version v JOIN lix_internal_commit p ON p.seq = v.baseline_seq",
            {
                **_FIELDS,
                "child_id": "v.working_commit_id",
                "at": "p.created_at",
                "made": "NULL",
                "rowid": "-v.no",
            },
            (NOT_A_COMMIT, LISTED),
        ),
    )
