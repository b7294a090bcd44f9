"""Carrying out the effects of the outbox: claimed, tried, and tried again when that fails."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import orjson

from lix_vtab.arguments import json_text
from lix_vtab.errors import CallbackError, TransactionStateError
from lix_vtab.execution.result import Result
from lix_vtab.model.dataclasses import dataclass
from lix_vtab.model.ids import format_timestamp
from lix_vtab.model.json import Json, parse_json

__all__ = ["Database", "Delivery", "Effect", "EffectRunner", "Failure", "payload_text"]

LEASE = 300.0
"""Seconds after which an effect that was begun counts as lost with the process that began it."""

LONGEST = 3600.0
"""The most seconds between two tries."""

_DUE = (
    "SELECT id FROM (SELECT rowid AS no, id, kind, due_at FROM lix_effect "
    "WHERE state = 'pending' AND due_at <= ?1 UNION ALL "
    "SELECT rowid, id, kind, due_at FROM lix_effect WHERE state = 'running' AND due_at <= ?1) "
    "WHERE kind IN (SELECT value FROM json_each(?2)) ORDER BY due_at, no LIMIT ?3"
)
_READ = (
    "SELECT id, kind, payload, key, attempts, state FROM lix_effect "
    "WHERE id = ? AND state IN ('pending', 'running') AND due_at <= ?"
)


def payload_text(payload: Json) -> str:
    """Return the payload of an effect as JSON text; raise InvalidValueError when it is no JSON.

    >>> payload_text({"to": ["ada"]})
    '{"to":["ada"]}'
    """
    return json_text(payload, "the payload of an effect")


@dataclass(frozen=True, slots=True)
class Effect:
    """An effect that is being carried out, for the `attempt`-th time.

    A handler may see an effect again after it carried it out, when the process died before that was
    noted: `key` is the same then.
    """

    id: str
    kind: str
    payload: Json
    key: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Failure:
    """What a handler raised; `dead` says that the effect was given up."""

    effect: Effect
    error: Exception
    dead: bool


@dataclass(frozen=True, slots=True)
class Delivery:
    """What `run_effects` did."""

    done: int = 0
    failures: tuple[Failure, ...] = ()


class Database(Protocol):
    """What running effects needs of a `Lix`."""

    def execute(self, sql: str, params: Sequence[Any] = ..., /) -> Result:
        """Run SQL."""
        ...

    def transaction(self) -> AbstractContextManager[Any]:
        """Group statements."""
        ...


@dataclass(frozen=True, slots=True)
class _Handler:
    call: Callable[[Effect], object]
    attempts: int
    backoff: float


@dataclasses.dataclass(slots=True)
class EffectRunner:
    """Calls handlers with the effects that are due. `clock` gives seconds since 1970."""

    database: Database
    clock: Callable[[], float] = time.time
    _handlers: dict[str, _Handler] = dataclasses.field(default_factory=dict)

    def handle(
        self, kind: str, call: Callable[[Effect], object], *, attempts: int, backoff: float
    ) -> None:
        """Let `call` carry out effects of a kind, in place of who did before."""
        self._handlers[kind] = _Handler(call, attempts, backoff)

    def run(self, limit: int, *, idle: bool) -> Delivery:
        """Carry out up to `limit` effects that are due; `idle` says that no transaction is open."""
        if not idle:
            raise TransactionStateError(
                "effects cannot be run inside a transaction: they happen after its commit",
                hint="call run_effects() when the transaction has ended",
            )
        done = 0
        failures = []
        kinds = orjson.dumps(list(self._handlers)).decode()
        due = self.database.execute(_DUE, (self._moment(), kinds, limit)).rows
        for (id,) in due:
            effect = self._claim(id)
            if effect is None:
                continue
            failure = effect if isinstance(effect, Failure) else self._carry_out(effect)
            if failure is None:
                done += 1
            else:
                failures.append(failure)
        return Delivery(done, tuple(failures))

    def _claim(self, id: str) -> Effect | Failure | None:
        """Take an effect on, unless somebody else did in the meantime.

        One that took a process with it each time it was tried is given up.
        """
        with self.database.transaction():
            rows = self.database.execute(_READ, (id, self._moment())).rows
            if not rows:
                return None
            id, kind, payload, key, attempts, state = rows[0]
            if state == "running" and attempts >= self._handlers[kind].attempts:
                error = CallbackError(f"the process ended while it was tried, {attempts} times")
                self._set(id, state="dead", due_at=self._moment(), error=error.message)
                return Failure(Effect(id, kind, parse_json(payload), key, attempts), error, True)
            self._set(id, state="running", attempts=attempts + 1, due_at=self._moment(LEASE))
        return Effect(id, kind, parse_json(payload), key, attempts + 1)

    def _carry_out(self, effect: Effect) -> Failure | None:
        handler = self._handlers[effect.kind]
        try:
            handler.call(effect)
        except Exception as error:
            dead = effect.attempt >= handler.attempts
            pause = 0.0 if dead else min(handler.backoff * 2 ** (effect.attempt - 1), LONGEST)
            self._set(
                effect.id,
                state="dead" if dead else "pending",
                attempts=effect.attempt,
                due_at=self._moment(pause),
                error=f"{type(error).__name__}: {error}",
            )
            return Failure(effect, error, dead)
        except BaseException:
            # the process is to stop; whoever comes next need not wait for the lease to end
            self._set(effect.id, state="pending", attempts=effect.attempt, due_at=self._moment())
            raise
        self._set(effect.id, state="done", error=None)
        return None

    def _set(self, id: str, **values: Any) -> None:
        assigned = ", ".join(f"{column} = ?" for column in values)
        self.database.execute(
            f"UPDATE lix_effect SET {assigned} WHERE id = ?", (*values.values(), id)
        )

    def _moment(self, ahead: float = 0.0) -> str:
        return format_timestamp(int((self.clock() + ahead) * 1000))
