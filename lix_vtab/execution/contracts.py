"""The values that pass from stage to stage: parse, bind once, plan, execute.

Each stage takes the value of the one before and returns a new one; none is ever changed, so a plan
can be cached and shared. Two runs with the same text and catalogue give equal values.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

from lix_vtab.execution.lowered import Lowering
from lix_vtab.model.dataclasses import dataclass

__all__ = [
    "BoundScript",
    "BoundStatement",
    "Effects",
    "ExecutionPlan",
    "Kind",
    "ParsedScript",
    "Place",
    "Placeholder",
    "PlannedStatement",
    "Requirements",
    "Statement",
    "Transaction",
]


class Kind(enum.StrEnum):
    """What a statement is, judged by its verb."""

    SELECT = "select"
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    BEGIN = "begin"
    COMMIT = "commit"
    ROLLBACK = "rollback"
    ROLLBACK_TO = "rollback to"
    SAVEPOINT = "savepoint"
    RELEASE = "release"
    PRAGMA = "pragma"
    ATTACH = "attach"
    DETACH = "detach"
    VACUUM = "vacuum"
    DEFINE = "define"
    EXPLAIN = "explain"
    OTHER = "other"

    @property
    def changes_rows(self) -> bool:
        """Tell whether `changes()` counts what the statement did."""
        return self in (Kind.INSERT, Kind.UPDATE, Kind.DELETE)


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A parameter mark and where it stands in its statement."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a text, cut out at `start` and classified but not understood.

    A write has its table as `target`, and as `database` what the text says that this is in.
    """

    text: str
    kind: Kind
    placeholders: tuple[Placeholder, ...] = ()
    target: str | None = None
    upsert: bool = False
    returning: bool = False
    start: int = 0
    database: str | None = None


@dataclass(frozen=True, slots=True)
class ParsedScript:
    """The statements of one text, in order; never empty."""

    sql: str
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class BoundStatement:
    """A statement that knows which of the script's parameters it takes.

    Its local parameter k+1 is `ordinals[k]` of a sequence, or `names[k]` of a mapping.
    `indexes` gives the local number of every placeholder in text order.
    """

    statement: Statement
    sql: str
    ordinals: Sequence[int]
    names: tuple[str, ...]
    indexes: Sequence[int]

    @property
    def width(self) -> int:
        """Return how many parameters SQLite will ask for."""
        return len(self.names) or len(self.ordinals)


@dataclass(frozen=True, slots=True)
class BoundScript:
    """A script whose placeholders have been numbered, once; `width` is the highest ordinal."""

    sql: str
    statements: tuple[BoundStatement, ...]
    width: int
    names: tuple[str, ...]


class Transaction(enum.StrEnum):
    """What a plan needs around it."""

    NONE = "none"
    """SQLite's own: one statement is atomic by itself."""
    READ = "read"
    """One snapshot for several statements that only read."""
    WRITE = "write"
    """All or nothing, with the write lock taken first."""
    GIVEN = "given"
    """The script brings its own BEGIN and COMMIT."""


@dataclass(frozen=True, slots=True)
class Requirements:
    """What must hold while a plan runs; `begin` is the script's own BEGIN statement."""

    transaction: Transaction
    begin: str = ""


@dataclass(frozen=True, slots=True)
class Effects:
    """What a plan leaves behind when it succeeds."""

    writes: tuple[str, ...] = ()
    defines: bool = False
    controls_transaction: bool = False


_ENDS = frozenset({Kind.COMMIT, Kind.ROLLBACK})


class Place(enum.StrEnum):
    """Where a statement of a script runs."""

    INSIDE = "inside"
    """Within the plan's transaction."""
    OUTSIDE = "outside"
    """Before or after it: connection-level statements at either end of a script."""


@dataclass(frozen=True, slots=True)
class PlannedStatement:
    """A statement ready to run: SQL for SQLite, or a lowering made of several.

    `stated` are the columns its table asks about that an INSERT names, `otherwise` is what it does
    about a conflict where that is not to undo the statement: FAIL, IGNORE or ROLLBACK. `start` is
    where its SQL stands in the text, None when it is not written there like that.
    """

    sql: str
    kind: Kind
    ordinals: Sequence[int]
    names: tuple[str, ...]
    place: Place = Place.INSIDE
    lowering: Lowering | None = None
    stated: frozenset[str] = frozenset()
    otherwise: str = ""
    start: int | None = 0

    @property
    def width(self) -> int:
        """Return how many parameters SQLite will ask for."""
        return len(self.names) or len(self.ordinals)

    @property
    def is_plain(self) -> bool:
        """Tell whether nobody but SQLite has to do with the statement."""
        return self.is_single and not self.stated and not self.otherwise

    @property
    def is_single(self) -> bool:
        """Tell whether SQLite runs it as one statement, which does not end a transaction."""
        return self.lowering is None and self.kind not in _ENDS


@dataclass(frozen=True, slots=True)
class ExecutionPlan:
    """Everything `Executor` needs; `generation` is None when no catalogue was consulted."""

    sql: str
    statements: tuple[PlannedStatement, ...]
    width: int
    names: tuple[str, ...]
    requirements: Requirements
    effects: Effects
    generation: int | None = None

    @property
    def is_direct(self) -> bool:
        """Tell whether the text goes to SQLite as it is, as one statement."""
        if len(self.statements) != 1:
            return False
        (only,) = self.statements
        return only.is_plain and only.sql == self.sql

    def fingerprint(self) -> str:
        """Return a digest of the decisions in this plan, equal in every process and run.

        The catalogue's generation is left out: two generations that lead to the same decisions
        give the same plan.
        """
        decisions = (
            tuple(
                (
                    s.sql,
                    s.kind.value,
                    tuple(s.ordinals),
                    s.names,
                    s.place.value,
                    repr(s.lowering),
                    sorted(s.stated),
                    s.otherwise,
                )
                for s in self.statements
            ),
            self.width,
            self.names,
            (self.requirements.transaction.value, self.requirements.begin),
            (self.effects.writes, self.effects.defines, self.effects.controls_transaction),
        )
        from hashlib import sha256  # loads OpenSSL

        return sha256(repr(decisions).encode("utf-8", "surrogatepass")).hexdigest()
