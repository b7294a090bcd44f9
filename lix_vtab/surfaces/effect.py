"""`lix_effect`: what is to happen outside of the database once a transaction has committed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import apsw

from lix_vtab.errors import InvalidValueError, ReadOnlyError, UniqueError
from lix_vtab.model.json import canonical_json
from lix_vtab.session import Session
from lix_vtab.storage.outbox import NewEffect, Outbox
from lix_vtab.surfaces.functions import SqlFunction
from lix_vtab.surfaces.planner import Column, Plan
from lix_vtab.surfaces.relation import Branch, Relation
from lix_vtab.surfaces.values import json_value, optional_text, text

__all__ = ["STATES", "EffectTable", "effect_functions"]

STATES = ("pending", "running", "done", "dead")
"""Waiting for its time; being carried out until its time; carried out; given up."""

_GIVEN = ("id", "key", "kind", "payload", "due_at")
_SET = ("payload", "state", "attempts", "due_at", "error")


class EffectTable:
    """Effects of this database, delivered at least once each.

    `key` tells a receiver that it has seen an effect before. Setting `state` to `pending` lets a
    dead effect be tried again.
    """

    name = "lix_effect"
    columns: Sequence[Column] = (
        Column("id", "TEXT", "{id}", "index"),
        Column("kind", "TEXT", "{kind}"),
        Column("payload", "TEXT", "{payload}"),
        Column("key", "TEXT", "{key}", "index"),
        Column("state", "TEXT", "{state}", "index"),
        Column("attempts", "INTEGER", "{attempts}"),
        Column("due_at", "TEXT", "{due_at}"),
        Column("error", "TEXT", "{error}"),
        Column("created_at", "TEXT", "{created_at}"),
        Column("updated_at", "TEXT", "{updated_at}"),
    )
    required: Sequence[int] = ()
    sortable = True
    multi = False
    conflict_keys: ClassVar[Sequence[Any]] = (("id",), ("key",))

    def __init__(self, session: Session) -> None:
        fields = {column.name: f"e.{column.name}" for column in self.columns}
        branch = Branch("lix_internal_effect e", {**fields, "rowid": "e.no"})
        self._relation = Relation(session, self.name, self.columns, [branch])
        self._outbox = Outbox(session.store)
        self._names = [column.name for column in self.columns]

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find effects."""
        return self._relation.rows(plan, args)

    def insert(self, fields: Sequence[Any], conflict: int) -> int:
        """Emit an effect; its id serves as key when none is given."""
        given = dict(zip(self._names, fields, strict=True))
        for name, value in given.items():
            if value is not None and name not in _GIVEN:
                raise ReadOnlyError(
                    f"lix_effect insert cannot set {name}; it is computed",
                    hint=f"columns that can be given: {', '.join(_GIVEN)}",
                    details={"column": name},
                )
        effect = _effect(given)
        for name, value in (("id", effect.id), ("key", effect.key)):
            known = None if value is None else self._outbox.find(name, value)
            if known is not None and conflict == apsw.SQLITE_REPLACE:
                self._outbox.delete(known[0])
            elif known is not None:
                raise UniqueError(
                    f"an effect with {name} '{value}' exists",
                    hint="lix_emit() returns the one there is, INSERT OR IGNORE keeps it",
                    details={"column": name, "value": value},
                )
        return self._outbox.add(effect)

    def update(self, rowid: int, fields: Sequence[Any]) -> None:
        """Change state, time or payload of an effect."""
        assigned = {
            name: value
            for name, value in zip(self._names, fields, strict=True)
            if value is not apsw.no_change
        }
        for name in assigned:
            if name not in _SET:
                raise ReadOnlyError(
                    f"lix_effect update cannot set {name}",
                    hint=f"columns that can be set: {', '.join(_SET)}",
                    details={"column": name},
                )
        _check(assigned)
        if assigned.get("state") == "pending":
            assigned = {"attempts": 0, "error": None, **assigned}
        self._outbox.change(rowid, assigned)

    def delete(self, rowid: int) -> None:
        """Forget an effect."""
        self._outbox.delete(rowid)


def effect_functions(session: Session) -> list[SqlFunction]:
    """Return the function that emits effects."""
    outbox = Outbox(session.store)

    def emit(kind: str, payload: Any = None, key: str | None = None, due_at: Any = None) -> str:
        """Emit an effect and return its id; one with the same key is emitted once."""
        effect = _effect({"kind": kind, "payload": payload, "key": key, "due_at": due_at})
        known = None if effect.key is None else outbox.find("key", effect.key)
        if known is not None:
            return known[1]
        number = outbox.add(effect)
        sql = f'SELECT id FROM "{session.db}".lix_internal_effect WHERE no = ?'
        return str(session.connection.execute(sql, (number,)).get)

    return [SqlFunction("lix_emit", emit, writes=True)]


def _effect(given: dict[str, Any]) -> NewEffect:
    label = "lix_effect insert"
    payload = given["payload"]
    parsed = None if payload is None else json_value(payload, label, "payload")
    return NewEffect(
        text(given["kind"], label, "kind"),
        canonical_json(parsed),
        optional_text(given["key"], "key"),
        optional_text(given.get("id"), "id"),
        optional_text(given["due_at"], "due_at"),
    )


def _check(assigned: dict[str, Any]) -> None:
    label = "lix_effect update"
    if "state" in assigned and assigned["state"] not in STATES:
        raise InvalidValueError(
            f"lix_effect update: state is one of {', '.join(STATES)}, not {assigned['state']!r}",
            hint="'pending' lets it be tried again",
            details={"column": "state", "value": assigned["state"]},
        )
    if "payload" in assigned:
        value = assigned["payload"]
        parsed = None if value is None else json_value(value, label, "payload")
        assigned["payload"] = canonical_json(parsed)
    if "due_at" in assigned:
        text(assigned["due_at"], label, "due_at")
    if "attempts" in assigned and not isinstance(assigned["attempts"], int):
        raise InvalidValueError(
            "lix_effect update: attempts is a number", hint="how often it was tried: 0 begins anew"
        )
