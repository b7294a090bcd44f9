"""The virtual-table protocol, once: modules, tables and cursors that stay thin.

A `Surface` says which columns it has, finds rows for a plan and carries out writes; everything
SQLite-shaped is here. Cursors are made for speed: a row costs one generator step, a column one
call of `list.__getitem__`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, repeat
from typing import Any, Protocol

import apsw

from lix_vtab.errors import (
    ConstraintError,
    ForeignKeyError,
    Interrupted,
    InvalidValueError,
    ReadOnlyError,
    UnsupportedSql,
)
from lix_vtab.model.json import NestingError
from lix_vtab.session import Reads, Session
from lix_vtab.storage.ddl import quote, require_format
from lix_vtab.storage.trusted import TrustedConnection
from lix_vtab.surfaces.alike import Alike
from lix_vtab.surfaces.branches import Branches
from lix_vtab.surfaces.planner import Column, Offer, Plan, plan

__all__ = ["BaseModule", "Cursor", "ReadOnlySurface", "Surface", "Table"]


class Surface(Protocol):
    """What one SQL table shows and accepts.

    Some say more: `lookups` are indexes of values (see `planner.Lookup`), `limits` tells that they
    leave LIMIT and OFFSET to SQLite when False, `cursor` is a class of cursors of their own.
    """

    name: str
    columns: Sequence[Column]
    required: Sequence[int]
    sortable: bool
    multi: bool

    def rows(self, plan: Plan, args: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Find rows. A row has a value for each column up to the last used, then its rowid."""

    def insert(self, fields: Sequence[Any], conflict: int) -> int:
        """Insert a row and return its rowid."""

    def update(self, rowid: int, fields: Sequence[Any]) -> None:
        """Change a row; fields that are not assigned are `apsw.no_change`."""

    def delete(self, rowid: int) -> None:
        """Delete a row."""


class ReadOnlySurface:
    """A surface that refuses every write. Subclasses add `name`, `columns` and `rows`.

    Those that carry out LIMIT and OFFSET themselves set `limits`.
    """

    name = ""
    columns: Sequence[Column] = ()
    required: Sequence[int] = ()
    sortable = False
    multi = False
    limits = False

    def insert(self, fields: Sequence[Any], conflict: int) -> int:
        """Refuse."""
        raise self._refusal("INSERT")

    def update(self, rowid: int, fields: Sequence[Any]) -> None:
        """Refuse."""
        raise self._refusal("UPDATE")

    def delete(self, rowid: int) -> None:
        """Refuse."""
        raise self._refusal("DELETE")

    def _refusal(self, verb: str) -> ReadOnlyError:
        return ReadOnlyError(
            f"{self.name} is read-only; {verb} is not supported",
            hint="its rows follow from what is written to other tables",
            details={"table": self.name},
        )


_ONE_ROW = (False,)
_ENDED = repeat(True)
"""What xEof says, row by row."""


class Cursor(list[Any]):
    """A position in a result; the list itself is the current row, its last item the rowid.

    SQLite asks for xEof exactly once after xFilter and after each xNext (see the VDBE opcodes
    OP_VFilter and OP_VNext), so advancing happens there and `Next` has nothing left to do.
    """

    Column = list.__getitem__
    Next = bool

    def __init__(self, table: Table) -> None:
        super().__init__()
        self._table = table
        self._rows: Iterator[Sequence[Any]] = iter(())
        self._kept: Iterable[Sequence[Any]] = ()
        self._alike: Alike | None = None
        self.Eof: Callable[[], bool] = bool

    def Filter(self, number: int, text: str, args: Sequence[Any]) -> None:
        """Start reading according to a plan."""
        table = self._table
        plan = table.plans[number]
        rows = table.surface.rows(plan, args)
        self._kept = ()
        self._alike = None
        if type(rows) is list and len(rows) == 1 and not plan.shown:
            self[:] = rows[0]
            self.Eof = chain(_ONE_ROW, _ENDED).__next__
            return
        table.reading[id(self)] = self
        if type(rows) is Alike and not plan.shown:
            self._pass_over(rows)
        else:
            self._fetch(_showing(rows, plan, args) if plan.shown else iter(rows))

    def Rowid(self) -> int:
        """Return the rowid of the current row."""
        if self._alike is not None:
            self._tell_apart(self._alike)
        return self[-1]  # type: ignore[no-any-return]

    def ColumnNoChange(self, number: int) -> Any:
        """Say that an UPDATE need not fetch a column it does not assign."""
        return apsw.no_change

    def Close(self) -> None:
        """Let go of the inner statement."""
        self.Eof = bool
        self._rows = iter(())
        self._alike = None
        self._kept = ()
        self._table.reading.pop(id(self), None)
        self.clear()

    def keep(self) -> None:
        """Fetch what is left, because a write is about to change what would be found."""
        if self._alike is not None:
            self._tell_apart(self._alike)
        self._kept = [tuple(row) for row in self._rows]

    def watch(self, reads: Reads) -> None:
        """Tell `reads` what is looked for from now on."""
        table, look_up = self._table, self.Filter

        def told(number: int, text: str, args: Sequence[Any]) -> None:
            reads.rows(table.surface, table.plans[number], args)
            look_up(number, text, args)

        self.Filter = told  # type: ignore[method-assign]

    def _fetch(self, rows: Iterator[Sequence[Any]]) -> None:
        """Make each row the current one in turn."""
        self._rows = rows
        self.Eof = self._advance(rows).__next__

    def _pass_over(self, alike: Alike) -> None:
        """Make what rows have in common the current row, once for each of them."""
        self._alike = alike
        self[:] = alike.row

        def portions() -> Iterator[Iterator[bool]]:
            yield from alike.portions()
            self._table.reading.pop(id(self), None)
            yield _ENDED

        self.Eof = chain.from_iterable(portions()).__next__

    def _tell_apart(self, alike: Alike) -> None:
        """Fetch the current row, and those after it, because what sets it apart is asked for."""
        self._alike = None
        self._fetch(alike.rest())
        self.Eof()

    def _advance(self, rows: Iterable[Sequence[Any]]) -> Iterator[bool]:
        for self[:] in rows:
            yield False
        kept = self._kept
        for self[:] in kept:
            yield False
        self._table.reading.pop(id(self), None)
        while True:
            yield True


def _showing(
    rows: Iterable[Sequence[Any]], plan: Plan, args: Sequence[Any]
) -> Iterator[Sequence[Any]]:
    """Put the arguments of a table-valued function into the columns that stand for them."""
    given = [(column, args[argument]) for column, argument in plan.shown]
    for row in rows:
        line = list(row)
        for column, value in given:
            line[column] = value
        yield line


class Table:
    """One connected virtual table."""

    __slots__ = (
        "_at_once", "_branches", "_cursor", "_known", "_limits", "_session", "plans", "reading",
        "surface",
    )  # fmt: skip

    def __init__(self, session: Session, surface: Surface) -> None:
        self._session = session
        self._branches = Branches(surface.columns)
        # APSW fails a query when the values of an IN, asked for all at once, come from a
        # sub-query without rows; hosts of the loadable extension do not.
        self._at_once = not isinstance(session.connection, TrustedConnection)
        self._limits = getattr(surface, "limits", True) and not (
            self._at_once and _forgets_conditions(session)
        )
        self.surface = surface
        self.reading = session.reading
        self.plans: list[Plan] = []
        self._cursor: type[Cursor] = getattr(surface, "cursor", Cursor)
        self._known: dict[object, int] = {}

    # -- planning

    def BestIndexObject(self, info: Any) -> bool:
        """Choose a plan for the constraints SQLite offers."""
        surface = self.surface
        offers = tuple(_offer(info, n) for n in range(info.nConstraint))
        order = tuple(
            (info.get_aOrderBy_iColumn(n), info.get_aOrderBy_desc(n)) for n in range(info.nOrderBy)
        )
        used = frozenset(n for n in info.colUsed if n < len(surface.columns))
        key = (offers, order, used)
        number = self._known.get(key)
        if number is None:
            chosen = plan(
                surface.columns,
                offers,
                order,
                used,
                required=surface.required,
                sortable=surface.sortable,
                multi=surface.multi,
                at_once=self._at_once,
                lookups=getattr(surface, "lookups", ()),
                limits=self._limits,
            )
            if chosen is None:
                return False
            number = len(self.plans)
            self.plans.append(chosen)
            self._known[key] = number
        _answer(info, self.plans[number], offers, number)
        info.estimatedCost *= self._branches.factor(info, offers, used)
        return True

    def Open(self) -> Cursor:
        """Open a cursor."""
        cursor = self._cursor(self)
        reads = self._session.reads
        if reads is not None:
            cursor.watch(reads)
        return cursor

    # -- writing

    def UpdateInsertRow(self, rowid: int | None, fields: Sequence[Any]) -> int:
        """Insert a row."""
        conflict = self._prepare_write()
        if rowid is not None:
            raise self._numbered("insert cannot set")
        try:
            return self.surface.insert(fields, conflict)
        except ConstraintError as error:
            # APSW hands a raised exception on whatever the conflict clause says
            if conflict == apsw.SQLITE_IGNORE and not isinstance(error, ForeignKeyError):
                return 0
            raise
        except NestingError as error:
            raise self._too_deep("insert", error) from error

    def UpdateChangeRow(self, rowid: int, new: int, fields: Sequence[Any]) -> None:
        """Change a row."""
        conflict = self._prepare_write()
        if new != rowid:
            raise self._numbered("update cannot change")
        try:
            self.surface.update(rowid, fields)
        except ConstraintError as error:
            if conflict != apsw.SQLITE_IGNORE or isinstance(error, ForeignKeyError):
                raise
        except NestingError as error:
            raise self._too_deep("update", error) from error

    def UpdateDeleteRow(self, rowid: int) -> None:
        """Delete a row."""
        self._prepare_write()
        self.surface.delete(rowid)

    def _numbered(self, what: str) -> ReadOnlyError:
        return ReadOnlyError(
            f"{self.surface.name} {what} rowid",
            hint="leave rowid out: it follows from the row's key",
            details={"column": "rowid"},
        )

    def _too_deep(self, verb: str, error: NestingError) -> InvalidValueError:
        return InvalidValueError(
            f"{self.surface.name} {verb}: {error}",
            hint="keep what is nested so deeply as text",
            details={"table": self.surface.name},
        )

    def _prepare_write(self) -> int:
        """Return the conflict resolution, once it is clear that the statement goes on."""
        session = self._session
        if session.connection.is_interrupted:
            raise Interrupted("the statement was interrupted")
        session.writer.refuse_guest()
        session.store.refresh()
        # asked first: reading on runs other statements
        conflict = session.writer.conflict = session.connection.vtab_on_conflict()
        session.finish_reading()
        return conflict

    # -- transactions

    def Begin(self) -> None:
        """Join the transaction."""
        self._session.store.transaction.begin()

    def Sync(self) -> None:
        """Finish what the commit needs."""
        session = self._session
        session.writer.conflict = apsw.SQLITE_ABORT
        session.store.transaction.sync()

    def Commit(self) -> None:
        """Note that the transaction is durable."""
        self._session.store.transaction.commit()

    def Rollback(self) -> None:
        """Note that the transaction is gone."""
        self._session.store.transaction.rollback()

    def Savepoint(self, level: int) -> None:
        """Note a savepoint."""
        self._session.store.transaction.savepoint(level)

    def Release(self, level: int) -> None:
        """Note that a savepoint was released."""
        self._session.store.transaction.release(level)

    def RollbackTo(self, level: int) -> None:
        """Note that what followed a savepoint was undone."""
        self._session.store.transaction.rollback_to(level)

    # -- life

    def Disconnect(self) -> None:
        """Let go of the table; SQLite does so when it reads all of a schema anew."""
        self._session.store.replaced()

    def Destroy(self) -> None:
        """Refuse DROP TABLE, unless we drop the table of a schema that goes."""
        if self._session.drops:
            return
        raise ReadOnlyError(
            f"{self.surface.name} is part of the database's lix and cannot be dropped",
            hint="DELETE its rows, or its schema from lix_stored_schema",
        )

    def Rename(self, name: str) -> None:
        """Refuse ALTER TABLE ... RENAME."""
        raise ReadOnlyError(
            f"{self.surface.name} cannot be renamed",
            hint="a view can show it under another name: CREATE VIEW",
        )


class BaseModule:
    """A module whose tables show one surface, built per connected database."""

    def __init__(
        self, sessions: Callable[[str], Session], build: Callable[[Session, Sequence[str]], Surface]
    ) -> None:
        self._sessions = sessions
        self._build = build

    def Create(
        self, connection: Any, module: str, db: str, table: str, *args: str
    ) -> tuple[str, Any]:
        """Create and connect a table; only a lix creates its own."""
        if not self._sessions(db).creates:
            raise UnsupportedSql(
                f"cannot create {table}: it is no table of a schema, nor one of a new lix",
                hint="lix_vtab.load() creates a lix, lix_register_schema() the tables of a schema",
                details={"table": table, "module": module},
            )
        return self.Connect(connection, module, db, table, *args)

    def Connect(
        self, connection: Any, module: str, db: str, table: str, *args: str
    ) -> tuple[str, Any]:
        """Connect a table that exists."""
        session = self._session(db, table)
        connection.vtab_config(apsw.SQLITE_VTAB_CONSTRAINT_SUPPORT, 1)
        surface = self._build(session, args)
        return declaration(surface.columns), Table(session, surface)

    def _session(self, db: str, table: str) -> Session:
        """Return the session of a database one of whose tables is being connected."""
        session = self._sessions(db)
        if db != "main":
            require_format(session.connection, db)
        session.store.connecting(table)
        return session


def declaration(columns: Sequence[Column]) -> str:
    """Write the CREATE TABLE text that declares columns to SQLite."""
    listed = (
        f"{quote(c.name)} {c.declared}{' HIDDEN' if c.hidden else ''}".rstrip() for c in columns
    )
    return f"CREATE TABLE x({', '.join(listed)})"


def _forgets_conditions(session: Session) -> bool:
    """Tell whether SQLite forgets `WHERE a = b` on columns of a table that takes over LIMIT.

    It did so before 3.46.
    """
    version: str = session.connection.run("SELECT sqlite_version()").get
    return tuple(map(int, version.split(".")[:2])) < (3, 46)


def _offer(info: Any, n: int) -> Offer:
    operator = info.get_aConstraint_op(n)
    binary = operator >= apsw.SQLITE_INDEX_CONSTRAINT_LIMIT or (
        info.get_aConstraint_collation(n) == "BINARY"
    )
    return Offer(
        info.get_aConstraint_iColumn(n),
        operator,
        info.get_aConstraint_usable(n),
        binary,
        info.get_aConstraintUsage_in(n),
    )


def _answer(info: Any, chosen: Plan, offers: Sequence[Offer], number: int) -> None:
    for term in chosen.terms:
        info.set_aConstraintUsage_argvIndex(term.offer, term.argument + 1)
        info.set_aConstraintUsage_omit(term.offer, term.exact)
        if term.operator == "IN":
            info.set_aConstraintUsage_in(term.offer, True)
    for n, offer in enumerate(offers):
        place = {
            apsw.SQLITE_INDEX_CONSTRAINT_LIMIT: chosen.limit,
            apsw.SQLITE_INDEX_CONSTRAINT_OFFSET: chosen.offset,
        }.get(offer.operator)
        if place is not None:
            info.set_aConstraintUsage_argvIndex(n, place + 1)
            info.set_aConstraintUsage_omit(n, True)
    info.idxNum = number
    info.idxStr = chosen.text
    info.orderByConsumed = bool(chosen.order)
    info.estimatedCost = chosen.cost
    info.estimatedRows = chosen.rows
