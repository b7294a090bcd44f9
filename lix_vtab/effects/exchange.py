"""Where the commits made to one database file are announced in this process.

Connections of one process can be opened by different parts of a program that know nothing of each
other, so those to the same file find their exchange here. A file is known by its device and number
rather than by its path: whatever is made in the place of a file that was deleted or replaced is
another database, though connections to the old one may still be open. An exchange lives as long as
a connection that uses it.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Sequence
from typing import Protocol, TypeAlias

from lix_vtab.effects.changes import Change, Touch
from lix_vtab.model.tuples import NamedTuple

__all__ = ["Exchange", "Hearing", "News", "exchange_of"]


class News(NamedTuple):
    """What a transaction changed. Its commits are [first, position]; first is None without any.

    `overlaid` are the touches of untracked rows, which no commit tells of.
    """

    changes: Sequence[Change]
    touches: Sequence[Touch]
    first: int | None
    position: int
    overlaid: Sequence[Touch] = ()


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


_File: TypeAlias = tuple[int, int]
_exchanges: weakref.WeakValueDictionary[_File, Exchange] = weakref.WeakValueDictionary()
_exchanges_lock = threading.Lock()


def exchange_of(path: str) -> Exchange:
    """Return the exchange of a database file; what is no file of its own has its own."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        # in memory, or gone already
        return Exchange()
    file = (found.st_dev, found.st_ino)
    with _exchanges_lock:
        known = _exchanges.get(file)
        if known is None:
            known = _exchanges[file] = Exchange()
        return known
