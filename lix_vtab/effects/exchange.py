"""Where the commits made to one database file are announced in this process.

Connections of one process can be opened by different parts of a program that know nothing of each
other, so those to the same file find their exchange by its path.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from lix_vtab.effects.changes import Change, Touch

__all__ = ["Exchange", "Hearing", "News", "exchange_of"]


class News(NamedTuple):
    """What a transaction changed. Its commits are [first, position]; first is None without any."""

    changes: Sequence[Change]
    touches: Sequence[Touch]
    first: int | None
    position: int


class Hearing(Protocol):
    """Somebody who wants to know about commits."""

    @property
    def listening(self) -> bool:
        """Tell whether anybody would notice news."""
        ...

    def prepare(self, news: News) -> None:
        """Look at news of the own connection inside the transaction, where SQL may still run."""
        ...

    def hear(self, news: News, *, own: bool) -> None:
        """Take news of a commit that is durable; SQL must not run. May come from any thread."""
        ...


class Exchange:
    """Tells every hearing of one database about each commit."""

    __slots__ = ("__weakref__", "_hearings", "_lock", "listening")

    def __init__(self) -> None:
        self._hearings: weakref.WeakSet[Hearing] = weakref.WeakSet()
        # garbage may be collected, and then report here, while the lock is held
        self._lock = threading.RLock()
        self.listening = False

    def join(self, hearing: Hearing) -> None:
        """Add somebody to be told."""
        with self._lock:
            self._hearings.add(hearing)
        self.changed()

    def leave(self, hearing: Hearing) -> None:
        """Stop telling somebody."""
        with self._lock:
            self._hearings.discard(hearing)
        self.changed()

    def changed(self) -> None:
        """Find out anew whether anybody listens."""
        self.listening = any(hearing.listening for hearing in self._all())

    def announce(self, news: News, own: Hearing | None) -> None:
        """Tell everybody; `own` is who belongs to the connection that committed."""
        for hearing in self._all():
            hearing.hear(news, own=hearing is own)

    def _all(self) -> list[Hearing]:
        with self._lock:
            return list(self._hearings)


_by_path: weakref.WeakValueDictionary[str, Exchange] = weakref.WeakValueDictionary()
_by_path_lock = threading.Lock()


def exchange_of(path: str) -> Exchange:
    """Return the exchange of a database file; one in memory (no path) has its own."""
    if not path:
        return Exchange()
    with _by_path_lock:
        found = _by_path.get(path)
        if found is None:
            found = _by_path[path] = Exchange()
        return found
