"""What other connections committed, found out after the fact."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from lix_vtab.effects.changes import Touch
from lix_vtab.session import Session
from lix_vtab.storage.ddl import qualify

__all__ = ["Abroad"]

_MOST = 5_000
"""Changes, or untracked rows, beyond which looking at each costs more than running all queries."""

_NAMES = (
    "(SELECT id FROM lix_internal_version WHERE no = {0}), "
    "(SELECT text FROM lix_internal_name WHERE id = {1}.schema_id), "
    "(SELECT text FROM lix_internal_name WHERE id = {1}.file_id), {1}.entity_id"
)
_TRACKED = (
    f"SELECT {_NAMES.format('c.version_no', 'h')} FROM lix_internal_commit c "
    "JOIN lix_internal_change h ON h.commit_seq = c.seq "
    "AND h.no BETWEEN c.first_change AND c.last_change WHERE c.seq > ?1 "
    f"UNION ALL SELECT {_NAMES.format('c.version_no', 'h')} FROM lix_internal_commit c "
    "JOIN lix_internal_member m ON m.seq = c.seq "
    "JOIN lix_internal_change h ON h.no = m.change_no WHERE c.seq > ?1 LIMIT ?2"
)
_UNTRACKED = (
    f"SELECT {_NAMES.format('o.version_no', 'o')}, o.no, o.updated_at, o.snapshot, o.metadata "
    "FROM lix_internal_overlay o LIMIT ?"
)

_Overlay: TypeAlias = dict[Touch, tuple[Any, ...]]


class Abroad:
    """Tells which keys changed since it last looked, whoever changed them.

    Tracked changes are in the journal. Untracked rows are in none, so they are compared.
    """

    __slots__ = ("_doubtful", "_overlay", "_position", "_session", "_tracked", "_untracked")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._position = 0
        self._overlay: _Overlay | None = None
        self._doubtful: set[Touch] = set()
        self._tracked = qualify(_TRACKED, session.db)
        self._untracked = qualify(_UNTRACKED, session.db)

    def catch_up(self) -> list[Touch] | None:
        """Return what changed since the last look; None when it is too much to tell."""
        session = self._session
        session.store.refresh()
        execute = session.connection.execute
        found = execute(self._tracked, (self._position, _MOST + 1)).fetchall()
        before, self._overlay = self._overlay, self._read_overlay()
        doubtful, self._doubtful = self._doubtful, set()
        self._position = session.store.commits.next_seq() - 1
        if len(found) > _MOST or before is None or self._overlay is None:
            return None
        touches = [Touch(*row) for row in found]
        for touch in before.keys() | self._overlay.keys():
            if touch not in doubtful and before.get(touch) != self._overlay.get(touch):
                touches.append(touch)
        return [*touches, *doubtful]

    def doubt(self, touches: Iterable[Touch]) -> None:
        """Take untracked rows of the own connection for changed by others too, at the next look.

        They are not as they were at the last one, so comparing them would tell nothing.
        """
        self._doubtful.update(touches)
        if len(self._doubtful) > _MOST:
            self._doubtful.clear()
            self._overlay = None

    def know(self, first: int, position: int) -> None:
        """Leave out commits of the own connection, if they follow on what is known."""
        if first == self._position + 1:
            self._position = position

    def _read_overlay(self) -> _Overlay | None:
        rows = self._session.connection.execute(self._untracked, (_MOST + 1,)).fetchall()
        if len(rows) > _MOST:
            return None
        return {Touch(*row[:4]): row[4:] for row in rows}
