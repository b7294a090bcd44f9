"""`lix sql`: statements from the command line, a file or standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TextIO

import click

from lix_vtab.cli.call import Call, command
from lix_vtab.cli.failures import Failure, report
from lix_vtab.cli.values import listed

if TYPE_CHECKING:
    from lix_vtab import Lix
    from lix_vtab.execution.contracts import Statement
    from lix_vtab.execution.result import Result

__all__ = ["sql"]


@command(
    examples=(
        'lix sql "SELECT * FROM lix_version"',
        'lix sql --json -p name main "SELECT id FROM lix_version WHERE name = :name"',
        "lix sql < script.sql",
    )
)
@click.argument("statements", required=False)
@click.option(
    "-f", "--file", type=click.File(encoding="utf-8"), help="Read statements from a file."
)
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
    file: TextIO | None,
    params: tuple[tuple[str, str], ...],
    as_list: bool,
    atomic: bool,
    keep_going: bool,
) -> int:
    """Run SQL statements and print the rows of each.

    STATEMENTS is SQL text; - or nothing reads standard input. Each statement is a transaction of
    its own unless the text begins one.
    """
    text = _text(statements, file)
    values = {name.lstrip(":@$"): _number(value) for name, value in params}
    run = _Run(call, values, as_list=as_list)
    if not atomic:
        return run.all(text, keep_going=keep_going)
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
                reported = report(error)
                code = code or reported
        return code

    def _parameters(self, statement: Statement) -> Mapping[str, Any] | tuple[()]:
        names = {placeholder.text[1:] for placeholder in statement.placeholders}
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


def _text(statements: str | None, file: TextIO | None) -> str:
    if statements is not None and file is not None:
        raise click.UsageError("give statements or --file, not both")
    if file is not None:
        return file.read()
    if statements is None and sys.stdin.isatty():
        raise click.UsageError("give statements, --file or standard input")
    return sys.stdin.read() if statements in (None, "-") else str(statements)


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
    """Take what looks like a number as one.

    >>> _number("12"), _number("1.5"), _number("1x")
    (12, 1.5, '1x')
    """
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value
