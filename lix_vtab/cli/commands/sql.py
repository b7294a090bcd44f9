"""`lix sql`: statements from the command line, a file or standard input."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import IO, TYPE_CHECKING, Any

import click

from lix_vtab.cli.call import Call, command
from lix_vtab.cli.exits import STATE
from lix_vtab.cli.failures import Failure, report
from lix_vtab.cli.values import listed

if TYPE_CHECKING:
    from lix_vtab import Lix
    from lix_vtab.execution.contracts import Statement
    from lix_vtab.execution.result import Result

__all__ = ["sql"]

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


@command(
    examples=(
        'lix sql "SELECT * FROM lix_version"',
        'lix sql --json -p name main "SELECT id FROM lix_version WHERE name = :name"',
        "lix sql < script.sql",
    )
)
@click.argument("statements", required=False)
@click.option("-f", "--file", type=click.File("rb"), help="Read statements from a file.")
@click.option(
    "-p",
    "--param",
    "params",
    nargs=2,
    multiple=True,
    metavar="NAME VALUE",
    help="Give a value to :NAME; numbers are numbers, all else is text.",
)
@click.option("--list", "as_list", is_flag=True, help="Print as the sqlite3 shell does.")
@click.option("--atomic", is_flag=True, help="Run all statements in one transaction, or none.")
@click.option("--keep-going", is_flag=True, help="Go on after a statement that failed.")
def sql(
    call: Call,
    statements: str | None,
    file: IO[bytes] | None,
    params: tuple[tuple[str, str], ...],
    as_list: bool,
    atomic: bool,
    keep_going: bool,
) -> int:
    """Run SQL statements and print the rows of each.

    STATEMENTS is SQL text; - or nothing reads standard input. Each statement is a transaction of
    its own unless the text begins one, which it then has to end.
    """
    text = _text(statements, file)
    values = {name.lstrip(":@$"): _number(value) for name, value in params}
    run = _Run(call, values, as_list=as_list)
    if not atomic:
        code = run.all(text, keep_going=keep_going)
        if code == 0 and call.lix.connection.in_transaction:
            raise Failure(
                "the statements end inside the transaction they began: it is rolled back",
                hint="end it with COMMIT",
                code=STATE,
            )
        return code
    with call.lix.transaction():
        return run.all(text, keep_going=False)


class _Run:
    """A run of statements: prints the rows of each, remembers the first failure."""

    def __init__(self, call: Call, values: Mapping[str, Any], *, as_list: bool) -> None:
        self._lix: Lix = call.lix
        self._screen = call.screen
        self._values = values
        self._as_list = as_list

    def all(self, text: str, *, keep_going: bool) -> int:
        """Run every statement; return the exit code of the first that failed."""
        code = 0
        for line, statement in _statements(text):
            try:
                self._print(self._lix.execute(statement.text, self._parameters(statement)))
            except Exception as error:
                if hasattr(error, "message") and line > 1:
                    error.message = f"line {line}: {error.message}"
                if not keep_going:
                    raise
                reported = report(error, as_json=self._screen.form == "json")
                code = code or reported
        return code

    def _parameters(self, statement: Statement) -> Mapping[str, Any] | tuple[()]:
        names = {placeholder.text[1:] for placeholder in statement.placeholders}
        if any(not name or name.isdigit() for name in names):
            raise Failure(
                f"a ? has no name to give it a value by: {statement.text.strip()}",
                hint="write :NAME, and give the value with -p NAME VALUE",
            )
        missing = sorted(names - set(self._values))
        if missing:
            raise Failure(f"no value for :{missing[0]}", hint=f"give it: -p {missing[0]} VALUE")
        return {name: self._values[name] for name in names} or ()

    def _print(self, result: Result) -> None:
        if not result.columns:
            return
        if not self._as_list:
            self._screen.results(result.columns, result.rows)
            return
        for row in result.rows:
            self._screen.write("|".join(map(listed, row)) + "\n")


def _text(statements: str | None, file: IO[bytes] | None) -> str:
    if statements is not None and file is not None:
        raise click.UsageError("give statements or --file, not both")
    if file is not None:
        return _decoded(file)
    if statements is None and sys.stdin.isatty():
        raise click.UsageError("give statements, --file or standard input")
    return _decoded(sys.stdin.buffer) if statements in (None, "-") else str(statements)


def _decoded(file: IO[bytes]) -> str:
    try:
        return file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise Failure(
            f"the statements are not UTF-8: byte 0x{error.object[error.start]:02x} on line {line}",
            hint="save the script as UTF-8",
        ) from error


def _statements(text: str) -> Iterator[tuple[int, Statement]]:
    """Yield each statement with the line it begins on."""
    from lix_vtab.execution.errors import EmptyScript
    from lix_vtab.execution.parse import parse

    try:
        found = parse(text).statements
    except EmptyScript:
        return
    position = 0
    for statement in found:
        position = text.index(statement.text, position)
        yield text.count("\n", 0, position) + 1, statement
        position += len(statement.text)


def _number(value: str) -> int | float | str:
    """Take what is written like a number of SQL as one, as long as that keeps it as it is.

    >>> _number("12"), _number("-1.5e3"), _number("007"), _number("nan"), _number("1_000")
    (12, -1500.0, '007', 'nan', '1_000')
    """
    if not _NUMBER.fullmatch(value):
        return value
    if value.lstrip("-").isdigit():
        whole = int(value)
        return whole if -(2**63) <= whole < 2**63 else value
    real = float(value)
    return real if isfinite(real) else value
