"""The outbox: effects to be carried out after a commit, kept until somebody did so."""

from __future__ import annotations

from lix_vtab.model.tuples import NamedTuple
from lix_vtab.storage.ddl import qualify
from lix_vtab.storage.store import Store

__all__ = ["NewEffect", "Outbox"]


class NewEffect(NamedTuple):
    """An effect to be stored; `payload` is JSON text, `due_at` a moment or None for now."""

    kind: str
    payload: str
    key: str | None = None
    id: str | None = None
    due_at: str | None = None


class Outbox:
    """Writes the effects of one database."""

    __slots__ = ("_insert", "_store")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._insert = qualify(
            "INSERT INTO lix_internal_effect(no, id, key, kind, payload, state, attempts, due_at, "
            "created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, 'pending', 0, ?6, ?7, ?7)",
            store.db,
        )

    def find(self, column: str, value: str) -> tuple[int, str] | None:
        """Return number and id of the effect whose `id` or `key` is `value`."""
        row = self._store.connection.execute(
            qualify(f"SELECT no, id FROM lix_internal_effect WHERE {column} = ?", self._store.db),
            (value,),
        ).fetchone()
        return None if row is None else (int(row[0]), str(row[1]))

    def add(self, effect: NewEffect) -> int:
        """Store an effect whose id and key are new; return its number."""
        store = self._store
        sql = qualify("SELECT coalesce(max(no), 0) + 1 FROM lix_internal_effect", store.db)
        number = int(store.connection.execute(sql).get)
        now = store.identity.now(number)
        id = effect.id or store.identity.new("row", number)
        store.connection.execute(
            self._insert,
            (
                number,
                id,
                id if effect.key is None else effect.key,
                effect.kind,
                effect.payload,
                effect.due_at or now,
                now,
            ),
        )
        return number

    def change(self, number: int, values: dict[str, object]) -> None:
        """Set columns of an effect."""
        store = self._store
        assigned = ", ".join(f"{column} = ?" for column in (*values, "updated_at"))
        store.connection.execute(
            qualify(f"UPDATE lix_internal_effect SET {assigned} WHERE no = ?", store.db),
            (*values.values(), store.identity.now(number), number),
        )

    def delete(self, number: int) -> None:
        """Forget an effect."""
        store = self._store
        sql = qualify("DELETE FROM lix_internal_effect WHERE no = ?", store.db)
        store.connection.execute(sql, (number,))
