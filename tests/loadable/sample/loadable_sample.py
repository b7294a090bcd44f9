"""Virtual tables and functions for the tests: the same code for APSW and for the extension.

`initialise` is the entry point the tests bake into the extension they build. `register` is what it
does, and works on an `apsw.Connection` as well, so that both can be compared.
"""

from __future__ import annotations

import copy
import itertools
import json
import os
import signal
import threading
import time

import apsw

from lix_vtab.errors import InvalidValueError, ReadOnlyError, UniqueError

connections: list = []
"""Every connection the extension was loaded into, in this process."""


def initialise(connection):
    connections.append(connection)
    register(connection)


def register(connection):
    log = Log()
    options = {"use_bestindex_object": True, "use_no_change": True, "iVersion": 4}
    connection.create_module("sample", StoreModule(log), **options)
    connection.create_module("sample_shadows", ShadowModule(), **options)
    connection.create_module("faulty", FaultyModule(), **options)
    connection.create_module(
        "numbers", NumbersModule(ListCursor), eponymous_only=True, read_only=True, **options
    )
    connection.create_module(
        "plain_numbers", NumbersModule(PlainCursor), eponymous_only=True, read_only=True, **options
    )
    for name, function, count in (
        ("sample_log", log.take, 0),
        ("sample_sql", lambda sql: text(connection.execute(sql).get), 1),
        ("sample_fail", fail, 1),
        ("sample_echo", lambda *args: args[-1] if args else None, -1),
        ("sample_type", lambda value: type(value).__name__, 1),
        ("sample_wait", lambda: wait(connection), 0),
        ("sample_control_c", lambda: control_c(connection), 0),
        ("sample_nested", lambda: nested(connection), 0),
    ):
        connection.create_scalar_function(name, function, count)
    connection.create_scalar_function("sample_twice", lambda n: n * 2, 1, deterministic=True)
    return log


def text(value):
    return json.dumps(value, default=repr)


def fail(kind):
    raise {
        "unique": UniqueError("a = 1 is taken", hint="choose another a"),
        "read_only": ReadOnlyError("sample is read-only"),
        "type": InvalidValueError("a must be a number"),
        "busy": apsw.BusyError("somebody else is writing"),
        "bug": ZeroDivisionError("division by zero"),
        "unicode": UniqueError("Ärger mit 日本 % %s"),
        "surrogate": UniqueError("\ud800"),
        "silent": apsw.InterruptError(),
    }[kind]


waiting = threading.Event()
"""Set while a function waits for an interrupt: one that comes before its statement is lost."""


def wait(connection):
    """Do nothing until the connection is interrupted."""
    started = time.monotonic()
    waiting.set()
    while not connection.is_interrupted:
        time.sleep(0.001)
        if time.monotonic() - started > 60:
            raise TimeoutError("nobody interrupted")
    raise apsw.InterruptError("stopped in Python")


def control_c(connection):
    """Press Control-C and wait for the effect."""
    os.kill(os.getpid(), signal.SIGINT)
    wait(connection)


def nested(connection):
    """Interrupt the connection from a thread while a long statement runs on it."""
    timer = threading.Timer(0.05, connection.interrupt)
    timer.start()
    try:
        return connection.execute(
            "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c"
        ).get
    finally:
        timer.join()


class Log:
    """What was called, in order."""

    def __init__(self):
        self.entries = []

    def add(self, *entry):
        self.entries.append(entry)

    def take(self):
        entries, self.entries = self.entries, []
        return "\n".join(" ".join(map(str, entry)) for entry in entries)


# ---- a writable table ----------------------------------------------------------------------------


class StoreModule:
    """`CREATE VIRTUAL TABLE t USING sample(a, b, c)`; the first column is unique."""

    def __init__(self, log):
        self.log = log

    def Create(self, connection, module, schema, name, *columns):
        self.log.add("Create", module, schema, name, *columns)
        return self.make(connection, name, columns)

    def Connect(self, connection, module, schema, name, *columns):
        self.log.add("Connect", module, schema, name, *columns)
        return self.make(connection, name, columns)

    def make(self, connection, name, columns):
        connection.vtab_config(apsw.SQLITE_VTAB_CONSTRAINT_SUPPORT, 1)
        columns = [column.strip() for column in columns] or ["a", "b", "c"]
        table = StoreTable(connection, name, len(columns), self.log)
        return f"CREATE TABLE x({', '.join(columns)})", table


class StoreTable:
    def __init__(self, connection, name, width, log):
        self.connection = connection
        self.name = name
        self.width = width
        self.log = log
        self.rows = {}
        self.begun = None
        self.savepoints = {}

    def BestIndexObject(self, info):
        plan = plan_of(info)
        self.log.add("BestIndexObject", *plan["log"])
        info.idxNum = plan["number"]
        info.idxStr = json.dumps(plan["columns"])
        info.estimatedCost = 10.0
        info.estimatedRows = 5
        info.orderByConsumed = plan["ordered"]
        info.idxFlags = 0
        return True

    def Open(self):
        self.log.add("Open")
        return StoreCursor(self)

    def Disconnect(self):
        self.log.add("Disconnect")

    def Destroy(self):
        self.log.add("Destroy")

    def Rename(self, name):
        self.log.add("Rename", name)
        if name == "forbidden":
            raise ReadOnlyError("the table cannot have this name")
        self.name = name

    def Begin(self):
        self.log.add("Begin")
        self.begun = copy.deepcopy(self.rows)

    def Sync(self):
        self.log.add("Sync")
        if any(row[0] == "unsyncable" for row in self.rows.values()):
            raise UniqueError("cannot be committed", hint="remove it")

    def Commit(self):
        self.log.add("Commit")
        self.savepoints.clear()

    def Rollback(self):
        self.log.add("Rollback")
        self.rows = self.begun
        self.savepoints.clear()

    def Savepoint(self, level):
        self.log.add("Savepoint", level)
        self.savepoints[level] = copy.deepcopy(self.rows)

    def Release(self, level):
        self.log.add("Release", level)
        self.savepoints = {n: rows for n, rows in self.savepoints.items() if n < level}

    def RollbackTo(self, level):
        self.log.add("RollbackTo", level)
        if level in self.savepoints:
            self.rows = copy.deepcopy(self.savepoints[level])

    def clash(self, value, but=None):
        """Say what a write must do: go on ("write"), leave the row out ("skip"), or fail."""
        for rowid, row in list(self.rows.items()):
            if row[0] == value and value is not None and rowid != but:
                mode = self.connection.vtab_on_conflict()
                self.log.add("conflict", mode)
                if mode == apsw.SQLITE_IGNORE:
                    return "skip"
                if mode == apsw.SQLITE_REPLACE:
                    del self.rows[rowid]
                    return "write"
                raise UniqueError(f"{self.name}.a = {value!r} is taken", hint="choose another a")
        return "write"

    def UpdateInsertRow(self, rowid, fields):
        self.log.add("UpdateInsertRow", rowid, text(fields))
        if fields[0] == "refused":
            raise InvalidValueError("a must not be 'refused'")
        if self.clash(fields[0]) == "skip":
            return 0
        if rowid is None:
            rowid = max(self.rows, default=0) + 1
        self.rows[rowid] = list(fields)
        return rowid

    def UpdateChangeRow(self, rowid, new_rowid, fields):
        shown = ["same" if field is apsw.no_change else field for field in fields]
        self.log.add("UpdateChangeRow", rowid, new_rowid, text(shown))
        old = self.rows[rowid]
        row = [o if f is apsw.no_change else f for o, f in zip(old, fields, strict=True)]
        if self.clash(row[0], but=rowid) == "skip":
            return
        del self.rows[rowid]
        self.rows[new_rowid] = row

    def UpdateDeleteRow(self, rowid):
        self.log.add("UpdateDeleteRow", rowid)
        del self.rows[rowid]

    def FindFunction(self, name, count):
        if name == "match" and count == 2:
            return apsw.SQLITE_INDEX_CONSTRAINT_FUNCTION, lambda pattern, value: pattern in value
        if name == "sample_twice":
            return lambda value: f"overloaded {value}"
        return None

    def Integrity(self, schema, name, quick):
        self.log.add("Integrity", schema, name, quick)
        if any(row[0] == "broken" for row in self.rows.values()):
            return f"{schema}.{name}: a row is broken"
        return None


def plan_of(info):
    """Use EQ and IN on columns, MATCH on the last one, and LIMIT and OFFSET when all is used."""
    columns, log, limits, position, complete = [], [], [], 0, True
    wanted = {
        apsw.SQLITE_INDEX_CONSTRAINT_LIMIT: "limit",
        apsw.SQLITE_INDEX_CONSTRAINT_OFFSET: "offset",
    }
    for n in range(info.nConstraint):
        op = info.get_aConstraint_op(n)
        if op in wanted:
            limits.append((n, wanted[op]))
            continue
        column = info.get_aConstraint_iColumn(n)
        usable = info.get_aConstraint_usable(n)
        together = info.get_aConstraintUsage_in(n)
        log.append(f"{column}:{op}:{usable}:{together}:{info.get_aConstraint_collation(n)}")
        if op != apsw.SQLITE_INDEX_CONSTRAINT_EQ or column < 0 or not usable:
            complete = False
            continue
        if together:
            info.set_aConstraintUsage_in(n, True)
        position += 1
        info.set_aConstraintUsage_argvIndex(n, position)
        info.set_aConstraintUsage_omit(n, True)
        columns.append([column, "in" if together else "eq"])
    orders = [
        (info.get_aOrderBy_iColumn(n), info.get_aOrderBy_desc(n)) for n in range(info.nOrderBy)
    ]
    ordered = orders == [(-1, False)]
    if complete and (ordered or not orders):
        for n, name in limits:
            if info.get_aConstraint_usable(n):
                log.append(f"{name}={info.get_aConstraint_rhs(n)}")
                position += 1
                info.set_aConstraintUsage_argvIndex(n, position)
                info.set_aConstraintUsage_omit(n, True)
                columns.append([-1, name])
    log.append(f"used={sorted(info.colUsed)}")
    log.append(f"distinct={info.distinct}")
    return {"columns": columns, "number": len(columns), "ordered": ordered, "log": log}


class StoreCursor:
    def __init__(self, table):
        self.table = table

    def Filter(self, number, plan, args):
        shown = [sorted(arg, key=str) if isinstance(arg, set) else arg for arg in args]
        self.table.log.add("Filter", number, plan, text(shown))
        found = sorted(self.table.rows.items())
        limit, offset = None, 0
        for (column, kind), arg in zip(json.loads(plan), args, strict=True):
            if kind == "eq":
                found = [item for item in found if item[1][column] == arg and arg is not None]
            elif kind == "in":
                found = [item for item in found if item[1][column] in arg]
            elif kind == "limit":
                limit = arg
            else:
                offset = arg
        stop = None if limit is None or limit < 0 else offset + limit
        self.found = found[offset:stop]
        self.position = 0

    def Eof(self):
        return self.position >= len(self.found)

    def Next(self):
        self.position += 1

    def Column(self, number):
        rowid, row = self.found[self.position]
        return rowid if number == -1 else row[number]

    def ColumnNoChange(self, number):
        return apsw.no_change

    def Rowid(self):
        return self.found[self.position][0]

    def Close(self):
        self.table.log.add("Close")


# ---- a read-only table-valued function, with two kinds of cursors --------------------------------


class NumbersModule:
    """`numbers(stop)`: rows value, text, real, blob, empty."""

    def __init__(self, cursor):
        self.cursor = cursor

    def Connect(self, connection, module, schema, name):
        return "CREATE TABLE x(value, text, real, blob, empty, stop HIDDEN)", NumbersTable(
            self.cursor
        )


class NumbersTable:
    def __init__(self, cursor):
        self.cursor = cursor

    def BestIndexObject(self, info):
        for n in range(info.nConstraint):
            if info.get_aConstraint_iColumn(n) == 5:
                if not info.get_aConstraint_usable(n):
                    return False
                info.set_aConstraintUsage_argvIndex(n, 1)
                info.set_aConstraintUsage_omit(n, True)
        return True

    def Open(self):
        return self.cursor()

    def Disconnect(self):
        pass

    Destroy = Disconnect


def rows(stop):
    for n in range(stop):
        yield [n, f"row {n}", n / 4, b"blob", None, stop]


class ListCursor(list):
    """The cheap kind: the cursor is the row, and advancing happens in Eof."""

    Column = list.__getitem__

    def Filter(self, number, plan, args):
        self.Eof = self.advance(args[0] if args else 10).__next__

    def advance(self, stop):
        for row in rows(stop):
            self[:] = row
            yield False
        yield True

    def Next(self):
        pass

    def Rowid(self):
        return self[0]

    def Close(self):
        pass


class PlainCursor:
    """The textbook kind."""

    def Filter(self, number, plan, args):
        self.rows = rows(args[0] if args else 10)
        self.Next()

    def Eof(self):
        return self.row is None

    def Next(self):
        self.row = next(self.rows, None)

    def Column(self, number):
        return self.row[number]

    def Rowid(self):
        return self.row[0]

    def Close(self):
        pass


# ---- misbehaving ---------------------------------------------------------------------------------


class FaultyModule:
    """`CREATE VIRTUAL TABLE t USING faulty(Filter, bug)`: the method named raises `fail(kind)`."""

    def Create(self, connection, module, schema, name, where, kind):
        if where == module or where == "Create":
            fail(kind)
        table = FaultyTable(where, kind)
        return ("CREATE TABLE x(" if where == "schema" else "CREATE TABLE x(a, b)"), table

    Connect = Create


class FaultyTable:
    def __init__(self, where, kind):
        self.where, self.kind = where, kind

    def __getattribute__(self, name):
        where = object.__getattribute__(self, "where") if name[0].isupper() else None
        if name == where:
            kind = self.kind
            return lambda *args: fail(kind)
        return object.__getattribute__(self, name)

    def BestIndexObject(self, info):
        return self.where != "False"

    def Open(self):
        return FaultyCursor(self.where, self.kind)

    def Disconnect(self):
        pass

    def Destroy(self):
        pass

    def UpdateInsertRow(self, rowid, fields):
        return None if self.where == "None" else 1

    def UpdateChangeRow(self, rowid, new_rowid, fields):
        pass

    def UpdateDeleteRow(self, rowid):
        pass


class FaultyCursor:
    def __init__(self, where, kind):
        self.where, self.kind = where, kind
        self.left = itertools.chain([False, False], itertools.repeat(True)).__next__

    def call(self, name, value=None):
        if self.where == name:
            fail(self.kind)
        return value

    def Filter(self, *args):
        self.call("Filter")

    def Eof(self):
        return self.call("Eof", self.left())

    def Next(self):
        self.call("Next")

    def Column(self, number):
        if self.where == "object":
            return object()
        if self.where == "huge":
            return 1 << 80
        return self.call("Column", number)

    def Rowid(self):
        return self.call("Rowid", 1)

    def Close(self):
        pass


class ShadowModule:
    """Its tables are called `sample_shadows`; `sample_shadows_data` is a shadow of them."""

    def Create(self, connection, module, schema, name):
        return "CREATE TABLE x(a)", FaultyTable("", "")

    Connect = Create

    def ShadowName(self, suffix):
        return suffix == "data"
