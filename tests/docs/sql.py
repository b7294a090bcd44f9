"""Run a `sql` block statement by statement and compare its rows with the `text` block after it.

A row is shown as its values joined by `|`, a blob as `x'..'`, NULL as `NULL` throughout a block or,
as the `sqlite3` shell has it, as nothing. White space around a value does not count, and `...`
stands for anything. When the shown text has a rule such as `---|---`, the column names stand above
it. A statement that is meant to fail shows the error's text in place of its rows.
"""

from __future__ import annotations

import re
import sqlite3
from typing import Any, Protocol

from tests.docs.blocks import Block
from tests.docs.outcome import same, verify

__all__ = ["run_sql", "split_statements"]

_NULL = "\0"
_RULE = re.compile(r"[-+| ]*-{2,}[-+| ]*")


class _Lix(Protocol):
    def execute(self, sql: str) -> Any: ...


def run_sql(block: Block, lix: _Lix) -> None:
    """Execute `block` on `lix`; without a shown result it only has to succeed."""
    shown = (block.expected or "").splitlines()
    with_names = any(_RULE.fullmatch(line) for line in shown)
    errors_shown = any(line.startswith("LIX_") for line in shown)
    actual: list[str] = []
    for statement in split_statements(block.text):
        try:
            result = lix.execute(statement)
        except Exception as error:
            if not errors_shown:
                raise
            actual += str(error).splitlines()
            continue
        if with_names and result.columns:
            actual += ["|".join(result.columns), _rule(len(result.columns))]
        actual += ["|".join(map(_text, row)) for row in result.rows]
    if block.expected is not None:
        _compare(shown, actual, str(block))


def _compare(shown: list[str], actual: list[str], place: str) -> None:
    expected = "\n".join(map(_tidy, shown))
    if not same(expected, "\n".join(_tidy(line.replace(_NULL, "")) for line in actual)):
        verify(expected, "\n".join(_tidy(line.replace(_NULL, "NULL")) for line in actual), place)


def split_statements(script: str) -> list[str]:
    """Cut a script after each complete statement.

    >>> split_statements("SELECT ';'; SELECT 2;")
    ["SELECT ';';", 'SELECT 2;']
    """
    statements, pending = [], ""
    for piece in re.split(r"(?<=;)", script):
        pending += piece
        if sqlite3.complete_statement(pending):
            statements.append(pending.strip())
            pending = ""
    if _is_code(pending):
        statements.append(pending.strip())
    return statements


def _is_code(text: str) -> bool:
    return bool(re.sub(r"--[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL).strip())


def _rule(columns: int) -> str:
    return "|".join(["---"] * columns)


def _tidy(line: str) -> str:
    line = line.strip()
    if len(line) > 1 and line[0] == line[-1] == "|":
        line = line[1:-1]
    cells = line.split("|")
    if _RULE.fullmatch(line):
        return _rule(len(cells))
    return " | ".join(cell.strip() for cell in cells)


def _text(value: object) -> str:
    if value is None:
        return _NULL
    return f"x'{value.hex()}'" if isinstance(value, bytes) else str(value)
