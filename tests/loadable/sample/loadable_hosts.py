"""Three ways to have the sample tables: APSW itself, and the extension in two hosts."""

from __future__ import annotations

import ctypes
import ctypes.util

import apsw
import loadable_sample


class Refused(Exception):
    """A statement failed with this result code and message."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code, self.message = code, message


class ApswHost:
    """The reference: the Python classes registered with APSW, no extension."""

    def __init__(self, path=":memory:"):
        self.connection = apsw.Connection(path)
        self.prepare()
        self.version = apsw.sqlite_lib_version()

    def prepare(self):
        loadable_sample.register(self.connection)
        self.ours = self.connection

    def run(self, sql, *bindings):
        try:
            return self.connection.execute(sql, bindings).fetchall()
        except apsw.Error as error:
            raise Refused(getattr(error, "extendedresult", None), str(error)) from error

    def close(self):
        self.connection.close()


class LoadedApswHost(ApswHost):
    """APSW's SQLite, the newest there is, used as a host like any other."""

    def __init__(self, extension, path=":memory:"):
        self.extension = extension
        super().__init__(path)

    def prepare(self):
        self.connection.enable_load_extension(True)
        self.connection.load_extension(str(self.extension))
        self.ours = loadable_sample.connections.pop()


OK, ROW, DONE, TRANSIENT = 0, 100, 101, ctypes.c_void_p(-1)


def system_sqlite():
    """Return the machine's own SQLite, or None."""
    name = ctypes.util.find_library("sqlite3")
    if name is None:
        return None
    library = ctypes.CDLL(name)
    for function in ("errmsg", "column_text", "libversion"):
        getattr(library, f"sqlite3_{function}").restype = ctypes.c_char_p
    library.sqlite3_column_int64.restype = ctypes.c_int64
    library.sqlite3_column_double.restype = ctypes.c_double
    library.sqlite3_column_blob.restype = ctypes.c_void_p
    if library.sqlite3_libversion_number() < 3040000:
        return None
    if not hasattr(library, "sqlite3_load_extension"):
        return None
    return library


class SystemHost:
    """The stock SQLite library of the machine, driven through its C interface."""

    def __init__(self, extension, path=":memory:"):
        self.library = system_sqlite()
        self.db = ctypes.c_void_p()
        self.check(self.library.sqlite3_open(path.encode(), ctypes.byref(self.db)))
        self.library.sqlite3_enable_load_extension(self.db, 1)
        problem = ctypes.c_char_p()
        code = self.library.sqlite3_load_extension(
            self.db, str(extension).encode(), None, ctypes.byref(problem)
        )
        if code != OK:
            raise Refused(code, problem.value.decode())
        self.adopt()
        self.version = self.library.sqlite3_libversion().decode()

    def adopt(self):
        self.ours = loadable_sample.connections.pop()

    def check(self, code):
        if code not in (OK, ROW, DONE):
            raise Refused(code, self.library.sqlite3_errmsg(self.db).decode())
        return code

    def run(self, sql):
        rows = []
        rest = ctypes.c_char_p(sql.encode())
        while rest.value and rest.value.strip():
            rows += self.run_one(rest)
        return rows

    def run_one(self, rest):
        statement = ctypes.c_void_p()
        self.check(
            self.library.sqlite3_prepare_v2(
                self.db, rest, -1, ctypes.byref(statement), ctypes.byref(rest)
            )
        )
        rows = []
        try:
            while statement and self.check(self.library.sqlite3_step(statement)) == ROW:
                count = self.library.sqlite3_column_count(statement)
                rows.append(tuple(self.value(statement, n) for n in range(count)))
        finally:
            self.library.sqlite3_finalize(statement)
        return rows

    def value(self, statement, n):
        kind = self.library.sqlite3_column_type(statement, n)
        if kind == 1:
            return self.library.sqlite3_column_int64(statement, n)
        if kind == 2:
            return self.library.sqlite3_column_double(statement, n)
        if kind == 3:
            return self.library.sqlite3_column_text(statement, n).decode()
        if kind == 4:
            data = self.library.sqlite3_column_blob(statement, n)
            size = self.library.sqlite3_column_bytes(statement, n)
            return ctypes.string_at(data, size)
        return None

    def close(self):
        """As strict as a stock host: fails while any statement is unfinished."""
        code, self.db = self.library.sqlite3_close(self.db), None
        if code != OK:
            raise Refused(code, "close")
