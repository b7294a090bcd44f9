"""Where the rows of versions come from, so that observers notice when that changes.

A version shows other rows without any of them having changed when it is pointed at another commit,
inherits from another version, or when another version becomes the active one.
"""

from __future__ import annotations

from collections.abc import Iterable

from lix_vtab.effects.changes import Touch
from lix_vtab.effects.reads import ALL, Scope
from lix_vtab.model.tuples import NamedTuple
from lix_vtab.session import Session
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.versions import DESCRIPTOR

__all__ = ["Restructured", "Structure"]


class Restructured(NamedTuple):
    """Where scopes take their rows from now, and which of them took them from elsewhere before."""

    hint: object
    active: str
    signatures: dict[Scope, object]
    moved: frozenset[Scope]


class Structure:
    """Remembers where scopes take their rows from and notices when that changes."""

    __slots__ = ("_hint", "_newest", "_session", "_signatures")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._hint: object = None
        self._signatures: dict[Scope, object] = {}
        # every version that is created or moved gets a new segment
        self._newest = qualify(
            "SELECT coalesce(max(id), 0) FROM lix_internal_segment", session.store.db
        )

    def note(self, scopes: Iterable[Scope]) -> None:
        """Remember scopes somebody has just read."""
        for scope in scopes:
            if scope not in self._signatures:
                self._signatures[scope] = self._signature(scope)

    def look(self, scopes: Iterable[Scope], touches: Iterable[Touch]) -> Restructured | None:
        """Compare with what was remembered; None when nothing can have changed."""
        active = self._session.versions.chosen_id()
        hint = self._session.connection.execute(self._newest).get, active
        described = any(touch.schema_key == DESCRIPTOR for touch in touches)
        if hint == self._hint and not described:
            return None
        signatures = {scope: self._signature(scope) for scope in scopes}
        moved = {
            scope for scope, value in signatures.items() if value != self._signatures.get(scope)
        }
        if ALL in signatures:
            moved.add(ALL)
        return Restructured(hint, active, signatures, frozenset(moved))

    def settle(self, found: Restructured) -> frozenset[Scope]:
        """Remember what was found, and return the scopes whose rows may differ now."""
        self._hint, self._signatures = found.hint, found.signatures
        return found.moved

    def _signature(self, scope: Scope) -> object:
        if scope is None:
            return None
        versions = self._session.store.versions
        version_id = scope or self._session.versions.chosen_id()
        return [(link, versions.place(link)) for link in versions.chain(version_id)]
