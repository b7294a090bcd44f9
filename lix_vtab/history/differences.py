"""The differences of two states as values, for what writes or summarises them."""

from __future__ import annotations

from lix_vtab.filesystem.descriptors import FILE
from lix_vtab.history.diff import Comparison
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.rows import WITHDRAWN
from lix_vtab.storage.store import Store

__all__ = ["NOTHING", "Difference", "Side", "differences"]


class Side(NamedTuple):
    """What one state shows for a key: nothing when the snapshot is None."""

    change_no: int | None
    snapshot: str | None
    metadata: str | None
    schema_version: str | None
    plugin_key: str | None

    @property
    def content(self) -> tuple[str | None, ...] | None:
        """Return what makes a row what it is."""
        return None if self.snapshot is None else self[1:]

    @property
    def hides(self) -> bool:
        """Tell whether the row was deleted, so that what the version inherits is hidden."""
        gone = self.change_no is not None and self.snapshot is None
        return gone and self.schema_version != WITHDRAWN


NOTHING = Side(None, None, None, None, None)
"""What a state shows for a key it never heard of."""


class Difference(NamedTuple):
    """A key two states show differently."""

    schema_key: str
    entity_id: str
    file_id: str
    before: Side
    after: Side

    @property
    def of_file(self) -> str | None:
        """Return the file this is about: its descriptor, or what it consists of."""
        if self.file_id != "lix":
            return self.file_id
        return self.entity_id if self.schema_key == FILE else None


_SIDE = ("no", "snapshot_content", "metadata", "schema_version", "plugin_key")
_OUTPUTS = (
    "{schema_key}",
    "{entity_id}",
    "{file_id}",
    *(f"{{before_{name}}}" for name in _SIDE),
    *(f"{{after_{name}}}" for name in _SIDE),
)


def differences(store: Store, comparison: Comparison, *, hidden: bool = False) -> list[Difference]:
    """Return everything two states show differently.

    `hidden` adds what neither shows but one has deleted, which matters where versions inherit.
    """
    sql = qualify(comparison.sql(_OUTPUTS, hidden=hidden), store.db)
    rows = store.connection.execute(sql, comparison.params(searched=False)).fetchall()
    return [Difference(row[0], row[1], row[2], Side(*row[3:8]), Side(*row[8:13])) for row in rows]
