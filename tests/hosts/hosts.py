"""Three ways to run SQL on a lix: a bare APSW connection, stock sqlite3, and PEP 249."""

from __future__ import annotations

import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import apsw

import lix_vtab
from lix_vtab import dbapi, errors
from lix_vtab.execution.catalogue import Catalogue
from lix_vtab.execution.parse import parse
from lix_vtab.execution.result import Result
from lix_vtab.execution.translate import translate

_CODED = re.compile(r"(?P<code>LIX_[A-Z_]+): (?P<message>.*)", re.DOTALL)
_CLASSES = [getattr(errors, name) for name in errors.__all__]
_OF_CODE = {cls.code: cls for cls in sorted(_CLASSES, key=lambda cls: len(cls.__mro__))}
"""The most special class of each code."""

_PRIMARY = 0xFF


class Host(Protocol):
    """One connection to a lix."""

    lowers: bool
    """Whether it has what `execute` adds to SQLite: UPSERT, RETURNING, scripts, parameters."""

    def run(self, sql: str, params: Any) -> Result: ...

    @property
    def in_transaction(self) -> bool: ...

    def close(self) -> None: ...


def as_lix_error(message: str, code: int | None) -> Exception:
    """Return the error a message of a host stands for, holding code and class against it."""
    coded = _CODED.fullmatch(message)
    if coded is None:
        kind = apsw.exception_for(code) if code else apsw.SQLError(message)
        kind.args = (message,)
        return translate(kind, Catalogue.of(0, []), "")
    cls = _OF_CODE[coded["code"]]
    error = cls(coded["message"])
    outside = next(base for base in cls.__mro__ if base.__module__ == "apsw")
    expected = getattr(apsw, f"SQLITE_{outside.__name__.removesuffix('Error').upper()}", None)
    if code is not None and expected is not None:
        assert code & _PRIMARY == expected, f"{message}: result code {code}"
    return error


class ApswHost:
    """A bare `apsw.Connection` into which lix was loaded."""

    lowers = False

    def __init__(self, path: str, _process: StockProcess | None, **options: Any) -> None:
        assert not options
        self.connection = apsw.Connection(path)
        lix_vtab.load(self.connection)

    def run(self, sql: str, params: Any) -> Result:
        try:
            cursor = self.connection.execute(sql, params)
            try:
                columns = cursor.get_description()
            except apsw.ExecutionCompleteError:
                columns = ()
            return Result(cursor.fetchall(), columns, self.connection.changes())
        except errors.LixError:
            raise
        except apsw.Error as error:
            raise translate(error, Catalogue.of(0, []), sql) from error

    @property
    def in_transaction(self) -> bool:
        return self.connection.in_transaction

    def close(self) -> None:
        self.connection.close()


class StockProcess:
    """Python's own sqlite3 in a process of its own; closing its input ends it."""

    def __init__(self, python: str, extension: Path) -> None:
        program = Path(__file__).with_name("stock_host.py")
        self._process = subprocess.Popen(
            [python, "-I", str(program), str(extension)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._numbers = count(1)

    def ask(self, verb: str, *arguments: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        pickle.dump((verb, arguments), self._process.stdin)
        self._process.stdin.flush()
        kind, *answer = pickle.load(self._process.stdout)
        if kind == "done":
            return answer[0]
        _, message, code = answer
        raise as_lix_error(message, code)

    def open(self, path: str) -> int:
        """Open a database and return its number."""
        number = next(self._numbers)
        self.ask("open", number, path)
        return number

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        assert self._process.wait(timeout=60) == 0


class StockHost:
    """One connection of a `StockProcess`, with the loadable extension."""

    lowers = False

    def __init__(self, path: str, process: StockProcess, **options: Any) -> None:
        assert not options
        self._process = process
        self._number = process.open(path)

    def run(self, sql: str, params: Any) -> Result:
        rows, columns, changes = self._process.ask("execute", self._number, sql, params)
        return Result(rows, tuple((name,) for name in columns), changes)

    @property
    def in_transaction(self) -> bool:
        return bool(self._process.ask("in_transaction", self._number))

    def close(self) -> None:
        self._process.ask("close", self._number)


class DbapiHost:
    """`lix_vtab.dbapi`, each statement committed unless a transaction was begun."""

    lowers = True

    def __init__(self, path: str, _process: StockProcess | None, **options: Any) -> None:
        self.connection = dbapi.connect(path, isolation_level=None, internal=True, **options)

    def run(self, sql: str, params: Any) -> Result:
        cursor = self.connection.cursor()
        try:
            if len(parse(sql).statements) > 1:
                cursor.executescript(sql)
            else:
                cursor.execute(sql, params)
        except dbapi.Error as error:
            raise error.__cause__ or error from None
        rows = cursor.fetchall() if cursor.description else []
        return Result(rows, cursor.description or (), max(cursor.rowcount, 0))

    @property
    def in_transaction(self) -> bool:
        return self.connection.in_transaction

    def close(self) -> None:
        self.connection.close()


HOSTS: Mapping[str, type] = {"apsw": ApswHost, "stock": StockHost, "dbapi": DbapiHost}


@cache
def stock_python() -> str | None:
    """Return a Python of this version whose sqlite3 loads extensions, if there is one."""
    probe = (
        "import sqlite3, sys; sqlite3.connect(':memory:').enable_load_extension(True);"
        "assert sqlite3.sqlite_version_info >= (3, 40);"
        f"assert sys.version_info[:2] == {sys.version_info[:2]}"
    )
    candidates: Sequence[str | None] = (
        sys.executable,
        "/usr/bin/python3",
        shutil.which("python3"),
    )
    for program in dict.fromkeys(filter(None, candidates)):
        done = subprocess.run([program, "-I", "-c", probe], capture_output=True, check=False)
        if done.returncode == 0:
            return program
    return None
