"""Which stored content is still named by something."""

from __future__ import annotations

from lix_vtab.storage.blob_gc import Collected, Progress, delete_unreferenced
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.first_names import BLOB_REF_ID
from lix_vtab.storage.store import Store

__all__ = ["collect"]

# Renderings cover every commit a file's bytes changed in; a reference in the log counts too, for a
# rebuilt or merged line may show its row again.
_LIVE = f"""SELECT hash FROM lix_internal_rendering WHERE length(hash) = 32
    UNION ALL SELECT previous FROM lix_internal_rendering WHERE length(previous) = 32
    UNION ALL SELECT snapshot ->> '$.blob_hash' FROM lix_internal_change
        WHERE schema_id = {BLOB_REF_ID} AND snapshot IS NOT NULL
    UNION ALL SELECT snapshot ->> '$.blob_hash' FROM lix_internal_overlay
        WHERE schema_id = {BLOB_REF_ID} AND snapshot IS NOT NULL"""


def collect(store: Store, progress: Progress | None = None) -> Collected:
    """Delete the content no version, no commit and no untracked row names."""
    live = qualify(_LIVE, store.db)
    return delete_unreferenced(store.connection, live, db=store.db, progress=progress)
