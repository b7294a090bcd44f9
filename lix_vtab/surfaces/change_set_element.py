"""`lix_change_set_element`: which changes a change set holds."""

from __future__ import annotations

from lix_vtab.history.content import IS_OWN, IS_WORKING, SINCE_BASELINE
from lix_vtab.surfaces.commit import NOT_A_COMMIT
from lix_vtab.surfaces.derived import DerivedTable, Property
from lix_vtab.surfaces.relation import LISTED, Branch

__all__ = ["ChangeSetElementTable"]

_NAME = "(SELECT text FROM lix_internal_name WHERE id = {0})"

_FIELDS = {
    "change_set_id": "c.change_set_id",
    "change_id": "h.id",
    "entity_id": "h.entity_id",
    "file_id": _NAME.format("h.file_id"),
    "file_no": "h.file_id",
    "schema_key": _NAME.format("h.schema_id"),
    "schema_no": "h.schema_id",
    "at": "c.created_at",
    "about": "h.id",
    "alive": "1",
    "made": "c.seq",
    "rowid": "c.seq << 28 | h.no",
}
_WORKING = {
    **_FIELDS,
    "change_set_id": "v.working_change_set_id",
    "made": "NULL",
    "rowid": "-(v.no << 28 | h.no)",
}


class ChangeSetElementTable(DerivedTable):
    """Elements of the sets of commits: own changes and adopted ones; and of working commits."""

    name = schema_key = "lix_change_set_element"
    properties = (
        Property("change_id", "index"),
        Property("change_set_id", "index"),
        Property("entity_id"),
        Property("file_id", "file"),
        Property("schema_key", "schema"),
    )
    key = ("change_set_id", "change_id")
    branches = (
        Branch(f"lix_internal_commit c JOIN lix_internal_change h ON {IS_OWN}", _FIELDS),
        Branch(
            "lix_internal_commit c JOIN lix_internal_member m ON m.seq = c.seq "
            "JOIN lix_internal_change h ON h.no = m.change_no",
            _FIELDS,
        ),
        Branch(
            f"lix_internal_version v JOIN lix_internal_commit c ON {SINCE_BASELINE} "
            f"JOIN lix_internal_change h ON {IS_OWN} JOIN lix_internal_tip t ON {IS_WORKING}",
            _WORKING,
            (NOT_A_COMMIT, LISTED),
        ),
        Branch(
            f"lix_internal_version v JOIN lix_internal_commit c ON {SINCE_BASELINE} "
            "JOIN lix_internal_member m ON m.seq = c.seq "
            "JOIN lix_internal_change h ON h.no = m.change_no "
            f"JOIN lix_internal_tip t ON {IS_WORKING}",
            _WORKING,
            (NOT_A_COMMIT, LISTED),
        ),
    )
