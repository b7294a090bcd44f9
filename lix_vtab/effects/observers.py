"""All observed queries of one `Lix`, and what may have changed their results."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from lix_vtab.effects.abroad import Abroad
from lix_vtab.effects.exchange import News
from lix_vtab.effects.index import Index
from lix_vtab.effects.observe import Observation, Watch
from lix_vtab.effects.queries import Outside, Queries
from lix_vtab.effects.reads import ReadSet
from lix_vtab.effects.structure import Restructured, Structure
from lix_vtab.effects.wake import Wake
from lix_vtab.execution.executor import Parameters
from lix_vtab.session import Session
from lix_vtab.storage.ddl import quote

__all__ = ["Observers"]


class Observers:
    """Marks observed queries whose result may have changed; they run again when they are asked.

    `mark_own` may be called from any thread and runs no SQL. Whoever does run SQL holds `turn`, so
    that threads waiting for events can share the session with the one that works.
    """

    def __init__(
        self, session: Session, queries: Queries, wake: Wake, on_change: Callable[[], None]
    ) -> None:
        self.queries = queries
        self.turn = threading.RLock()
        self.wake = wake
        self.sequence = 0
        self._session = session
        self._on_change = on_change
        self._structure = Structure(session)
        self._abroad = Abroad(session)
        self._lock = threading.RLock()
        self._watches: Index[Watch] = Index()
        self._tables: dict[str, dict[Watch, None]] = {}
        self._versions: dict[str, int] = {}
        self._restructured: Restructured | None = None
        self._foreign: Any = None
        self._pager = -1
        self._definitions: Any = None
        self._active = ""
        self._observations: weakref.WeakSet[Observation] = weakref.WeakSet()
        self._released: deque[Watch] = deque()
        self.closed = False

    def __len__(self) -> int:
        return len(self._watches)

    def observe(self, sql: str, params: Parameters) -> Observation:
        """Observe a query."""
        self.queries.check(sql, params)
        if next(iter(self._observations), None) is None:
            self._look_around()
        observation = Observation(self, sql, params)
        self._observations.add(observation)
        return observation

    # -- who depends on what

    @property
    def between_transactions(self) -> bool:
        """Tell whether only committed data would be seen."""
        return not self.closed and not self._session.connection.in_transaction

    def depend(self, watch: Watch, reads: ReadSet, outside: Outside) -> None:
        """Remember what a watch depends on."""
        with self._lock:
            self._forget_released()
            self._watches.put(watch, reads)
            self._structure.note(reads.scopes)
            for schema, watches in self._tables.items():
                if schema not in outside.schemas:
                    watches.pop(watch, None)
            for schema in outside.schemas:
                self._tables.setdefault(schema, {})[watch] = None
                if schema not in self._versions:
                    self._versions[schema] = self._version(schema)
            first = len(self._watches) == 1
        if first:
            self._on_change()

    def release(self, watch: Watch) -> None:
        """Forget a watch soon: garbage is collected any time, also while the index is used."""
        self._released.append(watch)

    def _forget_released(self) -> None:
        while self._released:
            watch = self._released.popleft()
            self._watches.remove(watch)
            for watches in self._tables.values():
                watches.pop(watch, None)
            if not len(self._watches):
                self._on_change()

    # -- own commits

    def prepare(self, news: News) -> None:
        """Find out, inside the transaction, which scopes will show other rows."""
        self._restructured = None
        if len(self._watches):
            self._restructured = self._structure.look(self._watches.scopes, news.touches)

    def mark_own(self, sequence: int, news: News) -> None:
        """Mark what a commit of the own connection concerns."""
        with self._lock:
            self._forget_released()
            self.sequence = sequence
            found, self._restructured = self._restructured, None
            self._abroad.doubt(news.overlaid)
            if not len(self._watches):
                return
            self._mark(self._watches.concerned(news.touches))
            if found is not None:
                self._mark_scopes(found)
            if news.first is not None:
                self._abroad.know(news.first, news.position)

    def _mark(self, watches: Iterable[Watch]) -> None:
        for watch in watches:
            watch.trigger = self.sequence

    def _mark_scopes(self, found: Restructured) -> None:
        self._active = found.active
        for scope in self._structure.settle(found):
            self._mark(self._watches.scopes.get(scope, ()))

    # -- everything else

    def poll(self) -> None:
        """Notice what others committed, and writes to tables that are not ours."""
        with self._lock:
            self._forget_released()
            connection = self._session.connection
            foreign = connection.execute(self._pragma("data_version")).get
            if foreign != self._foreign:
                self._foreign = foreign
                self._catch_up()
            elif self._session.versions.chosen_id() != self._active:
                self._follow_pin()
            # unlike the pragma, this number also counts what the own connection commits
            pager = connection.data_version(self._session.db)
            if pager != self._pager:
                self._pager = pager
                self._follow_definitions()
            self._follow_tables()

    def _look_around(self) -> None:
        """Begin to keep track of others, now that somebody is interested."""
        with self._lock:
            execute = self._session.connection.execute
            self._foreign = execute(self._pragma("data_version")).get
            self._definitions = execute(self._pragma("schema_version")).get
            self.queries.forget()
            self._abroad.catch_up()
            self._active = self._session.versions.chosen_id()
            self._versions.clear()
            found = self._structure.look((), ())
            if found is not None:
                self._structure.settle(found)

    def _catch_up(self) -> None:
        touches = self._abroad.catch_up()
        self.sequence += 1
        if touches is None:
            self._mark(self._watches)
            touches = []
        self._mark(self._watches.concerned(touches))
        found = self._structure.look(self._watches.scopes, touches)
        if found is not None:
            self._mark_scopes(found)

    def _follow_pin(self) -> None:
        """Notice that this session chose another version for itself, which nobody commits."""
        found = self._structure.look(self._watches.scopes, ())
        if found is not None:
            self.sequence += 1
            self._mark(self._watches.anything)
            self._mark_scopes(found)

    def _follow_definitions(self) -> None:
        """Look at every query anew when tables or views were created, changed or dropped."""
        definitions = self._session.connection.execute(self._pragma("schema_version")).get
        if definitions != self._definitions:
            self._definitions = definitions
            self.queries.forget()
            self.sequence += 1
            for watch in self._watches:
                watch.outside = None
                watch.trigger = self.sequence

    def _follow_tables(self) -> None:
        for schema, watches in self._tables.items():
            version = self._version(schema) if watches else None
            if version is not None and version != self._versions.get(schema):
                self._versions[schema] = version
                self.sequence += 1
                self._mark(watches)

    def _version(self, schema: str) -> int:
        """Return a number that changes with each commit to the tables of a database."""
        execute = self._session.connection.execute
        if schema == "temp":
            return int(execute("SELECT total_changes()").get)
        if schema != self._session.db:
            execute(f"PRAGMA {quote(schema)}.data_version").fetchall()
        return self._session.connection.data_version(schema)

    def _pragma(self, name: str) -> str:
        return f"PRAGMA {quote(self._session.db)}.{name}"

    # -- life

    def close(self) -> None:
        """End every observation."""
        self.closed = True
        for observation in list(self._observations):
            observation.close()
