"""What a statement becomes when SQLite refuses it on a virtual table: several it accepts.

Values only; `lower` makes them, `run_lowered` runs them. `checks` and `shape` are
never run: preparing them lets SQLite judge every clause before a row is touched, and `shape` names
the columns RETURNING returns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from lix_vtab.model.dataclasses import dataclass

__all__ = [
    "ConflictRule",
    "LoweredDelete",
    "LoweredInsert",
    "LoweredUpdate",
    "Lowering",
    "Template",
]


@dataclass(frozen=True, slots=True)
class Template:
    """A statement whose parameter k+1 is `slots[k]`.

    A slot >= 0 is a parameter of the user's statement, a slot < 0 the item `~slot` of a row.

    >>> Template("SELECT ?1, ?2", (1, ~0)).bind(("a", "b"), ("row",))
    ('b', 'row')
    """

    sql: str
    slots: tuple[int, ...] = ()

    def bind(self, values: Sequence[Any], row: Sequence[Any] = ()) -> tuple[Any, ...]:
        """Return the parameters for one run."""
        return tuple([values[slot] if slot >= 0 else row[~slot] for slot in self.slots])


@dataclass(frozen=True, slots=True)
class ConflictRule:
    """One ON CONFLICT clause.

    Each of `finders` looks for a row in the way of an input row, one per unique key the clause
    answers to, and yields: the identity of that row, whether the clause's WHERE holds, the new
    values. `update` and `returning` take that as their row; `update` is None for DO NOTHING.
    """

    finders: tuple[Template, ...]
    condition: int
    update: Template | None = None
    returning: Template | None = None


@dataclass(frozen=True, slots=True)
class LoweredInsert:
    """An INSERT taken row by row: find what is in the way, then update, skip or insert.

    `by_identity` reads an inserted row back when all `given` items of the input row are there, else
    `by_rowid` does with the row `(rowid,)`.
    """

    source: Template
    columns: int
    mismatch: str
    insert: Template
    rules: tuple[ConflictRule, ...] = ()
    by_identity: Template | None = None
    given: tuple[int, ...] = ()
    by_rowid: Template | None = None
    action: str = ""
    checks: tuple[Template, ...] = ()
    shape: Template | None = None

    @property
    def templates(self) -> tuple[Template, ...]:
        """Return every statement this may run, in the order of a first row."""
        parts: list[Template | None] = [self.source]
        for rule in self.rules:
            parts += (*rule.finders, rule.update, rule.returning)
        parts += (self.insert, self.by_identity, self.by_rowid)
        return tuple(part for part in parts if part is not None)


@dataclass(frozen=True, slots=True)
class LoweredUpdate:
    """An UPDATE that returns rows: `rows` yields identity and new values of each row it matches."""

    rows: Template
    identity: int
    update: Template
    returning: Template
    checks: tuple[Template, ...]
    shape: Template
    action: str = ""

    @property
    def templates(self) -> tuple[Template, ...]:
        """Return every statement this may run."""
        return (self.rows, self.update, self.returning)


@dataclass(frozen=True, slots=True)
class LoweredDelete:
    """A DELETE that returns rows: `rows` yields identity and the returned values of each row.

    Where RETURNING asks other rows too, which are those left by then, `rows` yields what it needs
    of the row instead, and `returning` works the values out of that once the row is gone.
    """

    rows: Template
    identity: int
    delete: Template
    checks: tuple[Template, ...]
    shape: Template
    returning: Template | None = None
    action: str = ""

    @property
    def templates(self) -> tuple[Template, ...]:
        """Return every statement this may run."""
        parts = (self.rows, self.delete, self.returning)
        return tuple(part for part in parts if part is not None)


Lowering: TypeAlias = LoweredInsert | LoweredUpdate | LoweredDelete
