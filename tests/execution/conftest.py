"""A writable virtual table over an ordinary one, to run lowered statements on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw
import pytest

from lix_vtab.execution.catalogue import Catalogue, Table, UniqueKey
from lix_vtab.execution.executor import Executor

ENTRY = """(
    k TEXT NOT NULL,
    s TEXT NOT NULL DEFAULT 'f',
    u INTEGER UNIQUE,
    n INTEGER,
    stamp TEXT DEFAULT 'made here',
    PRIMARY KEY (k, s)
)"""
ITEM = "(id INTEGER PRIMARY KEY, a TEXT UNIQUE, b)"


class Mirror:
    """Module: `CREATE VIRTUAL TABLE v USING mirror(backing)`."""

    def Create(self, db: apsw.Connection, _module: str, _schema: str, _name: str, backing: str):
        db.vtab_config(apsw.SQLITE_VTAB_CONSTRAINT_SUPPORT, 1)
        columns = db.execute(f'SELECT name, type, dflt_value FROM pragma_table_info("{backing}")')
        table = MirrorTable(db, backing, list(columns))
        return f"CREATE TABLE v({', '.join(f'{c} {t}' for c, t, _ in table.columns)})", table

    Connect = Create


class MirrorTable:
    def __init__(self, db: apsw.Connection, backing: str, columns: list[tuple[str, str, Any]]):
        self.db, self.backing, self.columns = db, backing, columns

    def BestIndex(self, _constraints: Any, _orders: Any) -> None:
        return None

    def Open(self) -> MirrorCursor:
        return MirrorCursor(self)

    def Disconnect(self) -> None:
        pass

    Destroy = Disconnect

    def _or(self) -> str:
        names = {apsw.SQLITE_IGNORE: "IGNORE", apsw.SQLITE_REPLACE: "REPLACE"}
        action = names.get(self.db.vtab_on_conflict())
        return f"OR {action}" if action else ""

    def UpdateInsertRow(self, rowid: int | None, fields: Sequence[Any]) -> int:
        given = [
            (column, value)
            for (column, _, default), value in zip(self.columns, fields, strict=True)
            if value is not None or default is None
        ]
        if rowid is not None:
            given.append(("rowid", rowid))
        names = ", ".join(column for column, _ in given)
        marks = ", ".join("?" for _ in given)
        self.db.execute(
            f'INSERT {self._or()} INTO "{self.backing}" ({names}) VALUES ({marks})',
            [value for _, value in given],
        )
        return self.db.last_insert_rowid()

    def UpdateChangeRow(self, row: int, newrowid: int, fields: Sequence[Any]) -> None:
        names = ", ".join(f"{column} = ?" for column, _, _ in self.columns)
        self.db.execute(
            f'UPDATE {self._or()} "{self.backing}" SET {names} WHERE rowid = ?', [*fields, row]
        )

    def UpdateDeleteRow(self, rowid: int) -> None:
        self.db.execute(f'DELETE FROM "{self.backing}" WHERE rowid = ?', (rowid,))


class MirrorCursor:
    def __init__(self, table: MirrorTable) -> None:
        self.table = table

    def Filter(self, *_: Any) -> None:
        names = ", ".join(column for column, _, _ in self.table.columns)
        sql = f'SELECT rowid, {names} FROM "{self.table.backing}" ORDER BY rowid'
        self.rows = self.table.db.execute(sql).fetchall()
        self.position = 0

    def Eof(self) -> bool:
        return self.position >= len(self.rows)

    def Next(self) -> None:
        self.position += 1

    def Rowid(self) -> int:
        return self.rows[self.position][0]

    def Column(self, number: int) -> Any:
        return self.rows[self.position][number + 1]

    def Close(self) -> None:
        pass


TABLES = (
    Table(
        "entry",
        "entity",
        ("k", "s", "u", "n", "stamp"),
        identity=("k", "s"),
        keys=(UniqueKey(("k", "s")), UniqueKey(("u",))),
        defaults={"s": "'f'", "stamp": "'made here'"},
    ),
    Table(
        "item",
        "entity",
        ("id", "a", "b"),
        identity=("id",),
        keys=(UniqueKey(("id",)), UniqueKey(("a",))),
    ),
    Table(
        "entry_history", "history", ("k", "n"), refuses=frozenset({"INSERT", "UPDATE", "DELETE"})
    ),
)


class Side:
    """One of two databases that should behave alike."""

    def __init__(self, db: apsw.Connection, catalogue: Catalogue) -> None:
        self.db = db
        self.executor = Executor(db, lambda: catalogue)

    def run(self, sql: str, params: Any = ()) -> tuple[Any, ...]:
        """Return what a statement did, or the class of error it raised."""
        try:
            result = self.executor.execute(sql, params)
        except apsw.ConstraintError:
            return ("constraint", self.contents())
        except apsw.SQLError:
            return ("refused", self.contents())
        return (result.rows, result.columns, result.changes, self.contents())

    def contents(self) -> list[tuple[Any, ...]]:
        entries = self.db.execute("SELECT * FROM entry ORDER BY k, s").fetchall()
        return entries + self.db.execute("SELECT * FROM item ORDER BY id").fetchall()


def make_native() -> Side:
    db = apsw.Connection(":memory:")
    db.execute(f"CREATE TABLE entry {ENTRY}; CREATE TABLE item {ITEM}")
    return Side(db, Catalogue.of(1, []))


def make_virtual() -> Side:
    db = apsw.Connection(":memory:")
    db.create_module("mirror", Mirror())
    db.execute(f"CREATE TABLE entry_data {ENTRY}; CREATE TABLE item_data {ITEM}")
    db.execute("CREATE VIRTUAL TABLE entry USING mirror(entry_data)")
    db.execute("CREATE VIRTUAL TABLE item USING mirror(item_data)")
    return Side(db, Catalogue.of(1, TABLES))


@pytest.fixture
def native() -> Side:
    return make_native()


@pytest.fixture
def virtual() -> Side:
    return make_virtual()


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue.of(1, TABLES)
