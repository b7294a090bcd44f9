"""Interned texts: schema keys, file ids and plugin keys become small integers."""

from __future__ import annotations

from lix_vtab.storage.connection import Connection
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.first_names import FIRST_NAMES, LIX
from lix_vtab.storage.transaction import Transaction

__all__ = ["LIX", "Names"]


class Names:
    """Two-way map between texts and ids, cached as far as a rollback cannot undo it."""

    __slots__ = (
        "_by_id",
        "_by_text",
        "_connection",
        "_find",
        "_insert",
        "_new_from",
        "_text",
        "_transaction",
    )

    def __init__(self, connection: Connection, db: str, transaction: Transaction) -> None:
        self._connection = connection
        self._transaction = transaction
        self._by_text: dict[str, int]
        self._by_id: dict[int, str]
        self.forget()
        self._new_from: int | None = None
        self._find = qualify("SELECT id FROM lix_internal_name WHERE text = ?", db)
        self._text = qualify("SELECT text FROM lix_internal_name WHERE id = ?", db)
        self._insert = qualify("INSERT INTO lix_internal_name(text) VALUES (?)", db)
        transaction.after_commit(self._keep_new)
        transaction.on_rollback(self._forget_new)

    def find(self, text: str) -> int:
        """Return the id of `text`, or -1 when it was never interned."""
        known = self._by_text.get(text)
        if known is not None:
            return known
        id: int | None = self._connection.run(self._find, (text,)).get
        if id is None:
            return -1
        self._remember(text, id)
        return id

    def intern(self, text: str) -> int:
        """Return the id of `text`, giving it one when it has none."""
        known = self._by_text.get(text)
        if known is not None:
            return known
        found = self.find(text)
        return self.add(text) if found == -1 else found

    def add(self, text: str) -> int:
        """Give an id to a `text` that has none."""
        self._connection.execute(self._insert, (text,))
        new = self._connection.last_insert_rowid()
        if self._new_from is None:
            self._new_from = new
        self._remember(text, new)
        return new

    @property
    def growing(self) -> bool:
        """Tell whether the running transaction has interned texts."""
        return self._new_from is not None

    def text(self, id: int) -> str:
        """Return the text interned as `id`."""
        known = self._by_id.get(id)
        if known is None:
            known = self._connection.run(self._text, (id,)).get
            if known is None:
                raise KeyError(id)
            self._remember(known, id)
        return known

    def forget(self) -> None:
        """Drop what is cached, because the database may be another one."""
        self._by_text = dict(FIRST_NAMES)
        self._by_id = {id: text for text, id in FIRST_NAMES.items()}

    def _remember(self, text: str, id: int) -> None:
        # ids only grow, so everything below the first new one was committed before
        if self._new_from is None or id < self._new_from or self._transaction.settled:
            self._by_text[text] = id
            self._by_id[id] = text

    def _keep_new(self) -> None:
        self._new_from = None

    def _forget_new(self) -> None:
        if self._new_from is not None:
            for id in [id for id in self._by_id if id >= self._new_from]:
                del self._by_text[self._by_id.pop(id)]
            if not self._transaction.active:
                self._new_from = None
