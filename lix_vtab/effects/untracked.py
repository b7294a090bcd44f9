"""What a transaction does to untracked rows, which leave no trace in the change log.

Only the row as it was before the transaction first touched its key is remembered. A rollback to a
savepoint cannot make that wrong: what was undone simply shows no difference at the end.
"""

from __future__ import annotations

from lix_vtab.effects.changes import Change, Operation, Touch
from lix_vtab.resolution.scope import Scopes
from lix_vtab.storage.overlay import OverlayRow
from lix_vtab.storage.rows import Key, Values
from lix_vtab.storage.store import Store

__all__ = ["Untracked"]


class Untracked:
    """Remembers the untracked rows a transaction found, and compares them with what it left."""

    __slots__ = ("_found", "_scopes", "_store")

    def __init__(self, store: Store, scopes: Scopes) -> None:
        self._store = store
        self._scopes = scopes
        self._found: dict[tuple[int, Key], OverlayRow | None] = {}

    def note(self, version_no: int, key: Key) -> None:
        """Remember a row that is about to change; the last touch decides the order."""
        place = (version_no, key)
        if place in self._found:
            self._found[place] = self._found.pop(place)
        else:
            self._found[place] = self._store.overlay.find(version_no, key)

    def __len__(self) -> int:
        return len(self._found)

    def forget(self) -> None:
        """Start over for another transaction."""
        self._found.clear()

    def touches(self) -> list[Touch]:
        """Return the keys that may have changed, even if nothing is left to report."""
        names = self._store.names
        return [
            Touch(
                self._version(version_no),
                names.text(key.schema_id),
                names.text(key.file_id),
                key.entity_id,
            )
            for version_no, key in self._found
        ]

    def changes(self) -> list[Change]:
        """Return the differences to what was found."""
        changes = []
        for (version_no, key), before in self._found.items():
            change = self._change(version_no, key, before)
            if change is not None:
                changes.append(change)
        return changes

    def _change(self, version_no: int, key: Key, before: OverlayRow | None) -> Change | None:
        after = self._store.overlay.find(version_no, key)
        old = None if before is None else before.values
        new = None if after is None else after.values
        if new == old:
            return None
        version_id = self._version(version_no)
        if before is None:
            old = self._inherited(version_id, key)
        shown = None if old is None or old.snapshot is None else old
        operation: Operation = "insert" if shown is None else "update"
        values = new
        if new is None or new.snapshot is None:
            operation, values = "delete", shown
            if values is None:
                return None
        assert values is not None
        names = self._store.names
        return Change(
            operation,
            key.entity_id,
            names.text(key.schema_id),
            values.schema_version,
            names.text(key.file_id),
            version_id,
            names.text(values.plugin_id),
            values.snapshot,
            untracked=True,
        )

    def _inherited(self, version_id: str, key: Key) -> Values | None:
        """Return what the version showed when it held nothing of its own."""
        store = self._store
        chain = store.versions.chain(version_id)
        for depth, link in enumerate(chain):
            place = store.versions.place(link)
            if place is None:
                continue
            found = store.overlay.find(place[0], key) if depth else None
            if found is not None:
                return found.values
            stored = store.rows.find(store.segments.lineage(place[1]), key)
            if stored is not None and not stored.withdrawn:
                return stored.values if depth else None
        return None

    def _version(self, version_no: int) -> str:
        return self._store.versions.pointer_by_no(version_no).id
