"""Suggest what was probably meant when a name is unknown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from inspect import signature
from typing import Any, TypeAlias

from lix_vtab.errors import ColumnNotFound
from lix_vtab.execution.catalogue import Catalogue, Table
from lix_vtab.execution.tokens import identifier, tokenize
from lix_vtab.model.patterns import pattern

__all__ = [
    "Functions",
    "column_hint",
    "function_hint",
    "nearest",
    "sql_hint",
    "table_hint",
    "unknown_column",
]

Functions: TypeAlias = Mapping[str, Callable[..., Any]]
"""SQL functions of ours by name."""

_FUNCTION = pattern(r"no such function: (\w+)|wrong number of arguments to function (\w+)\(\)")
_INTERNAL = "lix_internal_"
_LISTED = "SELECT name FROM pragma_table_list lists the tables"

# what SQLite says in so many words, and what helps
_WORDS = (
    (r"table .+ has \d+ columns but .*|\d+ values for \d+ columns",
     "name the columns, one for each value: INSERT INTO t(a, b) VALUES (1, 2)"),
    (r"ambiguous column name: .*", "write the name of its table and a dot before it"),
    (r"(?:table|view|index|trigger) .+ already exists|there is already .*",
     "choose another name, or write IF NOT EXISTS"),
    (r"malformed JSON", "json_valid(x) tells what is JSON"),
    (r"no such savepoint: .*", "SAVEPOINT name begins one"),
    (r"cannot (?:commit|rollback) - no transaction is active", "BEGIN starts a transaction"),
    (r"cannot start a transaction within a transaction",
     "COMMIT or ROLLBACK the open one first; SAVEPOINT nests"),
    (r"cannot (?:VACUUM|DETACH).*", "COMMIT or ROLLBACK the open transaction first"),
)  # fmt: skip


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that reads most like `name`, None when none comes near.

    >>> nearest("lix_flie", ["lix_state", "lix_file"])
    'lix_file'
    """
    import difflib  # only mistakes need it

    by_lower = {candidate.lower(): candidate for candidate in candidates}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return by_lower[found[0]] if found else None


def table_hint(name: str, catalogue: Catalogue) -> str:
    """Return a hint for an unknown table: one that may be read, or where they are listed."""
    bare = name.rpartition(".")[2].lower().replace(_INTERNAL, "lix_")
    found = nearest(bare, (table for table in catalogue.tables if not table.startswith(_INTERNAL)))
    return f"did you mean {found}?" if found else _LISTED


def function_hint(message: str, functions: Functions) -> str | None:
    """Return a hint for a function that does not exist, or takes other arguments.

    >>> function_hint("wrong number of arguments to function f()", {"f": lambda a, b=1: 0})
    'f(a, [b])'
    """
    match = _FUNCTION.fullmatch(message)
    if match is None:
        return None
    name = match[1] or match[2]
    if match[2] is None:
        found = nearest(name, functions)
        return f"did you mean {found}()?" if found else "SELECT name FROM pragma_function_list"
    call = functions.get(name.lower())
    if call is None:
        return "https://www.sqlite.org/lang_corefunc.html lists SQLite's own"
    given = signature(call).parameters.values()
    listed = (one.name if one.default is one.empty else f"[{one.name}]" for one in given)
    return f"{name}({', '.join(listed)})"


def sql_hint(message: str) -> str | None:
    """Return a hint for what SQLite says in words of its own.

    >>> sql_hint("cannot commit - no transaction is active")
    'BEGIN starts a transaction'
    """
    found = (hint for words, hint in _WORDS if re.fullmatch(words, message, re.DOTALL))
    return next(found, None)


def column_hint(name: str, catalogue: Catalogue, sql: str) -> str | None:
    """Return a hint for an unknown column, from the lix tables the statement names."""
    bare = name.rpartition(".")[2]
    words = {identifier(token) for token in tokenize(sql)}
    tables = [table for word in words if (table := catalogue.find(word)) is not None]
    return _column_hint(bare, sorted(tables, key=lambda table: table.name))


def _column_hint(name: str, tables: list[Table]) -> str | None:
    for table in tables:
        hint = _entity_hint(name.lower().removeprefix("lixcol_"), table)
        if hint:
            return hint
    owner = {column: table for table in tables for column in (*table.columns, *table.hidden)}
    found = nearest(name, owner)
    if found:
        return f"did you mean {owner[found].name}.{found}?"
    if len(tables) == 1:
        return f"columns of {tables[0].name}: {', '.join(tables[0].columns)}"
    return None


def _entity_hint(name: str, table: Table) -> str | None:
    """Say what takes the place of a column of `lix_state` in the table of a schema."""
    if "INSERT" in table.refuses or not table.has_column("lixcol_schema_key"):
        return None
    if name == "snapshot_content":
        return (
            f"{table.name} has a column for each property: it cannot set snapshot_content "
            "directly; set schema properties instead"
        )
    if name == "version_id" and not table.has_column("lixcol_version_id"):
        return (
            f"{table.name}_by_version has lixcol_version_id; {table.name} cannot set version_id; "
            "version scope is resolved by the view/schema"
        )
    return None


def unknown_column(name: str, table: Table, *, inserting: bool = False) -> ColumnNotFound:
    """Return the error for a column `table` does not have, in SQLite's words."""
    return ColumnNotFound(
        f"table {table.name} has no column named {name}"
        if inserting
        else f"no such column: {name}",
        hint=_column_hint(name, [table]),
        details={"column": name, "table": table.name},
    )
