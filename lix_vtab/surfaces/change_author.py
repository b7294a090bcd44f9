"""`lix_change_author`: the accounts that were active when a change was made."""

from __future__ import annotations

from lix_vtab.history.content import IS_OWN
from lix_vtab.surfaces.derived import DerivedTable, Property
from lix_vtab.surfaces.relation import Branch

__all__ = ["ChangeAuthorTable"]


class ChangeAuthorTable(DerivedTable):
    """Authors of changes: every account of the commit that made the change."""

    name = schema_key = "lix_change_author"
    properties = (Property("account_id"), Property("change_id", "index"))
    key = ("change_id", "account_id")
    branches = (
        Branch(
            f"lix_internal_commit c JOIN lix_internal_change h ON {IS_OWN} "
            "JOIN json_each(c.authors) a",
            {
                "change_id": "h.id",
                "account_id": "a.value",
                "at": "c.created_at",
                "about": "h.id",
                "alive": "1",
                "made": "c.seq",
                "rowid": "h.no << 16 | a.key",
            },
            ("c.authors IS NOT NULL",),
        ),
    )
